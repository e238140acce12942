"""Raw frames of the book whose sizes alone differ: the heavier side moves fair, and the next orders follow."""

from typing import Any

from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.tuning import Tuning
from tests.engine.story import without
from tests.engine.tape import keys
from tests.engine.wire import Wire

BID, ASK = 19.980, 20.020
HEAVY, LIGHT = 90.0, 4.0


def leaned(bid_sz: float, ask_sz: float, then: Any = None) -> Wire:
    """A standing market; after half a minute the sizes of its touch change and both our orders fill.

    From then on it is played with the page `then`, if there is one.
    """
    wire = Wire(Tuning(levels=1))
    wire.start()
    for _ in range(30):
        wire.book(BID, ASK)
        wire.wait(1.0)
    wire.step = then or wire.step
    wire.bbo(BID, ASK, bid_sz, ask_sz)
    for side in range(2):
        wire.fill(wire.now_ns, side)
    wire.wait(0.5)
    return wire


def test_a_heavier_bid_lifts_fair_and_both_orders() -> None:
    up, down = leaned(HEAVY, LIGHT), leaned(LIGHT, HEAVY)
    assert keys(up.commands) != keys(down.commands)
    assert up.st["fair"]["fair_px"] > 20.0 > down.st["fair"]["fair_px"]
    for side in range(2):
        sign = 1 - 2 * side
        assert sign * up.st["quote"]["items_bps"][side, at.FAIR_BOOK] < 0.0
        assert up.st["quote"]["px_ticks"][side, 0] > down.st["quote"]["px_ticks"][side, 0]


def test_it_is_the_part_that_does_it() -> None:
    """Taken off after half a minute the page goes on with the fair value it had."""

    def deaf() -> Any:
        return without("fair_value", "update", returns=False)

    assert keys(leaned(HEAVY, LIGHT, deaf()).commands) == keys(leaned(LIGHT, HEAVY, deaf()).commands)
