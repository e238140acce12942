"""The Kelly cap: only what the market does after our fills differs, and so does what we offer."""

from typing import Any

import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.tuning import Tuning
from tests.engine.tape import MS, S, event, keys
from tests.engine.wire import Wire

FILLS = 32


def scene(step: Any = None, after: float = -0.02) -> Wire:
    """Fills on the bid, after each the mid goes to `after` USD from the fill, and back; then a standing market."""
    wire = Wire(Tuning(levels=1, adverse_horizon_s=1.0))
    wire.step = step or wire.step
    wire.start()
    quiet(wire, 70)
    for _ in range(FILLS):
        wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, px_ticks=2_000_000))
        quiet(wire, 3)
        if not wire.resting(0):
            continue
        mid = int(wire.resting(0)[0]["px_ticks"]) / 1e5 + after
        wire.fill(wire.now_ns, 0)
        wire.now_ns += 900 * MS
        for _ in range(3):
            wire.book(mid - 0.015, mid + 0.015)
            wire.wait(0.3)
    wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, px_ticks=2_000_000))
    quiet(wire, 5)
    return wire


def quiet(wire: Wire, seconds: int) -> None:
    """A standing market."""
    for _ in range(seconds):
        wire.book(19.985, 20.015)
        wire.wait(1.0)


def test_an_edge_that_lost_leaves_the_smallest_order() -> None:
    lost, won = scene(), scene(after=0.01)
    assert keys(lost.commands) != keys(won.commands)
    assert lost.st["edge"]["n"] > 25.0
    assert lost.st["edge"]["cap_usd"] == 0.0
    assert won.st["edge"]["cap_usd"] > 1_000.0
    least = int(lost.params["min_order_usd"][0] / 2.0) + 1
    assert lost.st["quote"]["lots"][0, 0] == least
    assert won.st["quote"]["lots"][0, 0] > 5 * least
    assert sum(int(leg["lots"]) for leg in lost.resting(0)) <= least


def test_between_nothing_and_everything_a_side_offers_the_cap() -> None:
    """Won fills, and an account of which only the equity differs: the cap is in proportion to it (millions by default).

    Collateral stays what it was, so nothing but the cap binds.
    """
    offered, caps = [], []
    for equity in (1.0, 20_000.0):
        wire = scene(after=0.0045)
        wire.params["clip_usd"] = 1_500.0
        wire.hear(event(EventKind.ACCOUNT, wire.now_ns, px=equity, px2=20_000.0, sz=wire.fee_bps, sz2=4.5))
        quiet(wire, 3)
        offered.append(float(wire.st["quote"]["lots"][0].sum()) * float(wire.st["quote"]["value_usd_per_lot"]))
        caps.append(float(wire.st["edge"]["cap_usd"]))
    assert 50.0 < caps[0] < 1_000.0
    assert caps[1] == pytest.approx(20_000.0 * caps[0], rel=0.01)
    assert offered[0] == pytest.approx(caps[0], abs=4.0)
    assert offered[1] == pytest.approx(1_500.0, rel=0.01)


def test_time_opens_what_a_bad_hour_shut() -> None:
    """No gate without a time-out: two hours later the cap is gone, and by and by what was lost, fills or not."""
    lost = scene()
    lost.now_ns += 7_200 * S
    quiet(lost, 5)
    assert lost.st["edge"]["cap_usd"] == 1e300
    assert lost.st["quote"]["lots"][1, 0] > 10
    wide_bps = float(lost.st["quote"]["distance_bps"].max())
    lost.now_ns += 21_600 * S
    quiet(lost, 5)
    assert wide_bps > 30.0
    assert lost.st["quote"]["distance_bps"].max() < 15.0
