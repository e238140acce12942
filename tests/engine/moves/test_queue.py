"""One raw print whose size alone differs: an order that it brought to the front of its queue is kept, another moves."""

import math

import pytest

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.engine import places, reconcile
from portfolio_mm.engine.terms import queue
from portfolio_mm.estimators import queue as estimator
from portfolio_mm.models.features import AHEAD
from tests.engine.rush import earn, place, standing
from tests.engine.story import without
from tests.engine.tape import S, keys


def bids_moved(wire: object) -> int:
    return sum(
        int(command["kind"]) == CommandKind.MODIFY and int(command["side"]) == 0
        for command in wire.commands  # type: ignore[attr-defined]
    )


def test_an_order_at_the_front_is_kept_where_one_at_the_back_is_moved() -> None:
    small, large = place(1.0), place(45.0)
    assert bids_moved(small) == 2
    assert bids_moved(large) == 1
    st, p = large.state[0], large.params[0]
    assert st["queue"]["places"]["ahead_lots"][0] == 0.0
    flow, worth_usd = st["arrivals"], st["quote"]["value_usd_per_lot"]
    back = estimator.new_fill(st["queue"], p["queue"], 0, 0, 400.0, flow["bucket_per_s"], flow["bucket_usd"], worth_usd)
    assert st["queue"]["fill_probability"][0] > 2.0 * back


@pytest.mark.parametrize("part", ["queue", "places"])
def test_without_the_part_the_size_of_that_print_moves_nothing(part: str) -> None:
    page = without("queue", "update", returns=True) if part == "queue" else without("places", "observe")
    small, large = place(1.0, page), place(45.0, page)
    assert keys(small.commands) == keys(large.commands)


def test_a_place_that_no_frame_has_shown_is_worth_what_its_age_says() -> None:
    """NaN is neither 0 nor 1: the rule of age stands in, whatever the forecasts have earned."""
    wire = standing(seconds=20)
    earn(wire, "queue")
    assert math.isnan(wire.st["queue"]["fill_probability"][0])
    leg = wire.st["orders"]["slots"][0, 0]["leg"][0]
    age_s = min(5.0, (wire.st["clock"]["recv_ns"] - leg["live_ns"]) / S)
    found = queue.place_value_usd(wire.state[0], wire.params[0], 0, 0, 0.01, 0.0)
    assert found == pytest.approx(0.5 * 0.01 * age_s)


def test_an_order_likely_to_fill_is_kept_unless_moving_it_gains_more_than_its_place() -> None:
    """P above 0.6, advantage known: the gain of moving is less the place's worth, in USD of the order."""
    wire = place(45.0)
    st, p = wire.state[0], wire.params[0]
    st["queue"]["fill_probability"][0], st["queue"]["advantage_share"][0] = 0.6, 0.3
    leg = st["orders"]["slots"][0, 0]["leg"][0]
    edge_bps = 1.0 / st["quote"]["k_per_bps"][0] + 0.5 * max(0.0, st["quote"]["adverse_bps"][0])
    worth = 0.3 * edge_bps * 1e-4 * leg["lots"] * st["quote"]["value_usd_per_lot"]
    assert queue.place_value_usd(st, p, 0, 0, 0.0, 0.0) == pytest.approx(worth)
    k = float(st["quote"]["k_per_bps"][0])
    for ticks, moves in ((300, False), (3_000, True)):
        st["quote"]["px_ticks"][0, 0] = leg["px_ticks"] + ticks
        st["quote"]["lots"][0, 0] = leg["lots"]
        gain = reconcile._move_gain(st, p, 0, 0, k, 0.0005)
        assert bool(gain > 0.0005) is moves


def test_the_order_carries_what_its_place_promised() -> None:
    """Features at placement: share of the level before it, P(fill) once forecasts have outcomes."""
    wire = standing(seconds=20)
    st, p = wire.state[0], wire.params[0]
    leg = st["orders"]["slots"][0, 1]["leg"][1]
    leg["lots"] = 100
    for ticks, share in ((int(st["book"]["ticks"][0]), 0.8), (int(st["book"]["ticks"][0]) + 100, 0.0)):
        leg["px_ticks"] = ticks
        places.describe(st, p, 0, leg)
        assert leg["snap"]["features"][AHEAD] == pytest.approx(share)
        assert math.isnan(leg["snap"]["fill_probability"])
    st["queue"]["ready"] = 1
    places.describe(st, p, 0, leg)
    alone = float(leg["snap"]["fill_probability"])
    leg["px_ticks"] = int(st["book"]["ticks"][0])
    places.describe(st, p, 0, leg)
    assert 0.0 < leg["snap"]["fill_probability"] < alone < 1.0
