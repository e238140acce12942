"""The net edge of own fills in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import edge as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 3, 6.0, 20.0, 1.5, 10_000.0]
BAD: list[list[Any]] = [
    [LATER, 4, np.nan, 20.0, 1.5, 10_000.0],
    [LATER, 4, 6.0, np.inf, 1.5, 10_000.0],
    [LATER, 4, 6.0, 20.0, np.nan, 10_000.0],
    [LATER, 4, 6.0, 20.0, 1.5, np.nan],
    [EARLIER, 4, 6.0, 20.0, 1.5, 10_000.0],
]
PLAIN = {"n", "m1", "m2", "known_m1", "known_m2"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    m1, m2, count = 0.0, 0.0, 0
    for now in market:
        if now.aggressor >= 0:
            move = 10.0 * (now.draw - 0.4)
            m1, m2, count = m1 + move, m2 + move * move, count + 1
        MODULE.update(st[0], p[0], now.now_ns, count, np.nan if now.broken else m1, m2, 0.5, 10_000.0)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    known = (int(st["known"][0]), float(st["known_m1"][0]), float(st["known_m2"][0]))
    MODULE.update(st[0], p[0], now_ns, *known, 0.5, 10_000.0)
