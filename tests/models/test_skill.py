"""Weights that predictions earn: planted skill is believed, noise is not."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models.skill import MIN_BLOCKS, SKILL, clear_skill, score

Floats = np.ndarray[Any, Any]
N = 2_000


@nb.njit
def score_all(sk: Any, step_ns: int, loss: Floats, naive: Floats, half_life_s: float) -> None:
    clear_skill(sk[0])
    for i in range(len(loss)):
        score(sk[0], (i + 1) * step_ns, loss[i], naive[i], 10.0, half_life_s)


def scored(correlation: float, seed: int, half_life_s: float = 0.0, n: int = N) -> Any:
    """A predictor with its best slope and this correlation with what it predicts, one score a second."""
    rng = np.random.default_rng(seed)
    signal, noise = rng.normal(0.0, 1.0, n), rng.normal(0.0, 1.0, n)
    truth = correlation * signal + np.sqrt(1.0 - correlation**2) * noise
    slope = correlation if correlation > 0.0 else 0.1
    sk = np.zeros(1, SKILL)
    score_all(sk, 10**9, (truth - slope * signal) ** 2, truth**2, half_life_s)
    return sk[0]


def test_a_planted_predictor_earns_its_weight() -> None:
    """Predecessor finding 6: correlation 0.3 and 2,000 resolved predictions give more than 0.5."""
    weights = [float(scored(0.3, seed)["weight"]) for seed in range(20)]
    assert min(weights) > 0.5
    assert np.mean([scored(0.3, seed)["skill"] for seed in range(20)]) == pytest.approx(0.09, abs=0.01)


def test_noise_earns_none() -> None:
    """Noise with a slope of 0.1 is worse than nothing; weights above 0.2 in at most 5 % of runs."""
    weights = np.array([float(scored(0.0, seed)["weight"]) for seed in range(100)])
    assert (weights > 0.2).mean() <= 0.05
    assert weights.mean() < 0.02


def test_the_error_is_the_spread_of_the_skill() -> None:
    runs = [scored(0.3, seed) for seed in range(200)]
    spread = np.std([run["skill"] for run in runs])
    assert np.mean([run["skill_se"] for run in runs]) == pytest.approx(spread, rel=0.2)


def test_few_blocks_are_insufficient() -> None:
    short = scored(0.9, 1, n=10 * MIN_BLOCKS - 5)
    assert short["blocks"] < MIN_BLOCKS
    assert short["skill"] > 0.5
    assert short["weight"] == 0.0


def test_old_scores_are_forgotten_in_time() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(0.0, 1.0, 4_000)
    good = np.where(np.arange(4_000) < 2_000, 0.5, 1.5) * truth**2
    sk = np.zeros(1, SKILL)
    score_all(sk, 10**9, good, truth**2, 200.0)
    assert sk[0]["skill"] < -0.3
    assert sk[0]["weight"] == 0.0


def test_losses_that_are_no_numbers_are_ignored() -> None:
    sk = np.zeros(1, SKILL)
    clear_skill(sk[0])
    for loss in (np.nan, np.inf, -1.0):
        score(sk[0], 10**9, loss, 1.0, 10.0, 0.0)
        score(sk[0], 10**9, 1.0, loss, 10.0, 0.0)
    assert sk[0]["scored"] == 0


@pytest.mark.parametrize("gap_h", [12, 24])
@pytest.mark.parametrize("half_life_s", [600.0, 3600.0])
def test_noise_earns_nothing_after_a_long_silence(gap_h: int, half_life_s: float) -> None:
    """What is left of 400 blocks after twelve half-lives has no spread: one block, luckily good, had a weight of 1."""
    earned = []
    for seed in range(20):
        rng, sk, now_ns = np.random.default_rng(seed), np.zeros(1, SKILL), 10**15
        clear_skill(sk[0])
        for block in range(56):
            if block == 50:
                now_ns += gap_h * 3600 * 10**9
            for _ in range(8):
                truth, forecast = rng.normal(), 0.03 * rng.normal()
                score(sk[0], now_ns, (truth - forecast) ** 2, truth**2, 10.0, half_life_s)
                now_ns += 1_250_000_000
            if block > 50:
                earned.append(float(sk[0]["weight"]))
    assert np.mean(np.array(earned) > 0.2) < 0.05
    assert int(sk[0]["blocks"]) == 55


def test_blocks_are_enough_as_soon_as_so_many_are_held() -> None:
    sk = np.zeros(1, SKILL)
    score_all(sk, 10**10, np.full(MIN_BLOCKS + 1, 0.5), np.full(MIN_BLOCKS + 1, 1.0), 10_000.0)
    assert float(sk[0]["held"]) < sk[0]["blocks"] == MIN_BLOCKS
    assert sk[0]["weight"] == 1.0
