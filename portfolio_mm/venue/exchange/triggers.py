"""Trigger orders: they wait in no book, and come alive when the mark price says so (HL §2.2, §7.7)."""

from typing import Any, Final

from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import SELL, SIGN
from portfolio_mm.venue.clearinghouse import clearing
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import bands, placement, relatives, wording
from portfolio_mm.venue.exchange.wording import Refused
from portfolio_mm.venue.state import VenueState

TOLERANCE_PERCENT: Final = 10
"""How far beyond the mark price a market trigger may reach."""


def wait(state: VenueState, user: User, order: OwnOrder, *, bad: bool) -> Refused | None:
    """Let a trigger order wait; the refusal when it may not. `bad` says that its trigger price makes no sense."""
    assert order.trigger is not None
    why = bands.halted(state, order) or (wording.BAD_TRIGGER if bad else None)
    why = why or placement.too_many(user, scarce=True) or bands.too_large(order)
    if why is None and order.value_1e8 < placement.MIN_VALUE_1E8 and not order.trigger.position:
        why = wording.TOO_SMALL
    if why is not None:
        return placement.refuse(state, user, order, why)
    user.triggers[order.oid] = order
    user.remember(order)
    state.outbox.order(order)
    return None


def place_lone(state: VenueState, user: User, order: OwnOrder) -> dict[str, Any] | Refused:
    """A trigger order without a group. It is answered as a resting order, and need not reduce anything yet."""
    reached = order.reached(state.marks[order.instrument.index])
    refused = wait(state, user, order, bad=reached and state.settings.lone_trigger == "refuse")
    return refused or {"resting": placement.ids(order)}


def run(state: VenueState) -> None:
    """Scale what belongs to positions, and fire what the mark price has reached. After an upgrade nothing fires."""
    for user in state.users.values():
        for order in list(user.triggers.values()):
            if order.trigger is not None and order.trigger.position and order.oid in user.triggers:
                _follow_position(state, user, order)
            live = order.oid in user.triggers and not order.waits and not state.post_only
            if live and order.reached(state.marks[order.instrument.index]):
                _fire(state, user, order)
            relatives.settle(state)


def _follow_position(state: VenueState, user: User, order: OwnOrder) -> None:
    """As large as the position it closes, and gone with it."""
    szi = user.szi(order.instrument.index)
    if szi * SIGN[order.side] >= 0:
        clearing.remove(state, order, "reduceOnlyCanceled", by_engine=True)
    else:
        order.sz_lots = abs(szi)


def _fire(state: VenueState, user: User, order: OwnOrder) -> None:
    """`triggered`, then an ordinary order under the same oid: a market one takes what it can, a limit one may rest."""
    assert order.trigger is not None
    del user.triggers[order.oid]
    order.end("triggered", state.now_ms)
    state.outbox.order(order)
    order.tif = "Gtc"
    if order.trigger.is_market:
        order.tif = "Ioc"
        if state.settings.market_trigger == "tolerance":
            order.px_ticks = _reach(state, order)
    placement.place(state, user, order)


def _reach(state: VenueState, order: OwnOrder) -> int:
    """The worst valid price within the tolerance around the mark price."""
    percent = 100 + SIGN[order.side] * TOLERANCE_PERCENT
    px = state.marks[order.instrument.index] * percent / 100
    return max(1, int(round_px(px, order.instrument.px_decimals, order.side == SELL)))
