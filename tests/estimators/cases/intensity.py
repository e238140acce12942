"""Intensity in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import intensity as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 0, 101.0, 100.0]
BAD: list[list[Any]] = [
    [LATER, 0, np.nan, 100.0],
    [LATER, 0, 0.0, 100.0],
    [LATER, 1, 99.0, np.nan],
    [EARLIER, 0, 101.0, 100.0],
    [EARLIER, -1, 0.0, 0.0],
]
STEP_ERROR = 1e-4
"""Time is forgotten once a refit, the newest second of exposure with the rest."""
PLAIN = {
    "efficiency",
    "rest_moment",
    "fills",
    "fill_moment",
    "near_moment",
    "closed_exact",
    "promised",
    "market_a_se",
    "now_n",
    "before_n",
    "pairs",
    "sum_n",
    "sum_nn",
    "sum_pair",
    "probes",
    "probe_depth",
    "exact",
    "k_se",
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        MODULE.update(st[0], p[0], now.now_ns, now.aggressor, now.px, now.fair_px)
        MODULE.expose(st[0], i % 2, now.draw * 12.0, 0.1, np.nan if i % 3 == 0 else 0.05)
        MODULE.stand(st[0], i % 2, now.draw)
        MODULE.observe_top(st[0], now.now_ns, now.mid_px * 0.9999, now.mid_px * 1.0001)
        if i % 11 == 0:
            away = np.arange(1, 6) * 1e-4
            levels = now.mid_px * (1.0 - away), np.ones(5), now.mid_px * (1.0 + away), np.ones(5)
            MODULE.observe_book(st[0], p[0], now.now_ns, *levels, now.fair_px)
        if i % 7 == 0:
            MODULE.own_fill(st[0], now.now_ns, i % 2, now.draw * 12.0)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, -1, 0.0, 0.0)
