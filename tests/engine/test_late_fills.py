"""What is heard some books after its block met fair as it was before that block; what nobody knows is not learned."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.actors.coin_state import resume
from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.tuning import Tuning
from tests.engine.tape import MS, S, event
from tests.engine.wire import Wire

TICK = 0.001
DROP = 12 * TICK
"""The market falls by 6 bps in the block of the fill."""


def standing(seconds: int = 12) -> Wire:
    wire = Wire(Tuning(levels=1))
    wire.start()
    for _ in range(seconds):
        wire.book(20.0 - 3 * TICK, 20.0 + 3 * TICK)
        wire.wait(1.0)
    wire.now_ns += 10 * MS
    return wire


def filled(books: int, every_ms: int = 80) -> Wire:
    """Our bid is filled in a block that takes the market 6 bps down; the fill is heard after that many of its books."""
    wire = standing()
    leg, block_ms = wire.resting(0)[0], wire.ms
    row = event(EventKind.FILL, 0, side=0, px_ticks=int(leg["px_ticks"]), sz_lots=int(leg["lots"]), venue_ms=block_ms)
    row["cloid_hi"], row["cloid_lo"] = leg["cloid_hi"], leg["cloid_lo"]
    mid = 20.0 - DROP
    for i in range(books):
        half = (3 + i % 2) * TICK
        wire.bbo(round(mid - half, 3), round(mid + half, 3))
        wire.now_ns += every_ms * MS
    row["recv_ns"] = wire.now_ns
    wire.hear(row)
    for _ in range(13):
        wire.book(round(mid - 3 * TICK, 3), round(mid + 3 * TICK, 3))
        wire.now_ns += 500 * MS
    return wire


@pytest.mark.parametrize("books", [0, 1, 3])
def test_a_fill_heard_late_teaches_the_loss_after_it(books: int) -> None:
    """Fair stood at 20 when the block came: nothing had come nearer, all 6 bps were lost after the fill."""
    table = filled(books).st["markouts"]
    assert float(table["own"]["n"]) == 1.0
    assert float(table["fill_approach_bps"][0]) == pytest.approx(0.0, abs=0.05)
    assert float(table["own"]["s1"]) == pytest.approx(6.0, abs=0.05)
    assert int(table["unjudged"]) == 0


def test_a_fill_from_before_what_is_remembered_teaches_no_loss_but_is_marked() -> None:
    wire = filled(10, every_ms=20)
    table = wire.st["markouts"]
    assert float(table["own"]["n"]) == float(table["approach"]["n"]) == 0.0
    assert int(table["unjudged"]) == 1
    assert int(table["counts"][2, 0]) == 1
    assert float(table["adverse_m1"][2, 0]) == pytest.approx(6.0, abs=0.05)
    assert float(wire.st["intensity"]["own"]["fills"].sum()) == 0.0
    assert int(wire.st["pnl"]["lots"]) > 0


def learned(st: Any) -> Any:
    """What sweeps have taught."""
    return np.array(
        [st["intensity"]["probes"].sum(), st["depth"]["reached"].sum(), st["depth"]["pool"]["adverse_bps"][0]]
    )


def test_the_first_trades_of_a_new_life_have_met_no_fair() -> None:
    """An hour away, and the market 50 bps lower: its first prints are no sweeps of 50 bps."""
    earlier, now = standing(), Wire(Tuning(levels=1))
    resume(now.state, earlier.state, same_run=False)
    now.now_ns = earlier.now_ns + 3600 * S
    now.start(now.now_ns - 1)
    before, mid = learned(now.st), 19.9
    for _ in range(3):
        now.trade("A", round(mid - 3 * TICK, 3))
        now.now_ns += 10 * MS
    now.trade("A", round(mid - 3 * TICK, 3))
    for _ in range(14):
        now.book(round(mid - 3 * TICK, 3), round(mid + 3 * TICK, 3))
        now.wait(0.5)
    assert learned(now.st)[:2] == pytest.approx(before[:2], abs=0.05)
    assert learned(now.st)[2] == pytest.approx(before[2], abs=0.05)
