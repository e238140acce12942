"""A walk to an order against the reflection principle, the law of sweeps alone, and simulated paths."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from portfolio_mm.models import walk
from portfolio_mm.models.walk import NODES, TAKEN_PER_S, WALK

T_S = 5.0


def walking(depth_bps: float, sigma_bps: float, decay_per_bps: float = 0.0, log_sd: float = 0.0) -> Any:
    """An order and a fair that walks; sweeps grow rarer by one exponential, as far as fair itself."""
    row = np.zeros(1, WALK)[0]
    walk.stay(row)
    row.depth_bps, row.sigma_bps, row.log_sd = depth_bps, sigma_bps, log_sd
    row.nearer_per_bps = row.farther_per_bps = decay_per_bps
    row.most_ratio = math.exp(decay_per_bps * max(0.0, depth_bps))
    return row


def reached(row: Any, hit_per_s: float, seconds: float) -> float:
    return float(walk.reached(row, np.zeros((2, NODES)), hit_per_s, seconds))


def simulated(depth_bps: float, sigma_bps: float, decay_per_bps: float, at_fair_per_s: float) -> float:
    """Share of 4,000 paths of 250 steps on which such an order is filled within T_S."""
    rng, step_s = np.random.default_rng(3), T_S / 250
    x_bps, filled = np.full(4_000, depth_bps), np.zeros(4_000)
    for _ in range(250):
        filled += step_s * (
            at_fair_per_s * np.exp(-decay_per_bps * np.maximum(0.0, x_bps)) + TAKEN_PER_S * (x_bps < 0.0)
        )
        x_bps += sigma_bps * math.sqrt(step_s) * rng.normal(size=4_000)
    return float(np.mean(1.0 - np.exp(-filled)))


@pytest.mark.parametrize("hit_per_s", [0.0, 0.02, 0.3, 4.0])
def test_where_fair_stands_it_is_the_rate_alone(hit_per_s: float) -> None:
    assert reached(walking(2.0, 0.0), hit_per_s, T_S) == pytest.approx(1.0 - math.exp(-hit_per_s * T_S), abs=1e-12)
    still = reached(walking(20.0, 1e-3, 0.5), hit_per_s, T_S)
    assert still == pytest.approx(1.0 - math.exp(-hit_per_s * T_S), abs=1e-3)


@pytest.mark.parametrize("sds", [0.8, 1.0, 1.5, 2.0, 2.5])
def test_without_sweeps_it_is_the_reflection_principle(sds: float) -> None:
    """P(the minimum is below -d) = 2 Phi(-d / (sigma sqrt t)); a fill takes a fifth of a second longer."""
    sigma_bps = 1.7
    late = math.erfc(sds / math.sqrt(2.0 * (T_S - 1.0 / TAKEN_PER_S) / T_S))
    found = reached(walking(sds * sigma_bps * math.sqrt(T_S), sigma_bps), 0.0, T_S)
    assert found == pytest.approx(late, abs=0.1)


def test_it_is_what_simulated_paths_do() -> None:
    """Five steps: 0.02 on average, and 0.1 where fair comes from a standard deviation away and nothing else fills."""
    missed = []
    for sds, sigma_bps, decay_per_bps, at_fair_per_s in itertools.product(
        (0.0, 0.25, 0.75, 1.4, 2.4), (0.5, 2.0, 4.0), (0.3, 0.8), (0.2, 2.0)
    ):
        depth_bps = sds * sigma_bps * math.sqrt(T_S)
        expected = simulated(depth_bps, sigma_bps, decay_per_bps, at_fair_per_s)
        hit_per_s = at_fair_per_s * math.exp(-decay_per_bps * depth_bps)
        missed.append(reached(walking(depth_bps, sigma_bps, decay_per_bps), hit_per_s, T_S) - expected)
    assert abs(np.mean(missed)) < 0.01
    assert np.sqrt(np.mean(np.square(missed))) < 0.025
    assert np.max(np.abs(missed)) < 0.11


def test_fair_comes_to_what_is_far_and_leaves_what_is_near() -> None:
    for depth_bps, more in ((6.0, True), (0.3, False)):
        hit_per_s = 1.5 * math.exp(-0.8 * depth_bps)
        stands = 1.0 - math.exp(-hit_per_s * T_S)
        chances = [reached(walking(depth_bps, sigma, 0.8), hit_per_s, T_S) for sigma in (0.3, 1.0, 3.0)]
        assert (chances[0] < chances[1] < chances[2]) if more else (stands > chances[1])


def test_a_sigma_that_is_not_known_is_a_mixture_of_the_same_mean_square() -> None:
    factor = math.exp(0.7)
    rms = math.sqrt(0.5 * (factor**2 + factor**-2))
    parts = [reached(walking(5.0, 1.5 * f / rms, 0.5), 0.05, T_S) for f in (factor, 1.0 / factor)]
    assert reached(walking(5.0, 1.5, 0.5, log_sd=0.7), 0.05, T_S) == pytest.approx(np.mean(parts), abs=1e-6)


def test_scale_and_bounds() -> None:
    """Only sigma sqrt(t), decay times distance and rate times time matter; a chance is a chance."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        depth, sigma = float(rng.uniform(-3.0, 30.0)), float(10.0 ** rng.uniform(-4, 2))
        decay, hit = float(rng.uniform(0.0, 3.0)), float(rng.uniform(0.0, 5.0))
        one = reached(walking(depth, sigma, decay), hit, T_S)
        assert 0.0 <= one <= 1.0
        assert reached(walking(10.0 * depth, 10.0 * sigma, 0.1 * decay), hit, T_S) == pytest.approx(one, abs=1e-5)
