"""What signals are worth, from randomised ablation: planted effects are found, nothing is found where there is nothing.

Predecessor finding 16: planted signals of +2 and -2 bps, 5,000 intervals, 10 % ablation. The twin is what the estimate
does not assume: heavy tails, a market whose drift lasts for minutes, effects that need one another and come and go.
"""

import os
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.engine import ablation
from portfolio_mm.engine.params import new_params
from portfolio_mm.engine.signals import N_SIGNALS, SIGNALS, SIGNALS_STATE, reset
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models import marginal
from portfolio_mm.models.marginal import MARGINAL, MIN_BLOCKS, Z95
from portfolio_mm.models.splitmix import uniform
from tests.engine.tape import COIN

Array = np.ndarray[Any, Any]
N, SHARE = 5_000, 0.1
CLIP_USD, FILLS = 150.0, 1.0
"""USD a fill, fills an interval."""
EFFECTS_BPS = np.array([2.0, -2.0] + 10 * [0.0])
RUNS = 400 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 60
USD_PER_BPS = CLIP_USD * FILLS * 1e-4


@nb.njit
def masks(run: int, count: int, share: float) -> Array:
    """Masks as the engine draws them."""
    off = np.zeros((count, 12), np.int64)
    for i in range(count):
        for s in range(12):
            off[i, s] = 1 if uniform(run, 0, i, s) < share else 0
    return off


@nb.njit
def settle_all(  # noqa: PLR0917 - flat arguments
    signals: Any, params: Any, run: int, fills: Array, noise: Array, worth: Array
) -> None:
    """The switch at work; interval i earns `noise[i]` and, for each signal that is on, `worth[i, s]` a fill."""
    for i in range(len(fills)):
        mask, reward = 0, noise[i]
        for s in range(12):
            if uniform(run, 0, i, s) < ablation.off_probability(params[0], signals[0].banned_mask, s):
                mask |= 1 << s
            else:
                reward += fills[i] * worth[i, s]
        ablation.settle(signals[0], params[0], reward, mask, signals[0].banned_mask)


@nb.njit
def add_all(m: Any, rewards: Array, off: Array, share: float, block: int) -> None:
    marginal.clear_marginal(m[0])
    for i in range(len(rewards)):
        marginal.add(m[0], rewards[i], off[i], share)
        if (i + 1) % block == 0:
            marginal.close_block(m[0], 1.0)


def market(count: int, seed: int, *, twin: bool = False) -> tuple[Array, Array, Array]:
    """Fills of each interval, its USD without signals, and what each signal brings in it, USD a fill."""
    rng = np.random.default_rng(seed)
    fills = rng.poisson(FILLS, count)
    worth = np.tile(EFFECTS_BPS, (count, 1))
    noise = rng.normal(0.0, 5.0, count)
    if twin:
        moving = 1.0 + np.sin(np.arange(count) / 300.0)  # effects come and go
        worth = worth * (moving / moving.mean())[:, None]
        drift = np.zeros(count)
        for i, shock in enumerate(rng.normal(0.0, 1.0, count - 1), start=1):
            drift[i] = 0.8 * drift[i - 1] + shock
        noise = 3.0 * rng.standard_t(3, count) + drift
    bps = fills * 0.5 + np.sqrt(fills) * noise
    return fills, bps * CLIP_USD * 1e-4, worth * CLIP_USD * 1e-4


def rewards_of(off: Array, seed: int, *, twin: bool = False) -> Array:
    """USD of each interval."""
    fills, noise, worth = market(len(off), seed, twin=twin)
    both = 1.5e-4 * CLIP_USD * off[:, 2] * off[:, 3] if twin else 0.0  # effects that need one another
    return np.asarray(noise + fills * (((1 - off) * worth).sum(axis=1) + both))


def value_of(run: int, signal: int, *, twin: bool = False) -> Any:
    off = masks(run, N, SHARE)
    m = np.zeros(1, MARGINAL)
    add_all(m, rewards_of(off, run, twin=twin), off[:, signal], SHARE, 30)
    return m[0]


def experiment(run: int, *, twin: bool = False, count: int = N) -> Any:
    """The switch at work: a banned signal is off in nearly every interval from then on."""
    signals, params = np.zeros(1, SIGNALS_STATE), new_params(COIN, 1, Tuning(ablation_share=SHARE))
    params["value_half_life_s"] = 0.0
    reset(signals[0])
    settle_all(signals, params, run, *market(count, run, twin=twin))
    return signals[0]


@pytest.mark.parametrize("twin", [False, True], ids=["true model", "twin"])
@pytest.mark.parametrize("signal", [0, 1, 4])
def test_planted_effects_are_within_two_standard_errors(signal: int, twin: bool) -> None:  # noqa: FBT001
    runs = [value_of(run, signal, twin=twin) for run in range(RUNS)]
    truth_usd = EFFECTS_BPS[signal] * USD_PER_BPS
    off_by = np.array([(m["effect_usd"] - truth_usd) / m["effect_se_usd"] for m in runs])
    assert (abs(off_by) < 2.0).mean() >= 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / RUNS)
    assert abs(off_by.mean()) < 3.0 / np.sqrt(RUNS)
    assert off_by.std() == pytest.approx(1.0, abs=0.3)
    assert all(m["blocks"] == N // 30 for m in runs)
    if signal < 2:
        assert abs(truth_usd) > Z95 * np.mean([m["effect_se_usd"] for m in runs])


def test_a_signal_that_always_acts_gets_an_estimate() -> None:
    """There is no time in which it would be silent by itself: only the draw makes a comparison possible."""
    m = value_of(3, 0)
    assert m["off_count"] == pytest.approx(N * SHARE, rel=0.2)
    assert m["on_count"] + m["off_count"] == N
    assert marginal.is_enough(m)
    assert m["effect_usd"] - Z95 * m["effect_se_usd"] > 0.0


@pytest.mark.parametrize("twin", [False, True], ids=["true model", "twin"])
def test_costly_signals_are_switched_off_and_harmless_ones_are_not(twin: bool) -> None:  # noqa: FBT001
    bans = np.array([experiment(run, twin=twin)["bans"] for run in range(RUNS)]) > 0
    assert bans[:, 1].mean() > 0.95
    assert bans[:, 0].sum() == 0
    assert bans[:, 2:].mean() <= 0.05


def test_few_blocks_are_insufficient() -> None:
    """However bad it looks: under 30 blocks, or 30 intervals without the signal, nothing is said."""
    short = experiment(1, count=30 * (MIN_BLOCKS - 1))
    assert short["bans"].sum() == 0
    assert not marginal.is_enough(short["value"][1])
    rare = np.zeros(1, MARGINAL)
    off = masks(2, N, 0.003)
    add_all(rare, rewards_of(off, 1), off[:, 1], 0.003, 30)
    assert rare[0]["blocks"] > MIN_BLOCKS
    assert rare[0]["off_count"] < 30
    assert not marginal.is_enough(rare[0])


def test_unequal_probabilities_are_weighted_out() -> None:
    """While a signal is banned it is on rarely; its estimate over both times stays what it is."""
    errors = []
    for run in range(RUNS):
        shares = np.where(np.arange(N) % 900 < 450, 0.1, 0.9)
        rng = np.random.default_rng(run)
        off = (rng.random(N) < shares).astype(np.int64)
        good_times = np.where(shares < 0.5, 1.0, -1.0)  # a naive mean of on minus off would find +3 bps in nothing
        rewards = (good_times * 2.0 + rng.normal(0.0, 5.0, N)) * 0.015
        m = np.zeros(1, MARGINAL)
        marginal.clear_marginal(m[0])
        for i in range(N):
            marginal.add(m[0], rewards[i], int(off[i]), float(shares[i]))
            if i % 30 == 29:
                marginal.close_block(m[0], 1.0)
        errors.append(m[0]["effect_usd"] / m[0]["effect_se_usd"])
        if len(errors) >= 20:
            break
    assert abs(np.mean(errors)) < 1.0
    assert (np.abs(errors) < 2.0).mean() >= 0.75


def test_nothing_is_learned_from_numbers_that_are_none() -> None:
    m = np.zeros(1, MARGINAL)
    for reward, share in ((np.nan, 0.1), (np.inf, 0.1), (1.0, 0.0), (1.0, 1.0)):
        marginal.add(m[0], reward, 0, share)
    assert m.tobytes() == np.zeros(1, MARGINAL).tobytes()


def test_old_intervals_are_forgotten() -> None:
    """After ten half-lives of another effect the old one is gone."""
    off = masks(9, 2 * N, SHARE)
    rewards = np.concatenate((rewards_of(off[:N], 1), -rewards_of(off[N:], 2)))
    m = np.zeros(1, MARGINAL)
    marginal.clear_marginal(m[0])
    for i in range(2 * N):
        marginal.add(m[0], rewards[i], int(off[i, 0]), SHARE)
        if i % 30 == 29:
            marginal.close_block(m[0], 0.5 ** (1.0 / 20.0))
    assert m[0]["effect_usd"] == pytest.approx(-2.0 * USD_PER_BPS, abs=3.0 * m[0]["effect_se_usd"])
    assert m[0]["effect_usd"] < 0.0


def test_every_signal_has_a_name_and_a_bit() -> None:
    assert len(set(SIGNALS)) == N_SIGNALS == 12
