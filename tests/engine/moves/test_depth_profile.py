"""From raw frames of the book to another order, by the losses of those who stood in the way of a sweep."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.engine import attribution as at
from tests.engine.lesson import TUNING
from tests.engine.story import without
from tests.engine.tape import keys
from tests.engine.wire import Wire

TICK = 0.001


def heard(after_ticks: int, step: Any = None) -> Wire:
    """Forty seconds: a sweep each second, 300 ms later the mid goes `after_ticks` its way; the same prints."""
    wire, rng, mid = Wire(TUNING), np.random.default_rng(4), 20.0
    if step is not None:
        wire.step = step
    wire.start()
    for second in range(40):
        wire.book(mid - 3 * TICK, mid + 3 * TICK)
        wire.wait(0.4)
        sign = 1 if second % 2 else -1
        wire.trade("B" if sign > 0 else "A", mid + sign * TICK * int(rng.integers(5, 15)))
        wire.wait(0.3)
        mid += sign * TICK * after_ticks
        wire.bbo(mid - 3 * TICK, mid + 3 * TICK)
        wire.wait(0.3)
    return wire


def item(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.ADVERSE])


def test_sweeps_that_the_mid_follows_widen_both_sides() -> None:
    follows, returns = heard(6), heard(-6)
    assert keys(follows.commands) != keys(returns.commands)
    off = [heard(ticks, without("depth_profile", "update", returns=True)) for ticks in (6, -6)]
    for side in range(2):
        assert item(follows, side) > item(returns, side) + 1.0
        assert item(off[0], side) == pytest.approx(item(off[1], side), abs=0.01)  # what waiting costs differs
        assert follows.st["quote"]["distance_bps"][side] > returns.st["quote"]["distance_bps"][side]
