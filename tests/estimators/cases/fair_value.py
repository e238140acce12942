"""Fair value in the general tests."""

from typing import Any

import numpy as np

from portfolio_mm.estimators import fair_value as MODULE
from portfolio_mm.models import fair_row as row
from portfolio_mm.models.strength import STRENGTH
from tests.estimators.feeds import ON, START_NS, fresh
from tests.estimators.stream import EARLIER, LATER, Moment

GOOD = [START_NS, 99.0, 1.0, 101.0, 2.0, ON]
BAD: list[list[Any]] = [
    [LATER, np.nan, 1.0, 101.0, 2.0, ON],
    [LATER, 99.0, 0.0, 101.0, 2.0, ON],
    [LATER, 99.0, 1.0, 0.0, 0.0, ON],
    [LATER, 99.0, 1.0, np.inf, 2.0, ON],
    [LATER, 101.0, 1.0, 99.0, 2.0, ON],
    [EARLIER, 99.0, 1.0, 101.0, 2.0, ON],
]
STEPS_OF = ("past",)
PLAIN = {
    *(
        "weight",
        "prior_weight",
        "x",
        "ring_x",
        "counts",
        "squares",
        "products",
        "label_sums",
        "slopes",
        "edges",
        "scales",
    ),
    *("ridge", "prior", "low", "forward", "clip_sd"),
    *(STRENGTH.names or ()),
}
FOR_PEOPLE = {"holes": "how often the market fell silent"}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        bid_px = np.nan if now.broken else now.bid_px
        MODULE.advance(st[0], p[0], now.now_ns)
        st["x"][0, row.ORDER_FLOW : row.CATCH_UP] = np.nan if i % 50 > 40 else np.sin(np.arange(1, 8) * now.draw)
        MODULE.update(st[0], p[0], now.now_ns, bid_px, now.bid_sz, now.ask_px, now.ask_sz, ON)
    return st


def elapse(st: Any, p: Any, now_ns: int) -> None:
    mid_px, lean = st["mid_px"][0], st["micro_px"][0] - st["mid_px"][0]
    MODULE.update(st[0], p[0], now_ns, mid_px - 1.0, 1.0 + lean, mid_px + 1.0, 1.0 - lean, ON)
