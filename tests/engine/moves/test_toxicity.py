"""From a raw frame to another order: toxic moments, and flow that looks informed."""

from collections.abc import Callable
from typing import Any

import pytest

from portfolio_mm.engine import attribution as at
from portfolio_mm.models import features
from tests.engine.lesson import TUNING, quick, toxic_tape
from tests.engine.story import without
from tests.engine.tape import T0, S, keys
from tests.engine.wire import Wire

SECONDS = 45
Last = Callable[[Wire, float, float], None]


def taught(last: Last, step: Any = None) -> Wire:
    """A coin that has seen who trades when, then a calm second, then `last`, then a quarter of a second."""
    wire = Wire(TUNING)
    quick(wire.params)
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(toxic_tape(SECONDS))
    mid = round(float(wire.st["book"]["px"].sum()) / 2.0, 3)
    wire.now_ns = T0 + SECONDS * S
    wire.bbo(mid - 0.003, mid + 0.003)
    wire.wait(1.0)
    last(wire, mid - 0.003, mid + 0.003)
    wire.wait(0.25)
    return wire


def lean(bid_sz: float, ask_sz: float) -> Last:
    """The same prices, other sizes."""
    return lambda wire, bid, ask: [wire.bbo(bid, ask, bid_sz, ask_sz), None][1]


def prints(size: float) -> Last:
    """Five buys a tick above the best ask, of this size."""

    def last(wire: Wire, _: float, ask: float) -> None:
        for _i in range(5):
            wire.wait(0.1)
            wire.trade("B", ask + 0.001, size)

    return last


def toxicity(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.TOXICITY])


def test_a_book_that_leans_against_an_order_moves_it() -> None:
    """Only the sizes of one bbo frame differ. Heavy asks: a buyer loses now, so the bid backs off and the ask dares."""
    heavy_bid, heavy_ask = taught(lean(70.0, 10.0)), taught(lean(10.0, 70.0))
    assert keys(heavy_bid.commands) != keys(heavy_ask.commands)
    assert heavy_bid.st["toxicity"]["skill"]["weight"][0] > 0.0
    assert toxicity(heavy_ask, 0) > 0.3 > -0.1 > toxicity(heavy_bid, 0)
    assert toxicity(heavy_bid, 1) > 0.3 > -0.1 > toxicity(heavy_ask, 1)
    off = taught(lean(10.0, 70.0), without("learning", "look"))
    assert toxicity(off, 0) == toxicity(off, 1) == 0.0
    assert keys(off.commands) != keys(heavy_ask.commands)


def test_it_answers_within_the_same_event() -> None:
    """The commands that answer the frame itself already reckon with it."""
    seen: list[float] = []

    def last(wire: Wire, bid: float, ask: float) -> None:
        seen.append(toxicity(wire, 0))
        wire.bbo(bid, ask, 10.0, 70.0)
        seen.append(toxicity(wire, 0))

    taught(last)
    assert seen[1] > seen[0] + 0.2


@pytest.mark.parametrize("side", [0, 1])
def test_large_prints_look_informed_and_move_orders(side: int) -> None:
    """Only the sizes in five `trades` frames differ. In this market large orders are the ones that know."""
    small, large = taught(prints(2.0)), taught(prints(60.0))
    assert keys(small.commands) != keys(large.commands)
    known = [float(wire.st["toxicity"]["now"][features.INFORMED]) for wire in (small, large)]
    assert known[1] > known[0] + 0.3
    assert toxicity(large, side) > toxicity(small, side)
    off = [taught(prints(size), without("informed", "update", returns=True)) for size in (2.0, 60.0)]
    assert toxicity(off[0], side) == toxicity(off[1], side)
