"""What the end of an order means to the orders that belong to it (HL §2.2, §7.7)."""

from portfolio_mm.venue.clearinghouse import clearing
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.state import VenueState


def settle(state: VenueState) -> None:
    """Tell the relatives of orders that have ended; what that ends has relatives too."""
    while state.ended:
        order = state.ended.pop(0)
        complete = order.status == "filled" or (order.status == "marginCanceled" and order.filled_lots > 0)
        for child in order.children:
            if complete and child.status == "open":
                child.waits = False
                child.sz_lots = min(child.sz_lots, order.filled_lots)
            else:
                _end(state, child, "canceled")
        if order.filled_lots:
            for sibling in order.siblings:
                _end(state, sibling, "siblingFilledCanceled")


def _end(state: VenueState, order: OwnOrder, status: str) -> None:
    """A relative that still waits ends; the user did not ask for it by name."""
    if order.oid in state.users[order.owner].triggers:
        clearing.remove(state, order, status, by_engine=True)
