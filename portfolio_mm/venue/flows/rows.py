"""Numbers of one coin's feed before they are put on its grid: rows and full books, whatever file they came from."""

from array import array
from typing import Any, Final

import numpy as np

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.queue_state import SNAPSHOT_LEVELS
from portfolio_mm.matching.queue_tape import TapeKind
from portfolio_mm.venue.flows.feed import FeedBest, FeedBook, FeedLevel, FeedTrade

Array = np.ndarray[Any, Any]
HISTORY_MS: Final = 2_000
"""Trades of a live frame are at most this much older than the newest block already heard of."""
COLUMNS: Final = ("recv_ms", "ms", "kind", "side", "px", "sz", "n", "ask_px", "ask_sz", "ask_n", "row", "at")
"""`at` is the record's place in its file, counted from one: a line, or a row of a Parquet file."""


class Rows:
    """Feed of one coin in receive order; trades already seen, or older than what was heard before, are left out."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []
        self.books = array("d")
        self.n_books = 0
        self.newest_ms = 0
        self._tids: set[int] = set()

    def add_book(self, recv_ms: int, at: int, book: FeedBook) -> None:
        """A full book."""
        for levels in book.levels:
            for level in levels[:SNAPSHOT_LEVELS]:
                self.books.extend((level.px, level.sz, level.n))
            self.books.extend([0.0] * (3 * (SNAPSHOT_LEVELS - len(levels))))
        self.newest_ms = max(self.newest_ms, book.time)
        self.rows.append((recv_ms, book.time, TapeKind.BOOK, 0, 0, 0, 0, 0, 0, 0, self.n_books, at))
        self.n_books += 1

    def add_best(self, recv_ms: int, at: int, best: FeedBest) -> None:
        """Best prices."""
        self.newest_ms = max(self.newest_ms, best.time)
        bid, ask = (_level(level) for level in best.bbo)
        self.rows.append((recv_ms, best.time, TapeKind.BBO, 0, *bid, *ask, 0, at))

    def add_trade(self, recv_ms: int, at: int, trade: FeedTrade) -> None:
        """A trade, unless it is history."""
        if trade.tid in self._tids or trade.time < self.newest_ms - HISTORY_MS:
            return
        self._tids.add(trade.tid)
        side = BUY if trade.side == "B" else SELL
        self.rows.append((recv_ms, trade.time, TapeKind.TRADE, side, trade.px, trade.sz, 0, 0, 0, 0, 0, at))

    def numbers(self) -> tuple[Array, Array]:
        """Rows of `COLUMNS`, and books [row, side, level, (px, sz, n)]."""
        shape = (self.n_books, 2, SNAPSHOT_LEVELS, 3)
        return np.array(self.rows, np.float64).reshape(-1, len(COLUMNS)), np.array(self.books).reshape(shape)


def _level(level: FeedLevel | None) -> tuple[float, float, float]:
    return (level.px, level.sz, level.n) if level else (0.0, 0.0, 0.0)
