"""Order flow in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import order_flow as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 99.0, 1.0, 101.0, 2.0]
BAD: list[list[Any]] = [
    [LATER, np.nan, 1.0, 101.0, 2.0],
    [LATER, 99.0, 0.0, 101.0, 2.0],
    [LATER, 99.0, 1.0, 101.0, np.inf],
    [LATER, 101.0, 1.0, 99.0, 2.0],
    [EARLIER, 99.0, 1.0, 101.0, 2.0],
]
PLAIN = {
    *("depth_sums", "order_sums", "bucket_sums", "vpin_sums", "vpin_excess", "window_sums", "pressure_square"),
    "window_alpha",
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        if now.aggressor >= 0:
            MODULE.on_trade(st[0], p[0], now.now_ns, now.aggressor, now.px, now.sz)
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.bid_px, now.bid_sz, now.ask_px, now.ask_sz)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    (bid_px, ask_px), (bid_sz, ask_sz) = st["top_px"][0], st["top_sz"][0]
    MODULE.update(st[0], p[0], now_ns, bid_px, bid_sz, ask_px, ask_sz)
