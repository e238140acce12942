"""Orders of unknown fate, and the only rules by which they are closed (architecture section 2, cloid).

An unanswered order is closed by its own answer, row or fill; by an accepted `noop` with its nonce, which proves that
the order can never land; or by block time beyond its expiry and two `unknownOid` at least a second apart, without any
fill under its cloid. Until then it counts as exposure. The same look-up finds out how an order ended whose cancel was
acknowledged but whose row never came.
"""

import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.errors import MalformedMessage, VenueError
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.domain.units import BUY, NS_PER_MS, NS_PER_S, SELL
from portfolio_mm.hyperliquid.answer import ActionAnswer
from portfolio_mm.hyperliquid.encode import Action, noop_action
from portfolio_mm.hyperliquid.user import OrderUpdate

GRACE_NS: Final = 500 * NS_PER_MS
"""A row usually comes within a block; nobody is asked before."""
AGAIN_NS: Final = NS_PER_S
AFTER_EXPIRY_MS: Final = 2_000
AT_ONCE: Final = 4
"""Look-ups per turn: each has IP weight 2."""


def count_unknown(order: OwnOrder, block_ms: int, now_ns: int) -> None:
    """The venue says `unknownOid`: evidence only once the order can no longer land."""
    if block_ms > order.expires_ms + AFTER_EXPIRY_MS:
        order.unknown_ns.append(now_ns)


def proven_lost(order: OwnOrder) -> bool:
    """Whether the order certainly neither rests nor was filled."""
    seen = order.unknown_ns
    return len(seen) >= 2 and seen[-1] - seen[0] >= AGAIN_NS and order.filled_lots == 0


def status_update(reply: Mapping[str, Any]) -> OrderUpdate | None:
    """An `orderStatus` reply as a row of `orderUpdates`; None for unknownOid.

    Raises:
        MalformedMessage: any other shape.
    """
    match reply:
        case {"status": "unknownOid"}:
            return None
        case {"status": "order", "order": {"order": dict(row), "status": str(status), "statusTimestamp": int(at_ms)}}:
            try:
                return OrderUpdate(
                    coin=row["coin"],
                    side=BUY if row["side"] == "B" else SELL,
                    limit_px=row["limitPx"],
                    sz=row["sz"],
                    orig_sz=row["origSz"],
                    oid=row["oid"],
                    placed_ms=row["timestamp"],
                    status=status,
                    status_ms=at_ms,
                    cloid=row.get("cloid"),
                    reduce_only=bool(row.get("reduceOnly")),
                )
            except (KeyError, TypeError, msgspec.ValidationError) as error:
                msg = f"orderStatus: {error!r} in {str(row)[:200]}"
                raise MalformedMessage(msg) from error
    msg = f"orderStatus: {str(reply)[:200]}"
    raise MalformedMessage(msg)


class StatusSource(Protocol):
    """The part of the info client used here."""

    async def order_status(self, user: str, oid: int | str) -> dict[str, Any]:
        """One order by cloid text."""
        ...

    async def exchange_status(self) -> dict[str, Any]:
        """Block time of the answering node."""
        ...


class NoopSender(Protocol):
    """The part of the exchange client used here."""

    async def send(self, action: Action, nonce: int, expires_after: int | None = None) -> ActionAnswer:
        """Sign and send."""
        ...


class Doubts:
    """Works off the orders in question, a few per turn."""

    def __init__(
        self, *, info: StatusSource, exchange: NoopSender, user: str, ledger: Ledger, desk: Desk, clock: VenueClock
    ) -> None:
        self._info = info
        self._exchange = exchange
        self._user = user
        self._ledger = ledger
        self._desk = desk
        self._clock = clock
        self._burnt: set[int] = set()
        """Nonces for which a noop was answered, whatever the answer."""

    def open(self, now_ns: int) -> list[OwnOrder]:
        """Orders to ask about now, those first that were longest not looked at."""
        found = [
            order
            for order in self._ledger.orders()
            if not order.over and order.asked_ns and now_ns - order.asked_ns >= GRACE_NS
            if now_ns - order.looked_ns >= AGAIN_NS
        ]
        return sorted(found, key=lambda one: (one.looked_ns, one.asked_ns))[:AT_ONCE]

    async def work(self) -> None:
        """One turn: burn nonces first, then look up. Failures of the venue leave the question open."""
        questions = self.open(time.monotonic_ns())
        if not questions:
            return
        try:
            self._hear_clock(await self._info.exchange_status())
            for nonce in {order.nonce for order in questions if order.state is OrderState.UNKNOWN}:
                await self._burn(nonce)
            for order in questions:
                if not order.over:
                    await self._look_up(order)
        except (VenueError, MalformedMessage):
            return

    def _hear_clock(self, status: Mapping[str, Any]) -> None:
        at_ms = status.get("time")
        if isinstance(at_ms, int):
            self._clock.hear(at_ms, time.monotonic_ns())

    async def _burn(self, nonce: int) -> None:
        """Use up the nonce of a lost action: accepted means that the action itself can never happen."""
        if nonce in self._burnt:
            return
        answer = await self._exchange.send(noop_action(), nonce)
        self._burnt.add(nonce)
        if not answer.accepted:
            return  # the action came through, or is too old to tell: look it up
        for order in self._ledger.orders():
            if order.state is OrderState.UNKNOWN and order.nonce == nonce:
                self._close_lost(order)

    async def _look_up(self, order: OwnOrder) -> None:
        reply = await self._info.order_status(self._user, cloids.text(*order.key))
        now_ns = order.looked_ns = time.monotonic_ns()
        update = status_update(reply)
        if update is not None:
            order.asked_ns = now_ns  # asked again unless this settles it
            self._desk.tell(self._ledger.on_update(update))
            if order.state is OrderState.CANCELLING and not order.over and not order.cancel_acked:
                order.state = OrderState.LIVE
                self._desk.cancel(order)
            return
        count_unknown(order, self._clock.block_ms, now_ns)
        if proven_lost(order):
            self._close_lost(order)

    def _close_lost(self, order: OwnOrder) -> None:
        """It never came to be, or, if it once rested, is gone beyond the venue's memory."""
        if order.oid:
            self._desk.tell(self._ledger.ended(order, None, OrderEvent.CANCELLED, at_ms=self._clock.block_ms))
        elif order.replaces is not None:
            self._desk.modify_failed(order, Refusal.VENUE_OTHER)
        else:
            self._desk.tell(self._ledger.withdraw(order, OrderEvent.REFUSED, Refusal.VENUE_OTHER))
