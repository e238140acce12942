"""Priority fees: `grouping:{"p":n}`, n hundred-millionths of the notional, paid in staked HYPE (HL §7.6).

Inside a block takers come by their rate. A post-only order goes before the youngest of its price that offered less:
here before those of accounts of this venue, for the age of background orders is not known. The milliseconds a fee
buys an IOC order between blocks are not modelled.
"""

from typing import Any, Final

from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.actions import Action, Order
from portfolio_mm.venue.protocol.amounts import rounded, usd_text
from portfolio_mm.venue.protocol.builders import Priority
from portfolio_mm.venue.state import VenueState

RATE_UNIT: Final = 100_000_000
YOUNG_MS: Final = 400
NOT_ELIGIBLE: Final = "Priority fees are only for orders that are all IOC or all non-reduce-only ALO."
"""Ours, like the next one."""
TOO_POOR: Final = "Insufficient staking balance for priority fee."


def rate_of(action: Action) -> int:
    """Rate an action offers, hundred-millionths."""
    return action.grouping.p if isinstance(action, Order) and isinstance(action.grouping, Priority) else 0


def fault(state: VenueState, user: User, action: Order, values_1e8: list[int]) -> str | None:
    """Why an action is refused whole: its kinds of orders, or a fee that could not be paid for all of them."""
    if not isinstance(action.grouping, Priority):
        return None
    tifs = {leg.t.limit.tif if leg.t.limit is not None else "" for leg in action.orders}
    resting = tifs == {"Alo"} and not any(leg.r for leg in action.orders)
    if tifs != {"Ioc"} and not resting:
        return NOT_ELIGIBLE
    return TOO_POOR if _hype_1e8(state, sum(values_1e8), action.grouping.p) > user.staked_hype_1e8 else None


def _hype_1e8(state: VenueState, value_1e8: int, rate: int) -> int:
    """Fee of a notional, in 1e-8 HYPE at its oracle price, or at the setting's when it is not listed."""
    listed = state.by_coin.get("HYPE")
    hype_usd = listed.coin.px(listed.oracle_ticks) if listed is not None else state.settings.hype_usd
    return rounded(value_1e8 * rate, round(hype_usd * RATE_UNIT))


def charge(state: VenueState, user: User, order: OwnOrder, rate: int) -> None:
    """Burn the fee of what was filled (IOC) or what rests (ALO, filled or not), and take the place it buys."""
    value_1e8 = order.value_1e8 if order.oid in user.open else order.filled_1e8
    user.staked_hype_1e8 -= min(user.staked_hype_1e8, _hype_1e8(state, value_1e8, rate))
    order.priority = rate
    if order.oid in user.open:
        _overtake(state, order)


def _overtake(state: VenueState, order: OwnOrder) -> None:
    """Move young orders that offered less, and stand next to it at the tail of its price, behind it."""
    market = state.books[order.instrument.index].market
    at = market.ahead(order.oid)
    behind = []
    while (slower := _before(state, order, at)) is not None:
        behind.append(slower)
        at = market.ahead(slower.oid)
    for slower in reversed(behind):
        market.cancel(slower.oid)
        market.place(NewOrder(slower.oid, slower.owner, slower.side, slower.px_ticks, slower.sz_lots, Tif.ALO))


def _before(state: VenueState, order: OwnOrder, at: float) -> OwnOrder | None:
    """The young order with a lower rate whose last lot is the one before `at` lots in the queue."""
    market = state.books[order.instrument.index].market
    for user in state.users.values():
        for other in user.open.values():
            same = other.instrument is order.instrument and (other.side, other.px_ticks) == (order.side, order.px_ticks)
            young = other.priority < order.priority and state.now_ms - other.placed_ms < YOUNG_MS
            if same and young and market.ahead(other.oid) + other.sz_lots == at:
                return other
    return None


def delegator_summary(user: User) -> dict[str, Any]:
    """Reply to `delegatorSummary`: nothing here is delegated."""
    undelegated = usd_text(user.staked_hype_1e8)  # both have eight decimals
    return {"delegated": "0.0", "undelegated": undelegated, "totalPendingWithdrawal": "0.0", "nPendingWithdrawals": 0}
