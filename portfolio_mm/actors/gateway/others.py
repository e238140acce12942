"""What others did, counted, said once, and judged: which order may stay, and whether another instance is alive.

A second instance (E6) is recognised by its cloids: they carry the run, and a run this store never had is not ours. Of
two that are alive the younger one gives up; run numbers are start seconds, so both see the same one as younger.
"""

import logging
import time
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from portfolio_mm.actors.gateway.causes import FORCED, WORDS, Cause
from portfolio_mm.actors.gateway.notes import OrphanNote
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY

LOG: Final = logging.getLogger(__name__)
YIELD_MS: Final = 10_000
"""So long a younger instance may take to give up and cancel its own; what is older than that is cancelled for it."""
NEVER_S: Final = 1e9


class Verdict(IntEnum):
    """What to do with an order nobody here placed."""

    CANCEL = 0
    LEAVE = 1
    """It is not touched, and counts in the worst case."""


class Others:
    """One life's record of what others did."""

    def __init__(
        self, run: int, own_runs: Collection[int], instruments: tuple[Instrument, ...], *, tolerate: bool
    ) -> None:
        self._run = run
        self._own = frozenset(own_runs) | {run}
        self._instruments = instruments
        self._tolerate = tolerate
        self._met: set[int] = set()
        self.counts: Final[Counter[Cause]] = Counter()
        self.last_text = ""
        self._at_ns: dict[Cause, int] = {}
        self.reread = False
        """A position changed without an order of ours: somebody must read everything again."""
        self.alive_from_ms = 1 << 62
        """Orders of other runs placed after this block time are signs of life; earlier ones are left over."""
        self.superior = ""
        """What an older living instance was seen to do; not empty means that we must give up."""

    def count(self, cause: Cause, what: str) -> None:
        """Something happened; the first of its kind is said at once, the others are only counted."""
        if cause is Cause.OURS:
            return
        self.counts[cause] += 1
        self.last_text = f"{WORDS[cause]}: {what}"
        if self.counts[cause] == 1:
            LOG.warning("%s", self.last_text)
        self._at_ns[cause] = time.monotonic_ns()
        self.reread = self.reread or cause in FORCED

    def age_s(self, cause: Cause) -> float:
        """Seconds since it happened last; NEVER_S when it did not."""
        at_ns = self._at_ns.get(cause)
        return NEVER_S if at_ns is None else (time.monotonic_ns() - at_ns) / 1e9

    def foreign_run(self, key: tuple[int, int]) -> int:
        """Run of a cloid of our scheme that this store never had; 0 for all others."""
        if not cloids.is_ours(key[0]):
            return 0
        run = cloids.decode(*key).run
        return 0 if run in self._own else run

    def judge(self, note: OrphanNote, now_ms: int) -> Verdict:
        """Whether an order nobody here placed may stay."""
        run = self.foreign_run(note.key)
        if run:
            return self._judge_instance(note, run, now_ms)
        if cloids.is_ours(note.key[0]):  # of an earlier life, or forgotten: it must go
            return Verdict.CANCEL
        self._once(Cause.MANUAL_ORDER, note, "tolerated" if self._tolerate else "cancelling it")
        return Verdict.LEAVE if self._tolerate else Verdict.CANCEL

    def _judge_instance(self, note: OrphanNote, run: int, now_ms: int) -> Verdict:
        if note.placed_ms <= self.alive_from_ms:
            return Verdict.CANCEL
        self._once(Cause.INSTANCE_ORDER, note, f"of its run {started(run)}")
        if run < self._run:
            self.superior = self.superior or f"{self.describe(note)} was placed by its run {started(run)}"
            return Verdict.LEAVE
        return Verdict.CANCEL if now_ms - note.placed_ms > YIELD_MS else Verdict.LEAVE

    def _once(self, cause: Cause, note: OrphanNote, what: str) -> None:
        """Each order is counted once, however often it is shown."""
        if note.oid not in self._met:
            self._met.add(note.oid)
            self.count(cause, f"{self.describe(note)}, {what}")

    def describe(self, note: OrphanNote) -> str:
        """An order in words."""
        instrument = self._instruments[note.coin]
        side = "buy" if note.side == BUY else "sell"
        return f"{side} {instrument.sz_text(note.sz_lots)} {instrument.coin} (oid {note.oid})"


def started(run: int) -> str:
    """A run and when it began."""
    return f"{run} (started {datetime.fromtimestamp(run, UTC):%Y-%m-%d %H:%M:%S} UTC)"
