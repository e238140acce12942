"""Evidence of own fills in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.engine.state import ACCOUNT
from portfolio_mm.estimators import evidence as MODULE
from tests.estimators.feeds import START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, -1, 0.0]
BAD: list[list[Any]] = [[LATER, 0, np.nan], [LATER, 2, 1.0], [LATER, -2, 1.0], [EARLIER, 0, 1.0], [0, 0, 1.0]]
PLAIN = {"fee_n", "fee_s1", "fee_s2", "adverse_n", "label_n"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    account = np.zeros(1, ACCOUNT)
    MODULE.tell_fee(st[0], 1.5)
    for i, now in enumerate(market):
        if i % 3 == 0:
            MODULE.on_fill(st[0], i % 2, 1.4 + 0.1 * now.draw, i % 6 == 0)
            MODULE.reckon(st[0], p[0], account[0])
        if i % 5 == 0:
            MODULE.update(st[0], p[0], now.now_ns, i % 2, 8.0 * now.draw - 3.0)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    MODULE.update(st[0], p[0], now_ns, -1, 0.0)
