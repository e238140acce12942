"""What the ledger has to tell: facts about own orders, fills and positions, free of wire and socket."""

from typing import NamedTuple

from portfolio_mm.actors.gateway.causes import Cause
from portfolio_mm.actors.gateway.own_order import NO_KEY, Key, OwnOrder
from portfolio_mm.domain.order import OrderEvent, Refusal


class OrderNote(NamedTuple):
    """Something happened to one own order; `sz_lots` is what remains of it.

    A refusal says in `wait_ns` when the next order will be possible, where the gateway knows; else 0.
    """

    coin: int
    side: int
    level: int
    key: Key
    epoch: int
    event: OrderEvent
    oid: int = 0
    px_ticks: int = 0
    sz_lots: int = 0
    refusal: Refusal = Refusal.NONE
    venue_ms: int = 0
    wait_ns: int = 0
    cause: Cause = Cause.OURS


class FillNote(NamedTuple):
    """One fill, seen for the first time. A negative fee is a rebate; `key` is zero for foreign orders.

    `contained`: a reading of the position that came first has it already, as when it was filled before we lived.
    """

    coin: int
    side: int
    px_ticks: int
    sz_lots: int
    fee_1e8: int
    oid: int
    tid: int
    venue_ms: int
    taker: bool
    key: Key = NO_KEY
    level: int = 0
    contained: bool = False
    cause: Cause = Cause.OURS


class FundingNote(NamedTuple):
    """One funding payment, seen for the first time; positive was received."""

    coin: int
    payment_1e8: int
    venue_ms: int


class PositionNote(NamedTuple):
    """The position of one coin as the ledger now has it."""

    coin: int
    szi_lots: int
    entry_px: float
    venue_ms: int


class OrphanNote(NamedTuple):
    """An order rests on one of our coins that the ledger does not carry: somebody must judge it (others.py)."""

    coin: int
    oid: int
    side: int = 0
    sz_lots: int = 0
    key: Key = NO_KEY
    placed_ms: int = 0


Note = OrderNote | FillNote | FundingNote | PositionNote | OrphanNote


def order_note(order: OwnOrder, event: OrderEvent, refusal: Refusal = Refusal.NONE, *, venue_ms: int = 0) -> OrderNote:
    """What can be said of an order right now."""
    return OrderNote(
        coin=order.coin,
        side=order.side,
        level=order.level,
        key=order.key,
        epoch=order.epoch,
        event=event,
        oid=order.oid,
        px_ticks=order.px_ticks,
        sz_lots=0 if order.over else order.remaining_lots,
        refusal=refusal,
        venue_ms=venue_ms,
    )
