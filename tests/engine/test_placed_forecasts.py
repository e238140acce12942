"""Forecasts of orders as they are placed: what is known of their places, and what becomes of them."""

import math
from typing import Any

import pytest

from portfolio_mm.engine import places
from portfolio_mm.engine.orders import LEVELS, LIVE
from portfolio_mm.engine.state import new_coin
from portfolio_mm.estimators import queue as estimator
from portfolio_mm.models import fill_bets
from tests.engine.tape import COIN

SIDE = 1
NOW_NS, S = 10**15, 10**9
PX = 2_000_000


def coin() -> tuple[Any, Any]:
    """Asks of 40, 30 and 20 coins at 0, 3 and 7 ticks from the best one; time passes by the queue's clock."""
    state, params = new_coin(COIN, 1)
    st = state[0]
    st["book"]["ticks"][SIDE], st["book"]["sz"][SIDE] = PX, 40.0
    st["book"]["level_ticks"][SIDE, :3] = PX, PX + 3, PX + 7
    st["book"]["level_sz"][SIDE, :3] = 40.0, 30.0, 20.0
    st["queue"]["last_ns"] = NOW_NS
    return st, params[0]


@pytest.mark.parametrize(
    ("ticks", "coins"), [(-1, 0.0), (0, 40.0), (1, 0.0), (3, 30.0), (5, 0.0), (7, 20.0), (8, None)]
)
def test_nobody_stands_between_levels_that_are_shown_and_nothing_is_known_beyond(
    ticks: int, coins: float | None
) -> None:
    st, p = coin()
    lots = places.lots_at(st, p, SIDE, PX + ticks)
    assert math.isnan(lots) if coins is None else lots == pytest.approx(coins * p["lots_per_coin"])


def place(st: Any, p: Any, key: int) -> Any:
    """An ask is asked for, two ticks behind the best; said to fill with 0.3."""
    fill_bets.placed(st["queue"], p["queue"]["judging"], SIDE, key, PX + 2, 0.0, 0.3)
    return st["queue"]["bets"][fill_bets.NEW + SIDE]


def rest(st: Any, key: int, state: int = LIVE) -> None:
    """It is accepted, or in another state: what the page sees of it in its slot."""
    leg = st["orders"]["slots"][SIDE, 0]["leg"][0]
    leg["cloid_lo"], leg["lots"], leg["state"], leg["px_ticks"] = key, 5, state, PX + 2


def wait(st: Any, p: Any, seconds: float) -> None:
    """Timers, one a second."""
    for _ in range(round(seconds)):
        st["clock"]["venue_ns"] = st["queue"]["last_ns"] = st["queue"]["last_ns"] + S
        st["queue"]["next_ns"] = st["queue"]["last_ns"] + S
        places.follow(st, p)
        for i in range(fill_bets.BETS):
            fill_bets.judge(st["queue"], p["queue"]["judging"], i)


def outcomes(st: Any) -> tuple[int, float]:
    """How many, and how far the map has moved up or down."""
    return int(st["queue"]["outcomes"]), float(st["queue"]["curve"]["beta"][0])


def test_an_order_that_rests_and_is_not_filled_is_an_outcome_after_seven_seconds() -> None:
    st, p = coin()
    place(st, p, 11)
    rest(st, 11)
    wait(st, p, 6)
    assert outcomes(st)[0] == 0
    wait(st, p, 1)
    count, offset = outcomes(st)
    assert count == 1
    assert offset < 0.0
    assert st["queue"]["base_mass"] == 0.0, "the base rate is that of resting orders"


def test_an_order_that_never_came_to_rest_says_nothing() -> None:
    st, p = coin()
    bet = place(st, p, 11)
    wait(st, p, 8)
    assert outcomes(st) == (0, 0.0)
    assert bet["key"] == 0


def test_a_fill_in_time_is_an_outcome_and_the_next_order_is_not_judged_before_the_time_is_over() -> None:
    st, p = coin()
    place(st, p, 11)
    rest(st, 11)
    wait(st, p, 2)
    fill_bets.filled(st["queue"], p["queue"]["judging"], 11, NOW_NS + S)
    count, offset = outcomes(st)
    assert count == 1
    assert offset > 0.0
    assert place(st, p, 12)["key"] == 0
    wait(st, p, 5)
    assert place(st, p, 13)["key"] == 13


@pytest.mark.parametrize("how", ["asked", "gone"])
def test_one_taken_away_is_followed_on_the_tape(how: str) -> None:
    """Asked to leave, or not there any more: prints beyond its price would have filled it, but none before."""
    st, p = coin()
    place(st, p, 11)
    rest(st, 11)
    tell = (st["queue"], p["queue"]["judging"], SIDE)
    wait(st, p, 1)
    fill_bets.passed(*tell, NOW_NS + S, 1.0, PX + 3)
    assert outcomes(st)[0] == 0, "it stands there itself"
    rest(st, 11 if how == "asked" else 0, LIVE + 1)
    wait(st, p, 1)
    fill_bets.passed(*tell, NOW_NS + 2 * S, 1.0, PX + 3)
    fill_bets.passed(*tell, NOW_NS + 3 * S, 1.0, PX + 1)
    assert outcomes(st)[0] == 0, "not after, not as far"
    fill_bets.passed(*tell, NOW_NS + 4 * S, 1.0, PX + 3)
    assert outcomes(st)[0] == 1
    assert outcomes(st)[1] > 0.0


def test_every_place_is_forecast_by_the_clock() -> None:
    """Orders that come and go, for twenty seconds: one a turn of eight seconds is judged, at the turn's first look."""
    st, p = coin()
    made = set()
    for key in range(1, 51):
        queue = st["queue"]
        now_ns = int(queue["last_ns"])
        estimator.stand(queue, LEVELS, key, PX, 5.0, now_ns)
        estimator.see(queue, p["queue"], LEVELS, now_ns + S, 40.0)
        now_ns += 4 * 10**8
        estimator.update(queue, p["queue"], now_ns, st["arrivals"]["bucket_per_s"], st["arrivals"]["bucket_usd"], 10.0)
        made.add(int(queue["bets"][LEVELS]["ns"]))
    begun = sorted(made - {0})
    assert len(begun) == 3
    assert all((ns - NOW_NS) % (8 * S) < 1.2 * S for ns in begun)
