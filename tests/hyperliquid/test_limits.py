"""Budgets: arithmetic of the venue's own rules (HL §5), time passed in."""

import pytest

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.order import Refusal
from portfolio_mm.hyperliquid.errors import classify, is_gone, is_signature_unknown, modify_removed_old
from portfolio_mm.hyperliquid.limits import (
    MS_PER_DAY,
    AddressBudget,
    DayBudget,
    IpBudget,
    exchange_weight,
    info_weight,
    item_weight,
)


def test_weights_are_the_documented_ones() -> None:
    assert [info_weight(kind) for kind in ("l2Book", "clearinghouseState", "meta", "userRole")] == [2, 2, 20, 60]
    assert [exchange_weight(legs) for legs in (1, 39, 40, 79, 80)] == [1, 1, 2, 2, 3]
    assert (item_weight("userFillsByTime", 2000), item_weight("candleSnapshot", 120), item_weight("meta", 99)) == (
        100,
        2,
        0,
    )


def test_ip_weight_comes_back_after_a_minute_and_urgent_reads_may_use_the_reserve() -> None:
    budget = IpBudget(cap=100, reserve=20, cancels=0)
    budget.spend(60, 0.0)
    budget.spend(20, 10.0)
    assert budget.used(10.0) == 80
    assert budget.wait_s(1, 10.0) == 50.0
    assert budget.wait_s(20, 10.0, urgent=True) == 0.0
    assert budget.wait_s(70, 10.0) == 60.0
    assert budget.wait_s(81, 10.0) == float("inf")
    assert budget.used(60.0) == 20


def test_what_others_of_ours_behind_the_address_used_is_not_used_again() -> None:
    budget = IpBudget(cap=100, reserve=20, cancels=0)
    budget.spend(30, 0.0)
    budget.beside("watchdog", 40, 5.0)
    assert budget.used(5.0) == 70
    assert budget.wait_s(15, 6.0) == 54.0
    assert budget.wait_s(60, 6.0) == 60.0  # our own is not enough: theirs is gone, or said anew, in a minute
    budget.beside("watchdog", 10, 7.0)
    assert budget.used(7.0) == 40
    assert budget.spent(7.0) == [(0.0, 30)]  # what it says itself is not ours to keep
    assert budget.used(67.0) == 0


def test_each_429_takes_a_quarter_of_the_minute_until_it_is_full() -> None:
    budget = IpBudget(cap=100, reserve=20, cancels=0)
    for _ in range(3):
        budget.throttled(0.0)
    assert budget.wait_s(5, 1.0) == 0.0
    assert budget.wait_s(6, 1.0) == 59.0
    assert budget.wait_s(6, 1.0, urgent=True) == 0.0
    for _ in range(3):
        budget.throttled(1.0)
    assert budget.used(1.0) == 100


def test_address_budget_keeps_a_reserve_that_only_cancels_spend() -> None:
    budget = AddressBudget(reserve=100)
    budget.update({"cumVlm": "0.0", "nRequestsUsed": 9_850, "nRequestsCap": 10_000, "nRequestsSurplus": 0})
    assert budget.left == 150
    assert budget.may_spend(50)
    assert not budget.may_spend(51)
    assert budget.may_spend(5_000, cancel=True)
    budget.spend(50, traded_usd=20.9)
    assert budget.left == 120
    assert not budget.may_spend(10_200, cancel=True)


def test_address_budget_forecasts_when_quoting_must_stop() -> None:
    budget = AddressBudget(reserve=500)
    budget.update({"nRequestsUsed": 0, "nRequestsCap": 10_000})
    assert budget.forecast_s(40.0, 2.0) == 250.0
    assert budget.forecast_s(1.0, 1.0) == float("inf")
    with pytest.raises(MalformedMessage, match="nRequestsCap"):
        budget.update({"nRequestsUsed": 1})


def test_the_day_budget_counts_legs_and_starts_anew_at_midnight_utc() -> None:
    budget = DayBudget(cap=100, reserve=10)
    noon = 20_000 * MS_PER_DAY + MS_PER_DAY // 2
    budget.spend(85, noon)
    assert budget.may_spend(5, noon)
    assert not budget.may_spend(6, noon)
    assert budget.may_spend(15, noon, cancel=True)
    assert budget.used(noon + MS_PER_DAY // 2 - 1) == 85
    assert budget.used(noon + MS_PER_DAY // 2) == 0
    budget.restore(40, noon + MS_PER_DAY)
    assert budget.used(noon + MS_PER_DAY) == 40


def test_the_day_budget_says_when_it_begins_anew() -> None:
    assert DayBudget().left_s(20_000 * MS_PER_DAY + 1_000) == 86_399.0


def test_urgent_reads_and_orders_leave_weight_for_cancels() -> None:
    """HL §5.1."""
    budget = IpBudget(cap=100, reserve=20, cancels=5)
    budget.spend(80, 0.0)
    assert budget.wait_s(1, 1.0) == 59.0
    assert budget.wait_s(15, 1.0, urgent=True) == 0.0
    budget.spend(15, 1.0)
    assert budget.wait_s(1, 2.0, urgent=True) == 58.0


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("Order must have minimum value of $10. asset=173", Refusal.MIN_NOTIONAL),
        ("Post only order would have immediately matched, bbo was 1@2. asset=0", Refusal.WOULD_CROSS),
        ("Error placing new order during modify: Post only order would have immediately matched", Refusal.WOULD_CROSS),
        ("Insufficient margin to place order. asset=1", Refusal.MARGIN),
        ("Too many cumulative requests sent (97460 > 97456) for cumulative volume traded $1.", Refusal.BUDGET),
        ("Only post-only orders allowed immediately after a network upgrade", Refusal.VENUE_WINDOW),
        ("Price must be divisible by tick size. asset=4", Refusal.TICK_OR_LOT),
        ("L1 error: Action already expired", Refusal.STALE),
        ("reduceOnlyCanceled", Refusal.REDUCE_ONLY),
        ("Cannot modify canceled or filled order", Refusal.GONE),
        ("Order was never placed, already canceled, or filled. asset=3", Refusal.GONE),
        ("something nobody has seen", Refusal.VENUE_OTHER),
    ],
)
def test_refusals_are_classed_by_their_prefix(text: str, refusal: Refusal) -> None:
    assert classify(text) is refusal


def test_errors_that_say_what_became_of_the_old_order_are_told_apart() -> None:
    assert is_gone("Order was never placed, already canceled, or filled. asset=173")
    assert is_gone("Cannot modify canceled or filled order")
    assert modify_removed_old("Error placing new order during modify: Insufficient margin")
    assert not modify_removed_old("Cannot modify canceled or filled order")
    assert is_signature_unknown("L1 error: User or API Wallet 0x28 does not exist.")
