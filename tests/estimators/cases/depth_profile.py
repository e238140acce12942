"""The depth profile in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import depth_profile as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, START_NS, 100.0, 0, 101.0, 100.0]
BAD: list[list[Any]] = [
    [LATER, LATER, 100.0, 0, np.nan, 100.0],
    [LATER, LATER, 100.0, 0, 0.0, 100.0],
    [LATER, LATER, 100.0, 1, 99.0, np.nan],
    [EARLIER, EARLIER, 100.0, -1, 0.0, 0.0],
]
STEP_ERROR = 1e-4
"""Time is forgotten once a refit, the newest second of exposure with the rest."""
PLAIN = {"reached", "labels", "loss", "block_n", "block_loss", "cluster_nn", "cluster_nl", "cluster_ll"} | {
    "sums",
    "block",
    "squares",
}
FOR_PEOPLE = {
    "overflow": "rings and slots that were full",
    "dropped": "labels without a mid",
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        MODULE.update(st[0], p[0], now.now_ns, now.now_ns, now.mid_px, now.aggressor, now.px, now.fair_px)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, now_ns, 100.0, -1, 0.0, 0.0)
