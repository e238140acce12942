"""Modify: cancel, then place under a new oid; its three ways to fail (HL §2.5)."""

from typing import Any, Final

from portfolio_mm.venue.clearinghouse import clearing
from portfolio_mm.venue.clearinghouse.orders import Draft
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import legs, placement, relatives, triggers
from portfolio_mm.venue.exchange.wording import Refused
from portfolio_mm.venue.protocol.actions import OrderWire
from portfolio_mm.venue.state import VenueState

DEAD: Final = "Cannot modify canceled or filled order"
INVALID_NEW: Final = "Attempted to modify to invalid new order"


def modify(
    state: VenueState, user: User, oid: int | str, wire: OrderWire, *, always_place: bool
) -> dict[str, Any] | str:
    """Replace an order: the entry of the new one, or why not.

    1. The target is gone, or waits for a trigger: nothing is placed, unless `always_place`.
    2. The new order does not read well: the old one stays.
    3. The new order is refused on its way to the book: the old one is gone and nothing replaces it.
    """
    old = user.find_open(oid)
    if (old is None or old.oid in user.triggers) and not always_place:
        return DEAD
    draft = legs.read(state, wire)
    if isinstance(draft, Refused):
        return draft.words
    if (too_far := legs.off_reference(state, draft)) is not None:
        return too_far
    if not always_place:
        if draft.tif not in ("Alo", "Gtc"):
            return INVALID_NEW
        draft = draft._replace(tif="Alo")
    return _replace(state, user, oid, draft)


def _replace(state: VenueState, user: User, oid: int | str, draft: Draft) -> dict[str, Any] | str:
    old = user.find_open(oid)
    updates = state.outbox.order_updates[user.number]
    at = len(updates)
    if old is not None:
        clearing.remove(state, old, "canceled")
    cancelled = updates[at:]
    del updates[at:]
    order = placement.new_order(state, user, draft)
    put = placement.place if draft.trigger is None else triggers.place_lone
    entry = put(state, user, order)
    updates += cancelled  # the new order's update usually comes before the old one's (HL §2.5)
    relatives.settle(state)
    if isinstance(entry, Refused):
        return f"Error placing new order during modify: {entry.words}"
    return entry
