"""Fair value in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import fair_value as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 99.0, 1.0, 101.0, 2.0]
BAD: list[list[Any]] = [
    [LATER, np.nan, 1.0, 101.0, 2.0],
    [LATER, 99.0, 0.0, 101.0, 2.0],
    [LATER, 99.0, 1.0, 0.0, 0.0],
    [LATER, 99.0, 1.0, np.inf, 2.0],
    [LATER, 101.0, 1.0, 99.0, 2.0],
    [EARLIER, 99.0, 1.0, 101.0, 2.0],
]
STEPS_OF = ("before_px",)
PLAIN = {"weight", "pairs", "sxx", "sxy", "prior_weight"}
FOR_PEOPLE = {"micro_px": "the other end of the blend that fair is", "holes": "how often the market fell silent"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        bid_px = np.nan if now.broken else now.bid_px
        MODULE.update(st[0], p[0], now.now_ns, bid_px, now.bid_sz, now.ask_px, now.ask_sz)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    mid_px, lean = st["mid_px"][0], st["micro_px"][0] - st["mid_px"][0]
    MODULE.update(st[0], p[0], now_ns, mid_px - 1.0, 1.0 + lean, mid_px + 1.0, 1.0 - lean)
