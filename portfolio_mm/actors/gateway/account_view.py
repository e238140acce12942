"""Equity between two readings of the account: the last reading, plus what marks, fills, funding, transfers did since.

Exact as long as our marks are the venue's: the reading's own marks come out of its position notionals.
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from portfolio_mm.actors.gateway.headroom import Book, pot_views
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote, FundingNote
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.actors.view_rows import PotView
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import SIGN, USD_1E8
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.hyperliquid.collateral import fees_on
from portfolio_mm.hyperliquid.user import Fill, Funding
from portfolio_mm.models.liquidation import Tiers

Held = dict[str, tuple[float, float]]
"""Size and mark by coin."""
NEVER_S: Final = 1e9
"""Age of what was never heard; finite, because JSON has no infinity."""
POTS_NS: Final = 1_000_000_000
KEPT_FOREIGN: Final = 10_000
NO_COIN: Final = ""
"""Of money that moved without a coin."""


class AccountView:
    """The account as last read, carried forward."""

    def __init__(self, ledger: Ledger, market: Market, start_equity_usd: float | None = None) -> None:
        self._ledger = ledger
        self._market = market
        self._read_ns = 0
        self._flows: deque[tuple[int, float, str]] = deque(maxlen=100_000)
        self._held: Held = {}
        self._pots: tuple[PotView, ...] = ()
        self._pots_ns = 0
        self._foreign: dict[tuple[int, str, int], tuple[int, float]] = {}
        self.tiers: dict[str, Tiers] = {}
        """Margin tiers by coin, as the venue lists them; a coin without counts as one tier."""
        self.truth: AccountTruth | None = None
        self._started = start_equity_usd is not None
        self.start_equity_usd = start_equity_usd or 0.0

    def read(self, truth: AccountTruth) -> None:
        """Take over a reading."""
        self.truth = truth
        self._read_ns = time.monotonic_ns()
        self._pots_ns = 0
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
        self._market.apart = self.ledgers()

    def ledgers(self) -> list[tuple[tuple[int, ...], float]]:
        """For `Market.apart`: coins that share a ledger, and its equity now, where there is more than one."""
        truth = self.truth
        if truth is None or sum(bool(pot.dexes) for pot in truth.pots) < 2:
            return []
        found = []
        for pot in truth.pots:
            coins = tuple(each for each in self._ledger.instruments if each.dex in pot.dexes)
            apart = [one for one in truth.pots if one.coin and any(one.coin == each.coin for each in coins)]
            equity = sum(one.equity_1e8 for one in (pot, *apart)) / USD_1E8
            if coins:
                found.append((tuple(each.index for each in coins), equity + self._gained_on(coins)))
        return found

    def fill(self, note: FillNote) -> None:
        """Cash that moved with a fill."""
        instrument = self._ledger.instruments[note.coin]
        paid = SIGN[note.side] * instrument.sz(note.sz_lots) * instrument.px(note.px_ticks)
        self._flows.append((note.venue_ms, -paid - note.fee_1e8 / USD_1E8, instrument.coin))

    def funding(self, note: FundingNote) -> None:
        """Cash that moved by funding."""
        coin = self._ledger.instruments[note.coin].coin
        self._flows.append((note.venue_ms, note.payment_1e8 / USD_1E8, coin))

    def transfer(self, moved_1e8: int, at_ms: int) -> None:
        """Cash that came or went without trading; a reading of that time or later contains it."""
        self._flows.append((at_ms, moved_1e8 / USD_1E8, NO_COIN))

    def foreign(self, item: Fill | Funding) -> bool:
        """Money realised on a perp of nobody here, as when a person trades beside us: it explains a step of equity.

        Whether it was one, and a new one.
        """
        if self._ledger.index(item.coin) is not None or not item.coin[:1].isalpha() or "/" in item.coin:
            return False
        if isinstance(item, Fill):
            key, usd_1e8 = item.tid, item.closed_pnl_1e8 - item.fee_1e8
        else:
            key, usd_1e8 = 0, item.payment_1e8
        new = (item.time_ms, item.coin, key) not in self._foreign
        self._foreign[item.time_ms, item.coin, key] = (item.time_ms, usd_1e8 / USD_1E8)
        if len(self._foreign) > KEPT_FOREIGN:
            self._foreign.pop(next(iter(self._foreign)))
        return new

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
        gained = sum(usd for at_ms, usd, _ in self._flows if at_ms > truth.time_ms)
        return gained + sum(self._marked_usd(each, held, ahead=ahead) for each in self._ledger.instruments)

    def _marked_usd(self, instrument: Instrument, held: Held, *, ahead: bool = False) -> float:
        """What a position is worth more than at the reading, bought or sold lots at their whole price."""
        size, mark_then = held.get(instrument.coin, (0.0, 0.0))
        mark_now = self._market.mark_px[instrument.index] or mark_then
        position = self._ledger.positions[instrument.index]
        lots = position.szi_lots + (position.ahead if ahead else 0)
        return instrument.sz(lots) * mark_now - size * mark_then

    def _gained_on(self, instruments: Sequence[Instrument]) -> float:
        """Gain since the reading on some coins, transfers apart: nobody says here which ledger they went to."""
        if self.truth is None:
            return 0.0
        names = {each.coin for each in instruments}
        flows = sum(usd for at_ms, usd, coin in self._flows if coin in names and at_ms > self.truth.time_ms)
        return flows + sum(self._marked_usd(each, self._held) for each in instruments)

    def pots(self) -> tuple[PotView, ...]:
        """Every pot of money, with its distance from liquidation, at most POTS_NS old: 50 coins take milliseconds."""
        truth, now_ns = self.truth, time.monotonic_ns()
        if truth is None:
            return ()
        if now_ns - self._pots_ns < POTS_NS:
            return self._pots
        instruments = self._ledger.instruments

        def gained(coins: tuple[str, ...]) -> float:
            return self._gained_on([each for each in instruments if each.coin in coins])

        self._pots_ns = now_ns
        self._pots = pot_views(Book(truth, self._ledger, self._market, self.tiers), gained)
        return self._pots

    def fees_bps(self, coin: int) -> tuple[float, float]:
        """Maker and taker fee of one coin as charged; zero before the first reading."""
        if self.truth is None:
            return 0.0, 0.0
        return fees_on(self.truth.maker_fee_bps, self.truth.taker_fee_bps, self._ledger.instruments[coin])

    def free_on_usd(self, coin: int) -> float:
        """Free collateral where one coin takes its margin from."""
        if self.truth is None or sum(bool(pot.dexes) for pot in self.truth.pots) < 2:
            return self.free_usd
        dex = self._ledger.instruments[coin].dex
        pot = self.truth.pot_of(dex)
        mates = [each for each in self._ledger.instruments if each.dex == dex]
        return 0.0 if pot is None else max(0.0, pot.free_1e8 / USD_1E8 + self._gained_on(mates))

    def step_usd(self, truth: AccountTruth) -> float:
        """How far equity would jump if this reading were taken now, positions in coins of nobody here apart.

        Fills that came behind a reading, without being in it, explain a position as others do.
        """
        if self.truth is None:
            return 0.0
        after_usd = truth.equity_usd + self._gained_usd(truth, _held(truth), ahead=True)
        foreign_usd = self._foreign_usd(truth) - self._foreign_usd(self.truth)
        known_ms = self.truth.time_ms
        foreign_usd += sum(usd for at_ms, usd in self._foreign.values() if known_ms < at_ms <= truth.time_ms)
        return after_usd - self.equity_usd - foreign_usd

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
