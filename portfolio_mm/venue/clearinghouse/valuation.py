"""What an account is worth at this moment, as its history keeps it."""

from portfolio_mm.venue.clearinghouse import lending, margin
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.clearinghouse.worth import Point
from portfolio_mm.venue.state import VenueState


def point(state: VenueState, user: User) -> Point:
    """A look at an account; what pools its money is all perps."""
    total = lending.account_value_1e8(state, user)
    perps = total if user.unified else margin.perps_value_1e8(user, state.marks)
    return Point(state.now_ms, total, perps, total - user.deposited_1e8, user.volume_1e8)
