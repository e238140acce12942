"""A coin leaves the venue: orders end, positions settle at the oracle's mean of the last hour (HL §7.5).

The row stays in `meta` with `isDelisted`, so asset ids keep their meaning (HL §1.2).
"""

from portfolio_mm.venue.clearinghouse import booking, clearing
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import rounded
from portfolio_mm.venue.state import CoinState, VenueState

HOUR_MS = 3_600_000
SETTLEMENT = "Settlement"
"""`dir` of the fill that settles; the word is ours: none was recorded."""


def delist(state: VenueState, coin: str) -> str | None:
    """Do it within a block; why not, when it cannot be done."""
    book = state.by_coin.get(coin)
    if book is None or book.delisted:
        return f"{coin} is not listed"
    settle_all(state, book, settlement_ticks(state, book))
    book.delist()
    state.outbox.books.add(coin)
    state.listing.delist(coin)
    return None


def settle_all(state: VenueState, book: CoinState, px_ticks: int) -> None:
    """End every order of a coin and close every position at a price."""
    for user in state.holders():
        for order in [order for order in user.live() if order.instrument.coin == book.coin.coin]:
            clearing.remove(state, order, "delistedCanceled", by_engine=True)
        if user.szi(book.coin.index):
            _settle(state, user, book, px_ticks)


def settlement_ticks(state: VenueState, book: CoinState) -> int:
    """Time-weighted mean of the oracle over the last hour, or over as much of it as there was."""
    since = state.now_ms - HOUR_MS
    steps = [(max(at_ms, since), ticks) for at_ms, ticks in book.oracles]
    steps = [(at_ms, ticks) for at_ms, ticks in steps if at_ms <= state.now_ms]
    ends = [at_ms for at_ms, _ in steps[1:]] + [state.now_ms]
    total = ends[-1] - steps[0][0] if steps else 0
    if total <= 0:
        return book.oracle_ticks
    return rounded(sum(ticks * (end - at_ms) for (at_ms, ticks), end in zip(steps, ends, strict=True)), total)


def _settle(state: VenueState, user: User, book: CoinState, px_ticks: int) -> None:
    """Close a position at a price, without fee and without a public trade."""
    lots = -user.szi(book.coin.index)
    trade = booking.Trade(
        lots, px_ticks, state.new_tid(), state.new_oid(), crossed=True, dir_shown=SETTLEMENT, off_book=True
    )
    booking.book(state, user, book.coin, trade)
