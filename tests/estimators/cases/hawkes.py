"""The Hawkes process in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import hawkes as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 0, 1.0]
BAD: list[list[Any]] = [[LATER, 0, np.nan], [LATER, 1, 0.0], [EARLIER, 0, 1.0], [EARLIER, -1, 1.0], [0, -1, 1.0]]
STEP_ERROR = 1e-9
PLAIN = {
    *("counts", "excitation", "forecast", "info", "mean_mass", "prior", "prior_precision", "ratio", "reach", "rest"),
    *("rival", "score", "step", "theta", "work"),
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        MODULE.update(st[0], p[0], now.now_ns, now.aggressor, np.nan if now.broken else 1.0 + 0.2 * now.draw)
        if i % 5 == 0:
            MODULE.update(st[0], p[0], now.now_ns, -1, 1.0)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, -1, 1.0)
