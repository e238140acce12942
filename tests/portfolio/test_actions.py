"""The action budget: one price at which all coins together want what the venue will take."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.portfolio.actions import (
    HIGHEST_USD,
    LEAST_USD,
    Budget,
    Demand,
    demands,
    plan_actions,
    supply,
)
from tests.portfolio.test_allocator import COIN, COINS

DAY = Budget("actions of the day", 50_000.0, 86_400.0)


def test_fifty_thousand_a_day_are_just_over_half_a_second() -> None:
    rate, name = supply((DAY, Budget("address", 1e6, 86_400.0)), 0.0)
    assert rate == pytest.approx(0.5787, abs=1e-4)
    assert name == "actions of the day"


def test_the_price_makes_expected_spend_meet_the_budget() -> None:
    plan = plan_actions(demands(COINS), (DAY,), 0.2)
    assert sum(share for _, share in plan.shares_per_s) == pytest.approx(0.8 * 50_000 / 86_400, rel=1e-6)
    assert plan.price_usd > LEAST_USD
    assert plan.binding == "actions of the day"


def test_the_level_that_was_learned_scales_every_share() -> None:
    want = demands((COIN,))[0]
    assert msgspec.structs.replace(want, scale=3.0).at(0.01) == pytest.approx(3.0 * want.at(0.01))


def test_plenty_of_actions_cost_the_venue_s_price() -> None:
    plan = plan_actions(demands(COINS), (Budget("address", 1e9, 60.0),), 0.2)
    assert (plan.price_usd, plan.binding) == (LEAST_USD, "")


def test_no_actions_left_means_no_action_is_worth_it() -> None:
    plan = plan_actions(demands(COINS), (Budget("day", 0.0, 3_600.0),), 0.2)
    assert plan.price_usd == HIGHEST_USD
    assert all(share == 0.0 for _, share in plan.shares_per_s)


def test_trading_refills_the_address() -> None:
    rate, _ = supply((Budget("address", 0.0, 3_600.0, refill_per_s=1.5),), 0.2)
    assert rate == 1.5


def test_a_volatile_and_a_lucrative_coin_want_more() -> None:
    fast = msgspec.structs.replace(COIN, sigma_bps=3.0)
    rich = msgspec.structs.replace(COIN, intensity_per_s=0.8)
    plain, volatile, lucrative = (want.at(0.001) for want in demands((COIN, fast, rich)))
    assert volatile > 1.5 * plain
    assert lucrative > 1.5 * plain


def test_a_second_level_wants_less_than_the_first() -> None:
    one, two = (msgspec.structs.replace(COIN, levels=levels, level_step_bps=4.0) for levels in (1, 2))
    first, both = demands((one,))[0].at(0.005), demands((two,))[0].at(0.005)
    assert first < both < 2.0 * first


def test_demand_is_the_fills_at_the_widened_quote_and_the_moves_of_the_best_band() -> None:
    """By hand: a dear action stands p / clip further out; it is moved where its band's cost is least."""
    price, k, clip, cost_bps = 0.01, 0.3, 150.0, 1.5 + 0.5
    fills_per_s = 0.2 * math.exp(-k * (cost_bps + price / clip * 1e4) - 1.0)
    worth = fills_per_s * clip / k * 1e-4
    b = np.linspace(0.01, 30.0, 300_000)
    lost = 2.0 * (b**2 / 2.0 - (3.0 * (np.exp(-b) - 1.0 + b) - b * (1.0 - np.exp(-b))))
    scale_s = 1.0 / (k * 1.0) ** 2
    best = b[np.argmin((price + scale_s * worth * lost) / (b**2 * scale_s))]
    moves_per_s = 1.0 / (best**2 * scale_s)
    assert demands((COIN,))[0].at(price) == pytest.approx(2.0 * (fills_per_s + moves_per_s), rel=2e-2)


wanted = st.lists(
    st.builds(
        Demand,
        st.just("X"),
        st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=6).map(tuple),
        st.floats(0.05, 20.0),
        st.floats(11.0, 5_000.0),
        st.floats(0.05, 20.0),
        st.floats(0.01, 10.0),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(wanted, st.floats(0.0, 1e6), st.floats(1.0, 1e5))
def test_shares_never_exceed_the_supply(wants: list[Demand], left: float, seconds: float) -> None:
    plan = plan_actions(tuple(wants), (Budget("day", left, seconds),), 0.2)
    assert sum(share for _, share in plan.shares_per_s) <= plan.supply_per_s * (1 + 1e-9) + 1e-12
    assert LEAST_USD <= plan.price_usd <= HIGHEST_USD


@settings(deadline=None)
@given(wanted, st.floats(10.0, 1e5))
def test_fewer_actions_are_never_cheaper(wants: list[Demand], left: float) -> None:
    rich = plan_actions(tuple(wants), (Budget("day", left, 3_600.0),), 0.2)
    poor = plan_actions(tuple(wants), (Budget("day", left / 2, 3_600.0),), 0.2)
    assert poor.price_usd >= rich.price_usd
