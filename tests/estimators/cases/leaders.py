"""Leaders in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import leaders as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 1, 100.0]
BAD: list[list[Any]] = [[LATER, 1, np.nan], [LATER, 1, 0.0], [LATER, 1, -1.0], [LATER, 1, np.inf], [EARLIER, 1, 100.0]]
PLAIN = {"beta", "coming_beta"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for coin, beta, lag_s in ((1, 0.3, 0.2), (2, 0.6, 0.5)):
        MODULE.on_lead(st[0], coin, beta, lag_s, 7)
    MODULE.adopt(st[0], 7)
    for i, now in enumerate(market):
        MODULE.update(st[0], p[0], now.now_ns, 1 + i % 3, np.nan if now.broken else now.px)
        MODULE.say(st[0], p[0], now.now_ns, np.empty(9))
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    for i in range(2):
        MODULE.update(st[0], p[0], now_ns, int(st["leader"][0, i]), st["leader_px"][0, i])
