"""The reference venue in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import reference as MODULE
from tests.estimators.feeds import START_NS, Floats, fresh
from tests.estimators.stream import EARLIER, LATER, Moment


def levels(px: float, sz: float) -> tuple[Floats, Floats]:
    """One level; the others are missing."""
    return np.array([px, 0.0, 0.0, 0.0, 0.0]), np.array([sz, 0.0, 0.0, 0.0, 0.0])


GOOD = [START_NS, 5, *levels(99.9, 1.0), *levels(100.1, 2.0), 0.0, 0.0, 100.0]
BAD: list[list[Any]] = [
    [LATER, 6, *levels(np.nan, 1.0), *levels(100.1, 2.0), 0.0, 0.0, 100.0],
    [LATER, 6, *levels(99.9, 0.0), *levels(100.1, 2.0), 0.0, 0.0, 100.0],
    [LATER, 6, *levels(100.1, 1.0), *levels(99.9, 2.0), 0.0, 0.0, 100.0],
    [START_NS, 4, *levels(99.9, 1.0), *levels(100.1, 2.0), 0.0, 0.0, 100.0],
    [EARLIER, 6, *levels(99.9, 1.0), *levels(100.1, 2.0), 0.0, 0.0, 100.0],
    [START_NS, 6, *levels(119.9, 1.0), *levels(120.1, 2.0), 0.0, 0.0, 100.0],
    [START_NS, 6, *levels(99.9, 1.0), *levels(100.1, 2.0), 0.0, 0.0, np.nan],
]
PLAIN = {"gap_sums", "imbalance"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        bid = levels(np.nan if now.broken else now.bid_px, now.bid_sz)
        MODULE.update(
            st[0], p[0], now.now_ns, i, *bid, *levels(now.ask_px, now.ask_sz), now.sz, 9.0 - now.sz, now.mid_px * 1.0001
        )
        if now.aggressor >= 0:
            MODULE.on_trade(st[0], p[0], now.now_ns, now.aggressor, now.sz)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    px, lean = st["mid_px"][0], st["micro_dev_bps"][0]
    bid, ask = levels(px - 1e-4 * px, 1.0 + lean), levels(px + 1e-4 * px, 1.0 - lean)
    deep = 1.0 + st["imbalance"][0], 1.0 - st["imbalance"][0]
    own_px = px * np.exp(-1e-4 * st["gap_bps"][0])
    MODULE.update(st[0], p[0], now_ns, st["sent_ms"][0], *bid, *ask, *deep, own_px)
