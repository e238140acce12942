"""Vol-of-vol in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import vol_of_vol as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0]
BAD: list[list[Any]] = [[LATER, np.nan], [LATER, 0.0], [LATER, np.inf], [EARLIER, 100.0]]
PLAIN = {
    *("squares", "fourths", "log_var", "log_error", "mass", "vov", "vov_weight"),
    *("change_sum", "error_sum", "change_squares"),
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, st["grid"]["mid_px"][0])
