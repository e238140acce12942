"""Impact in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import impact as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0]
BAD: list[list[Any]] = [[LATER, np.nan], [LATER, 0.0], [LATER, np.inf], [EARLIER, 100.0]]
PLAIN = {"volume", "bars", "sx", "sy", "sxx", "sxy", "scores", "score_n", "hac", "own"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px)
        if now.aggressor >= 0:
            MODULE.trade(st[0], p[0], now.now_ns, now.aggressor, 1e3 * now.sz)
        MODULE.respond(st[0], p[0], i % MODULE.HORIZONS, 100.0 + 900.0 * now.draw, 5.0 * now.draw - 1.0)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, float(st["mid_px"][0]))
