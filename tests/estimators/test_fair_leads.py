"""Fair value on planted leads: what is there is found, what is not is given no weight, what falls silent is gone."""

import os

import numpy as np
import pytest

from portfolio_mm.estimators import fair_value, leaders
from portfolio_mm.models import fair_row as row
from tests.estimators.feeds import ON, Floats
from tests.estimators.planted import STEP_S, Parts, paths, silence, tops

FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
HOURS = 40 if FULL else 12
TAU_S = 0.3
"""Of the reference's decayed move."""
REF, LEAD, FLOW = row.REFERENCE, row.LEADERS, row.FLOW


def beside_a_reference(
    seed: int, minutes: float, lead_ms: int, rho: float, noise_bps: float = 0.0
) -> tuple[Parts, Floats]:
    own, there = paths(seed, minutes, lead_ms, rho, noise_bps=noise_bps)
    parts = Parts()
    return parts, parts.hear(tops(own, seed + 1000), tops(there, seed + 2000), silence(len(own)), np.zeros(len(own)))


def test_a_reference_half_a_second_ahead_is_found_in_ten_minutes() -> None:
    """Correlation 0.3, the rest of our mid a walk of its own.

    Regression of our next second on its moves decayed with tau: 2 rho (1 - e^(-0.5 / tau)), times the ridge's
    n / (n + lambda). The mid is 0 or 50 ms old on the grid, so the coefficient is a little less.
    """
    slopes = []
    for seed in range(8):
        parts, weights = beside_a_reference(seed, 10.0, 500, 0.3)
        assert weights[-1, REF] > 0.0
        slopes.append(parts.fair["slopes"][0, REF, row.MOVE])
    n = parts.fair["counts"][0, row.MOVE]
    expected = 2.0 * 0.3 * (1.0 - np.exp(-0.5 / TAU_S)) * n / (n + parts.fair_p["ridge_count"][0])
    assert np.mean(slopes) == pytest.approx(expected, rel=0.2)


def test_the_worked_case_of_finding_fifteen_is_active_in_ten_minutes() -> None:
    """Our mid is the reference 150 ms later plus noise: correlation 0.3 of 100 ms returns needs a noise of 0.71 bps."""
    noise_bps = np.sqrt(0.1 * (1.0 / 0.3**2 - 1.0) / 2.0)
    for seed in range(5):
        parts, weights = beside_a_reference(seed, 10.0, 150, 1.0, noise_bps)
        assert weights[-1, REF] > 0.5
        assert parts.fair["slopes"][0, REF, row.GAP] > 0.0


def test_a_weak_short_lead_takes_longer_but_is_found() -> None:
    """150 ms, correlation 0.3 of walks that part: 0.8 % of the variance of a second, 1 of 2 runs within 20 min."""
    runs = [beside_a_reference(seed, 60.0, 150, 0.3) for seed in range(HOURS)]
    final = [weights[-1, REF] > 0.0 for _, weights in runs]
    assert np.mean(final) >= 0.8
    slopes = [parts.fair["slopes"][0, REF, row.MOVE] for parts, _ in runs]
    assert np.mean(slopes) == pytest.approx(2.0 * 0.3 * (1.0 - np.exp(-0.15 / TAU_S)), rel=0.25)
    assert min(slopes) > 0.0


def test_independent_walks_have_no_weight() -> None:
    runs = [beside_a_reference(seed, 10.0, 0, 0.0)[1] for seed in range(200)]
    assert np.mean([weights[-1, REF] > 0.0 for weights in runs]) <= 0.05
    assert np.mean([(weights[:, REF] > 0.0).any() for weights in runs]) <= 0.05


def test_a_reference_that_follows_us_has_no_weight() -> None:
    runs = [beside_a_reference(seed, 10.0, -500, 0.9)[1] for seed in range(20)]
    assert np.mean([weights[-1, REF] > 0.0 for weights in runs]) <= 0.05


def test_the_misspecified_twin_is_found_too() -> None:
    """No fixed delay and no normal moves: our mid closes the gap at 2 per second, moves of both are Student t(3)."""
    for seed in range(5):
        rng, n = np.random.default_rng(seed), int(600 / STEP_S)
        there, noise = (np.sqrt(STEP_S / 3.0) * rng.standard_t(3, n) for _ in range(2))
        there_bps, own_bps = np.cumsum(there), np.zeros(n)
        for i in range(1, n):
            gap_bps = there_bps[i - 1] - own_bps[i - 1]
            own_bps[i] = own_bps[i - 1] + 2.0 * STEP_S * gap_bps + noise[i]
        parts = Parts()
        ours, theirs = (tops(100.0 * np.exp(1e-4 * path), seed) for path in (own_bps, there_bps))
        weights = parts.hear(ours, theirs, silence(n), np.zeros(n))
        assert weights[-1, REF] > 0.8
        # a gap closes by 1 - e^-2 within the second, and clipping and ridge take some of it
        assert 0.4 < parts.fair["slopes"][0, REF, row.GAP] < 1.0


def test_the_micro_price_of_the_reference_is_found() -> None:
    """Its micro-deviation leads our mid by 100 ms: the coefficient is over five of its standard deviations by runs."""
    slopes = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = int(600 / STEP_S)
        share = np.repeat(rng.uniform(0.1, 0.9, n // 10 + 1), 10)[:n]
        own = rng.normal(0.0, np.sqrt(STEP_S), n)
        own[2:] += (0.2 * (2.0 * share - 1.0))[:-2]
        mid = 100.0 * np.exp(1e-4 * np.cumsum(own))
        there = np.column_stack(
            [100.0 * np.exp(1e-4 * np.cumsum(rng.normal(0.0, np.sqrt(STEP_S), n))), 10.0 * share, 10.0 - 10.0 * share]
        )
        parts = Parts()
        weights = parts.hear(tops(mid, seed), there, silence(n), np.zeros(n))
        fair = parts.fair[0]
        slopes.append(fair["slopes"][REF, row.THERE_DEV] * 0.1 + fair["slopes"][REF, row.THERE_IMBALANCE])
        assert weights[-1, REF] > 0.5
    assert np.mean(slopes) > 5.0 * np.std(slopes, ddof=1)


def test_a_leading_coin_is_found() -> None:
    """200 ms ahead, 0.3 bps per bps, as the allocation says: the catch-up comes true in full."""
    slopes = []
    for seed in range(6):
        own, leader = paths(seed, 30.0, 200, 0.3)
        parts = Parts()
        leaders.on_lead(parts.lead[0], 1, 0.3, 0.2, 1)
        leaders.adopt(parts.lead[0], 1)
        weights = parts.hear(tops(own, seed), np.full((len(own), 3), np.nan), leader, np.zeros(len(own)))
        slopes.append(parts.fair["slopes"][0, LEAD, row.CATCH_UP])
        n = parts.fair["counts"][0, row.CATCH_UP]
        assert weights[-1, LEAD] > 0.0
    assert np.mean(slopes) == pytest.approx(n / (n + parts.fair_p["ridge_count"][0]), rel=0.25)


def flows(seed: int, push_bps: float, delay_s: float, minutes: float = 15.0) -> tuple[Parts, Floats]:
    """Market orders each 200 ms in one direction for five seconds; each pushes the mid `delay_s` later."""
    rng = np.random.default_rng(seed)
    n = int(minutes * 60 / STEP_S)
    sign = np.repeat(rng.choice([-1.0, 1.0], n // 100 + 1), 100)[:n]
    trades = np.where(np.arange(n) % 4 == 0, sign * rng.uniform(0.5, 1.5, n), 0.0)
    own = rng.normal(0.0, np.sqrt(STEP_S), n)
    lag = int(delay_s / STEP_S)
    own[lag:] += push_bps * trades[: n - lag]
    parts = Parts()
    mid = 100.0 * np.exp(1e-4 * np.cumsum(own))
    return parts, parts.hear(tops(mid, seed), np.full((n, 3), np.nan), silence(n), trades)


def test_flow_that_pushes_the_mid_is_found() -> None:
    for seed in range(5):
        parts, weights = flows(seed, 0.15, 0.3)
        assert weights[-1, FLOW] > 0.3
        assert parts.fair["slopes"][0, FLOW, row.TRADE_IMBALANCE] > 0.0


def test_flow_that_says_nothing_has_no_weight() -> None:
    assert np.mean([flows(seed, 0.0, 0.3)[1][-1, FLOW] > 0.0 for seed in range(60)]) <= 0.05


def test_a_pulled_reference_is_gone_within_a_second_and_leaves_no_trace() -> None:
    """Fair is to the last bit that of a coin that never heard of a reference."""
    own, there = paths(1, 10.0, 500, 0.9)
    n, cut = len(own), len(own) - int(5.0 / STEP_S)
    heard, never = tops(there, 2), np.full((n, 3), np.nan)
    heard[cut:] = np.nan
    with_it, without = Parts(), Parts()
    at = cut + int(1.0 / STEP_S)
    for parts, rows in ((with_it, heard), (without, never)):
        parts.hear(tops(own, 3)[:at], rows[:at], silence(at), np.zeros(at))
    assert abs(with_it.fair["parts_bps"][0, REF]) > 0.0, "one second old is not yet stale"
    for parts, rows in ((with_it, heard), (without, never)):
        parts.hear(tops(own, 3)[at:], rows[at:], silence(n - at), np.zeros(n - at), first=at)
    assert with_it.fair["parts_bps"][0, REF] == 0.0
    for name in ("fair_px", "past", "parts_bps", "weight"):
        assert with_it.fair[name].tobytes() == without.fair[name].tobytes(), name
    assert with_it.fair["slopes"][0, :REF].tobytes() == without.fair["slopes"][0, :REF].tobytes()


def test_a_switched_off_signal_is_still_scored() -> None:
    own, there = paths(1, 10.0, 500, 0.9)
    applied, parts = ON.copy(), Parts()
    applied[REF] = 0.0
    n = len(own)
    parts.hear(tops(own, 3), tops(there, 2), silence(n), np.zeros(n), applied=applied)
    assert parts.fair["parts_bps"][0, REF] == 0.0
    assert parts.fair["skill"]["weight"][0, REF] > 0.9
    fair_value.refresh(parts.fair[0], parts.fair_p[0], ON)
    full = parts.fair["parts_bps"][0, REF]
    applied[REF] = 0.5
    fair_value.refresh(parts.fair[0], parts.fair_p[0], applied)
    assert parts.fair["parts_bps"][0, REF] == pytest.approx(0.5 * full)
    assert abs(full) > 0.0


def test_the_shift_is_bounded_and_its_parts_still_add_up() -> None:
    own, there = paths(1, 10.0, 500, 0.9)
    parts = Parts()
    parts.hear(tops(own, 3), tops(there, 2), silence(len(own)), np.zeros(len(own)))
    parts.fair_p["max_shift_bps"] = 0.05
    fair_value.refresh(parts.fair[0], parts.fair_p[0], ON)
    fair = parts.fair[0]
    assert np.sum(np.abs(fair["parts_bps"][1:])) == pytest.approx(0.05)
    assert 1e4 * (fair["fair_px"] / fair["mid_px"] - 1.0) == pytest.approx(fair["parts_bps"].sum(), abs=1e-9)


def test_a_wild_row_and_a_wild_label_move_no_coefficient() -> None:
    """Our own price jumps 20 % and back, and the row is absurd while it does: clipped, and forgotten as one sample."""
    own, there = paths(1, 10.0, 500, 0.9)
    parts = Parts()
    half = len(own) // 2
    parts.hear(tops(own, 3)[:half], tops(there, 2)[:half], silence(half), np.zeros(half))
    before = parts.fair["slopes"][0, REF, row.MOVE]
    spike = tops(own, 3)[half : half + 10]
    spike[:, 0] *= 1.2
    parts.hear(spike, tops(there, 2)[half : half + 10], silence(10), np.zeros(10), first=half)
    rest = slice(half + 10, half + 200)
    parts.hear(tops(own, 3)[rest], tops(there, 2)[rest], silence(190), np.zeros(190), first=half + 10)
    assert parts.fair["slopes"][0, REF, row.MOVE] == pytest.approx(before, rel=0.15)


def test_the_price_level_does_not_matter() -> None:
    own, there = paths(1, 5.0, 500, 0.9)
    slopes = []
    for scale in (1.0, 1000.0):
        parts = Parts()
        parts.hear(tops(own * scale, 3), tops(there * scale, 2), silence(len(own)), np.zeros(len(own)))
        slopes.append(parts.fair["slopes"][0])
        assert parts.fair["skill"]["weight"][0, REF] >= 0.0
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-6, atol=1e-9)
