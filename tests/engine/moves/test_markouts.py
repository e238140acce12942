"""Raw frames of the book after own fills: where the mid went against them the next order stands further out."""

from typing import Any

import pytest

from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.tuning import Tuning
from tests.engine.story import without
from tests.engine.tape import MS, keys
from tests.engine.wire import Wire

TICK = 0.001
FILLS = 12


def filled(after_ticks: int, step: Any = None) -> Wire:
    """Fills on both sides in turn, no print beside them; two seconds after each the mid goes `after_ticks` against it.

    Afterwards it comes back, so that only what markouts saw differs at the end.
    """
    wire = Wire(Tuning(levels=1))
    if step is not None:
        wire.step = step
    wire.start()
    for _ in range(30):
        wire.book(20.0 - 2 * TICK, 20.0 + 2 * TICK)
        wire.wait(1.0)
    for i in range(FILLS):
        side = i % 2
        if wire.resting(side):
            wire.fill(wire.now_ns, side)
        wire.now_ns += 10 * MS
        for second in range(10):
            mid = 20.0 - (1 - 2 * side) * TICK * after_ticks * (2 <= second < 8)
            wire.book(round(mid - 2 * TICK, 3), round(mid + 2 * TICK, 3))
            wire.wait(1.0)
    return wire


def test_fills_that_the_mid_ran_over_widen_both_sides() -> None:
    against, along = filled(4), filled(-4)
    assert against.st["markouts"]["own"]["n"] >= 6
    for side in range(2):
        assert against.st["quote"]["items_bps"][side, at.ADVERSE] > along.st["quote"]["items_bps"][side, at.ADVERSE]
    assert keys(against.commands) != keys(along.commands)


def test_it_is_the_part_that_does_it() -> None:
    """What is left without its labels is how far fair comes to orders that wait."""
    deaf = [filled(ticks, without("markouts", "update", returns=0)) for ticks in (4, -4)]
    learned = [wire.st["quote"]["items_bps"][:, at.ADVERSE] - wire.st["viability"]["approach_bps"] for wire in deaf]
    assert learned[0] == pytest.approx(learned[1], abs=1e-9)
