"""A signal that is switched off for the experiment moves no order, and which one is off moves some."""

import numpy as np

from portfolio_mm.domain.events import LAST, EventKind
from portfolio_mm.engine.signals import IMPACT
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models.splitmix import uniform
from tests.engine.plain_page import Step
from tests.engine.story import without
from tests.engine.tape import T0, VENUE_MS, event
from tests.engine.wire import Wire

SHARE = 0.5
FIRST = (VENUE_MS - 100) // 10_000


def drawn(run: int) -> tuple[bool, ...]:
    """Whether impact is off in the intervals the frames fall in."""
    return tuple(uniform(run, 0, FIRST + i, IMPACT) < SHARE for i in range(4))


ON = next(run for run in range(1, 500) if drawn(run) == (False, False, False, False))
OFF = next(run for run in range(1, 500) if drawn(run) == (True, True, True, True))


def scene(step: Step | None = None, run: int = ON, share: float = 0.999) -> Wire:
    """A coin whose own fills, it knows, move the price for good; by default nearly everything is switched off."""
    bench = Wire(Tuning(levels=1, ablation_share=share))
    if step is not None:
        bench.step = step
    known = bench.state["impact"]
    known["permanent_bps"], known["response_bps"], known["permanent_se_bps"] = 120.0, 120.0, 0.0
    bench.start()
    bench.hear(event(EventKind.SYNC, T0, oid=3, tid=run, bits=LAST))
    for i in range(24):
        bench.book(19.997, 20.003)
        bench.wait(0.5)
        bench.trade("A" if i % 2 else "B", 19.985 if i % 2 else 20.015)
        bench.wait(0.5)
    return bench


def played(run: int, step: Step | None = None) -> list[tuple[int, ...]]:
    """Orders, of which only the account stream's run decides."""
    names = ("kind", "side", "level", "px_ticks", "sz_lots")
    return [tuple(int(command[name]) for name in names) for command in scene(step, run, SHARE).commands]


def test_a_signal_that_is_off_moves_no_order() -> None:
    assert played(ON)
    assert played(ON) != played(OFF)
    off = without("ablation", "roll")
    assert played(ON, off) == played(OFF, off) == played(ON)


def distance(orders: list[tuple[int, ...]]) -> float:
    """Mean distance of bids from mid, ticks."""
    return float(np.mean([2_000_000 - px for _, side, _, px, lots in orders if side == 0 and lots > 0]))


def test_without_the_signal_the_quote_is_what_it_would_be_without_it() -> None:
    """Impact widens; what is placed while it is off is as close as if nothing were known of impact."""
    assert distance(played(ON)) > distance(played(OFF)) + 50.0
