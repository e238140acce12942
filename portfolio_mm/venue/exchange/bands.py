"""Bounds on what may be ordered: bands around prices, windows, caps on open interest, sizes (HL §5.4, §7.5)."""

from typing import Any, Final

from portfolio_mm.domain.units import SIGN, USD_1E8
from portfolio_mm.venue.clearinghouse import clearing
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.prices import USD_TICK_LOTS
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import wording
from portfolio_mm.venue.exchange.wording import Why
from portfolio_mm.venue.listing import Dex
from portfolio_mm.venue.state import CoinState, VenueState

LARGEST_MARKET_USD: Final = ((25, 30_000_000), (20, 5_000_000), (10, 2_000_000), (1, 500_000))
"""Largest market order by maximum leverage of the coin, from which leverage on; limit orders may be ten times that."""
LIMIT_TIMES: Final = 10
MARKET_TIFS: Final = ("Ioc", "FrontendMarket")


def largest_market_orders() -> list[Any]:
    """Reply to `maxMarketOrderNtls`."""
    return [[leverage, f"{usd}.0"] for leverage, usd in LARGEST_MARKET_USD]


def capped_coins(state: VenueState, dex: Dex) -> list[str]:
    """Reply to `perpsAtOpenInterestCap`."""
    return [coin.coin for coin in dex.coins if at_cap(state, state.books[coin.index])]


def at_cap(state: VenueState, book: CoinState) -> bool:
    """Whether open interest has reached the coin's cap: what the flow says there is, and what users here are long."""
    cap, cap_usd = state.oi_caps.get(book.coin.index), book.terms.oi_cap_usd
    if cap_usd is not None:
        return open_interest_lots(state, book) * book.mark_ticks >= cap_usd * USD_TICK_LOTS
    return cap is not None and open_interest_lots(state, book) >= cap


def open_interest_lots(state: VenueState, book: CoinState) -> int:
    """Lots of open interest of a coin."""
    longs = sum(max(0, user.szi(book.coin.index)) for user in state.users.values())
    return book.coin.lots(book.context.open_interest) + longs


def halted(state: VenueState, order: OwnOrder) -> Why | None:
    """A coin its deployer has halted takes no orders (HL §7.5)."""
    return wording.HALTED if state.books[order.instrument.index].halted else None


def window(state: VenueState, order: OwnOrder) -> Why | None:
    """After an upgrade only post-only orders are taken."""
    return wording.POST_ONLY if state.post_only and order.tif != "Alo" else None


def oracle_band(state: VenueState, order: OwnOrder) -> Why | None:
    """An order may not reach further beyond the oracle than the band; away from the market it may stand anywhere."""
    oracle = state.books[order.instrument.index].oracle_ticks
    beyond = SIGN[order.side] * (order.px_ticks - oracle)
    return wording.OFF_ORACLE if beyond * 100 > state.settings.oracle_band_percent * oracle else None


def open_interest(state: VenueState, user: User, order: OwnOrder) -> Why | None:
    """At the cap nothing may increase open interest, and nothing be more aggressive than the oracle (HL §7.5).

    Which reducing orders the venue means by the latter is not documented; here those that are not reduce-only.
    """
    book, szi = state.books[order.instrument.index], user.szi(order.instrument.index)
    if order.reduce_only:
        return None
    after = szi + SIGN[order.side] * order.sz_lots
    limit = state.settings.oi_step_usd
    added_usd = max(0, abs(after) - abs(szi)) * order.px_ticks / 1e6
    if limit and added_usd > limit:
        return wording.TOO_QUICK
    if not at_cap(state, book):
        return None
    if szi and szi * after < 0:
        return wording.CAP_FLIP
    if abs(after) > abs(szi):
        return wording.CAP_INCREASE
    return wording.CAP_AGGRESSIVE if _beyond_oracle(book, order) else None


def _beyond_oracle(book: CoinState, order: OwnOrder) -> bool:
    return SIGN[order.side] * (order.px_ticks - book.oracle_ticks) > 0


def cancel_at_cap(state: VenueState) -> None:
    """Resting orders that would increase a capped open interest and are more aggressive than the oracle end."""
    for book in state.books:
        if not at_cap(state, book):
            continue
        for user in state.users.values():
            for order in [o for o in user.open.values() if o.instrument is book.coin]:
                if order.increases(user.szi(book.coin.index)) and _beyond_oracle(book, order):
                    clearing.remove(state, order, "openInterestCapCanceled", by_engine=True)


def too_large(order: OwnOrder) -> Why | None:
    """Largest value of one order; IOC counts as a market order."""
    leverage = order.instrument.max_leverage
    largest = next(usd for bound, usd in LARGEST_MARKET_USD if leverage >= bound)
    times = 1 if order.tif in MARKET_TIFS else LIMIT_TIMES
    return wording.TOO_LARGE if order.value_1e8 > largest * times * USD_1E8 else None
