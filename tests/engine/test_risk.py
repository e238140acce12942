"""Risk aversion by one rule (D4), the cap on a side (D6), and costs inside the verdict."""

import numpy as np
import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import ladder, quoting, viability
from portfolio_mm.engine.terms import jump
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models import risk_aversion
from portfolio_mm.models.depth_grid import place_of
from portfolio_mm.portfolio.capacity import gammas_per_bps_usd
from portfolio_mm.portfolio.inputs import AllocationRules, CoinInput
from tests.engine.tape import MS, S, allocation, event, running


def test_the_allocations_gamma_wins_while_it_is_valid() -> None:
    bench, now_ns = running()
    bench.hear(allocation(now_ns, 2, sz2=3e-6, oid=10 * S))
    assert quoting.risk_gamma(bench.state[0], bench.params[0]) == 3e-6
    bench.hear(event(EventKind.TIMER, now_ns + 11 * S))
    assert quoting.risk_gamma(bench.state[0], bench.params[0]) != 3e-6


@pytest.mark.parametrize(("equity", "floor_binds"), [(20_000.0, False), (0.5, True)])
def test_alone_a_coin_is_averse_by_its_budget_or_by_kelly(equity: float, *, floor_binds: bool) -> None:
    bench, now_ns = running()
    bench.hear(allocation(now_ns, 2, oid=MS))
    bench.hear(event(EventKind.ACCOUNT, now_ns + 2 * MS, px=equity, px2=equity, sz=-0.3, sz2=4.5))
    bench.hear(event(EventKind.TIMER, now_ns + 3 * MS))
    st, p = bench.st, bench.params[0]
    k = float(np.mean(st["intensity"]["k_per_bps"]))
    liquidity = max(float(st["viability"]["liquidity"]), 1e-12)
    budget = risk_aversion.rule(st["quote"]["sigma_bps"], k, p["clip_usd"], p["inventory_sd_usd"], liquidity, 0.0)
    floor = risk_aversion.kelly_floor(equity, 0.5)
    found = quoting.risk_gamma(st, p)
    assert found == pytest.approx(max(budget, floor), rel=1e-9)
    assert (found == pytest.approx(floor, rel=1e-9)) is floor_binds


def test_the_allocation_and_a_coin_alone_use_the_same_rule() -> None:
    rules = AllocationRules(std_fraction=0.3)
    coin = CoinInput("A", 1.5, 0.2, 0.3, 150.0, 0.0, 0.0, 5, 10, 20.0, 0.0, 2_000.0, warm=True)
    liquidity = 2.0 * 0.2 / np.e * 0.3 * 150.0
    (gamma,) = gammas_per_bps_usd((coin,), np.array([2_000.0]), np.array([1.5]), 1e-9, rules)
    assert gamma == pytest.approx(risk_aversion.rule(1.5, 0.3, 150.0, 600.0, liquidity, 1e-13), rel=1e-9)


def test_a_side_is_capped_once_and_never_under_one_order() -> None:
    bench, now_ns = running(Tuning(levels=2))
    bench.quiet_book(1.0, now_ns)
    free = ladder.budget_lots(bench.state[0], bench.params[0], 0)
    for cap_usd, lots in ((300.0, 151), (0.0, 6)):
        bench.st["edge"]["cap_usd"] = cap_usd
        assert ladder.budget_lots(bench.state[0], bench.params[0], 0) == pytest.approx(lots, abs=1)
    assert free > 500


def test_the_verdict_counts_everything_a_fill_costs() -> None:
    """Break-even is fee, adverse selection there, and what toxicity, jumps and own impact add now."""
    bench, _ = running()
    view = bench.st["viability"]
    for side in (0, 1):
        depth = float(view["best_depth_bps"][side])
        adverse, _ = viability.adverse_at(bench.state[0]["viability"], *place_of(depth))
        more = viability.now_cost_bps(bench.state[0], bench.params[0], side)
        premium = jump.premium_bps(bench.state[0], bench.params[0], side, depth)
        net = depth - float(bench.st["account"]["maker_fee_bps"]) - adverse - more - premium
        assert view["net_bps"][side] == pytest.approx(net, abs=0.05)
