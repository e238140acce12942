"""What the reference venue says of one symbol, as EVENT records in units of our coin.

A book is the best prices of `bookTicker` over the levels of the last `depth20`, whichever has the later update number
first. Prices are divided by the symbol's multiplier, sizes multiplied by it.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.events import BOOK_LEVELS, EVENT, LAST, EventKind
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.reference.parse import AggTrade, BookTicker, Depth, Level, Said
from portfolio_mm.reference.symbols import Symbol

Rows = npt.NDArray[Any]
DEEP_MS: Final = 5_000
"""Levels behind the best that were told longer ago than this before it are not known any more."""


class ReferenceBook:
    """One symbol. `hear` gives the event of what was said; None when it is older than what is known."""

    def __init__(self, symbol: Symbol, coin: int) -> None:
        self._symbol = symbol
        self._coin = coin
        self._ticker: BookTicker | None = None
        self._depth: Depth | None = None
        self._row: Rows = np.zeros(1, EVENT)
        self.mid = 0.0
        """Of the last book, in units of our coin; 0 before there is one."""

    def forget(self) -> None:
        """The connection ended: what comes next begins anew."""
        self._ticker = self._depth = None
        self.mid = 0.0

    def hear(self, said: Said, recv_ns: int) -> Rows | None:
        """One event for the coin; the array is used again by the next call."""
        if isinstance(said, AggTrade):
            return self._trade(said, recv_ns)
        known = max(0 if one is None else one.u for one in (self._ticker, self._depth))
        if said.u < known:
            return None
        if isinstance(said, BookTicker):
            self._ticker = said
        else:
            self._depth = said
        return self._book(said.T, recv_ns)

    def _book(self, now_ms: int, recv_ns: int) -> Rows | None:
        ticker, depth = self._ticker, self._depth
        if depth is not None and now_ms - depth.T > DEEP_MS:
            depth = None
        bids, asks = ([], []) if depth is None else (depth.b, depth.a)
        if ticker is not None and (depth is None or ticker.u > depth.u):
            bids = [(ticker.b, ticker.B), *(level for level in bids if level[0] < ticker.b)]
            asks = [(ticker.a, ticker.A), *(level for level in asks if level[0] > ticker.a)]
        if not bids or not asks:
            return None
        row, scale = self._begin(EventKind.REFERENCE, now_ms, recv_ns), self._symbol.multiplier
        for side, levels in (("bid", bids), ("ask", asks)):
            for at, (px, sz) in enumerate(levels[:BOOK_LEVELS]):
                row[f"{side}_px"][0, at] = px / scale
                row[f"{side}_sz"][0, at] = sz * scale
        if depth is not None:
            row["sz"], row["sz2"] = _total(bids) * scale, _total(asks) * scale
        self.mid = float(row["bid_px"][0, 0] + row["ask_px"][0, 0]) / 2.0
        return row

    def _trade(self, trade: AggTrade, recv_ns: int) -> Rows:
        row, scale = self._begin(EventKind.REFERENCE_TRADE, trade.T, recv_ns), self._symbol.multiplier
        row["side"] = SELL if trade.m else BUY
        row["px"], row["sz"], row["tid"] = trade.p / scale, trade.q * scale, trade.a
        return row

    def _begin(self, kind: EventKind, venue_ms: int, recv_ns: int) -> Rows:
        row = self._row
        row[:] = np.zeros(1, EVENT)
        row["kind"], row["coin"], row["bits"] = kind, self._coin, LAST
        row["venue_ms"], row["recv_ns"] = venue_ms, recv_ns
        return row


def _total(levels: list[Level]) -> float:
    return sum(sz for _, sz in levels)
