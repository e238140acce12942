"""Arrivals in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import arrivals as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, -1, 0.0]
BAD: list[list[Any]] = [[LATER, 0, np.nan], [LATER, 1, 0.0], [EARLIER, 0, 100.0], [EARLIER, -1, 0.0], [0, -1, 0.0]]
STEP_ERROR = 1e-12
PLAIN = {"counts", "day_mass", "fast_mass", "slow_mass", "size_mass", "forecast", "rival", "ratio"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        sz = np.nan if now.broken else now.sz
        MODULE.update(st[0], p[0], now.now_ns, now.aggressor, sz * now.px)
        if i % 5 == 0:
            MODULE.update(st[0], p[0], now.now_ns, -1, 0.0)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, -1, 0.0)
