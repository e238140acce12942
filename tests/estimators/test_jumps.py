"""Jumps on processes whose law is known: what is charged is what a quote would lose."""

import math
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import jumps
from tests.estimators.feeds import START_NS, Floats, fresh

DAY = 86_400
SIGMA_BPS = 1.5
FILLS_PER_S, K_PER_BPS = 0.1, 0.1
"""Fills of a quote at d: 0.1 e^(-0.1 d) a second."""


@nb.njit
def feed(st: Any, p: Any, move_bps: Any, jump_bps: Any, shown: float) -> None:
    """One mid a second; a jump comes with a sweep that reaches `shown` of its size (0: no trade at all)."""
    px = 100.0
    for i in range(len(move_bps)):
        now_ns = START_NS + (i + 1) * 1_000_000_000
        before = px
        px *= math.exp(1e-4 * (move_bps[i] + jump_bps[i]))
        if shown > 0.0 and jump_bps[i] != 0.0:
            aggressor = 0 if jump_bps[i] > 0.0 else 1
            jumps.observe_sweep(st[0], p[0], now_ns, aggressor, before * (1.0 + 1e-4 * shown * jump_bps[i]), before)
        jumps.update(st[0], p[0], now_ns, px, 1.5, 0.0)


def merton(rng: np.random.Generator, days: float, per_day: float = 20.0, sd_bps: float = 40.0) -> tuple[Floats, Floats]:
    """Moves a second of the diffusion, and jumps (0 where there is none)."""
    n = round(days * DAY)
    happens = rng.random(n) < per_day / DAY
    return rng.normal(0.0, SIGMA_BPS, n), np.where(happens, rng.normal(0.0, sd_bps, n), 0.0)


def learn(moves: Floats, jump_bps: Floats, shown: float = 0.0) -> tuple[Any, Any]:
    p = jumps.default_params()
    p["half_life_s"] = 0.0
    st, p = fresh(jumps, p)
    feed(st, p, moves, jump_bps, shown)
    return st[0], p[0]


def rate(depth_bps: float) -> float:
    return FILLS_PER_S * math.exp(-K_PER_BPS * depth_bps)


def monte_carlo_bps(depth_bps: float, per_day: float, sizes_bps: Floats) -> float:
    """Pick-off cost per fill of one side: jumps of that sign hit half the time; fills are counted, not averaged."""
    rng = np.random.default_rng(99)
    span_s = len(sizes_bps) / (per_day / DAY)
    hits = sizes_bps[sizes_bps > 0.0]
    fills = rng.poisson(rate(depth_bps) * span_s)
    return float(np.sum(np.maximum(hits - depth_bps, 0.0)) / fills)


def test_the_premium_is_the_monte_carlo_pick_off_cost() -> None:
    """Merton, 20 a day of sd 40 bps: at 5, 10 and 20 bps within 20 % on both sides, within 10 % on average of the six.

    Learned from 30 days; the cost from 100,000 other jumps.
    """
    st, p = learn(*merton(np.random.default_rng(1), 30.0))
    sizes = np.random.default_rng(2).normal(0.0, 40.0, 100_000)
    ratios = []
    for depth_bps in (5.0, 10.0, 20.0):
        want = monte_carlo_bps(depth_bps, 20.0, sizes)
        for side in range(2):
            got = jumps.premium_bps(st, p, side, depth_bps, rate(depth_bps))
            assert got == pytest.approx(want, rel=0.20), (depth_bps, side)
            ratios.append(got / want)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.10)


def test_the_law_of_the_jumps_is_recovered() -> None:
    """Intensity 10 a day and side less the 12 % that hide in the noise, mean of |N(0, 40)| above 6 bps."""
    st, _ = learn(*merton(np.random.default_rng(3), 30.0))
    for side in range(2):
        per_s, mean_bps, sd_bps = jumps.law(st, side)
        assert per_s * DAY == pytest.approx(10.0 * 0.88 + 2.0, rel=0.2)
        assert mean_bps == pytest.approx(31.0, rel=0.2)
        assert sd_bps == pytest.approx(25.0, rel=0.2)


def test_without_jumps_there_is_no_premium() -> None:
    """Ten days of a diffusion: false alarms are there, and cost less than 0.05 bp at every depth."""
    moves, none = merton(np.random.default_rng(4), 10.0, per_day=0.0)
    st, p = learn(moves, none)
    assert 0 < st.jump_count.sum() < 10 * 5.5 * 3.0
    for depth_bps in (2.0, 5.0, 10.0, 20.0):
        assert jumps.premium_bps(st, p, 0, depth_bps, rate(depth_bps)) < 0.05


def test_the_twin_with_exponential_jumps_and_storms_is_charged_what_it_costs() -> None:
    """Outside the model: double exponential sizes, sigma three times as high a tenth of the time: within 30 %."""
    rng = np.random.default_rng(5)
    n = 30 * DAY
    storm = np.repeat(rng.random(n // 600) < 0.1, 600)
    moves = rng.normal(0.0, 1.0, n) * np.where(storm, 3.0 * SIGMA_BPS, SIGMA_BPS)
    sizes = rng.exponential(30.0, n) * rng.choice([-1.0, 1.0], n)
    st, p = learn(moves, np.where(rng.random(n) < 20.0 / DAY, sizes, 0.0))
    other = np.random.default_rng(6)
    draws = other.exponential(30.0, 100_000) * other.choice([-1.0, 1.0], 100_000)
    for depth_bps in (5.0, 10.0, 20.0):
        got = np.mean([jumps.premium_bps(st, p, side, depth_bps, rate(depth_bps)) for side in range(2)])
        assert got == pytest.approx(monte_carlo_bps(depth_bps, 20.0, draws), rel=0.30)


def test_what_sweeps_have_shown_is_not_charged_again() -> None:
    """Jumps that traded all the way are in the measured adverse selection; those that traded half way, half so."""
    moves, jump_bps = merton(np.random.default_rng(7), 20.0)
    whole, p = learn(moves, jump_bps)
    shown, _ = learn(moves, jump_bps, shown=1.0)
    half, _ = learn(moves, jump_bps, shown=0.5)
    for depth_bps in (4.5, 10.0, 20.0):
        full = jumps.loss_bps_per_s(whole, p, 0, depth_bps)
        assert jumps.loss_bps_per_s(shown, p, 0, depth_bps) < 0.02 * full
        assert 0.0 < jumps.loss_bps_per_s(half, p, 0, depth_bps) < full
    assert shown.jump_count == pytest.approx(whole.jump_count)


def test_an_up_move_hurts_the_ask_only() -> None:
    moves = np.zeros(300)
    jump_bps = np.where(np.arange(300) == 200, 30.0, 0.0)
    st, p = learn(moves, jump_bps)
    assert st.jump_count.tolist() == [0.0, 1.0]
    assert jumps.loss_bps_per_s(st, p, 1, 5.0) > jumps.loss_bps_per_s(st, p, 0, 5.0) > 0.0
    assert jumps.loss_bps_per_s(st, p, 1, 4.5) == pytest.approx(0.5 * 1.0476 * 25.5 / (299 + 3600), rel=0.01)
    assert st.jump_z == 0.0 or abs(st.jump_z) < 4.0


def test_the_newest_large_move_is_a_feature_for_ten_seconds() -> None:
    st, _ = learn(np.zeros(205), np.where(np.arange(205) == 200, -30.0, 0.0))
    assert st.jump_z == pytest.approx(-20.0, rel=1e-6)


def test_a_quote_beyond_every_jump_loses_nothing() -> None:
    st, p = learn(*merton(np.random.default_rng(8), 1.0))
    assert jumps.loss_bps_per_s(st, p, 0, 500.0) == 0.0
    losses = [jumps.loss_bps_per_s(st, p, 0, d) for d in (0.1, 2.0, 5.0, 12.0, 40.0, 70.0)]
    assert losses == sorted(losses, reverse=True)


def test_a_premium_never_grows_beyond_its_bound() -> None:
    st, p = learn(*merton(np.random.default_rng(9), 1.0))
    assert jumps.premium_bps(st, p, 0, 5.0, 0.0) == p.max_premium_bps


def test_jumps_to_come_are_foretold_better_than_by_a_gaussian_market() -> None:
    """Merton, 20 a day, three days."""
    weights = [learn(*merton(np.random.default_rng(20 + seed), 3.0))[0].skill.weight for seed in range(4)]
    assert min(weights) > 0.6


def test_a_day_of_diffusion_earns_nothing_by_jumps() -> None:
    """Twenty days: at most two with any weight. Twin: sigma doubles for ten minutes at a time, unknown at first.

    There the first returns are beyond what was known, so they may be foretold; what is charged is next to nothing.
    """
    earned = 0
    for seed in range(20):
        moves, none = merton(np.random.default_rng(40 + seed), 1.0, per_day=0.0)
        earned += learn(moves, none)[0].skill.weight > 0.0
        storm = np.repeat(np.random.default_rng(seed).random(len(moves) // 600) < 0.2, 600)
        st, p = learn(moves * np.where(storm, 2.0, 1.0), none)
        assert st.skill.weight * jumps.premium_bps(st, p, 0, 5.0, rate(5.0)) < 0.05
    assert earned <= 2


def test_a_silence_is_no_minute_without_jumps() -> None:
    moves, none = merton(np.random.default_rng(60), 0.01)
    st, p = learn(moves, none)
    scored = int(st.skill.scored)
    jumps.update(st, p, int(st.last_ns) + 3600 * 10**9, 100.0, 1.5, 0.0)
    assert st.due_ns == 0
    assert st.skill.scored == scored > 5
