"""Funding in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import funding as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0, 99.99, 1e-5]
BAD: list[list[Any]] = [
    [LATER, np.nan, 100.0, 1e-5],
    [LATER, 100.0, 0.0, 1e-5],
    [LATER, 100.0, np.inf, 1e-5],
    [LATER, 100.0, 100.0, np.nan],
    [LATER, 100.0, 100.0, 0.2],
    [EARLIER, 100.0, 100.0, 1e-5],
]
PLAIN = {"mass", "level_sum", "square_sum", "pair_mass", "pair_xx", "pair_xy"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px, now.bid_px, 1e-5)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    mark = 100.0 * (1.0 + 1e-4 * float(st["premium_bps"][0]))
    MODULE.update(st[0], p[0], now_ns, mark, 100.0, 1e-4 * float(st["published_bps"][0]))
