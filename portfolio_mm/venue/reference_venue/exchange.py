"""All symbols of the reference venue, and what its streams say after every step."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.reference_venue.market import Book, ReferenceMarket, Symbol
from portfolio_mm.venue.reference_venue.messages import agg_trade, book_ticker, depth_update, partial_depth
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings

QUOTE: Final = "USDT"
SPEEDS_MS: Final = {"@100ms": 100, "": 250, "@500ms": 500}
"""Depth streams: the suffix of their name and how often they send."""
PARTIAL: Final = (5, 10, 20)
"""Levels of a partial book depth stream."""
THOUSANDS: Final = "1000"
Said = list[tuple[str, Callable[[], dict[str, Any]]]]
"""Stream names and payloads, which are made for those who asked for them."""


def symbol_name(coin: str) -> str:
    """How Binance names the perpetual of a coin; a thousand of a cheap one is `kPEPE` here and `1000PEPE` there.

    >>> symbol_name("BTC"), symbol_name("kPEPE")
    ('BTCUSDT', '1000PEPEUSDT')
    """
    thousands = coin[:1] == "k" and coin[1:].isupper()
    return f"{THOUSANDS + coin[1:] if thousands else coin.upper()}{QUOTE}"


class Leading(Protocol):
    """A flow that knows the prices of a venue that leads it."""

    def instruments(self) -> tuple[Instrument, ...]:
        """Its coins."""
        ...

    def reference_px(self, coin: str) -> float:
        """Price at the leading venue now, USD."""
        ...


class ReferenceExchange:
    """Follows a flow: `step` after every block."""

    def __init__(self, flow: Leading, seed: int, settings: ReferenceSettings, now_ms: int) -> None:
        self._flow = flow
        self.now_ms = now_ms
        symbols = {
            coin.coin: Symbol(symbol_name(coin.coin), coin.index, coin.sz_decimals)
            for coin in flow.instruments()
            if ":" not in coin.coin  # a leading venue does not trade what a dex of this one lists
        }
        self.markets = {
            symbol.name: ReferenceMarket(seed, symbol, flow.reference_px(coin), settings)
            for coin, symbol in symbols.items()
        }
        self._coins = {symbol.name: coin for coin, symbol in symbols.items()}
        self._sent: dict[str, tuple[int, Book]] = {
            f"{symbol.lower()}@depth{suffix}": (now_ms, market.book)
            for symbol, market in self.markets.items()
            for suffix in SPEEDS_MS
        }

    def step(self, now_ms: int) -> Said:
        """Move to a later time; everything the streams say of it, in the order it happened."""
        passed_s = (now_ms - self.now_ms) / 1e3
        self.now_ms = now_ms
        said: Said = []
        for symbol, market in self.markets.items():
            before = market.best()
            market.move(self._flow.reference_px(self._coins[symbol]), passed_s)
            name = symbol.lower()
            if market.best() != before:
                said.append((f"{name}@bookTicker", partial(book_ticker, market, now_ms)))
            said += [(f"{name}@aggTrade", partial(agg_trade, market, trade, now_ms)) for trade in market.trades]
            said += self._depth(market, name, now_ms)
        return said

    def _depth(self, market: ReferenceMarket, name: str, now_ms: int) -> Said:
        said: Said = []
        for suffix, every_ms in SPEEDS_MS.items():
            stream = f"{name}@depth{suffix}"
            last_ms, book = self._sent[stream]
            if now_ms - last_ms >= every_ms and market.book.update > book.update:
                said.append((stream, partial(depth_update, market, book, now_ms)))
                said += [
                    (f"{name}@depth{levels}{suffix}", partial(partial_depth, market, levels, book, now_ms))
                    for levels in PARTIAL
                ]
                # Kept in step with its period, however late this block came.
                self._sent[stream] = (now_ms - (now_ms - last_ms) % every_ms, market.book)
        return said
