"""The level of the action demand is learned from what is really sent."""

import pytest

from portfolio_mm.portfolio.action_use import FIRST_RATIO, ActionUse, scaled
from portfolio_mm.portfolio.actions import LEAST_USD, Budget, Demand, plan_actions

WANT = Demand("BTC", (0.004,) * 4, 0.3, 150.0, 1.0)
DAY = Budget("actions of the day", 43_200.0, 86_400.0)


def settle(truth: float, seconds: int = 2_000) -> float:
    """Price after `seconds` in a world where coins send `truth` times what the model says."""
    use, price, sent = ActionUse(), LEAST_USD, 0.0
    for second in range(1, seconds):
        sent += truth * WANT.at(price)
        use.observe(second * 1_000_000_000, int(sent))
        plan = plan_actions(scaled((WANT,), use.ratio), (DAY,), 0.0)
        use.predicted(sum(share for _, share in plan.shares_per_s))
        price = plan.price_usd
    return price


@pytest.mark.parametrize("truth", [0.1, 0.5, 2.0])
def test_the_price_settles_where_real_spend_meets_the_budget(truth: float) -> None:
    assert truth * WANT.at(settle(truth)) == pytest.approx(0.5, rel=0.15)


def test_before_anything_is_seen_the_ratio_is_the_prior() -> None:
    assert ActionUse().ratio == pytest.approx(FIRST_RATIO)


def test_a_counter_that_went_back_teaches_nothing() -> None:
    use = ActionUse()
    use.observe(1_000_000_000, 500)
    use.predicted(1.0)
    use.observe(2_000_000_000, 3)
    assert use.ratio == pytest.approx(FIRST_RATIO)
