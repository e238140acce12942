"""The deployer of a dex halts a coin: orders end, positions settle at mark, and it may be resumed (HL §7.5).

While it is halted `meta` says `isDelisted` and its context has prices alone, as recorded of coins that do not trade.
"""

from portfolio_mm.venue.faults.delisting import settle_all
from portfolio_mm.venue.state import CoinState, VenueState


def _of_builder(state: VenueState, coin: str) -> CoinState | str:
    book = state.by_coin.get(coin)
    if book is None or book.delisted:
        return f"{coin} is not listed"
    return (
        book if book.terms.dex else f"{coin} is of the first dex, which nobody can halt; delist ends one of its coins"
    )


def halt(state: VenueState, coin: str) -> str | None:
    """Do it within a block; why not, when it cannot be done."""
    book = _of_builder(state, coin)
    if isinstance(book, str):
        return book
    if book.halted:
        return f"{coin} is halted already"
    settle_all(state, book, book.mark_ticks)
    book.halt()
    _show(state, coin, halted=True)
    return None


def resume(state: VenueState, coin: str) -> str | None:
    """Let it trade again, in the book its flow has meanwhile; why not, when it cannot be done."""
    book = _of_builder(state, coin)
    if isinstance(book, str):
        return book
    if not book.halted:
        return f"{coin} is not halted"
    book.resume()
    _show(state, coin, halted=False)
    return None


def _show(state: VenueState, coin: str, *, halted: bool) -> None:
    state.outbox.books.add(coin)
    state.outbox.contexts.add(coin)
    state.listing.dex_of(coin).mark_delisted(coin, delisted=halted)
