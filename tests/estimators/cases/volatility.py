"""Volatility in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import volatility as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 100.0]
BAD: list[list[Any]] = [[LATER, np.nan], [LATER, 0.0], [LATER, -1.0], [LATER, np.inf], [EARLIER, 100.0]]
PLAIN = {"weights", "plain", "robust", "share", "bounce_mass", "clip_sd"}
FOR_PEOPLE = {
    "capped": "whether sigma is held back now",
    "noise_bps": "what was taken off the shortest scale",
    "holes": "how often the market fell silent",
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for now in market:
        MODULE.update(st[0], p[0], now.now_ns, np.nan if now.broken else now.mid_px)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, st["mid_px"][0])
