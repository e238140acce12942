"""Informed flow in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import informed as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, START_NS, 100.0]
BAD: list[list[Any]] = [[LATER, LATER, np.nan], [LATER, LATER, 0.0], [EARLIER, EARLIER, 100.0]]
PLAIN = {"moments", "mass", "first", "second", "y", "due_said", "due_y"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        MODULE.update(st[0], p[0], now.now_ns, now.now_ns, np.nan if now.broken else now.mid_px)
        if now.aggressor >= 0:
            MODULE.trade(st[0], p[0], now.now_ns, now.aggressor, 1e3 * now.sz, now.fair_px)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, now_ns, 100.0)
