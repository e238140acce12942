"""A run without sockets, actors and clocks: a flow's own books, every coin's page, the portfolio's loop, venue time.

What the gateway does is kept to what money depends on: answers one block later, the action price at the last hop,
fees, positions, the count of actions. Seeded; minutes of trading take seconds.
"""

from collections import Counter
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.actors.allocation_inputs import allocation_message
from portfolio_mm.actors.budget_view import BudgetView
from portfolio_mm.actors.coin_books import Books
from portfolio_mm.actors.coin_report import report_of
from portfolio_mm.actors.coin_state import fresh_coin
from portfolio_mm.actors.gateway.allotment import Allotment
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.planner import Planner
from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import EVENT, LAST, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import NS_PER_MS
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.why import Reason
from portfolio_mm.matching.market import Fill, NewOrder, Tif
from portfolio_mm.portfolio.allocator import Allocator
from portfolio_mm.settings.plan import Plan
from portfolio_mm.venue.flows.flow import CoinBlock, Flow
from tests.actors.sample import view

BLOCK_MS: Final = 100
WIRE_MS: Final = 40
FOREVER_NS: Final = 10**18
OWNER: Final = 1
DAY_MS: Final = 86_400_000
DAY_CAP: Final = 50_000
FIRST_REQUESTS: Final = 10_000


class Desk:
    """One coin: its state, its orders at the venue, what it sent."""

    def __init__(self, instrument: Instrument, n_coins: int, plan: Plan) -> None:
        self.instrument = instrument
        self.state, self.params = fresh_coin(instrument, n_coins, plan)
        self.books = Books(instrument.index)
        self.orders: dict[tuple[int, int], tuple[int, Any]] = {}
        self.waiting: list[Any] = []
        self.why: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.lots = 0


class Economy:
    """Several coins, one account, one flow."""

    def __init__(
        self, flow: Flow, plan: Plan, *, fee_bps: float = 1.5, unified: bool = False, hours_into_day: float = 0.0
    ) -> None:
        self.flow, self.plan, self.fee_bps, self.unified = flow, plan, fee_bps, unified
        self.instruments = flow.instruments()
        self.markets = flow.markets()
        self.desks = [Desk(each, len(self.instruments), plan) for each in self.instruments]
        self.by_coin = {desk.instrument.coin: desk for desk in self.desks}
        self.now_ms = flow.start_ms
        self.day_left_s = 86_400.0 - hours_into_day * 3_600.0
        self.start_ms = flow.start_ms
        self.day_used = self.actions = self.placed = self.modified = self.cancelled = 0
        self.volume_usd = 0.0
        self.fills = 0
        self.refused: Counter[str] = Counter()
        self.prices: list[float] = []
        self.price_usd = 0.0
        self.spent_at: list[int] = []
        self._oid = 0
        self._by_oid: dict[int, tuple[Desk, tuple[int, int]]] = {}
        self._out = np.zeros(MAX_COMMANDS, COMMAND)
        self._allotment = Allotment(self.instruments)
        self._version = 0
        self.planner = Planner(plan, self.instruments)
        self._allocator = Allocator(len(self.desks), self.planner.rules())
        self._begin()

    # -- telling the coins ---------------------------------------------------------------------------------------

    def _now_ns(self) -> int:
        return (self.now_ms - self.start_ms + 10_000) * NS_PER_MS

    def _hear(self, desk: Desk, rows: Any) -> None:
        rows["recv_ns"] = self._now_ns() + WIRE_MS * NS_PER_MS
        for i in range(len(rows)):
            for j in range(step(rows, i, desk.state, desk.params, self._out)):
                desk.waiting.append(self._out[j].copy())

    def _tell(self, desk: Desk, kind: EventKind, **fields: Any) -> None:
        row = np.zeros(1, EVENT)
        row["kind"], row["coin"] = kind, desk.instrument.index
        for name, value in fields.items():
            row[name] = value
        self._hear(desk, row)

    def _begin(self) -> None:
        for desk in self.desks:
            self._tell(desk, EventKind.SYNC, oid=1, tid=7, bits=LAST)
            self._tell(desk, EventKind.ACCOUNT, px=1e4, px2=1e4, sz=self.fee_bps, sz2=4.5)
            self._tell(desk, EventKind.PERMIT, status=RiskState.GREEN, oid=FOREVER_NS, seq=1)
            self._book(desk, EventKind.BOOK)

    def _book(self, desk: Desk, kind: EventKind) -> None:
        row, market, grid = np.zeros(1, EVENT), self.markets[desk.instrument.coin], desk.instrument
        row["kind"], row["coin"], row["venue_ms"], row["bits"] = kind, grid.index, self.now_ms, LAST
        for name, levels in zip(("bid", "ask"), market.levels(5 if kind is EventKind.BOOK else 1), strict=True):
            for n, level in enumerate(levels):
                row[f"{name}_px"][0, n], row[f"{name}_sz"][0, n] = grid.px(level.px_ticks), grid.sz(level.sz_lots)
            row[f"{name}_ticks"] = levels[0].px_ticks if levels else 0
        if row["bid_ticks"][0] and row["ask_ticks"][0]:
            self.planner.mids[grid.index] = 0.5 * (row["bid_px"][0, 0] + row["ask_px"][0, 0])
            self._hear(desk, row)

    # -- one block -----------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Trade for so long in venue time."""
        for _ in range(round(seconds * 1e3 / BLOCK_MS)):
            self.now_ms += BLOCK_MS
            for desk in self.desks:
                waiting, desk.waiting = desk.waiting, []
                for command in sorted(waiting, key=lambda each: each["kind"] == CommandKind.CANCEL, reverse=True):
                    self._act(desk, command)
            happened = {row.coin: row for row in self.flow.advance(self.now_ms).coins}
            for desk in self.desks:
                self._after(desk, happened.get(desk.instrument.coin))
            turn = (self.now_ms - self.start_ms) // BLOCK_MS
            if turn % 10 == 0:
                self.planner.sample(self._now_ns())
                self._sample()
            if turn == 10 or turn % round(self.plan.portfolio.every_s * 1e3 / BLOCK_MS) == 0:
                self._allocate()

    def _after(self, desk: Desk, block: CoinBlock | None) -> None:
        grid = desk.instrument
        if block is not None:
            for fill in block.fills:
                self._filled(desk, fill)
            if block.context is not None:
                ticks = grid.ticks(block.context.mark_px)
                self._tell(desk, EventKind.CONTEXT, px=block.context.mark_px, px_ticks=ticks, bits=LAST)
            for n, print_ in enumerate(block.prints):
                last = LAST if n + 1 == len(block.prints) else 0
                px, sz = grid.px(print_.px_ticks), grid.sz(print_.sz_lots)
                side = print_.aggressor_side
                self._tell(desk, EventKind.TRADE, venue_ms=self.now_ms, side=side, px=px, sz=sz, bits=last)
        if (self.now_ms - self.start_ms) % 500 == 0:
            self._book(desk, EventKind.BOOK)
        elif block is not None and block.bbo_changed:
            self._book(desk, EventKind.BBO)
        self._tell(desk, EventKind.TIMER)

    def _filled(self, desk: Desk, fill: Fill) -> None:
        known = self._by_oid.get(fill.maker_oid)
        if known is None:
            return
        _, key = known
        oid, command = desk.orders[key]
        sign = 1 - 2 * int(command["side"])
        usd = fill.px_ticks * fill.sz_lots * 1e-6
        fee_1e8 = round(usd * self.fee_bps * 1e-4 * 1e8)
        desk.lots += sign * fill.sz_lots
        self.volume_usd += usd
        self.fills += 1
        for each in self.desks:
            self._tell(
                each,
                EventKind.FILL,
                coin=desk.instrument.index,
                side=command["side"],
                px_ticks=fill.px_ticks,
                sz_lots=fill.sz_lots,
                fee_1e8=fee_1e8,
                venue_ms=self.now_ms,
                cloid_hi=command["cloid_hi"],
                cloid_lo=command["cloid_lo"],
            )
        if self.markets[desk.instrument.coin].remaining(oid) == 0:
            del desk.orders[key], self._by_oid[oid]

    # -- orders at the venue -------------------------------------------------------------------------------------

    def _spend(self) -> None:
        self.actions += 1
        self.day_used += 1
        self.spent_at.append(self.now_ms)

    def _act(self, desk: Desk, command: Any) -> None:
        key = (int(command["cloid_hi"]), int(command["cloid_lo"]))
        target = (int(command["target_hi"]), int(command["target_lo"]))
        if command["kind"] == CommandKind.CANCEL:
            self.cancelled += 1
            self._spend()
            if self._remove(desk, target):
                self._answer(desk, command, target, OrderEvent.CANCELLED)
            return
        is_place = command["kind"] == CommandKind.PLACE
        if command["gain_usd"] < self.price_usd:
            self.refused["PRICED_OUT"] += 1
            status = OrderEvent.REFUSED if is_place else OrderEvent.MODIFY_FAILED
            self._answer(desk, command, key, status, int(Refusal.PRICED_OUT))
            return
        self._spend()
        if is_place:
            self.placed += 1
        else:
            self.modified += 1
            if not self._remove(desk, target):
                self._answer(desk, command, key, OrderEvent.REFUSED, int(Refusal.GONE))
                return
        self._oid += 1
        order = NewOrder(
            self._oid, OWNER, int(command["side"]), int(command["px_ticks"]), int(command["sz_lots"]), Tif.ALO
        )
        if self.markets[desk.instrument.coin].place(order).crossed:
            self.refused["WOULD_CROSS"] += 1
            self._answer(desk, command, key, OrderEvent.REFUSED, int(Refusal.WOULD_CROSS))
            if not is_place:
                self._answer(desk, command, target, OrderEvent.CANCELLED)
            return
        desk.orders[key] = (self._oid, command)
        self._by_oid[self._oid] = (desk, key)
        self._answer(desk, command, key, OrderEvent.ACCEPTED if is_place else OrderEvent.REPLACED, self._oid)

    def _remove(self, desk: Desk, key: tuple[int, int]) -> bool:
        found = desk.orders.pop(key, None)
        if found is None:
            return False
        self._by_oid.pop(found[0])
        return self.markets[desk.instrument.coin].cancel(found[0]) > 0

    def _answer(self, desk: Desk, command: Any, key: tuple[int, int], status: OrderEvent, oid: int = 0) -> None:
        self._tell(
            desk,
            EventKind.ORDER,
            status=status,
            oid=oid,
            cloid_hi=key[0],
            cloid_lo=key[1],
            side=command["side"],
            level=command["level"],
            px_ticks=command["px_ticks"],
            sz_lots=command["sz_lots"],
        )

    # -- the portfolio -------------------------------------------------------------------------------------------

    def _view(self) -> View:
        reports = tuple(report_of(d.instrument, d.state, d.params, d.books, malformed=0) for d in self.desks)
        used_s = (self.now_ms - self.start_ms) / 1e3
        venue_ms = round((86_400 - self.day_left_s + used_s) * 1e3)
        budget = BudgetView(
            self.actions,
            FIRST_REQUESTS + int(self.volume_usd),
            self.day_used,
            DAY_CAP if self.unified else 0,
            0,
            1_200,
            self.price_usd,
        )
        return msgspec.structs.replace(
            view(),
            mono_ns=self._now_ns(),
            venue_ms=venue_ms,
            coins=reports,
            maker_fee_bps=self.fee_bps,
            budget=budget,
            placed=self.placed,
            modified=self.modified,
            cancelled=self.cancelled,
            volume_usd=self.volume_usd,
        )

    def _allocate(self) -> None:
        terms = self.planner.round(self._view())
        result = self._allocator.allocate(terms.coins, terms.account, terms.covariance_bps2_per_s)
        self._version += 1
        message = allocation_message(result, terms.actions, epoch=1, version=self._version, valid_ns=30 * 10**9)
        self._allotment.take(message, self._now_ns())
        self.price_usd = message.action_price_usd
        self.prices.append(message.action_price_usd)
        self.message = message
        for desk in self.desks:
            self._hear(desk, self._allotment.rows(desk.instrument.index, self._now_ns(), 1e9, self.price_usd))

    def _sample(self) -> None:
        for desk in self.desks:
            for side in range(2):
                desk.why[side][Reason(int(desk.state["quote"]["why"][0, side])).name] += 1

    # -- reading -------------------------------------------------------------------------------------------------

    def two_sided_s(self, desk: Desk) -> float:
        """Seconds with an order at the venue on both sides, as the coin counts them."""
        return float(desk.state["counters"]["two_sided_s"][0])

    def rate_per_s(self, last_s: float) -> float:
        """Actions a second over the last seconds."""
        return sum(1 for ms in self.spent_at if ms > self.now_ms - last_s * 1e3) / last_s

    def silence(self) -> dict[str, Counter[str]]:
        """Seconds by reason, both sides together."""
        return {desk.instrument.coin: desk.why[0] + desk.why[1] for desk in self.desks}
