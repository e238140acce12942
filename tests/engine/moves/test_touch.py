"""A book so wide that most market orders turn back before they meet an order: what is not seen moves our quotes in."""

from typing import Any

from portfolio_mm.engine.tuning import Tuning
from tests.engine.plain_page import Step
from tests.engine.story import without
from tests.engine.tape import T0, S, allocation
from tests.engine.wire import Wire

FAR = 0.03


def played(step: Step | None, left: float) -> Wire:
    """Bids and asks 15 bps from mid; each sweep meets the first level, and its block leaves the touch `left` on."""
    wire = Wire(Tuning(levels=1))
    if step is not None:
        wire.step = step
    wire.start(T0 - 1)
    wire.hear(allocation(T0, 2, sz=0.05, oid=10**15))
    wire.book(20.0 - FAR, 20.0 + FAR)
    for i in range(120):
        wire.bbo(20.0 - FAR, 20.0 + FAR)
        wire.wait(0.4)
        if i % 2 == 0:
            wire.trade("A", 20.0 - FAR)
            wire.bbo(20.0 - FAR - left, 20.0 + FAR)
        else:
            wire.trade("B", 20.0 + FAR)
            wire.bbo(20.0 - FAR, 20.0 + FAR + left)
        wire.wait(0.1)
    return wire


def bid_ticks(wire: Any) -> int:
    """The newest bid asked for."""
    return [int(one["px_ticks"]) for one in wire.commands if int(one["side"]) == 0 and int(one["px_ticks"]) > 0][-1]


def test_sweeps_that_stop_at_the_first_level_raise_k_and_sweeps_out_of_size_do_not() -> None:
    """The raw top of the book after each sweep alone differs: the next level is left, or the same one is."""
    stopped, ran_out = played(None, 0.004), played(None, 0.0)
    assert stopped.st["intensity"]["k_per_bps"].min() > 1.5 * ran_out.st["intensity"]["k_per_bps"].max()
    assert bid_ticks(stopped) != bid_ticks(ran_out)
    assert stopped.now_ns == ran_out.now_ns == T0 + 60 * S


def test_without_the_part_what_a_sweep_leaves_behind_says_nothing_of_k() -> None:
    pages = [without("intensity", "observe_top") for _ in range(2)]
    stopped, ran_out = (played(page, left) for page, left in zip(pages, (0.004, 0.0), strict=True))
    assert stopped.st["intensity"]["k_per_bps"].tolist() == ran_out.st["intensity"]["k_per_bps"].tolist()
