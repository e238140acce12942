"""Markouts in the general tests."""

from typing import Any

from portfolio_mm.estimators import markouts as MODULE
from portfolio_mm.models.approach import rest
from tests.estimators.feeds import START_NS, fresh, own_fill, placed
from tests.estimators.stream import EARLIER, Moment

GOOD = [START_NS, START_NS, 100.0, 200]
BAD: list[list[Any]] = [[EARLIER, EARLIER, 100.0, 200], [0, 0, 100.0, 200]]
PLAIN = {
    "markout_m1",
    "markout_m2",
    "adverse_m1",
    "adverse_m2",
    "n",
    "s1",
    "s2",
    "at_depth",
    "block_n",
    "block_s1",
    "cluster_nn",
    "cluster_ns",
    "cluster_ss",
    "fill_features",
}
FOR_PEOPLE = {
    "overflow": "rings and slots that were full",
    "dropped": "labels without a mid",
    "duplicates": "fills told twice",
    "unjudged": "labels of fills met by a fair nobody knows",
}


def play(market: list[Moment]) -> Any:
    st, p = fresh(MODULE)
    for i, now in enumerate(market):
        if i % 7 == 0:
            known = placed(features=now.draw, decision=i, distance_bps=3.0 * now.draw)
            slot = own_fill(st[0], p[0], now.now_ns, i % 2, 1 + i % 5, now.px, now.mid_px, 2 * i, i, known)
            if slot >= 0:
                MODULE.on_approach(st[0], p[0], slot, now.px)
        MODULE.wait(st[0], p[0], 0.1)
        rest(st[0].approach, i % 2, 100.0, now.mid_px, 0.3, 0.1)
        MODULE.update(st[0], p[0], now.now_ns, now.now_ns, now.mid_px, 2 * i + 1)
    return st
