"""Toxicity in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import toxicity as MODULE
from portfolio_mm.models import features as at
from portfolio_mm.models.fill_ring import PENDING
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, START_NS, 100.0]
BAD: list[list[Any]] = [[LATER, LATER, np.nan], [LATER, LATER, 0.0], [EARLIER, EARLIER, 100.0]]
PLAIN = {
    *("label_n", "label_yes", "moments", "gram", "cross", "w", "v", "curve", "x", "raw", "now", "own_z", "due_z"),
    *("due_raw", "centre", "per_sd", "line_n", "sx", "sy", "sxx", "sxy", "syy", "a", "b", "haa", "hab", "hbb"),
}
FOR_PEOPLE = {"dropped": "labels without a mid"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    known = np.full(at.N_FEATURES, np.nan, np.float32)
    for i, now in enumerate(market):
        MODULE.update(st[0], p[0], now.now_ns, now.now_ns, np.nan if now.broken else now.mid_px)
        known[at.MICRO_DEV], known[at.SPREAD] = now.draw - 0.5, 3.0 * now.sz
        known[at.INFORMED], known[at.EXCITATION_BUY] = np.nan if i % 3 else now.draw, now.sz
        if now.aggressor >= 0:
            MODULE.sample(st[0], p[0], now.now_ns, 1 - now.aggressor, 3.0 * now.draw, now.fair_px, known)
        if i % 7 == 0:
            MODULE.on_fill(st[0], i // 7 % PENDING, i % 2, known)
            MODULE.learn(st[0], p[0], now.now_ns, i // 7 % PENDING, i % 2, known, 9.0 * now.draw - 4.0)
            MODULE.predict(st[0], p[0], known)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, now_ns, 100.0)
