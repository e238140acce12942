"""From raw prints to another order: flow that looks informed."""

from typing import Any

from portfolio_mm.engine import attribution as at
from portfolio_mm.models import features
from tests.engine.lesson import TUNING, know
from tests.engine.story import without
from tests.engine.tape import T0, keys, market
from tests.engine.wire import Wire


def toxicity(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.TOXICITY])


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


def test_the_impact_of_an_order_is_measured_from_fair_before_it() -> None:
    """The book leans to the bid before a buy: what fair says of it already is not the order's doing."""
    wire = Wire(TUNING)
    wire.start()
    wire.bbo(20.0, 20.006, 90.0, 10.0)
    before_px = float(wire.st["fair"]["fair_px"])
    wire.wait(0.1)
    wire.trade("B", 20.006)
    assert before_px > 20.003 + 5e-4
    assert float(wire.st["informed"]["order_px"]) == before_px
