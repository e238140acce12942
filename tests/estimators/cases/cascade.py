"""Cascades in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import cascade as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0]
BAD: list[list[Any]] = [[LATER, np.nan], [LATER, 0.0], [LATER, -1.0], [LATER, np.inf], [EARLIER, 100.0]]
PLAIN = {"prior_betas", "prior_beta_sd", "drift_per_day", "inputs", "log_interest", "most", "flow_square"}
PLAIN |= {"ring_interest", "guess_inputs", "guess_p", "threshold_sd", "variance", "beta", "covariance", "room", "along"}
FOR_PEOPLE = {
    "alarms": "how often it fired",
    "contexts": "whether open interest is heard at all",
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        px, sz = np.array([[now.bid_px], [now.ask_px]]), np.array([[now.bid_sz], [now.ask_sz]])
        MODULE.on_book(st[0], px, sz)
        if now.aggressor >= 0:
            MODULE.on_trade(st[0], now.now_ns, now.aggressor, now.px, now.sz)
        MODULE.on_context(st[0], now.now_ns, 1e6 - i, 1e-5)
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, float(st["mid_px"][0]))
