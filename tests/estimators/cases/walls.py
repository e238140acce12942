"""The exact own term in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import walls as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

REST = [0.001, 0.3, 150.0, 2_000.0, 50.0, 20.0, 6.0]
GOOD = [START_NS, 1_900.0, *REST]
BAD: list[list[Any]] = [
    [LATER, np.nan, *REST],
    [LATER, 0.0, 0.0, *REST[1:]],
    [LATER, 0.0, np.nan, *REST[1:]],
    [LATER, 0.0, 0.001, 0.0, *REST[2:]],
    [LATER, 0.0, *REST[:3], np.inf, *REST[4:]],
    [LATER, 0.0, *REST[:6], np.nan],
    [EARLIER, 0.0, *REST],
]
PLAIN = {"lean", "closed_lean", "near", "diag", "room", "v", "ratios"}
FOR_PEOPLE = {"solved": "how often the grid was solved"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        q_usd = np.nan if now.broken else 4_000.0 * (now.draw - 0.5)
        MODULE.update(st[0], p[0], now.now_ns, q_usd, 0.0005 * (1.0 + i % 3), *REST[1:])
    return st
