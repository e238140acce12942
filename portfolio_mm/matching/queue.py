"""Fills by queue position on recorded flow: the market of a tape.

The recorded book never contained our orders, so what would have happened is a model (`FillModel`, `queue_fills`).
Not guaranteed: that others would have acted the same with our orders in the book.
"""

from typing import Any

import numpy as np

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching import queue_tape as tape
from portfolio_mm.matching.book_kernels import CROSSED, DUPLICATE, FILL, FULL, PRINT
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.market import Advance, Bbo, Fill, Level, MarketFull, NewOrder, Placement, Print
from portfolio_mm.matching.queue_fills import place_own
from portfolio_mm.matching.queue_state import DEPTH, N_OWN, new_queue

Array = np.ndarray[Any, Any]
BUFFER = 4 * N_OWN
NEVER_MS = 1 << 62
NOTHING = Advance()


class QueueMarket:
    """A `Market` on one coin's recording.

    Args:
        events: TAPE_EVENT records in time order, trades of a block before its books.
        snapshots: int64 [row, side, level, (price, lots, orders)], price 0 beyond the end; BOOK events name rows.
        fills: what is assumed about fills.
    """

    def __init__(self, events: Array, snapshots: Array, fills: FillModel = FillModel()) -> None:  # noqa: B008 - a tuple
        self.state: Array = new_queue(fills)
        self.play(events, snapshots, 0)
        self._fills: Array = np.zeros(BUFFER, FILL)
        self._prints: Array = np.zeros(BUFFER, PRINT)
        self._gone: Array = np.zeros(N_OWN, np.int64)
        self._rows: Array = np.zeros((DEPTH + N_OWN, 3), np.int64)

    def play(self, events: Array, snapshots: Array, shift_ms: int) -> None:
        """Go on with another recording, all its times `shift_ms` later; the book and own orders stay."""
        self._events, self._snapshots = events, snapshots
        self._times = np.ascontiguousarray(events["ms"])
        self._shift_ms = shift_ms
        self._move_to(0)

    def enter_at(self, ms: int) -> None:
        """Orders placed from now on arrive at `ms` of the recording: no earlier trade fills them."""
        self.state["entry_ms"] = ms

    def place(self, order: NewOrder) -> Placement:
        """Match and rest one order; see `Market.place`."""
        if order.sz_lots <= 0 or order.px_ticks <= 0:
            msg = f"order {order.oid}: price {order.px_ticks} ticks and size {order.sz_lots} lots must be positive"
            raise ValueError(msg)
        left, n_fills, n_gone = place_own(
            self.state,
            0,
            order.oid,
            order.owner,
            order.side,
            order.px_ticks,
            order.sz_lots,
            int(order.tif),
            self._fills,
            self._gone,
        )
        if left == CROSSED:
            return Placement(crossed=True)
        if left == DUPLICATE:
            msg = f"order id {order.oid} already rests in this market"
            raise ValueError(msg)
        if left == FULL:
            msg = f"the market holds {N_OWN} orders of our own; cancel some first"
            raise MarketFull(msg)
        gone = tuple(self._gone[:n_gone].tolist())
        return Placement(self._read_fills(n_fills), int(left), crossed=False, self_cancelled=gone)

    def cancel(self, oid: int) -> int:
        """Remove an order; see `Market.cancel`."""
        return int(tape.take_own(self.state, 0, oid, 1 << 62))

    def reduce(self, oid: int, lots: int) -> int:
        """Shrink an order in place; see `Market.reduce`."""
        return int(tape.take_own(self.state, 0, oid, lots)) if lots > 0 else 0

    def remaining(self, oid: int) -> int:
        """Lots of a resting order, 0 if unknown."""
        return int(tape.own_place(self.state, 0, oid)[0])

    def ahead(self, oid: int) -> float:
        """Estimated lots before an order at its price, our own earlier ones included; NaN if unknown."""
        return float(tape.own_place(self.state, 0, oid)[1])

    def bbo(self) -> Bbo:
        """Best published prices."""
        bid, bid_lots, bids, ask, ask_lots, asks = tape.read_bbo(self.state, 0)
        return Bbo(Level(bid, bid_lots, bids) if bid else None, Level(ask, ask_lots, asks) if ask else None)

    def levels(self, n: int) -> tuple[list[Level], list[Level]]:
        """Up to n published levels a side, best first."""
        return self._read_levels(BUY, n), self._read_levels(SELL, n)

    def advance(self, now_ms: int) -> Advance:
        """Apply the recorded events that are due; see `Market.advance`."""
        until_ms = now_ms - self._shift_ms
        fills: list[Fill] = []
        prints: list[Print] = []
        books, moved, began = 0, False, self._cursor
        while self._due_ms <= until_ms:
            cursor, n_fills, n_prints, n_books, changed = tape.run_tape(
                self.state, 0, self._events, self._snapshots, self._cursor, until_ms, self._fills, self._prints
            )
            self._move_to(cursor)
            fills += self._read_fills(n_fills)
            prints += map(Print._make, self._prints[:n_prints].tolist())
            books += n_books
            moved = moved or bool(changed)
        if self._cursor == began:
            return NOTHING
        return Advance(tuple(fills), tuple(prints), moved, book_changed=True, snapshot=books > 0)

    def _move_to(self, cursor: int) -> None:
        self._cursor = cursor
        self._due_ms = int(self._times[cursor]) if cursor < len(self._times) else NEVER_MS

    def _read_fills(self, n: int) -> tuple[Fill, ...]:
        return tuple(map(Fill._make, self._fills[:n].tolist()))

    def _read_levels(self, side: int, n: int) -> list[Level]:
        n = tape.read_published(self.state, 0, side, min(n, len(self._rows)), self._rows)
        return list(map(Level._make, self._rows[:n].tolist()))
