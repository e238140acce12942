"""Auto-deleveraging (HL §8.4): an account below zero is closed against those who profit, at the previous mark.

Users with a profitable opposite position are ranked by (mark / entry) * (notional / account value), the largest first;
for shorts entry / mark, so that the greater profit comes first (the documentation writes the long form only). The
liquidator vault ranks among them. What users cannot take closes against the background market: nobody who can be
asked, it holds the other side of everything users hold and ranks last. Each match books the same cash on both sides;
the background's own share stands nowhere but in the sum of all others.
"""

from typing import Final

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.clearinghouse import booking, clearing, margin
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8, Position
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.state import VenueState

DELEVERAGED: Final = "Auto-Deleveraging"


def liquidated(kind: str, szi: int) -> str:
    """Words of the fill that takes a position away.

    >>> liquidated("Cross", -3)
    'Liquidated Cross Short'
    """
    return f"Liquidated {kind} {'Long' if szi > 0 else 'Short'}"


def close(state: VenueState, user: User, held: list[tuple[Instrument, Position]], kind: str) -> None:
    """Close the positions of an account below zero at the previous mark."""
    for coin, position in held:
        shown, px = liquidated(kind, position.szi), state.books[coin.index].previous_ticks
        for other in ranked(state, user, coin):
            if not position.szi:
                break
            theirs = other.szi(coin.index)
            lots = min(abs(theirs), abs(position.szi)) * (1 if theirs > 0 else -1)
            _match(state, coin, px, ((user, lots, shown), (other, -lots, DELEVERAGED)))
        if position.szi:
            _match(state, coin, px, ((user, -position.szi, shown),))


def _match(state: VenueState, coin: Instrument, px: int, sides: tuple[tuple[User, int, str], ...]) -> None:
    tid, loser = state.new_tid(), sides[0][0]
    liquidation = clearing.liquidation_of(state, loser, coin, "backstop")
    for user, lots, shown in sides:
        oid, crossed = state.new_oid(), user is loser
        trade = booking.Trade(lots, px, tid, oid, crossed, None, shown, liquidation, off_book=True)
        booking.book(state, user, coin, trade)
        clearing.trim_reduce_only(state, user, coin.index)


def ranked(state: VenueState, user: User, coin: Instrument) -> list[User]:
    """Users with a profitable position opposite to the user's, first to be deleveraged first."""
    szi, mark = user.szi(coin.index), state.marks[coin.index]
    opposite = [
        other
        for other in state.holders()
        if other.szi(coin.index) * szi < 0 and other.positions[coin.index].unrealized_1e8(mark) > 0
    ]
    return sorted(opposite, key=lambda other: -rank(other, coin, state.marks))


def rank(user: User, coin: Instrument, marks: margin.Marks) -> float:
    """Place in the queue; an account worth nothing comes before all others."""
    held, mark = user.positions[coin.index], marks[coin.index]
    worth = held.worth_1e8(mark) if held.isolated else margin.equity_1e8(user, marks)
    if worth <= 0 or not held.cost_1e8:
        return float("inf")
    gain = mark * TICK_LOT_1E8 * held.szi / held.cost_1e8
    return (gain if held.szi > 0 else 1.0 / gain) * abs(held.value_1e8(mark)) / worth
