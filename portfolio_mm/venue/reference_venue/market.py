"""The market of one symbol at the reference venue: a book around a given price, and trades at its best prices.

Seeded and independent of what anyone asks; nobody trades here.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from portfolio_mm.venue.reference_venue.settings import ReferenceSettings

LEVELS: Final = 40
STEP_BPS: Final = 0.2
"""Distance of price levels, at least one tick."""
CHANGED: Final = 0.2
"""Share of the levels whose size changes from one update to the next."""
DIGITS: Final = 6
"""Significant digits of a price, one tick is the last of them: the real ticks of BTC and ETH, finer ones elsewhere."""
MAX_QTY_DECIMALS: Final = 3
FIRST_ID: Final = 5_000_000_000
Side = dict[int, int]
"""Quantity in steps by price in ticks."""


class Trade(NamedTuple):
    """An aggregate of `n` trades; the first has the id `first`."""

    number: int
    ticks: int
    steps: int
    first: int
    n: int
    buyer_is_maker: bool


class Book(NamedTuple):
    """Both sides after the update with a number."""

    update: int
    bids: Side
    asks: Side


class Symbol(NamedTuple):
    """A symbol, its place, and how many decimals a quantity may have at most."""

    name: str
    place: int
    qty_decimals: int


class ReferenceMarket:
    """One symbol, moved on by `move`."""

    def __init__(self, seed: int, symbol: Symbol, px: float, settings: ReferenceSettings) -> None:
        self.symbol = symbol.name
        self.px_decimals = max(DIGITS - 1 - math.floor(math.log10(px)), 0)
        self.qty_decimals = min(symbol.qty_decimals, MAX_QTY_DECIMALS)
        self._settings = settings
        self._rng = np.random.default_rng([seed, 8, symbol.place])
        self._step_ticks = max(round(px * STEP_BPS * 1e-4 * 10**self.px_decimals), 1)
        self._trades = 0
        self._agg = 0
        self.book = Book(FIRST_ID, {}, {})
        self.trades: tuple[Trade, ...] = ()
        """Of the last move."""
        self.move(px, 0.0)

    def best(self) -> tuple[int, int, int, int]:
        """Bid ticks and steps, ask ticks and steps."""
        bid, ask = max(self.book.bids), min(self.book.asks)
        return bid, self.book.bids[bid], ask, self.book.asks[ask]

    def move(self, px: float, passed_s: float) -> None:
        """A new price after a time, USD and seconds: the book follows it at once, then trades happen."""
        middle = px * 10**self.px_decimals
        half = max(0.5 * middle * self._settings.spread_bps * 1e-4, 0.5)
        bid = math.floor(middle - half + 0.5)
        ask = max(math.ceil(middle + half - 0.5), bid + 1)
        bids = self._side(self.book.bids, bid, -1, px)
        asks = self._side(self.book.asks, ask, 1, px)
        changes = len(bids.items() ^ self.book.bids.items()) + len(asks.items() ^ self.book.asks.items())
        self.book = Book(self.book.update + changes, bids, asks)
        number = int(self._rng.poisson(self._settings.trades_per_s * passed_s))
        self.trades = tuple(self._trade(px) for _ in range(number))

    def _side(self, before: Side, best: int, sign: int, px: float) -> Side:
        """The best price, and multiples of the step behind it; sizes stay but for some that change."""
        step = self._step_ticks
        first = (best // step) * step + (step if sign > 0 else 0)
        first += sign * step if first == best else 0
        prices = [best, *(first + sign * step * level for level in range(LEVELS - 1))]
        fresh = self._rng.random(LEVELS) < CHANGED
        sizes = np.maximum(self._rng.exponential(self._settings.level_usd / px, LEVELS) * 10**self.qty_decimals, 1.0)
        return {
            ticks: int(size) if change or ticks not in before else before[ticks]
            for ticks, change, size in zip(prices, fresh.tolist(), sizes.tolist(), strict=True)
            if ticks > 0
        }

    def _trade(self, px: float) -> Trade:
        bid, _, ask, _ = self.best()
        seller = bool(self._rng.random() < 0.5)
        steps = max(int(self._rng.exponential(self._settings.trade_usd / px) * 10**self.qty_decimals), 1)
        n = int(self._rng.geometric(0.5))
        self._agg += 1
        self._trades += n
        return Trade(self._agg, bid if seller else ask, steps, self._trades - n + 1, n, seller)
