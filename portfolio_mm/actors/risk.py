"""The risk actor: answers requests for permits, and kills. What must survive is on disk before anything acts on it.

Every look (on request and on its own timer) ends in the same order: marks to disk, a new kill to disk, then the words
to the gateway. When the disk fails no permit is given, so the gateway stops by itself.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.actors.account_snapshot import snapshot_of
from portfolio_mm.actors.high_water import HighWaterMarks
from portfolio_mm.actors.hub_link import HubLink
from portfolio_mm.actors.messages import Answer, Ask, KillOrder, PermitAnswer, PermitRequest, View
from portfolio_mm.actors.persevere import first_of, persevere
from portfolio_mm.actors.topology import RISK, Directory
from portfolio_mm.domain.errors import AlreadyRunningError, StateError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import LimitSet
from portfolio_mm.risk.authority import Authority, Review
from portfolio_mm.risk.drawdown import accepted, first_marks, next_marks
from portfolio_mm.risk.kill_switch import Latch
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.storage.state_store import StateStore

LOG: Final = logging.getLogger(__name__)
TIMER_S: Final = 0.25
ROLE: Final = "risk"


class RiskConfig(msgspec.Struct, frozen=True):
    """What one account's risk actor is told. Paths, never secrets."""

    account: str
    state_db: str
    token_file: str
    limits: LimitSet
    rules: Rules
    instruments: tuple[Instrument, ...]


class Risk:
    """The permit authority of one account."""

    def __init__(self, config: RiskConfig, directory: Directory) -> None:
        self._config = config
        self._instruments: Mapping[str, Instrument] = {each.coin: each for each in config.instruments}
        self._link = HubLink(directory, Path(config.token_file), role=ROLE, name=RISK)
        self._store: StateStore | None = None
        self._authority: Authority | None = None
        self._high_water: HighWaterMarks | None = None
        self._asked = ""
        self._owed: Latch | None = None
        """A kill that the disk has refused so far; this process permits nothing before it is there."""
        self._view: View | None = None
        self._stopping = asyncio.Event()
        self._answered = 0

    async def run(self) -> None:
        """Serve until stopped; while the state file cannot be trusted nothing is permitted."""
        await persevere(RISK, self._once, self._stopping)

    async def _once(self) -> None:
        """Read what is on disk, then serve."""
        store = StateStore(Path(self._config.state_db))
        self._store = store
        try:
            if self._owed is not None:
                self._latch(store, self._owed)
            epoch = store.take(ROLE, self._config.account, f"process {os.getpid()}", _now_ms())
            killed = store.kill_state()
            latch = Latch(killed.reason, killed.when_ms) if killed else Latch()
            self._authority = Authority(epoch, self._config.limits, self._config.rules, latch)
            self._high_water = HighWaterMarks(store, self._config.account)
            self._link.epoch = epoch
            LOG.info("risk epoch %d, %s", epoch, f"killed: {latch.reason}" if latch.killed else "not killed")
            await first_of(self._stopping, self._serve(), self._tick())
        finally:
            await self._link.close()
            self._store, self._authority = None, None
            store.close()

    async def stop(self) -> None:
        """End `run`; permits run out by themselves."""
        self._stopping.set()

    def status(self) -> dict[str, str | int | float | bool]:
        """Where the authority stands."""
        latch = self._authority.latch if self._authority is not None else Latch()
        return {
            "hub": self._link.connected,
            "killed": latch.killed,
            "reason": latch.reason,
            "answered": self._answered,
            "epoch": self._link.epoch,
        }

    async def kill(self, reason: str) -> str:
        """Latch the kill switch, on disk first, then tell the gateway. Also the second path, by Ray call."""
        authority, store = self._ready()
        self._asked = reason or "no reason given"
        latch = authority.kill(self._asked, _now_ms())
        self._latch(store, Latch(self._asked, latch.when_ms))
        return f"killed: {latch.reason}"

    def _latch(self, store: StateStore, latch: Latch) -> None:
        """On disk first, then the words; a broken disk delays the latch, never the words.

        Raises:
            StateError: the disk refuses; the next life begins with this latch.
        """
        self._owed = latch
        try:
            store.latch_kill(latch.reason, latch.when_ms)
            self._owed = None
        finally:
            self._link.send(KillOrder(latch.reason))
            LOG.error("killed: %s", latch.reason)

    async def resume(self, who: str) -> str:
        """Open the latch in a person's name; empty when done, else why not."""
        authority, store = self._ready()
        refusal = authority.resume(who)
        if refusal:
            return refusal
        if self._high_water is not None and self._high_water.marks is not None:
            self._high_water.keep(accepted(self._high_water.marks), time.monotonic_ns(), _now_ms())
        store.clear_kill(who, _now_ms())
        self._asked = ""
        LOG.warning("%s resumed trading", who)
        return ""

    def _ready(self) -> tuple[Authority, StateStore]:
        if self._authority is None or self._store is None:
            msg = "the risk actor has not read its state yet; nothing is permitted meanwhile"
            raise StateError(msg)
        return self._authority, self._store

    async def _serve(self) -> None:
        async with contextlib.aclosing(self._link.frames()) as frames:
            async for frame in frames:
                match frame:
                    case PermitRequest():
                        self._view = frame.view
                        review = self._look()
                        self._link.send(PermitAnswer(frame.gateway_epoch, frame.asked_ns, review.permit))
                        self._answered += 1
                    case View():
                        self._view = frame
                    case Ask(what="kill"):
                        self._link.send(Answer("kill", done=True, text=await self.kill(frame.reason)))
                    case Ask(what="resume"):
                        refusal = await self.resume(frame.reason)
                        self._link.send(Answer("resume", done=not refusal, text=refusal or "trading may resume"))
                    case _:
                        continue

    async def _tick(self) -> None:
        """Look also when nobody asks, so that a kill does not wait for the gateway."""
        while True:
            await asyncio.sleep(TIMER_S)
            self._look()

    def _look(self) -> Review:
        """One review; a kill it decides is on disk and on its way to the gateway when this returns."""
        authority, store = self._ready()
        self._check_owner(store)
        if self._owed is not None:
            self._latch(store, self._owed)
        latched = store.kill_state()
        if latched is not None and not authority.latch.killed:  # another process of this account latched it
            authority.kill(latched.reason, latched.when_ms)
            self._link.send(KillOrder(latched.reason))
        review = authority.review(self._snapshot(), time.monotonic_ns(), _now_ms())
        if review.kill:
            self._latch(store, Latch(review.kill, authority.latch.when_ms))
        return review

    def _check_owner(self, store: StateStore) -> None:
        """A risk actor that was superseded ends at once: it would overwrite its successor's marks with its own.

        Raises:
            AlreadyRunningError: another one took over.
        """
        owner = store.owner(ROLE, self._config.account)
        if owner is None or owner.epoch != self._link.epoch:
            self._stopping.set()
            msg = f"another risk actor took over: {owner}"
            raise AlreadyRunningError(msg)

    def _snapshot(self) -> Snapshot | None:
        """What is known now; marks that moved are on disk when this returns."""
        view, high_water = self._view, self._high_water
        if view is None or not view.reconciled or high_water is None:
            return None
        now_ms = view.venue_ms or _now_ms()
        reading = (now_ms, view.equity_usd, view.net_transfers_usd)
        marks = first_marks(*reading) if high_water.marks is None else next_marks(high_water.marks, *reading)
        high_water.keep(marks, time.monotonic_ns(), _now_ms())
        return snapshot_of(view, marks, self._instruments, self._asked)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
