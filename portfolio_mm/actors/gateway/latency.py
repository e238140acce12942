"""Tick to wire: from the receive time of the causing event in the coin actor until the venue's socket has the bytes.

What a market frame caused is kept apart from what a timer, an allocation, a fill or an answer caused: only the first
says how fast we follow the market. Each command is counted once, a cancel like an order. How much of it was spent in
the gateway (guard, waiting for the lane, signing) is kept too.

Histograms with logarithmic bins, 20 per factor of ten from 1 us to 100 s: quantiles are right to 12 %.
All times are monotonic clocks of one host; peers on other hosts are not counted.
"""

import math
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.view_rows import LatencyView
from portfolio_mm.domain.events import EventKind

PER_DECADE: Final = 20
DECADES: Final = 8
MARKET: Final = (EventKind.BBO, EventKind.BOOK, EventKind.TRADE, EventKind.CONTEXT)


class Histogram:
    """Counts of durations by size."""

    def __init__(self) -> None:
        self._counts = np.zeros(PER_DECADE * DECADES + 1, np.int64)
        self._max_us = 0.0

    def add(self, begin_ns: int, end_ns: int) -> None:
        """Count one; beginnings that are unknown or in the future are not counted."""
        us = (end_ns - begin_ns) / 1e3
        if begin_ns <= 0 or us < 0.0:
            return
        slot = int(math.log10(max(us, 1.0)) * PER_DECADE)
        self._counts[min(slot, len(self._counts) - 1)] += 1
        self._max_us = max(self._max_us, us)

    def _quantile(self, share: float) -> float:
        total = int(self._counts.sum())
        if total == 0:
            return 0.0
        slot = int(np.searchsorted(np.cumsum(self._counts), share * total))
        upper = 10.0 ** ((slot + 1) / PER_DECADE)
        return float(min(upper, self._max_us))

    def view(self) -> LatencyView:
        """Count and quantiles in microseconds (upper edges of bins)."""
        return LatencyView(
            count=int(self._counts.sum()),
            p50_us=self._quantile(0.5),
            p90_us=self._quantile(0.9),
            p99_us=self._quantile(0.99),
            max_us=self._max_us,
        )


class TickToWire:
    """`market`: commands a market frame caused; `other`: the rest; `gateway`: the gateway's part of both."""

    def __init__(self) -> None:
        self.market: Final = Histogram()
        self.other: Final = Histogram()
        self.gateway: Final = Histogram()

    def sent(self, orders: Sequence[OwnOrder]) -> None:
        """The socket has all of these."""
        now_ns = time.monotonic_ns()
        for order in orders:
            self.written(order, now_ns)

    def written(self, order: OwnOrder, now_ns: int) -> None:
        """The venue's socket has what a coin wished for this order."""
        (self.market if order.cause in MARKET else self.other).add(order.cause_ns, now_ns)
        self.gateway.add(order.heard_ns, now_ns)
        order.cause = order.cause_ns = order.heard_ns = 0
