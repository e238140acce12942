"""From the outbox to the venue and back into the ledger: permit once more, nonce, signature, send, read each leg."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final

from portfolio_mm.actors.gateway.budgets import Budgets
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.lanes import PURPOSE, Exchange, wire
from portfolio_mm.actors.gateway.latency import TickToWire
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.nonces import Nonces
from portfolio_mm.actors.gateway.notes import order_note
from portfolio_mm.actors.gateway.outbox import MAX_BATCH, Lane, Outbox
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.wish import Approved
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.errors import OutcomeUnknown, VenueError, VenueRefused
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.domain.units import NS_PER_MS
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.answer import ActionAnswer, Leg, LegState
from portfolio_mm.hyperliquid.encode import Action
from portfolio_mm.hyperliquid.errors import classify, is_gone, is_nonce_used, modify_removed_old
from portfolio_mm.hyperliquid.exchange import Signed

STALE_S: Final = 0.5
LOOK_S: Final = 5.0
"""Orders that cannot leave within STALE_S are given back; longer waits may end early and are looked at again."""
CLOSING_MS: Final = 3_000
"""How long an order that only closes a position may travel; it needs no permit."""


class Dispatch:
    """Empties the outbox. `wake` after anything was queued; sends run as tasks beside each other."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        outbox: Outbox,
        ledger: Ledger,
        desk: Desk,
        permits: Permits,
        nonces: Nonces,
        clock: VenueClock,
        budgets: Budgets,
        latency: TickToWire,
        intent: Callable[[Sequence[OwnOrder]], None],
    ) -> None:
        self._exchange = exchange
        self._outbox = outbox
        self._ledger = ledger
        self._desk = desk
        self._permits = permits
        self._nonces = nonces
        self._clock = clock
        self._budgets = budgets
        self._latency = latency
        self._intent = intent
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._waking = False

    def wake(self) -> None:
        """Send what is due at the end of this turn of the loop: coins that were heard in it share a batch."""
        if not self._waking:
            self._waking = True
            self._spawn(self._send_due())

    async def _send_due(self) -> None:
        """Send what is due now, the first lane in this very turn, and come back when the rest is."""
        self._waking = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_ns = time.monotonic_ns()
        works = [self._send_lane(lane) for lane in self._outbox.ready(now_ns) if self._possible(lane, now_ns)]
        due_ns = self._outbox.due_ns()
        if due_ns is not None:
            delay_s = max(0.001, (due_ns - now_ns) / 1e9)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.wake)
        for work in works[1:]:
            self._spawn(work)
        for work in works[:1]:
            await work

    def _possible(self, lane: Lane, now_ns: int) -> bool:
        """Whether a lane may send now; else it is held exactly until then. Lanes are asked in their order of weight."""
        possible = self._budgets.next_action(PURPOSE[lane], now_ns)
        if possible.wait_s <= 0.0:
            return True
        self._outbox.hold(lane, now_ns + int(min(possible.wait_s, LOOK_S) * 1e9))
        if possible.wait_s > STALE_S:
            self._give_back(lane, possible.refusal)
        return False

    def _give_back(self, lane: Lane, refusal: Refusal) -> None:
        """Orders that would be stale when they could leave; cancels and takers wait."""
        if lane is Lane.CREATE:
            while batch := self._outbox.take_creates():
                for approved in batch:
                    self._desk.tell(self._ledger.withdraw(approved.order, OrderEvent.REFUSED, refusal))
        elif lane is Lane.MODIFY:
            while batch := self._outbox.take_modifies():
                for approved in batch:
                    self._desk.modify_failed(approved.order, refusal)

    def _send_lane(self, lane: Lane) -> Coroutine[None, None, None]:
        """The work of sending one batch of a lane; it is taken out of the outbox at once."""
        now_ns, most = time.monotonic_ns(), self._budgets.batch(PURPOSE[lane], MAX_BATCH)
        self._budgets.claim(PURPOSE[lane], now_ns)
        match lane:
            case Lane.CANCEL:
                return self._send_cancels(self._outbox.take_cancels(most))
            case Lane.CANCEL_OID:
                return self._send_orphans(self._outbox.take_orphans(most))
            case Lane.CREATE:
                return self._send_orders(self._outbox.take_creates(most), now_ns)
            case Lane.MODIFY:
                return self._send_modifies(self._outbox.take_modifies(most), now_ns)
            case Lane.TAKE:
                return self._send_orders(self._outbox.take_takers(most), now_ns)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # a mistake in the program must not look like a quiet venue

    async def close(self) -> None:
        """Stop sending; what is in flight is left to its fate."""
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- orders --------------------------------------------------------------------------------------------------

    async def _send_orders(self, batch: list[Approved], now_ns: int) -> None:
        closing = batch[0].tif == "Ioc"
        if not closing and not self._permits.may_create(now_ns):
            for approved in batch:
                self._desk.tell(self._ledger.withdraw(approved.order, OrderEvent.REFUSED, Refusal.NO_PERMIT))
            return
        orders = [approved.order for approved in batch]
        wires = [wire(self._ledger, approved) for approved in batch]
        signed = self._sign(encode.order_action(wires), orders, now_ns, closing=closing)
        answer = await self._send(signed, orders)
        if isinstance(answer, Refusal):
            for order in orders:
                self._desk.tell(self._ledger.withdraw(order, OrderEvent.REFUSED, answer))
        elif answer is not None:
            for order, leg in zip(orders, answer.legs, strict=True):
                self._placed(order, leg)

    def _placed(self, order: OwnOrder, leg: Leg) -> None:
        order.answered_ns = time.monotonic_ns()
        match leg.state:
            case LegState.RESTING | LegState.WAITING:
                notes = self._ledger.accepted(order, leg.oid)
            case LegState.FILLED:
                lots = self._ledger.instruments[order.coin].lots(leg.total_sz)
                notes = self._ledger.accepted(order, leg.oid)
                event = OrderEvent.FILLED if lots >= order.sz_lots else OrderEvent.CANCELLED
                notes += self._ledger.ended(order, lots, event, at_ms=self._clock.now_ms(time.monotonic_ns()))
            case _:
                notes = self._ledger.ended(order, 0, OrderEvent.REFUSED, leg.refusal)
                self._desk.venue_refused(leg.refusal, leg.error)
        self._desk.tell(notes)

    async def _send_modifies(self, batch: list[Approved], now_ns: int) -> None:
        orders = [approved.order for approved in batch]
        if not self._permits.may_create(now_ns):
            for order in orders:
                self._desk.modify_failed(order, Refusal.NO_PERMIT)
            return
        pairs = [(one.target.oid, wire(self._ledger, one)) for one in batch if one.target is not None]
        signed = self._sign(encode.batch_modify_action(pairs), orders, now_ns)
        answer = await self._send(signed, orders, modifies=True)
        if isinstance(answer, Refusal):
            for order in orders:
                self._desk.modify_failed(order, answer)
            self.wake()
        elif answer is not None:
            for approved, leg in zip(batch, answer.legs, strict=True):
                self._modified(approved, leg)

    def _modified(self, approved: Approved, leg: Leg) -> None:
        """A modify fails in three ways (HL §2.5): target dead, replacement refused after the cancel, nothing done."""
        order, target = approved.order, approved.target
        assert target is not None
        if leg.state is not LegState.ERROR:
            self._placed(order, leg)
            self._ask(target)
            return
        self._desk.venue_refused(leg.refusal, leg.error)
        if is_gone(leg.error) or modify_removed_old(leg.error):
            self._desk.tell(self._ledger.withdraw(order, OrderEvent.REFUSED, leg.refusal))
            self._ask(target)
            return
        self._desk.modify_failed(order, leg.refusal)
        self.wake()

    def _ask(self, order: OwnOrder) -> None:
        """The venue says the order is gone; how much of it was filled its own row must say."""
        if not order.over and order.asked_ns == 0:
            order.asked_ns = time.monotonic_ns()

    # -- cancels -------------------------------------------------------------------------------------------------

    async def _send_cancels(self, orders: list[OwnOrder]) -> None:
        legs = [(self._ledger.instruments[order.coin].asset, cloids.text(*order.key)) for order in orders]
        signed = self._sign(encode.cancel_by_cloid_action(legs), [], time.monotonic_ns())
        answer = await self._send(signed, [], cancels=orders)
        if not isinstance(answer, ActionAnswer) or not answer.accepted:
            self._again(orders)
            return
        for order, leg in zip(orders, answer.legs, strict=True):
            order.cancel_acked = leg.state is LegState.SUCCESS
            if order.cancel_acked or is_gone(leg.error):
                self._ask(order)
            elif not order.over:
                order.state = OrderState.LIVE
                self._desk.tell([order_note(order, OrderEvent.CANCEL_FAILED, leg.refusal)])
                self._desk.cancel(order)
        self.wake()

    def _again(self, orders: Sequence[OwnOrder]) -> None:
        """Cancels are never dropped: whatever happened to the action, ask again when that is possible."""
        for order in orders:
            if not order.over:
                self._outbox.cancel(order)
        self.wake()

    async def _send_orphans(self, orphans: list[tuple[int, int]]) -> None:
        legs = [(self._ledger.instruments[coin].asset, oid) for coin, oid in orphans]
        signed = self._sign(encode.cancel_action(legs), [], time.monotonic_ns())
        answer = await self._send(signed, [])
        if not isinstance(answer, ActionAnswer) or not answer.accepted:
            for coin, oid in orphans:
                self._outbox.cancel_oid(coin, oid)
            self.wake()

    # -- the wire ------------------------------------------------------------------------------------------------

    def _sign(self, action: Action, orders: Sequence[OwnOrder], now_ns: int, *, closing: bool = False) -> Signed:
        """Nonce, expiry no later than the permit's end in venue time, signature; then the intent goes on record."""
        venue_ms = self._clock.now_ms(now_ns)
        nonce = self._nonces.next(venue_ms)
        if not orders:
            return self._exchange.sign(action, nonce)
        left_ms = CLOSING_MS if closing else self._permits.left_ns(now_ns) // NS_PER_MS
        expires_ms = venue_ms + left_ms
        for order in orders:
            order.nonce, order.expires_ms = nonce, expires_ms
        self._intent(orders)
        return self._exchange.sign(action, nonce, expires_ms)

    async def _send(
        self,
        signed: Signed,
        orders: Sequence[OwnOrder],
        *,
        cancels: Sequence[OwnOrder] = (),
        modifies: bool = False,
    ) -> ActionAnswer | Refusal | None:
        """The answer; a refusal when nothing happened at the venue; None when nobody knows."""
        try:
            answer = await self._exchange.send_signed(signed, partial(self._latency.sent, (*orders, *cancels)))
        except OutcomeUnknown:
            self._unknown(orders)
            return None
        except VenueError as error:
            if isinstance(error, VenueRefused):
                self._desk.venue_refused(Refusal.RATE_LIMIT, str(error), len(orders) + len(cancels))
            return Refusal.RATE_LIMIT
        if answer.accepted:
            return answer
        if is_nonce_used(answer.error):  # a copy made on the way answers for the original, which came through
            self._unknown(orders)
            return None
        if modifies and (is_gone(answer.error) or modify_removed_old(answer.error)):
            return answer  # of one leg: its words say what became of the old order
        refusal = classify(answer.error)
        self._desk.venue_refused(refusal, answer.error, len(orders))
        return refusal if orders else answer

    def _unknown(self, orders: Sequence[OwnOrder]) -> None:
        for order in orders:
            self._desk.uncertain(order, time.monotonic_ns())
