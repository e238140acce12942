"""Raw tops of a market that shakes, or does not: sigma decides what P(fill) says a place is worth, and who is moved."""

import types
from typing import Any

import pytest

from portfolio_mm.engine import places
from portfolio_mm.engine.terms import queue as term
from tests.engine.moves.test_queue import bids_moved
from tests.engine.plain_page import Step, step_with
from tests.engine.rush import place

SHAKE = 0.03
"""15 bps up and down: 3 bps per sqrt(s)."""
SHIFTS = tuple(0.001 * i for i in range(12, 21, 2))
"""Of the market at the end, USD: 6 to 10 bps."""


def still() -> Step:
    """The page whose forecasts of fills know no sigma."""
    fake = types.SimpleNamespace(**vars(places))

    def follow(st: Any, p: Any) -> float:
        value = places.follow(st, p)
        st["queue"]["walks"]["sigma_bps"] = 0.0
        return float(value)

    fake.follow = follow
    return step_with(places=fake)


def test_in_a_market_that_shakes_the_front_of_a_queue_is_worth_less_and_its_order_moves() -> None:
    """Fair comes to the back as well as to the front, and leaves both: a smaller move of the market is followed."""
    moved = [[bids_moved(place(45.0, step, shift=shift, shake=SHAKE)) for shift in SHIFTS] for step in (None, still())]
    assert sum(moved[0]) > sum(moved[1])
    assert all(known >= unknown for known, unknown in zip(*moved, strict=True))


def test_the_tops_of_the_market_alone_change_the_forecast_and_what_a_place_is_worth() -> None:
    quiet, shaken = place(45.0, shake=1e-3), place(45.0, shake=SHAKE)
    said = [float(wire.st["queue"]["fill_probability"][0]) for wire in (quiet, shaken)]
    more = [float(wire.st["queue"]["advantage_share"][0]) for wire in (quiet, shaken)]
    worth = [term.place_value_usd(wire.state[0], wire.params[0], 0, 0, 0.0, 0.0) for wire in (quiet, shaken)]
    assert said[1] != pytest.approx(said[0], rel=0.05)
    assert more[1] < 0.7 * more[0]
    assert worth[1] < worth[0]


def deaf() -> Step:
    """The page that forgets bursts of sweeps at once."""
    fake = types.SimpleNamespace(**vars(places))

    def on_trade(st: Any, p: Any, ev: Any) -> None:
        places.on_trade(st, p, ev)
        st["queue"]["burst"]["count"] = 0.0

    fake.on_trade = on_trade
    return step_with(places=fake)


def test_prints_of_the_last_seconds_alone_make_a_fill_likelier() -> None:
    """Five sweeps inside fair that fill nobody and say nothing of reach; on the other side they change nothing."""
    said = []
    for aggressor, step in (("", None), ("A", None), ("B", None), ("A", deaf())):
        wire = place(45.0, step)
        for _ in range(5 if aggressor else 0):
            wire.trade(aggressor, 20.0, 0.1)
            wire.wait(0.2)
        wire.wait(1.0 if aggressor else 2.0)
        said.append(float(wire.st["queue"]["fill_probability"][0]))
    assert said[1] > 1.2 * said[0]
    assert said[2] < 1.05 * said[0]
    assert said[3] < 0.5 * (said[0] + said[1])
