"""From raw prints to another order: what our own fill would move the price by."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.engine import attribution as at
from tests.engine.lesson import LARGE, quick
from tests.engine.story import without
from tests.engine.tape import keys
from tests.engine.wire import Wire


def played(size: float, step: Any = None) -> Wire:
    """Forty-five seconds in which each order moves the mid by one, two or three ticks; only sizes in prints differ."""
    wire, rng, mid = Wire(LARGE), np.random.default_rng(8), 20.0
    quick(wire.params)
    if step is not None:
        wire.step = step
    wire.start()
    for tick in range(450):
        if tick % 5 == 2:
            buy, steps = bool(rng.integers(0, 2)), int(rng.integers(1, 4))
            reach = 0.001 * int(rng.integers(4, 12))
            wire.trade("B" if buy else "A", mid + reach if buy else mid - reach, size * steps)
            mid += 0.001 * steps if buy else -0.001 * steps
        wire.wait(0.1)
        (wire.book if tick % 4 == 1 else wire.bbo)(mid - 0.003, mid + 0.003)
    return wire


def item(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.IMPACT])


def test_thinner_prints_for_the_same_moves_widen_both_sides() -> None:
    """Half the size for the same move is twice lambda: monotonically wider, on both sides."""
    wires = [played(size) for size in (12.0, 4.0, 2.0, 1.0)]
    lambdas = [float(wire.st["impact"]["kyle_bps"]) for wire in wires]
    assert lambdas[3] == pytest.approx(2.0 * lambdas[2], rel=0.01)
    for side in range(2):
        items = [item(wire, side) for wire in wires]
        assert items == sorted(items)
        assert items[0] < items[1] < items[3]
    assert keys(wires[2].commands) != keys(wires[3].commands)
    off = [played(size, without("impact", "update", returns=True)) for size in (1.0, 2.0)]
    assert [item(wire, side) for wire in off for side in range(2)] == [0.0] * 4
    assert keys(off[0].commands) != keys(wires[3].commands)


def test_adverse_selection_that_is_charged_is_not_charged_again() -> None:
    """The item is what zeta / 2 exceeds the adverse selection of the same side by, from the fill on."""
    wire = played(1.0)
    st = wire.st
    lower = float(st["impact"]["kyle_bps"]) - 1.645 * float(st["impact"]["kyle_se_bps"])
    zeta = lower * 1.5 * float(st["impact"]["skill"]["weight"])
    for side in range(2):
        after = float(st["quote"]["adverse_bps"][side]) - float(st["viability"]["approach_bps"][side])
        assert item(wire, side) == pytest.approx(0.5 * zeta - max(0.0, after))
