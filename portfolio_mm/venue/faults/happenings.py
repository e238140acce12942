"""Events, done: to the clock, to connections, and inside the next block to accounts and books."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final, Literal

from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.market import BACKGROUND, NewOrder, Print, Tif
from portfolio_mm.venue.clearinghouse import clearing
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import abstraction, transfers
from portfolio_mm.venue.faults import events
from portfolio_mm.venue.faults.delisting import delist
from portfolio_mm.venue.faults.deployers import halt, resume, silence
from portfolio_mm.venue.modes import SwitchedMode
from portfolio_mm.venue.protocol.actions import UserSetAbstraction
from portfolio_mm.venue.state import VenueState

Target = Literal["disabled", "unifiedAccount", "portfolioMargin"]
MODES: Final[dict[SwitchedMode, Target]] = {
    "standard": "disabled",
    "unified": "unifiedAccount",
    "portfolio": "portfolioMargin",
}
_sweeps = count(1 << 40)

InBlock = Callable[[VenueState], str | None]
"""Something done within a block; the text says why not."""


def user_of(state: VenueState, number: int) -> User | None:
    """A test account by its number."""
    return state.users.get(number)


def in_block(event: events.EventKind) -> InBlock | None:
    """What an event does inside a block; None when it is not of that sort."""
    done: InBlock | None = None
    match event:
        case events.ModeFlip():
            done = partial(flip_mode, event=event)
        case events.Delist():
            done = partial(delist, coin=event.coin)
        case events.Halt():
            done = partial(halt if event.halted else resume, coin=event.coin)
        case events.OracleSilence():
            done = partial(silence, dex=event.dex, for_s=event.for_s)
        case events.Sweep():
            done = partial(sweep, event=event)
        case events.Deposit():
            done = partial(deposit, event=event)
    return done


def flip_mode(state: VenueState, event: events.ModeFlip) -> str | None:
    """Change a mode as the account's owner would."""
    user = user_of(state, event.account)
    if user is None:
        return f"there is no account {event.account}"
    action = UserSetAbstraction("0x0", "Testnet", user.address, MODES[event.mode], state.now_ms)
    return abstraction.set_mode(state, user, action)


def deposit(state: VenueState, event: events.Deposit) -> str | None:
    """Pay in."""
    user = user_of(state, event.account)
    if user is None:
        return f"there is no account {event.account}"
    transfers.deposit(state, user, round(event.usd * USD_1E8))
    return None


def sweep(state: VenueState, event: events.Sweep) -> str | None:
    """Let the background take from a book."""
    book = state.by_coin.get(event.coin)
    if book is None or book.closed:
        return f"{event.coin} is not listed"
    if not isinstance(book.market, OrderBook):
        return f"the flow of {event.coin} is recorded: there is no book to sweep"
    buys = event.side == "buy"
    limit = book.mark_ticks * 2 if buys else max(1, book.mark_ticks // 2)
    lots = max(1, book.coin.lots(event.usd / book.context.mark_px))
    order = NewOrder(-next(_sweeps), BACKGROUND, BUY if buys else SELL, limit, lots, Tif.IOC)
    fills = book.market.place(order).fills
    settled = clearing.settle(state, fills)
    clearing.publish(state, book, [Print(f.px_ticks, f.sz_lots, f.aggressor_side) for f in fills], fills, settled)
    state.outbox.books.add(event.coin)
    return None
