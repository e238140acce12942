"""Jumps in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import jumps as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0, 1.5, 0.1]
BAD: list[list[Any]] = [
    [LATER, np.nan, 1.5, 0.1],
    [LATER, 0.0, 1.5, 0.1],
    [LATER, 100.0, np.nan, 0.1],
    [LATER, 100.0, 0.0, 0.1],
    [LATER, 100.0, 1.5, np.nan],
    [EARLIER, 100.0, 1.5, 0.1],
]
PLAIN = {"clip_sd"}
FOR_PEOPLE = {"size_bps2": "the spread of the sizes, which `law` tells"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        jump = 1.004 if i % 600 == 599 else 1.0
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px * jump, 1.2, 0.1)
        if now.aggressor >= 0:
            MODULE.observe_sweep(st[0], p[0], now.now_ns, now.aggressor, now.px, now.fair_px)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, st["grid"]["mid_px"][0], 1.2, 0.1)
