"""From a raw frame to another order: toxic moments, and flow that looks informed."""

from collections.abc import Callable
from typing import Any

from portfolio_mm.engine import attribution as at
from portfolio_mm.models import features
from tests.engine.lesson import TUNING, know, quick, toxic_tape
from tests.engine.story import without
from tests.engine.tape import T0, S, keys, market
from tests.engine.wire import Wire

SECONDS = 26
Last = Callable[[Wire, float, float], None]


def taught(last: Last, step: Any = None) -> Wire:
    """A coin that has seen who trades when, then a calm second, then `last`, then two seconds and a half."""
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
    assert wire.st["toxicity"]["skill"]["weight"][0] > 0.0
    wire.st["toxicity"]["skill"]["weight"][0] = 1.0  # a longer lesson earns it; a quarter is less than a move costs
    wire.wait(2.5)
    return wire


def spread(half: float) -> Last:
    """The same mid, another spread."""

    def last(wire: Wire, bid: float, ask: float) -> None:
        mid = 0.5 * (bid + ask)
        wire.bbo(mid - half, mid + half)

    return last


def toxicity(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.TOXICITY])


def test_a_moment_that_used_to_be_costly_is_charged_on_both_sides() -> None:
    """Only the prices of one bbo frame differ, its mid does not: in this market fills at a wide spread lose."""
    calm, toxic = taught(spread(0.003)), taught(spread(0.006))
    for side in range(2):
        assert toxicity(toxic, side) > toxicity(calm, side) + 0.5
    off = taught(spread(0.006), without("learning", "look"))
    assert toxicity(off, 0) == toxicity(off, 1) == 0.0


def test_it_answers_within_the_same_event() -> None:
    """The commands that answer the frame itself already reckon with it."""
    seen: list[float] = []

    def last(wire: Wire, bid: float, ask: float) -> None:
        seen.append(toxicity(wire, 0))
        wire.bbo(bid - 0.003, ask + 0.003)
        seen.append(toxicity(wire, 0))

    taught(last)
    assert seen[1] > seen[0] + 0.05


def heard(size: float, step: Any = None) -> Wire:
    """A coin that knows what informed flow costs and looks like hears five buys of this size."""
    wire = Wire(TUNING)
    know(wire)
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(market(300))
    wire.now_ns = T0 + 300 * 50 * 1_000_000
    wire.bbo(20.0, 20.006)
    wire.wait(1.0)
    for _ in range(5):
        wire.trade("B", 20.007, size)
        wire.wait(0.2)
    wire.bbo(20.0, 20.006)
    return wire


def test_large_prints_look_informed_and_move_orders() -> None:
    """Only the sizes in five `trades` frames differ."""
    small, large = heard(2.0), heard(90.0)
    assert keys(small.commands) != keys(large.commands)
    known = [float(wire.st["toxicity"]["now"][features.INFORMED]) for wire in (small, large)]
    assert known[1] > known[0] + 0.2
    off = [heard(size, without("informed", "update", "trade", returns=True)) for size in (2.0, 90.0)]
    for side in range(2):
        assert toxicity(large, side) > toxicity(small, side) + 0.5
        assert toxicity(off[0], side) == toxicity(off[1], side)
