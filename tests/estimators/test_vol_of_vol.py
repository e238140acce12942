"""Vol-of-vol on paths whose sigma moves as we say."""

import math
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import vol_of_vol
from tests.estimators.feeds import START_NS, Floats, fresh

HOUR = 3600


@nb.njit
def feed(st: Any, p: Any, sigma_bps: Any, shocks: Any, tick_bps: float) -> None:
    """One mid a second, on a grid of `tick_bps` when it is above 0."""
    x = 0.0
    for i in range(len(shocks)):
        x += sigma_bps[i] * shocks[i]
        seen = tick_bps * math.floor(x / tick_bps + 0.5) if tick_bps > 0.0 else x
        vol_of_vol.update(st[0], p[0], START_NS + (i + 1) * 1_000_000_000, 100.0 * math.exp(1e-4 * seen))


def log_ou(rng: np.random.Generator, xi: float, hours: float, tau_s: float = 7_200.0, sigma_bps: float = 1.5) -> Floats:
    """ln sigma with sd `xi` per sqrt(second), reverting in `tau_s`."""
    n = round(hours * HOUR)
    keep, spread = math.exp(-1.0 / tau_s), xi * math.sqrt(tau_s / 2.0)
    noise, path, x = rng.normal(0.0, 1.0, n), np.empty(n), 0.0
    for i in range(n):
        x = keep * x + spread * math.sqrt(1.0 - keep * keep) * noise[i]
        path[i] = x
    return sigma_bps * np.exp(path)


def learn(seed: int, sigma_bps: Floats, fat: float = 0.0, tick_bps: float = 0.0, tau_s: float = 14_400.0) -> Any:
    """The state after a path; `fat` degrees of freedom of Student shocks, 0 for Gaussian ones."""
    rng = np.random.default_rng(seed)
    n = len(sigma_bps)
    shocks = rng.standard_t(fat, n) * math.sqrt((fat - 2.0) / fat) if fat > 0.0 else rng.normal(0.0, 1.0, n)
    p = vol_of_vol.default_params()
    p["tau_s"] = tau_s
    st, p = fresh(vol_of_vol, p)
    feed(st, p, sigma_bps, shocks, tick_bps)
    return st[0]


@pytest.mark.parametrize("xi", [0.01, 0.02, 0.04])
def test_the_vol_of_vol_of_a_log_ou_is_recovered(xi: float) -> None:
    """0.01 to 0.04 per sqrt(s) (8 to 31 % a minute): the mean of 12 days within 15 %."""
    found = [learn(seed, log_ou(np.random.default_rng(100 + seed), xi, 24.0), tau_s=1e6).vov for seed in range(12)]
    assert np.mean(found) == pytest.approx(xi, rel=0.15)


def test_a_constant_sigma_adds_next_to_nothing() -> None:
    """Twenty runs of eight hours: the add-on is below 3 % on average and in at least 17 of them."""
    adds = np.array([learn(seed, np.full(8 * HOUR, 1.5)).add_ratio for seed in range(20)])
    assert adds.mean() < 0.03
    assert np.sum(adds < 0.03) >= 17


@pytest.mark.parametrize("case", ["fat", "tick"])
def test_fat_tails_and_ticks_are_not_a_moving_sigma(case: str) -> None:
    """Misspecified twins of a constant sigma: Student shocks with 5 degrees; a tick of one sd."""
    fat, tick = (5.0, 0.0) if case == "fat" else (0.0, 1.5)
    adds = np.array([learn(seed, np.full(8 * HOUR, 1.5), fat, tick).add_ratio for seed in range(12)])
    assert adds.mean() < 0.04


def test_a_moving_sigma_earns_its_add_on() -> None:
    """xi 0.02: one sd over a minute is 0.155; after eight hours most of it is believed."""
    adds = [learn(seed, log_ou(np.random.default_rng(seed), 0.02, 8.0)).add_ratio for seed in range(8)]
    assert 0.1 < np.mean(adds) < 0.18


def test_a_twin_that_switches_is_not_taken_for_calm() -> None:
    """Outside the model: sigma four times as high a quarter of the time, in spells of two minutes."""
    sigma = 1.5 * np.where(np.repeat(np.random.default_rng(1).random(240) < 0.25, 120), 4.0, 1.0)
    assert learn(2, sigma).add_ratio > 0.2


def test_a_jump_is_not_vol_of_vol() -> None:
    """One move of 40 sd in a minute of eight hours: its minute's own error is as large as what it changed."""
    sigma = np.full(8 * HOUR, 1.5)
    sigma[4 * HOUR] = 60.0
    assert learn(3, sigma).add_ratio < 0.05


def test_a_silence_is_compared_with_nothing() -> None:
    p = vol_of_vol.default_params()
    st, p = fresh(vol_of_vol, p)
    feed(st, p, np.full(150, 1.5), np.random.default_rng(4).normal(size=150), 0.0)
    kept = st["mass"][0]
    vol_of_vol.update(st[0], p[0], int(st["last_ns"][0]) + 60 * 10**9, 101.0)
    assert (st["known"][0], st["minute_n"][0], st["mass"][0]) == (0, 0, kept)


@pytest.mark.parametrize("case", ["model", "switching"])
def test_a_moving_sigma_beats_one_that_stands_still(case: str) -> None:
    """xi 0.02 for twelve hours, and its twin outside the model."""
    weights = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sigma = log_ou(rng, 0.02, 12.0)
        if case == "switching":
            sigma = 1.5 * np.where(np.repeat(rng.random(360) < 0.25, 120), 4.0, 1.0)
        weights.append(learn(50 + seed, sigma).skill.weight)
    assert np.mean(weights) > 0.5


@pytest.mark.parametrize("case", ["gauss", "fat", "tick"])
def test_a_constant_sigma_earns_no_weight(case: str) -> None:
    """Twenty runs of eight hours: in at most two a weight above a tenth."""
    fat, tick = {"gauss": (0.0, 0.0), "fat": (5.0, 0.0), "tick": (0.0, 1.5)}[case]
    weights = [learn(70 + seed, np.full(8 * HOUR, 1.5), fat, tick).skill.weight for seed in range(20)]
    assert sum(weight > 0.1 for weight in weights) <= 2
