"""A venue as small as the ledger's proof needs: it matches at will and delivers its three channels in any order.

Answers, order rows and fill rows each keep their own order; between the channels there is none (HL §4.4).
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from portfolio_mm.actors.gateway.budgets import Budgets
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.dispatch import Dispatch
from portfolio_mm.actors.gateway.guard import Guard
from portfolio_mm.actors.gateway.latency import TickToWire
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.nonces import Nonces
from portfolio_mm.actors.gateway.notes import Note
from portfolio_mm.actors.gateway.others import Others
from portfolio_mm.actors.gateway.outbox import Outbox
from portfolio_mm.actors.gateway.own_order import Key, OwnOrder
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.wish import Approved, Wish
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.actors.messages import PermitAnswer
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.cloid import Cloid
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import CoinLimit, LimitSet, Permit, RiskState
from portfolio_mm.domain.units import SIGN
from portfolio_mm.hyperliquid.answer import Leg, LegState
from portfolio_mm.hyperliquid.user import Fill, OrderUpdate

RUN, EPOCH = 7, 3
MARK = 100.0
INSTRUMENT = Instrument("AAA", 0, 0, 2, 10)
"""A lot is 0.01 coins, so 1 USD at the mark."""


class MemoryStore:
    """Nonces that survive as long as the test."""

    def __init__(self) -> None:
        self.ceiling = 0

    def reserve_nonces(self, account: str, up_to_ms: int) -> int:  # noqa: ARG002 - one account
        self.ceiling = max(self.ceiling, up_to_ms)
        return self.ceiling

    def nonce_ceiling(self, account: str) -> int:  # noqa: ARG002 - one account
        return self.ceiling


@dataclass
class Resting:
    key: Key
    side: int
    left: int
    asked: int
    oid: int


@dataclass
class InFlight:
    """An action on its way to the venue."""

    approved: Approved | None = None
    cancel: OwnOrder | None = None


class Pretend:
    """The venue's truth, and the gateway's core fed from it."""

    def __init__(self, limit_usd: float) -> None:
        self.limit_usd = limit_usd
        self.ledger = Ledger((INSTRUMENT,))
        self.permits, self.market, self.clock = Permits(1), Market((5,)), VenueClock()
        self.budgets, self.outbox = Budgets(self.clock), Outbox()
        self.guard = Guard(self.ledger, self.permits, self.market, self.budgets, self.clock)
        self.told: list[Note] = []
        self.others = Others(RUN, (), (INSTRUMENT,), tolerate=False)
        self.desk = Desk(
            run=RUN,
            ledger=self.ledger,
            guard=self.guard,
            permits=self.permits,
            market=self.market,
            outbox=self.outbox,
            others=self.others,
            tell=self.told.extend,
            now_ns=lambda: self.now_ms * 10**10,
        )
        no_exchange: Any = None
        self.dispatch = Dispatch(
            exchange=no_exchange,
            outbox=self.outbox,
            ledger=self.ledger,
            desk=self.desk,
            permits=self.permits,
            nonces=Nonces(MemoryStore(), "key"),
            clock=self.clock,
            budgets=self.budgets,
            latency=TickToWire(),
            intent=lambda _: None,
        )
        self.dispatch.wake = lambda: None  # type: ignore[method-assign]
        self.now_ms, self.position, self.oids, self.tids, self.serial = 1_000_000, 0, 0, 0, 0
        self.resting: dict[Key, Resting] = {}
        self.network: list[InFlight] = []
        self.answers: deque[tuple[Approved, Leg | None]] = deque()
        self.rows: deque[OrderUpdate] = deque()
        self.fills: deque[Fill] = deque()
        self.readings: deque[tuple[int, int]] = deque()
        self._open_for_trading()

    def _open_for_trading(self) -> None:
        limits = LimitSet(2, (CoinLimit("AAA", self.limit_usd, 1e6),), 1e9, 1e9, 1.0, 1.0, 1.0, 1.0, 100)
        self.permits.take(PermitAnswer(1, 1, Permit(1, RiskState.GREEN, 10**12, limits)), 2)
        self.market.mark_px[0], self.market.equity_usd = MARK, 1e9
        self.clock.hear(self.now_ms, 1)
        self.budgets.address.cap = 10**9
        self.guard.reconciled = True
        self.ledger.on_position(0, 0, 0.0, self.now_ms)

    # -- the coin ------------------------------------------------------------------------------------------------

    def wish(self, kind: CommandKind, side: int, lots: int, level: int, target: Key = (0, 0)) -> None:
        self.desk.command(self.made_wish(kind, side, lots, level, target), 0, EPOCH, 10)
        self.send()

    def made_wish(self, kind: CommandKind, side: int, lots: int, level: int = 0, target: Key = (0, 0)) -> Wish:
        """A wish as a coin would send it, not sent."""
        self.serial += 1
        hi, lo = cloids.encode(Cloid(RUN, 0, side, level, EPOCH, self.serial))
        px_ticks = 990_000 if side == 0 else 1_010_000
        return Wish(kind, 0, side, level, 0, 0, px_ticks, lots, hi, lo, *target, 0, 0, 0, 1.0, MARK)

    def send(self) -> None:
        """Everything in the outbox leaves at once; how long it travels is for the test to choose."""
        while batch := self.outbox.take_creates() + self.outbox.take_modifies():
            for approved in batch:
                approved.order.nonce = 1
                self.network.append(InFlight(approved=approved))
        for order in self.outbox.take_cancels():
            self.network.append(InFlight(cancel=order))

    # -- the venue -----------------------------------------------------------------------------------------------

    def process(self, at: int, crosses: bool, answered: bool) -> None:  # noqa: FBT001
        """One action of the network reaches a block."""
        action = self.network.pop(at % len(self.network))
        self.now_ms += 1
        if action.cancel is not None:
            self._cancel(action.cancel.key)
            return
        approved = action.approved
        assert approved is not None
        leg = self._modify(approved, crosses) if approved.target is not None else self._rest(approved.order, crosses)
        self.answers.append((approved, leg if answered else None))

    def _rest(self, order: OwnOrder, crosses: bool) -> Leg:  # noqa: FBT001
        self.oids += 1
        made = Resting(order.key, order.side, order.sz_lots, order.sz_lots, self.oids)
        if crosses:
            self._row(made, "badAloPxRejected")
            return Leg(LegState.ERROR, error="Post only order would have immediately matched, bbo was 1@2. asset=0")
        self.resting[order.key] = made
        self._row(made, "open")
        return Leg(LegState.RESTING, oid=made.oid)

    def _modify(self, approved: Approved, crosses: bool) -> Leg:  # noqa: FBT001
        assert approved.target is not None
        if approved.target.key not in self.resting:
            return Leg(LegState.ERROR, error="Cannot modify canceled or filled order")
        self._cancel(approved.target.key)
        leg = self._rest(approved.order, crosses)
        return Leg(LegState.ERROR, error=f"Error placing new order during modify: {leg.error}") if leg.error else leg

    def _cancel(self, key: Key) -> None:
        gone = self.resting.pop(key, None)
        if gone is not None:
            self._row(gone, "canceled")

    def trade(self, at: int, lots: int) -> None:
        """Somebody takes from one of our resting orders."""
        order = list(self.resting.values())[at % len(self.resting)]
        lots = min(lots, order.left)
        self.now_ms += 1
        self.tids += 1
        self.position += SIGN[order.side] * lots
        order.left -= lots
        self.fills.append(self._fill(order, lots))
        if order.left == 0:
            del self.resting[order.key]
            self._row(order, "filled")

    def _fill(self, order: Resting, lots: int) -> Fill:
        return Fill(
            coin="AAA",
            px="100.0",
            sz=INSTRUMENT.sz_text(lots),
            side=order.side,
            time_ms=self.now_ms,
            start_position="0",
            direction="",
            closed_pnl_1e8=0,
            fee_1e8=0,
            fee_token="USDC",
            hash="",
            oid=order.oid,
            tid=self.tids,
            crossed=False,
            cloid=cloids.text(*order.key),
        )

    def _row(self, order: Resting, status: str) -> None:
        self.rows.append(
            OrderUpdate(
                coin="AAA",
                side=order.side,
                limit_px="100",
                sz=INSTRUMENT.sz_text(order.left),
                orig_sz=INSTRUMENT.sz_text(order.asked),
                oid=order.oid,
                placed_ms=self.now_ms,
                status=status,
                status_ms=self.now_ms,
                cloid=cloids.text(*order.key),
            )
        )

    def read(self) -> None:
        """The position is read now and arrives later."""
        self.readings.append((self.position, self.now_ms))

    # -- deliveries ----------------------------------------------------------------------------------------------

    def deliver(self, channel: str) -> None:
        """One item of one channel reaches the gateway."""
        if channel == "answers" and self.answers:
            approved, leg = self.answers.popleft()
            if leg is None:
                self.desk.uncertain(approved.order, 20)
            elif approved.target is not None:
                self.dispatch._modified(approved, leg)
            else:
                self.dispatch._placed(approved.order, leg)
        elif channel == "rows" and self.rows:
            self.desk.tell(self.ledger.on_update(self.rows.popleft()))
        elif channel == "fills" and self.fills:
            fill = self.fills[0]
            self.fills.popleft()
            self.desk.tell(self.ledger.on_fill(fill))
            self.desk.tell(self.ledger.on_fill(fill))  # a snapshot after a reconnect repeats old rows
        elif channel == "readings" and self.readings:
            lots, at_ms = self.readings.popleft()
            self.desk.tell(self.ledger.on_position(0, lots, MARK, at_ms))
        self.send()

    def deliver_all(self) -> None:
        """Until everything is said."""
        while self.network or self.answers or self.rows or self.fills or self.readings:
            while self.network:
                self.process(0, crosses=False, answered=True)
            for channel in ("answers", "rows", "fills", "readings"):
                self.deliver(channel)

    # -- truth ---------------------------------------------------------------------------------------------------

    def true_worst(self, side: int) -> int:
        """Lots towards one side if all that rests or may still arrive there is filled."""
        rests = sum(order.left for order in self.resting.values() if order.side == side)
        coming = sum(
            one.approved.order.sz_lots
            for one in self.network
            if one.approved is not None and one.approved.order.side == side and one.approved.target is None
        )
        return SIGN[side] * self.position + rests + coming
