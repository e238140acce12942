"""Order-level book with price-time priority: the market of synthetic flow.

Holds N_ORDERS live orders at N_LEVELS prices a side. Everything that happens inside is compiled; this facade turns
flat rows into the tuples of `market`.
"""

from typing import Any

import numpy as np

from portfolio_mm.domain.units import BUY, SELL, SIDES
from portfolio_mm.matching import book_kernels as kernels
from portfolio_mm.matching.book_state import N_LEVELS, N_ORDERS, new_book
from portfolio_mm.matching.market import (
    BACKGROUND,
    Advance,
    Bbo,
    Fill,
    Level,
    MarketFull,
    NewOrder,
    Placement,
    Print,
)

Array = np.ndarray[Any, Any]
NO_ACTIONS = np.zeros(0, kernels.ACTION)


class OrderBook:
    """A `Market` whose background flow arrives as ACTION records through `push`."""

    def __init__(self) -> None:
        self.state: Array = new_book()
        self._fills: Array = np.zeros(kernels.N_FILLS, kernels.FILL)
        self._gone: Array = np.zeros(N_ORDERS, np.int64)
        self._rows: Array = np.zeros((N_LEVELS, 3), np.int64)
        self._actions: Array = NO_ACTIONS
        self._cursor = 0

    def push(self, actions: Array) -> None:
        """Queue background actions, in time order and not before those already queued; `advance` applies them.

        The array is kept, not copied, when nothing else waits: do not write to it before it is applied.
        """
        waiting = self._actions[self._cursor :]
        self._actions = np.concatenate([waiting, actions]) if len(waiting) else actions
        self._cursor = 0

    def place(self, order: NewOrder) -> Placement:
        """Match and rest one order; see `Market.place`."""
        if order.sz_lots <= 0 or order.px_ticks <= 0:
            msg = f"order {order.oid}: price {order.px_ticks} ticks and size {order.sz_lots} lots must be positive"
            raise ValueError(msg)
        left, n_fills, n_gone = kernels.place_order(
            self.state,
            0,
            order.oid,
            order.owner,
            order.side,
            order.px_ticks,
            order.sz_lots,
            int(order.tif),
            self._fills,
            0,
            self._gone,
        )
        if left == kernels.CROSSED:
            return Placement(crossed=True)
        if left == kernels.DUPLICATE:
            msg = f"order id {order.oid} already rests in this book"
            raise ValueError(msg)
        if left == kernels.FULL:
            msg = f"the book holds {N_ORDERS} orders or {N_LEVELS} prices a side; cancel some first"
            raise MarketFull(msg)
        return Placement(self._read_fills(n_fills), int(left), crossed=False, self_cancelled=self._read_gone(n_gone))

    def cancel(self, oid: int) -> int:
        """Remove an order; see `Market.cancel`."""
        return int(kernels.cancel_order(self.state, 0, oid, 1 << 62))

    def reduce(self, oid: int, lots: int) -> int:
        """Shrink an order in place; see `Market.reduce`."""
        return int(kernels.cancel_order(self.state, 0, oid, lots)) if lots > 0 else 0

    def remaining(self, oid: int) -> int:
        """Lots of a resting order, 0 if unknown."""
        return int(kernels.remaining_lots(self.state, 0, oid))

    def ahead(self, oid: int) -> float:
        """Lots before an order at its price, exact; NaN if unknown."""
        lots = kernels.lots_ahead(self.state, 0, oid)
        return float(lots) if lots >= 0 else float("nan")

    def bbo(self) -> Bbo:
        """Best prices."""
        best = [self._read_levels(side, 1) for side in SIDES]
        return Bbo(*(levels[0] if levels else None for levels in best))

    def levels(self, n: int) -> tuple[list[Level], list[Level]]:
        """Up to n levels a side, best first."""
        return self._read_levels(BUY, n), self._read_levels(SELL, n)

    def advance(self, now_ms: int) -> Advance:
        """Apply the queued background actions that are due; see `Market.advance`."""
        before = self.bbo()
        fills: list[Fill] = []
        changed = False
        while self._cursor < len(self._actions) and self._actions["ms"][self._cursor] <= now_ms:
            self._cursor, n_fills, moved = kernels.run_actions(
                self.state,
                0,
                self._actions,
                self._cursor,
                len(self._actions),
                now_ms,
                self._fills,
                self._gone,
            )
            fills += self._read_fills(n_fills)
            changed = changed or moved
        return Advance(
            fills=tuple(fill for fill in fills if fill.maker_owner != BACKGROUND),
            prints=tuple(Print(fill.px_ticks, fill.sz_lots, fill.aggressor_side) for fill in fills),
            bbo_changed=changed and self.bbo() != before,
            book_changed=changed,
        )

    def _read_fills(self, n: int) -> tuple[Fill, ...]:
        return tuple(Fill(*row) for row in self._fills[:n].tolist())

    def _read_gone(self, n: int) -> tuple[int, ...]:
        return tuple(self._gone[:n].tolist())

    def _read_levels(self, side: int, n: int) -> list[Level]:
        n = kernels.read_levels(self.state, 0, side, min(n, N_LEVELS), self._rows)
        return [Level(*row) for row in self._rows[:n].tolist()]
