"""What anybody sees of a market: books, best prices, mids, contexts (HL §1.3, §1.5, §1.6)."""

from typing import Any

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.matching.market import Level
from portfolio_mm.venue.clearinghouse.prices import impact_ticks
from portfolio_mm.venue.listing import Dex
from portfolio_mm.venue.protocol.amounts import wire_text
from portfolio_mm.venue.state import CoinState, VenueState

FULL_LEVELS = 20
FAST_LEVELS = 5
RATIO_DECIMALS = 10


def level_row(coin: Instrument, level: Level) -> dict[str, Any]:
    """One level."""
    px, sz = wire_text(level.px_ticks, coin.px_decimals), wire_text(level.sz_lots, coin.sz_decimals)
    return {"px": px, "sz": sz, "n": level.n_orders}


def book(state: VenueState, coin: CoinState, depth: int = FULL_LEVELS) -> dict[str, Any]:
    """`l2Book`, full precision."""
    sides = coin.market.levels(depth)
    return {
        "coin": coin.coin.coin,
        "time": state.now_ms,
        "levels": [[level_row(coin.coin, level) for level in side] for side in sides],
    }


def coarse_book(
    state: VenueState, coin: CoinState, n_sig_figs: int, mantissa: int, depth: int = FULL_LEVELS
) -> dict[str, Any]:
    """`l2Book` with `nSigFigs`: levels gathered on a coarser grid, bids down and asks up."""
    bids, asks = coin.market.levels(10_000)
    top = max((level.px_ticks for level in (*bids[:1], *asks[:1])), default=1)
    step = max(1, mantissa * 10 ** max(0, len(str(top)) - n_sig_figs))
    sides = []
    for levels, up in ((bids, False), (asks, True)):
        gathered: dict[int, Level] = {}
        for level in levels:
            px = (level.px_ticks + (step - 1 if up else 0)) // step * step
            old = gathered.get(px, Level(px, 0, 0))
            gathered[px] = Level(px, old.sz_lots + level.sz_lots, old.n_orders + level.n_orders)
        sides.append(list(gathered.values())[:depth])
    spread = asks[0].px_ticks - bids[0].px_ticks if bids and asks else 0
    return {
        "coin": coin.coin.coin,
        "time": state.now_ms,
        "levels": [[level_row(coin.coin, level) for level in side] for side in sides],
        "spread": wire_text(spread, coin.coin.px_decimals),
    }


def bbo(state: VenueState, coin: CoinState) -> dict[str, Any]:
    """`bbo`: an empty side is null."""
    best = [None if level is None else level_row(coin.coin, level) for level in coin.market.bbo()]
    return {"coin": coin.coin.coin, "time": state.now_ms, "bbo": best}


def mid_text(coin: CoinState) -> str | None:
    """Mid price, half a tick included; None when a side is empty."""
    bid, ask = coin.market.bbo()
    if bid is None or ask is None:
        return None
    return wire_text((bid.px_ticks + ask.px_ticks) * 5, coin.coin.px_decimals + 1)


def all_mids(state: VenueState, dex: Dex) -> dict[str, str]:
    """`allMids` of a dex: the last trade where a side is empty."""
    books = [state.books[coin.index] for coin in dex.coins]
    return {coin.coin.coin: mid_text(coin) or wire_text(coin.last_ticks, coin.coin.px_decimals) for coin in books}


def context(coin: CoinState) -> dict[str, Any]:
    """One asset context. Volumes start from the flow's stated model and grow with the prints.

    A halted coin keeps its prices and has neither funding nor open interest, as recorded.
    """
    decimals, premium = coin.coin.px_decimals, coin.premium_1e10()
    funding, interest = (0, 0.0) if coin.halted else (coin.funding_1e10(), coin.context.open_interest)
    return {
        "funding": wire_text(funding, RATIO_DECIMALS),
        "openInterest": wire_text(coin.coin.lots(interest), coin.coin.sz_decimals),
        "prevDayPx": wire_text(coin.coin.ticks(coin.first_px), decimals),
        "dayNtlVlm": wire_text(round(coin.volume_usd * 1e6), 6),
        "premium": None if premium is None else wire_text(premium, RATIO_DECIMALS),
        "oraclePx": wire_text(coin.oracle_ticks, decimals),
        "markPx": wire_text(coin.mark_ticks, decimals),
        "midPx": mid_text(coin),
        "impactPxs": impact_prices(coin),
        "dayBaseVlm": wire_text(coin.coin.lots(coin.volume_base), coin.coin.sz_decimals),
    }


def impact_prices(coin: CoinState) -> list[str] | None:
    """Average prices of selling and of buying the impact notional; None when the book is too thin."""
    impact = impact_ticks(coin.market, coin.coin.coin)
    return None if impact is None else [wire_text(ticks, coin.coin.px_decimals) for ticks in impact]


def spot_context(name: str) -> dict[str, Any]:
    """Context of a spot pair; none trades here."""
    zero = "0.0"
    return {
        "prevDayPx": zero,
        "dayNtlVlm": zero,
        "markPx": zero,
        "midPx": None,
        "circulatingSupply": zero,
        "coin": name,
        "totalSupply": zero,
        "dayBaseVlm": zero,
    }


def delisted_context() -> dict[str, Any]:
    """Context of a coin that no longer trades."""
    zero = "0.0"
    return {
        "funding": zero,
        "openInterest": zero,
        "prevDayPx": zero,
        "dayNtlVlm": zero,
        "premium": None,
        "oraclePx": zero,
        "markPx": zero,
        "midPx": None,
        "impactPxs": None,
        "dayBaseVlm": zero,
    }


def contexts(state: VenueState, dex: Dex) -> list[dict[str, Any]]:
    """Contexts of the whole universe of a dex, delisted rows in place."""
    return [_context_of(state.by_coin.get(row.coin)) for row in dex.rows]


def _context_of(coin: CoinState | None) -> dict[str, Any]:
    return delisted_context() if coin is None or coin.delisted else context(coin)
