"""Equity between two readings of the account: the last reading, plus what marks, fills, funding, transfers did since.

Exact as long as our marks are the venue's: the reading's own marks come out of its position notionals.
"""

import time
from collections import deque
from typing import Final

from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.units import SIGN, USD_1E8
from portfolio_mm.hyperliquid.account import AccountTruth

Held = dict[str, tuple[float, float]]
"""Size and mark by coin."""
NEVER_S: Final = 1e9
"""Age of what was never heard; finite, because JSON has no infinity."""


class AccountView:
    """The account as last read, carried forward."""

    def __init__(self, ledger: Ledger, market: Market, start_equity_usd: float | None = None) -> None:
        self._ledger = ledger
        self._market = market
        self._read_ns = 0
        self._flows: deque[tuple[int, float]] = deque(maxlen=100_000)
        self._held: Held = {}
        self.truth: AccountTruth | None = None
        self._started = start_equity_usd is not None
        self.start_equity_usd = start_equity_usd or 0.0

    def read(self, truth: AccountTruth) -> None:
        """Take over a reading."""
        self.truth = truth
        self._read_ns = time.monotonic_ns()
        self._flows = deque((flow for flow in self._flows if flow[0] > truth.time_ms), maxlen=100_000)
        self._held = _held(truth)
        for coin, (_, mark) in self._held.items():
            index = self._ledger.index(coin)
            if index is not None and self._market.mark_px[index] == 0.0:
                self._market.mark_px[index] = mark
        if not self._started:
            self._started = True
            self.start_equity_usd = truth.equity_usd
        self._market.equity_usd = self.equity_usd

    def fill(self, note: FillNote) -> None:
        """Cash that moved with a fill."""
        instrument = self._ledger.instruments[note.coin]
        paid = SIGN[note.side] * instrument.sz(note.sz_lots) * instrument.px(note.px_ticks)
        self._flows.append((note.venue_ms, -paid - note.fee_1e8 / USD_1E8))

    def funding(self, payment_1e8: int, at_ms: int) -> None:
        """Cash that moved by funding."""
        self._flows.append((at_ms, payment_1e8 / USD_1E8))

    def transfer(self, moved_1e8: int, at_ms: int) -> None:
        """Cash that came or went without trading; a reading of that time or later contains it."""
        self._flows.append((at_ms, moved_1e8 / USD_1E8))

    @property
    def age_s(self) -> float:
        """Seconds since the last reading."""
        return NEVER_S if self.truth is None else (time.monotonic_ns() - self._read_ns) / 1e9

    @property
    def mode(self) -> AccountMode:
        """Mode of the last reading; standard before the first."""
        return AccountMode.STANDARD if self.truth is None else self.truth.mode

    @property
    def change_usd(self) -> float:
        """Equity gained since the last reading."""
        return 0.0 if self.truth is None else self._gained_usd(self.truth, self._held)

    def _gained_usd(self, truth: AccountTruth, held: Held, *, ahead: bool = False) -> float:
        gained = sum(usd for at_ms, usd in self._flows if at_ms > truth.time_ms)
        for instrument in self._ledger.instruments:
            size, mark_then = held.get(instrument.coin, (0.0, 0.0))
            mark_now = self._market.mark_px[instrument.index] or mark_then
            position = self._ledger.positions[instrument.index]
            lots = position.szi_lots + (position.ahead if ahead else 0)
            gained += instrument.sz(lots) * mark_now - size * mark_then
        return gained

    def step_usd(self, truth: AccountTruth) -> float:
        """How far equity would jump if this reading were taken now, positions in coins of nobody here apart.

        Fills that came behind a reading, without being in it, explain a position as others do.
        """
        if self.truth is None:
            return 0.0
        after_usd = truth.equity_usd + self._gained_usd(truth, _held(truth), ahead=True)
        return after_usd - self.equity_usd - (self._foreign_usd(truth) - self._foreign_usd(self.truth))

    def _foreign_usd(self, truth: AccountTruth) -> float:
        return sum(p.unrealised_1e8 for p in truth.positions if self._ledger.index(p.coin) is None) / USD_1E8

    @property
    def slack_usd(self) -> float:
        """How far two readings may differ by moments: half a percent of positions, and two thousandths of equity."""
        gross = sum(
            abs(one.sz(self._ledger.positions[one.index].szi_lots)) * self._market.mark_px[one.index]
            for one in self._ledger.instruments
        )
        return 1.0 + 0.002 * abs(self.equity_usd) + 0.005 * gross

    @property
    def equity_usd(self) -> float:
        """Equity now; 0 before the first reading."""
        return 0.0 if self.truth is None else self.truth.equity_usd + self.change_usd

    @property
    def free_usd(self) -> float:
        """Free collateral now, as far as marks explain it."""
        return 0.0 if self.truth is None else max(0.0, self.truth.free_usd + self.change_usd)


def _held(truth: AccountTruth) -> Held:
    found: Held = {}
    for position in truth.positions:
        size = float(position.szi)
        found[position.coin] = (size, abs(position.notional_1e8 / USD_1E8 / size) if size else 0.0)
    return found
