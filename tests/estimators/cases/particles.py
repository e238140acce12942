"""The particle filter in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import particles as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0, 1.5, 1.4, 0.1]
BAD: list[list[Any]] = [
    [LATER, np.nan, 1.5, 1.4, 0.1],
    [LATER, 0.0, 1.5, 1.4, 0.1],
    [LATER, 100.0, np.nan, 1.4, 0.1],
    [LATER, 100.0, 0.0, 1.4, 0.1],
    [LATER, 100.0, 1.5, 1.4, np.nan],
    [EARLIER, 100.0, 1.5, 1.4, 0.1],
]
PLAIN = {"x", "w", "work", "level", "level_mass", "log_like", "clip_sd"}
FOR_PEOPLE = {"resampled": "how often particles were drawn anew", "log_like": "of the model, to compare parameters"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        median_bps = 1.1 if i > 300 else np.nan
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px, 1.2, median_bps, 0.1)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, st["grid"]["mid_px"][0], 1.2, 1.1, 0.1)
