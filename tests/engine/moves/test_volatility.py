"""Raw frames of the book whose moves alone differ: a wilder mid makes inventory dearer, and an order moves."""

from typing import Any

import numpy as np

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.tuning import Tuning
from tests.engine.story import without
from tests.engine.tape import allocation, event, keys
from tests.engine.wire import Wire

SECONDS = 120
TICK = 0.001


def walked(ticks: int, step: Any = None) -> Wire:
    """Two minutes of a mid that goes `ticks` up or down each second and ends where it began, with a long position.

    The allocation gives gamma: a budget of inventory alone would make a wilder market less averse.
    """
    wire, place = Wire(Tuning(levels=1)), 0
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(allocation(wire.now_ns, 2, sz2=4e-6, oid=10**15))
    wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, sz_lots=450, px_ticks=2_000_000))
    for sign in np.random.default_rng(2).permutation(np.repeat([-1, 1], SECONDS // 2)):
        place += ticks * int(sign)
        wire.book(round(20.0 + TICK * (place - 2), 3), round(20.0 + TICK * (place + 2), 3))
        wire.wait(1.0)
    return wire


def test_a_wilder_mid_leans_further_against_the_position() -> None:
    calm, wild = walked(1), walked(6)
    assert wild.st["vol"]["sigma_bps"] > 3.0 * calm.st["vol"]["sigma_bps"]
    for item, sides in ((at.OWN, (0,)), (at.RISK, (0, 1))):
        for side in sides:
            assert wild.st["quote"]["items_bps"][side, item] > 1.5 * calm.st["quote"]["items_bps"][side, item] > 0.0
    assert keys(wild.commands) != keys(calm.commands)


def test_it_is_the_part_that_does_it() -> None:
    wild, deaf = walked(6), walked(6, without("volatility", "update", returns=True))
    assert deaf.st["vol"]["sigma_bps"] == deaf.params[0]["vol"]["prior_bps"]
    assert keys(wild.commands) != keys(deaf.commands)
