"""Regimes in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import regimes as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0, 1.5]
BAD: list[list[Any]] = [
    [LATER, np.nan, 1.5],
    [LATER, 0.0, 1.5],
    [LATER, 100.0, np.nan],
    [LATER, 100.0, 0.0],
    [EARLIER, 100.0, 1.5],
]
PLAIN = {
    *("levels", "trust", "min_sd", "emission_sd", "centre", "scatter", "mass", "z", "work", "shift", "variance_sum"),
    *("run", "level", "beta", "gammas", "interest_moves", "log_interest", "prior_shift"),
}
FOR_PEOPLE = {"changes": "change-points called so far"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        spread_bps = (now.ask_px - now.bid_px) / now.mid_px * 1e4
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px, spread_bps)
        if now.aggressor >= 0:
            MODULE.observe_sweep(st[0], now.now_ns, now.aggressor, now.px, now.fair_px)
        if i % 11 == 0:
            MODULE.observe_interest(st[0], now.now_ns, 1e4 * (1.0 + now.draw))
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, st["grid"]["mid_px"][0], 1.5)
