"""Payloads of the market streams and of the depth snapshot (Binance USD-M futures, developers.binance.com)."""

from typing import Any

from portfolio_mm.venue.reference_venue.market import Book, ReferenceMarket, Side, Trade


def px_text(market: ReferenceMarket, ticks: int) -> str:
    """Prices and quantities are strings with all their decimals."""
    return f"{ticks / 10**market.px_decimals:.{market.px_decimals}f}"


def qty_text(market: ReferenceMarket, steps: int) -> str:
    """A quantity in coins."""
    return f"{steps / 10**market.qty_decimals:.{market.qty_decimals}f}"


def book_ticker(market: ReferenceMarket, now_ms: int) -> dict[str, Any]:
    """`<symbol>@bookTicker`: best bid and ask, sent when one of them changes."""
    bid, bid_steps, ask, ask_steps = market.best()
    return {
        "e": "bookTicker",
        "u": market.book.update,
        "s": market.symbol,
        "b": px_text(market, bid),
        "B": qty_text(market, bid_steps),
        "a": px_text(market, ask),
        "A": qty_text(market, ask_steps),
        "T": now_ms,
        "E": now_ms,
    }


def agg_trade(market: ReferenceMarket, trade: Trade, now_ms: int) -> dict[str, Any]:
    """`<symbol>@aggTrade`."""
    return {
        "e": "aggTrade",
        "E": now_ms,
        "a": trade.number,
        "s": market.symbol,
        "p": px_text(market, trade.ticks),
        "q": qty_text(market, trade.steps),
        "f": trade.first,
        "l": trade.first + trade.n - 1,
        "T": now_ms,
        "m": trade.buyer_is_maker,
    }


def depth_update(market: ReferenceMarket, before: Book, now_ms: int) -> dict[str, Any]:
    """`<symbol>@depth`: levels that changed since the last event of the stream; quantity zero is a level gone."""
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": now_ms,
        "s": market.symbol,
        "U": before.update + 1,
        "u": market.book.update,
        "pu": before.update,
        "b": _changes(market, before.bids, market.book.bids),
        "a": _changes(market, before.asks, market.book.asks),
    }


def partial_depth(market: ReferenceMarket, levels: int, before: Book, now_ms: int) -> dict[str, Any]:
    """`<symbol>@depth<levels>`: the best levels of both sides, best first, with the numbers of the diff stream."""
    bids, asks = _best(market, levels)
    head = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": market.symbol}
    return head | {"U": before.update + 1, "u": market.book.update, "pu": before.update, "b": bids, "a": asks}


def depth_snapshot(market: ReferenceMarket, limit: int, now_ms: int) -> dict[str, Any]:
    """Answer of `GET /fapi/v1/depth`."""
    bids, asks = _best(market, limit)
    return {"lastUpdateId": market.book.update, "E": now_ms, "T": now_ms, "bids": bids, "asks": asks}


def _best(market: ReferenceMarket, limit: int) -> tuple[list[list[str]], list[list[str]]]:
    bids, asks = market.book.bids, market.book.asks
    return (
        _levels(market, {ticks: bids[ticks] for ticks in sorted(bids, reverse=True)[:limit]}),
        _levels(market, {ticks: asks[ticks] for ticks in sorted(asks)[:limit]}),
    )


def _changes(market: ReferenceMarket, before: Side, now: Side) -> list[list[str]]:
    gone = {ticks: 0 for ticks in before if ticks not in now}
    fresh = {ticks: steps for ticks, steps in now.items() if before.get(ticks) != steps}
    return _levels(market, dict(sorted((gone | fresh).items())))


def _levels(market: ReferenceMarket, side: Side) -> list[list[str]]:
    return [[px_text(market, ticks), qty_text(market, steps)] for ticks, steps in side.items()]
