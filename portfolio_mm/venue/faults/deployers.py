"""What a deployer does to its dex: it halts a coin, resumes it, or sets no prices for a while (HL §7.5).

A halt ends the orders of the coin and settles its positions at mark. While it lasts `meta` says `isDelisted` and the
context has prices alone, as recorded of coins that do not trade.
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


def silence(state: VenueState, dex: str, for_s: float) -> str | None:
    """Let a deployer set no prices for a while; why not, when it cannot be done."""
    found = state.listing.by_dex.get(dex)
    if found is None or found.settings is None:
        return f"{dex!r} is not a builder-deployed dex"
    for coin in found.coins:
        state.books[coin.index].silent_until_ms = state.now_ms + round(for_s * 1000)
    return None


def _show(state: VenueState, coin: str, *, halted: bool) -> None:
    state.outbox.books.add(coin)
    state.outbox.contexts.add(coin)
    state.listing.dex_of(coin).mark_delisted(coin, delisted=halted)
