"""The gateway of a session: ledger, guard, budgets, outbox and desk are the run's own; only the sending is plain.

The permit is always granted, limits are the plan's. An action is encoded by our client, decoded by the venue's reader
and executed by the venue's exchange code; its signature alone is left out. No answer is ever lost here.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.actors.gateway.budgets import Budgets
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.guard import Guard
from portfolio_mm.actors.gateway.lanes import wire
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote, FundingNote, Note, OrderNote, PositionNote, order_note
from portfolio_mm.actors.gateway.notices import note_rows
from portfolio_mm.actors.gateway.others import Others
from portfolio_mm.actors.gateway.outbox import Lane, Outbox
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.positions import lots_held
from portfolio_mm.actors.gateway.wish import Approved, wishes
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.actors.messages import PermitAnswer
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import LimitSet, Permit, RiskState
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.domain.units import NS_PER_MS, NS_PER_S
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.hyperliquid.answer import Leg, LegState, read_legs
from portfolio_mm.hyperliquid.encode import Action
from portfolio_mm.hyperliquid.errors import classify, is_gone, modify_removed_old
from portfolio_mm.hyperliquid.user import Fill, Funding, OrderUpdate, parse_user
from portfolio_mm.venue.protocol import actions as wire_actions
from portfolio_mm.venue.protocol.reading import read_json
from portfolio_mm.venue.protocol.signatures import SignedAction

Array = np.ndarray[Any, Any]
RUN: Final = 1
EPOCH: Final = 1
TTL_NS: Final = 3 * NS_PER_S
_ENCODER: Final = msgspec.json.Encoder()


class Sent(msgspec.Struct, frozen=True):
    """An action on its way: what it carries by lane, and as the venue reads it."""

    lane: Lane
    batch: tuple[Any, ...]
    signed: SignedAction
    legs: int


class SessionGateway:
    """One account. `now_ns` is session time, set by the session before anything is said here."""

    def __init__(
        self, instruments: tuple[Instrument, ...], leverage: Sequence[int], limits: LimitSet, agent: str
    ) -> None:
        self.instruments = instruments
        self.now_ns = 0
        self.ledger, self.clock = Ledger(instruments), VenueClock()
        self.budgets = Budgets(self.clock)
        self.market, self.permits, self.outbox = Market(leverage), Permits(EPOCH), Outbox()
        self.guard = Guard(self.ledger, self.permits, self.market, self.budgets, self.clock)
        self.guard.reconciled = True
        others = Others(RUN, (RUN,), instruments, tolerate=True)
        self.desk = Desk(
            run=RUN,
            ledger=self.ledger,
            guard=self.guard,
            permits=self.permits,
            market=self.market,
            outbox=self.outbox,
            others=others,
            tell=self._keep,
            now_ns=lambda: self.now_ns,
        )
        self.fills: list[FillNote] = []
        self.fundings: list[FundingNote] = []
        self._limits, self._agent, self._nonce, self._seq = limits, agent, 0, 0
        self._notes: list[Note] = []

    # -- what the session tells ----------------------------------------------------------------------------------

    def grant(self) -> None:
        """A permit from now on."""
        permit = Permit(1, RiskState.GREEN, TTL_NS, self._limits)
        self.permits.take(PermitAnswer(EPOCH, self.now_ns, permit), self.now_ns)

    def read(self, truth: AccountTruth, budget: Any, marks: Sequence[float]) -> None:
        """The account as the venue shows it, and the marks; after a fill of the venue's making its positions too."""
        self.market.equity_usd = truth.equity_usd
        self.market.mark_px[:] = marks
        self.budgets.set_mode(truth.mode)
        self.budgets.address.update(budget)
        self.clock.hear(truth.time_ms, self.now_ns)
        if not self.guard.reconciled:
            for index, lots, px in lots_held(self.instruments, truth):
                self.desk.tell(self.ledger.on_position(index, lots, px, truth.time_ms))
            self.guard.reconciled = True

    def begin(self, at_ms: int) -> None:
        """Nothing is held when a session begins."""
        for instrument in self.instruments:
            self.desk.tell(self.ledger.on_position(instrument.index, 0, 0.0, at_ms))

    def commands(self, coin: int, rows: Array) -> None:
        """What a coin wishes."""
        for wish in wishes(rows):
            self.desk.command(wish, coin, EPOCH, self.now_ns)

    def user_frame(self, raw: bytes) -> None:
        """One frame of the account's streams."""
        for item in parse_user(raw):
            match item:
                case OrderUpdate():
                    self.clock.follow(item.status_ms, self.now_ns)
                    self.desk.tell(self.ledger.on_update(item))
                case Fill():
                    self.desk.tell(self.ledger.on_fill(item))
                case Funding():
                    self.desk.tell(self.ledger.on_funding(item))
                case _:
                    pass

    def told(self) -> Array:
        """EVENT rows for the coins since the last call, in order."""
        notes, self._notes = self._notes, []
        rows = note_rows(notes, self.instruments)
        rows["recv_ns"] = self.now_ns
        rows["seq"] = np.arange(self._seq + 1, self._seq + 1 + len(rows))
        self._seq += len(rows)
        return rows

    def _keep(self, notes: Sequence[Note]) -> None:
        for note in notes:
            if isinstance(note, FillNote):
                self.fills.append(note)
                instrument = self.instruments[note.coin]
                usd = instrument.sz(note.sz_lots) * instrument.px(note.px_ticks)
                self.budgets.earn(usd * instrument.rebate_scale)
            elif isinstance(note, FundingNote):
                self.fundings.append(note)
        self._notes += [one for one in notes if isinstance(one, OrderNote | FillNote | FundingNote | PositionNote)]

    # -- sending -------------------------------------------------------------------------------------------------

    def due(self) -> list[Sent]:
        """Actions that leave now, first things first."""
        return [sent for lane in self.outbox.ready(self.now_ns) for sent in self._take(lane)]

    def _take(self, lane: Lane) -> list[Sent]:
        match lane:
            case Lane.CANCEL:
                gone = self.outbox.take_cancels()
                legs = [(self.instruments[one.coin].asset, cloids.text(*one.key)) for one in gone]
                return [self._sign(lane, gone, encode.cancel_by_cloid_action(legs))]
            case Lane.CREATE | Lane.TAKE:
                placed = self.outbox.take_creates() if lane is Lane.CREATE else self.outbox.take_takers()
                wires = [wire(self.ledger, one) for one in placed]
                return [self._sign(lane, placed, encode.order_action(wires), [one.order for one in placed])]
            case Lane.MODIFY:
                moved = self.outbox.take_modifies()
                pairs = [(one.target.oid, wire(self.ledger, one)) for one in moved if one.target is not None]
                return [self._sign(lane, moved, encode.batch_modify_action(pairs), [one.order for one in moved])]
            case Lane.CANCEL_OID:
                return []

    def _sign(self, lane: Lane, batch: Sequence[Any], action: Action, orders: Sequence[OwnOrder] = ()) -> Sent:
        venue_ms = self.clock.now_ms(self.now_ns)
        self._nonce = max(self._nonce + 1, venue_ms)
        expires_ms = venue_ms + self.permits.left_ns(self.now_ns) // NS_PER_MS if orders else None
        for order in orders:
            order.nonce, order.expires_ms = self._nonce, expires_ms or 0
        read: wire_actions.Action = read_json(_ENCODER.encode(action), wire_actions.Action)
        return Sent(lane, tuple(batch), SignedAction(read, self._agent, self._nonce, None, expires_ms), len(batch))

    # -- answers -------------------------------------------------------------------------------------------------

    def answered(self, sent: Sent, payload: Any) -> None:
        """The venue's reply to an action."""
        legs, error = read_legs(payload, sent.legs)
        if not error:
            self.budgets.spend(sent.legs)
        match sent.lane:
            case Lane.CANCEL:
                self._cancelled(sent.batch, legs)
            case Lane.MODIFY:
                for one, leg in zip(sent.batch, legs, strict=True):
                    self._modified(one, leg)
            case _:
                for one, leg in zip(sent.batch, legs, strict=True):
                    self._placed(one.order, leg, whole=bool(error))

    def _placed(self, order: OwnOrder, leg: Leg, *, whole: bool = False) -> None:
        match leg.state:
            case LegState.RESTING | LegState.WAITING:
                notes = self.ledger.accepted(order, leg.oid)
            case LegState.FILLED:
                lots = self.instruments[order.coin].lots(leg.total_sz)
                notes = self.ledger.accepted(order, leg.oid)
                event = OrderEvent.FILLED if lots >= order.sz_lots else OrderEvent.CANCELLED
                notes += self.ledger.ended(order, lots, event, at_ms=self.clock.now_ms(self.now_ns))
            case _ if whole:
                notes = self.ledger.withdraw(order, OrderEvent.REFUSED, classify(leg.error))
                self.desk.venue_refused(leg.refusal, leg.error)
            case _:
                notes = self.ledger.ended(order, 0, OrderEvent.REFUSED, leg.refusal)
                self.desk.venue_refused(leg.refusal, leg.error)
        self.desk.tell(notes)

    def _modified(self, approved: Approved, leg: Leg) -> None:
        """A modify fails in three ways (HL §2.5): target dead, replacement refused after the cancel, nothing done."""
        if leg.state is not LegState.ERROR:
            self._placed(approved.order, leg)
            return
        self.desk.venue_refused(leg.refusal, leg.error)
        if is_gone(leg.error) or modify_removed_old(leg.error):
            self.desk.tell(self.ledger.withdraw(approved.order, OrderEvent.REFUSED, leg.refusal))
        else:
            self.desk.modify_failed(approved.order, leg.refusal)

    def _cancelled(self, orders: Sequence[OwnOrder], legs: Sequence[Leg]) -> None:
        for order, leg in zip(orders, legs, strict=True):
            order.cancel_acked = leg.state is LegState.SUCCESS
            if not order.cancel_acked and not is_gone(leg.error) and not order.over:
                order.state = OrderState.LIVE
                self.desk.tell([order_note(order, OrderEvent.CANCEL_FAILED, leg.refusal)])
                self.desk.cancel(order)

    def refused(self) -> dict[str, int]:
        """How many orders were refused, by reason."""
        return {refusal.name: n for refusal, n in sorted(self.desk.refused.items()) if refusal is not Refusal.NONE}
