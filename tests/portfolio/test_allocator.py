"""The allocation as coins receive it."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.models.multiasset import gamma_matrix
from portfolio_mm.portfolio.allocation import Programme, Terms
from portfolio_mm.portfolio.allocator import Allocator, coin_cap_usd
from portfolio_mm.portfolio.capacity import coin_liquidities, gammas_per_bps_usd, skew_rows, worth_usd_per_h
from portfolio_mm.portfolio.inputs import AccountInput, AllocationResult, AllocationRules, CoinInput

COIN = CoinInput(
    coin="BTC",
    sigma_bps=1.0,
    intensity_per_s=0.2,
    kappa_per_bps=0.3,
    clip_usd=150.0,
    fee_bps=1.5,
    adverse_bps=0.5,
    leverage=5,
    max_leverage=20,
    mid_px=100_000.0,
    position_usd=0.0,
    limit_usd=2_000.0,
    warm=True,
)
NAMES = ("BTC", "ETH", "SOL", "XRP", "DOGE", "HYPE")
COINS = tuple(msgspec.structs.replace(COIN, coin=name) for name in NAMES)
ACCOUNT = AccountInput(equity_usd=10_000.0, max_gross_usd=6_000.0, max_net_usd=4_000.0, max_margin_fraction=0.5)
SIGMA = np.full((6, 6), 0.6) + 0.4 * np.eye(6)
RULES = AllocationRules(deadline_s=5.0)


@pytest.fixture
def allocator() -> Allocator:
    return Allocator(6, RULES)


def limits(result: AllocationResult) -> np.ndarray:
    return np.array([share.limit_usd for share in result.coins])


def test_equal_coins_share_the_gross_limit_equally_and_aim_at_no_inventory(allocator: Allocator) -> None:
    result = allocator.allocate(COINS, ACCOUNT, SIGMA)
    assert result.status == "clarabel"
    assert limits(result) == pytest.approx(np.full(6, 1_000.0), rel=0.01)
    assert [share.target_usd for share in result.coins] == [0.0] * 6
    assert any("gross limit 6000 USD" in words for words in result.binding)


def test_a_coin_with_more_edge_gets_a_higher_limit(allocator: Allocator) -> None:
    better = (msgspec.structs.replace(COIN, intensity_per_s=0.8), *COINS[1:])
    got = limits(allocator.allocate(better, ACCOUNT, SIGMA))
    assert got[0] > 1.2 * got[1]


def test_fee_and_adverse_selection_lower_what_a_coin_gets(allocator: Allocator) -> None:
    toxic = (msgspec.structs.replace(COIN, adverse_bps=12.0), *COINS[1:])
    got = limits(allocator.allocate(toxic, ACCOUNT, SIGMA))
    assert got[0] < 0.5 * got[1]


def test_a_coin_that_is_still_learning_gets_a_few_clips(allocator: Allocator) -> None:
    cold = (msgspec.structs.replace(COIN, warm=False), *COINS[1:])
    result = allocator.allocate(cold, ACCOUNT, SIGMA)
    assert limits(result)[0] <= 450.0 + 1e-6
    assert any("still learning" in words for words in result.binding)


def test_margin_and_stress_bind_on_a_small_account(allocator: Allocator) -> None:
    small = msgspec.structs.replace(ACCOUNT, equity_usd=1_000.0)
    result = allocator.allocate(COINS, small, SIGMA)
    margin = sum(
        (share.limit_usd + coin.clip_usd) / coin.leverage for share, coin in zip(result.coins, COINS, strict=True)
    )
    assert margin <= 500.0 + 0.1
    assert any("initial margin 500 USD" in words for words in result.binding)
    poor = msgspec.structs.replace(ACCOUNT, equity_usd=300.0, max_margin_fraction=1.0)
    stressed = Allocator(6, msgspec.structs.replace(RULES, stress_fraction=0.9)).allocate(COINS, poor, SIGMA)
    assert any("equity under stress 300 USD" in words for words in stressed.binding)
    assert any("under one clip" in words for words in stressed.binding)


def test_a_drift_moves_the_target_within_the_limit(allocator: Allocator) -> None:
    drifting = (msgspec.structs.replace(COIN, drift_bps_per_s=0.01), *COINS[1:])
    share = allocator.allocate(drifting, ACCOUNT, SIGMA).coins[0]
    assert 100.0 < share.target_usd <= share.limit_usd + 1e-6


@pytest.mark.parametrize("equity_usd", [0.0, -5.0, float("nan")])
def test_without_equity_nothing_is_allocated(equity_usd: float, allocator: Allocator) -> None:
    result = allocator.allocate(COINS, msgspec.structs.replace(ACCOUNT, equity_usd=equity_usd), SIGMA)
    assert result.status == "nothing"
    assert not limits(result).any()


def late(self: Programme, terms: Terms, deadline_s: float) -> str:
    """What a programme answers when no solver finishes in time."""
    return "CLARABEL user_limit"


def test_the_last_good_allocation_holds_within_the_limits_of_now(
    allocator: Allocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = allocator.allocate(COINS, ACCOUNT, SIGMA)
    monkeypatch.setattr(Programme, "solve", late)
    tighter = msgspec.structs.replace(ACCOUNT, max_gross_usd=3_000.0)
    lower = (msgspec.structs.replace(COIN, limit_usd=200.0), *COINS[1:])
    result = allocator.allocate(lower, tighter, SIGMA)
    assert result.status == "last good (CLARABEL user_limit)"
    assert np.all(limits(result) <= limits(good))
    assert limits(result)[0] <= 200.0
    assert limits(result).sum() <= 3_000.0 + 1e-6


def test_without_any_solution_nothing_is_allocated(allocator: Allocator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Programme, "solve", late)
    result = allocator.allocate(COINS, ACCOUNT, SIGMA)
    assert result.status.startswith("nothing")
    assert not limits(result).any()


def test_a_deadline_of_no_time_is_survived() -> None:
    hurried = Allocator(6, msgspec.structs.replace(RULES, deadline_s=1e-9))
    result = hurried.allocate(COINS, ACCOUNT, SIGMA)
    assert np.all(limits(result) >= 0.0)
    assert result.status == "clarabel" or result.status.startswith("nothing")


def test_gamma_keeps_inventory_in_its_budget() -> None:
    # theory §2.3, fact 3: std(q) = sqrt(clip / (2 k sigma c2)) with sigma c2 = sqrt(gamma / D) sigma
    limits_usd = np.full(6, 3_000.0)
    gammas = gammas_per_bps_usd(COINS, limits_usd, np.ones(6), 0.0, RULES)
    slope = np.sqrt(gammas / coin_liquidities(COINS))
    assert np.sqrt(150.0 / (2 * 0.3 * slope)) == pytest.approx(np.full(6, 1_000.0), rel=1e-9)


def test_gamma_never_falls_under_the_kelly_floor() -> None:
    floor_per_usd = 2.0 / 10_000.0
    gammas = gammas_per_bps_usd(COINS, np.full(6, 1e9), np.ones(6), floor_per_usd, RULES)
    assert gammas == pytest.approx(np.full(6, floor_per_usd / 1e4))


def test_one_gamma_for_all_gives_the_closed_form_skew() -> None:
    d_plus = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 5.0])
    rows = skew_rows(SIGMA, d_plus, np.full(6, 4e-6))
    assert rows == pytest.approx(np.sqrt(4e-6) * gamma_matrix(SIGMA, d_plus), rel=1e-9)


def test_a_long_in_one_coin_skews_the_others_the_same_way(allocator: Allocator) -> None:
    rows = np.array([s.skew_row_bps_per_usd for s in allocator.allocate(COINS, ACCOUNT, SIGMA).coins])
    assert np.all(rows > 0.0)
    assert rows == pytest.approx(rows.T)
    assert np.all(np.diag(rows) > rows[0, 1])


def test_worth_is_what_glft_earns_without_a_limit() -> None:
    # 2 sides x A e^(-k cost) / e x clip / k, in bps USD per second
    a_eff = 0.2 * np.exp(-0.3 * 2.0)
    expected = 2 * a_eff * np.exp(-1.0) * 150.0 / 0.3 * 1e-4 * 3_600.0
    assert worth_usd_per_h(COINS)[0] == pytest.approx(expected, rel=1e-9)


def test_time_in_minutes_changes_no_skew() -> None:
    slow = tuple(msgspec.structs.replace(coin, intensity_per_s=coin.intensity_per_s * 60.0) for coin in COINS)
    limits_usd = np.full(6, 1_000.0)
    here = skew_rows(SIGMA, coin_liquidities(COINS), gammas_per_bps_usd(COINS, limits_usd, np.ones(6), 0.0, RULES))
    sigma = np.full(6, np.sqrt(60.0))
    there = skew_rows(60 * SIGMA, coin_liquidities(slow), gammas_per_bps_usd(slow, limits_usd, sigma, 0.0, RULES))
    assert there == pytest.approx(here, rel=1e-9)


def test_prohibitive_costs_leave_finite_numbers(allocator: Allocator) -> None:
    hopeless = tuple(msgspec.structs.replace(c, kappa_per_bps=12.0, adverse_bps=300.0) for c in COINS)
    result = allocator.allocate(hopeless, ACCOUNT, SIGMA)
    assert all(np.all(np.isfinite(share.skew_row_bps_per_usd)) for share in result.coins)


SHARED = Allocator(6, RULES)
coin_inputs = st.builds(
    CoinInput,
    coin=st.just("X"),
    sigma_bps=st.floats(0.05, 50.0),
    intensity_per_s=st.floats(1e-4, 20.0),
    kappa_per_bps=st.floats(0.02, 12.0),
    clip_usd=st.floats(10.1, 500.0),
    fee_bps=st.floats(-0.3, 1.5),
    adverse_bps=st.floats(-2.0, 20.0),
    leverage=st.integers(1, 5),
    max_leverage=st.integers(5, 50),
    mid_px=st.floats(1e-4, 1e5),
    position_usd=st.floats(-5_000.0, 5_000.0),
    limit_usd=st.floats(10.0, 5_000.0),
    warm=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(coin_inputs, min_size=6, max_size=6), st.floats(100.0, 1e6))
def test_no_limit_is_ever_exceeded(rows: list[CoinInput], equity_usd: float) -> None:
    coins = tuple(rows)
    sigma = np.array([coin.sigma_bps for coin in coins])
    account = msgspec.structs.replace(ACCOUNT, equity_usd=equity_usd)
    result = SHARED.allocate(coins, account, SIGMA * np.outer(sigma, sigma))
    got = limits(result)
    assert np.all(got <= np.array([coin_cap_usd(coin) for coin in coins]) + 1e-6)
    assert got.sum() <= account.max_gross_usd + 1e-6
    used = sum(limit / coin.leverage for limit, coin in zip(got, coins, strict=True))
    assert used <= account.max_margin_fraction * equity_usd + 1e-6
    assert all(abs(share.target_usd) <= share.limit_usd + 1e-6 for share in result.coins)
    assert result.status in {"clarabel", "osqp"}
