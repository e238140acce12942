"""Exact own term: only a DEADLINE, or the limit of an allocation, differs, and quotes stand elsewhere."""

from types import SimpleNamespace
from typing import Any

import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.attribution import EXACT
from portfolio_mm.engine.terms import exact
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import Reason
from tests.engine.plain_page import step_with
from tests.engine.tape import S, allocation, event, keys, why
from tests.engine.wire import Wire


def scene(step: Any = None, deadline_s: float = 20.0, limit: float = 2_000.0, position: int = 300) -> Wire:
    """A long coin in a market with trades, told that it must hold nothing after `deadline_s` (0: never told)."""
    wire = Wire(Tuning(levels=1))
    wire.step = step or wire.step
    wire.start()
    wire.hear(allocation(wire.now_ns, 2, px2=limit, oid=10**15))
    wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, sz_lots=position, px_ticks=2_000_000))
    for i in range(60):
        wire.book(19.99, 20.01)
        wire.trade("AB"[i % 2], 19.98 if i % 2 == 0 else 20.02)
        wire.wait(0.5)
    if deadline_s > 0.0:
        wire.hear(event(EventKind.DEADLINE, wire.now_ns, oid=int(deadline_s * S)))
    for i in range(10):
        wire.book(19.99 - 0.01 * (i // 5), 20.01 - 0.01 * (i // 5))
        wire.wait(0.5)
    return wire


def test_a_deadline_brings_the_reducing_quote_nearer() -> None:
    never, soon = scene(deadline_s=0.0), scene()
    assert keys(never.commands) != keys(soon.commands)
    assert abs(never.st["quote"]["items_bps"][1][EXACT]) < 0.1
    assert soon.st["quote"]["items_bps"][1][EXACT] < -0.5
    assert soon.st["quote"]["px_ticks"][1, 0] < never.st["quote"]["px_ticks"][1, 0]


def test_a_deadline_taken_back_is_none() -> None:
    wire = scene()
    wire.hear(event(EventKind.DEADLINE, wire.now_ns, oid=0))
    wire.wait(2.0)
    wire.book(19.99, 20.01)
    assert abs(wire.st["quote"]["items_bps"][1][EXACT]) < 0.1


def test_near_its_limit_the_adding_side_stands_further_out() -> None:
    """1,200 USD long: with a limit of 1,400 USD one more clip reaches the wall, with 2,000 USD it is far."""
    far, near = scene(deadline_s=0.0, position=600), scene(deadline_s=0.0, position=600, limit=1_400.0)
    assert near.st["quote"]["items_bps"][0][EXACT] > far.st["quote"]["items_bps"][0][EXACT] + 0.05
    assert near.st["quote"]["px_ticks"][0, 0] <= far.st["quote"]["px_ticks"][0, 0]


@pytest.mark.parametrize(("position", "side"), [(1_000, 0), (-1_000, 1)])
def test_at_the_wall_the_adding_side_is_not_quoted(position: int, side: int) -> None:
    wire = scene(deadline_s=0.0, position=position, limit=2_000.0)
    assert why(wire, side) is Reason.AT_LIMIT
    assert not wire.resting(side)
    assert wire.resting(1 - side)


def forecasting(bid_sz: float, limit: float, step: Any = None) -> Wire:
    """1,200 USD long; the last frame of the book has the same prices and another size at the best bid."""
    wire = scene(step, deadline_s=0.0, position=600, limit=limit)
    wire.hear(allocation(wire.now_ns, 3, px2=limit, sz=0.0, oid=10**15))
    wire.bbo(19.95, 20.0, bid_sz=bid_sz)
    wire.wait(0.5)
    return wire


def leaning() -> Any:
    """The page whose quotes lean by all that fair forecasts."""

    def look(st: Any, p: Any) -> None:
        exact.look(st, p)
        st.walls.lean[:], st.walls.closed_lean = 1.0, 1.0

    return step_with(exact=SimpleNamespace(**{**vars(exact), "look": look}))


def test_next_to_a_wall_the_adding_side_leans_less_by_a_forecast() -> None:
    up, down = forecasting(400.0, 1_400.0), forecasting(4.0, 1_400.0)
    rises = [float(wire.st["fair"]["parts_bps"].sum()) for wire in (up, down)]
    assert rises[0] > rises[1] + 0.5
    assert keys(up.commands) != keys(down.commands)
    by_drift = up.st["quote"]["items_bps"][0][EXACT] - down.st["quote"]["items_bps"][0][EXACT]
    all_in = [forecasting(size, 1_400.0, leaning()) for size in (400.0, 4.0)]
    without = all_in[0].st["quote"]["items_bps"][0][EXACT] - all_in[1].st["quote"]["items_bps"][0][EXACT]
    assert by_drift > without + 0.03 * (rises[0] - rises[1])
    assert float(up.st["quote"]["distance_bps"][0]) > float(all_in[0].st["quote"]["distance_bps"][0])
