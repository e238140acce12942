"""Positions: what the venue read out at some block time, plus every fill after that time, each exactly once.

A reading and a fill race each other. Block times order them: all fills of a block carry its time, so a reading taken at
time T contains the fills up to T and none after. A late fill that is older than the reading is already in it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.account import AccountTruth

FillKey = tuple[int, str, int]
KEPT_FILLS: Final = 20_000


class Traded(NamedTuple):
    """One fill as the position feels it: signed lots."""

    time_ms: int
    lots: int
    px: float


@dataclass(slots=True)
class Position:
    """One coin's position. `base_ms` is the block time of the reading below it, -1 before the first.

    `counted_lots` is the first reading of a life and every fill after it, whatever later readings say.
    `unexplained` are lots a reading brought that no fill had led to; `ahead` those of fills that came after a reading
    which contained them together with others that undo them: whoever counts fills alone is so far off until these come.
    """

    base_lots: int = 0
    base_ms: int = -1
    szi_lots: int = 0
    entry_px: float = 0.0
    counted_lots: int = 0
    counted_ms: int = -1
    unexplained: int = 0
    ahead: int = 0
    later: list[Traded] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether the venue was ever asked."""
        return self.base_ms >= 0

    def fill(self, traded: Traded) -> bool:
        """Apply one fill; False when the reading below already contains it."""
        if traded.time_ms > self.counted_ms >= 0:
            self.counted_lots += traded.lots
        if traded.time_ms <= self.base_ms:
            if self.unexplained * traded.lots > 0 and self.ahead * traded.lots >= 0:
                self.unexplained -= traded.lots
            else:
                self.ahead += traded.lots
            return False
        self.later.append(traded)
        self._trade(traded)
        return True

    def lots_at(self, at_ms: int) -> int:
        """What fills had led to at a block time."""
        return self.szi_lots - sum(traded.lots for traded in self.later if traded.time_ms > at_ms)

    def adopt(self, szi_lots: int, entry_px: float, at_ms: int) -> bool:
        """Take over a reading; True when it differs from what was told of fills. Older readings are ignored."""
        if at_ms < self.base_ms:
            return False
        before, told = self.szi_lots if self.known else szi_lots, self.szi_lots + self.ahead
        self.later = [traded for traded in self.later if traded.time_ms > at_ms]
        self.base_lots, self.base_ms = szi_lots, at_ms
        self.szi_lots, self.entry_px = szi_lots, entry_px
        for traded in self.later:
            self._trade(traded)
        if self.counted_ms < 0:
            self.counted_lots, self.counted_ms = self.szi_lots, at_ms
        self.unexplained += self.szi_lots - before
        self.ahead = 0
        return self.szi_lots != told

    def _trade(self, traded: Traded) -> None:
        """Average entry: grows with additions, stays on reductions, restarts when the position turns."""
        before, after = self.szi_lots, self.szi_lots + traded.lots
        if before * traded.lots >= 0 and after:
            self.entry_px = (self.entry_px * abs(before) + traded.px * abs(traded.lots)) / abs(after)
        elif before * after < 0:
            self.entry_px = traded.px
        elif after == 0:
            self.entry_px = 0.0
        self.szi_lots = after


class SeenFills:
    """Fills already counted, by (time, coin, tid): tid alone is not unique (HL §1.12). The oldest are forgotten.

    Fundings are counted the same way, under trade id 0. What is not younger than `began_ms` belongs to no one here: it
    was before the run.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[FillKey, None] = OrderedDict()
        self.began_ms = 0
        self.newest_ms = 0

    def is_new(self, key: FillKey) -> bool:
        """Whether this fill comes for the first time; from now on it does not."""
        if key in self._seen or key[0] <= self.began_ms:
            return False
        self._seen[key] = None
        self.newest_ms = max(self.newest_ms, key[0])
        if len(self._seen) > KEPT_FILLS:
            self._seen.popitem(last=False)
        return True


def lots_held(instruments: Sequence[Instrument], truth: AccountTruth) -> list[tuple[int, int, float]]:
    """Coin, lots and entry price of every coin of the run; those a reading does not list are flat."""
    held = {position.coin: position for position in truth.positions}
    rows = []
    for instrument in instruments:
        position = held.get(instrument.coin)
        lots, px = (0, 0.0) if position is None else (instrument.lots(position.szi), position.entry_px)
        rows.append((instrument.index, lots, px))
    return rows
