"""Raw prints whose reach alone differs: where sweeps go deep the same quotes are reached less often near than far."""

from typing import Any

import numpy as np

from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.tuning import Tuning
from tests.engine.story import without
from tests.engine.tape import keys
from tests.engine.wire import Wire

BID, ASK, TICK = 19.998, 20.002, 0.001
SWEEPS = 120


def swept(mean_ticks: float, step: Any = None) -> Wire:
    """Two minutes of a standing market; each second a sweep goes exponentially far and leaves the next tick."""
    wire, rng = Wire(Tuning(levels=1)), np.random.default_rng(6)
    if step is not None:
        wire.step = step
    wire.start()
    for i in range(SWEEPS):
        wire.book(BID, ASK)
        wire.wait(1.0)
        side, touch, sign = ("A", BID, -1) if i % 2 else ("B", ASK, 1)
        last = round(touch + sign * TICK * (1 + int(mean_ticks * rng.exponential())), 3)
        wire.sweep(side, (touch, last))
        left = round(last + sign * TICK, 3)
        wire.bbo(left if i % 2 else BID, ASK if i % 2 else left)
        wire.wait(0.1)
    wire.book(BID, ASK)
    wire.wait(0.5)
    return wire


def test_deeper_sweeps_widen_the_static_half_spread() -> None:
    shallow, deep = swept(2.0), swept(20.0)
    for side in range(2):
        assert deep.st["intensity"]["k_per_bps"][side] < 0.7 * shallow.st["intensity"]["k_per_bps"][side]
        assert deep.st["quote"]["items_bps"][side, at.STATIC] > shallow.st["quote"]["items_bps"][side, at.STATIC]
    assert keys(deep.commands) != keys(shallow.commands)


def test_it_is_the_part_that_does_it() -> None:
    deep, deaf = swept(20.0), swept(20.0, without("intensity", "update", "observe_book", returns=True))
    assert keys(deep.commands) != keys(deaf.commands)
    for side in range(2):
        assert deep.st["quote"]["items_bps"][side, at.STATIC] != deaf.st["quote"]["items_bps"][side, at.STATIC]
