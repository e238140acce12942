"""Places in queues in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import queue as MODULE
from portfolio_mm.models import burst, fill_bets
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

RATES = np.array([[0.2, 0.1, 0.05, 0.01], [0.25, 0.12, 0.04, 0.0]])
SIZES = np.array([[150.0, 1e3, 1e4, 1e5], [150.0, 1e3, 1e4, 1e5]])
GOOD = [START_NS, RATES, SIZES, 10.0]
BAD: list[list[Any]] = [
    [LATER, RATES * np.nan, SIZES, 10.0],
    [LATER, RATES, 0.0 * SIZES, 10.0],
    [LATER, RATES, SIZES, 0.0],
    [LATER, RATES, SIZES, np.nan],
    [EARLIER, RATES, SIZES, 10.0],
    [0, RATES, SIZES, 10.0],
]
PLAIN = {
    "along",
    "base_fills",
    "base_mass",
    "beta",
    "count",
    "covariance",
    "exponent",
    "log_sd",
    "nodes",
    "rests",
    "row",
}


def play(market: list[Moment]) -> Any:
    """Each place gets a new order every 40 moments; its level shrinks by prints and cancels, and some orders fill."""
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        place, key = i % fill_bets.PLACES, 1 + i // 40 * fill_bets.PLACES + i % fill_bets.PLACES
        MODULE.stand(st[0], place, key, 2_000_000 - 100 * place, 5.0, now.now_ns)
        MODULE.see(st[0], p[0], place, now.now_ns, float(round(10.0 * now.bid_sz)))
        if now.aggressor >= 0:
            when = now.now_ns - (70_000_000 if i % 3 == 0 else 0)
            MODULE.trade(st[0], p[0], place, when, float(round(5.0 * now.sz)), now.draw > 0.95)
            ticks = 2_000_000 - 100 * place
            fill_bets.passed(st[0], p[0]["judging"], place // 3, when, float(round(5.0 * now.sz)), ticks)
            burst.hear_print(st[0]["burst"], place // 3, when, p[0]["burst_s"])
        MODULE.update(st[0], p[0], now.now_ns, RATES, SIZES, np.nan if now.broken else 10.0)
        if now.draw < 0.1:
            fill_bets.filled(st[0], p[0]["judging"], key, now.now_ns)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, RATES, SIZES, 10.0)
