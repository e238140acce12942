"""The particle filter on paths of sigma that are known, its own model's and others."""

import math
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import particles, volatility
from tests.estimators.feeds import START_NS, Floats, fresh

HOUR = 3600


@nb.njit
def feed(st: Any, p: Any, vol: Any, vol_p: Any, moves: Any, step_ns: int, anchor_bps: float) -> Any:  # noqa: PLR0917 - flat arguments
    """One mid each step_ns to both; columns: filter, EWMA, quote (bps per sqrt(s)); `anchor_bps` 0: EWMA's median."""
    path, px = np.empty((len(moves), 3)), 100.0
    for i in range(len(moves)):
        px *= math.exp(1e-4 * moves[i])
        now_ns = START_NS + (i + 1) * step_ns
        volatility.update(vol[0], vol_p[0], now_ns, px)
        anchor = anchor_bps if anchor_bps > 0.0 else vol[0].median_bps
        particles.update(st[0], p[0], now_ns, px, vol[0].sigma_bps, anchor, 0.0)
        path[i, 0], path[i, 1], path[i, 2] = st[0].sigma_bps, vol[0].sigma_bps, st[0].quote_bps
    return path


def run(moves: Floats, step_s: float = 1.0, anchor_bps: float = 0.0, **more: Any) -> tuple[Any, Floats]:
    p = particles.default_params()
    for name, value in more.items():
        p[name] = value
    st, p = fresh(particles, p)
    vol, vol_p = fresh(volatility)
    path: Floats = feed(st, p, vol, vol_p, moves, round(step_s * 1e9), anchor_bps)
    return st[0], path


def ou_sigma(seed: int, n: int, tau_s: float = 1_200.0, spread: float = 0.6) -> Floats:
    """The filter's own model around 1.5 bps per sqrt(s), one value a second."""
    rng = np.random.default_rng(seed)
    keep, x, path = math.exp(-1.0 / tau_s), spread * rng.normal(), np.empty(n)
    shocks = rng.normal(0.0, spread * math.sqrt(1.0 - keep * keep), n)
    for i in range(n):
        x = keep * x + shocks[i]
        path[i] = x
    return 1.5 * np.exp(path)


def switching_sigma(seed: int, n: int) -> Floats:
    """A twin outside the model: 1.5 or 4 times 1.5, spells of 90 and 30 s on average."""
    rng = np.random.default_rng(seed)
    storm, path = False, np.empty(n)
    for i in range(n):
        storm = storm != (rng.random() < (1 / 30 if storm else 1 / 90))
        path[i] = 6.0 if storm else 1.5
    return path


def moves_of(sigma_bps: Floats, seed: int) -> Floats:
    return sigma_bps * np.random.default_rng(1000 + seed).normal(0.0, 1.0, len(sigma_bps))


def rms_error(path: Floats, sigma_bps: Floats) -> float:
    """Of ln sigma, after the first ten minutes."""
    return float(np.sqrt(np.mean(np.log(path[600:] / sigma_bps[600:]) ** 2)))


def test_a_path_of_its_own_model_is_followed_more_closely_than_by_the_ewma() -> None:
    """Eight runs of four hours, stationary sd 0.6: error below 0.25 in ln sigma, and below the EWMA's in each run."""
    errors = []
    for seed in range(8):
        sigma = ou_sigma(seed, 4 * HOUR)
        _, path = run(moves_of(sigma, seed), anchor_bps=1.5)
        errors.append((rms_error(path[:, 0], sigma), rms_error(path[:, 1], sigma)))
    own, ewma = np.array(errors).T
    assert np.mean(own) < 0.25
    assert np.all(own < ewma)


def test_a_constant_sigma_is_recovered() -> None:
    """Knowing nothing but its model: bias below 5 %, error below 20 %."""
    for level in (0.3, 1.5, 8.0):
        _, path = run(moves_of(np.full(4 * HOUR, level), 1))
        logs = np.log(path[600:, 0] / level)
        assert abs(np.mean(logs)) < 0.05
        assert np.std(logs) < 0.20


def test_how_often_the_market_is_sampled_does_not_matter() -> None:
    """The same path seen each second, or each five: the same sigma but for what five times fewer returns can say."""
    sigma = ou_sigma(3, 6 * HOUR)
    moves = moves_of(sigma, 3)
    _, fine = run(moves, anchor_bps=1.5)
    _, coarse = run(moves.reshape(-1, 5).sum(axis=1), 5.0, 1.5, grid_ns=5 * 10**9, clock_ns=25 * 10**9)
    logs = np.log(coarse[120:, 0] / fine[604::5, 0])
    assert abs(np.mean(logs)) < 0.05
    assert np.std(logs) < 0.30
    assert rms_error(coarse[:, 0], sigma[4::5]) < 1.8 * rms_error(fine[:, 0], sigma)


def test_the_clock_does_not_matter() -> None:
    """Weighing each second or each five seconds gives the same sigma: time passed is in the step."""
    moves = moves_of(ou_sigma(4, 4 * HOUR), 4)
    _, five = run(moves, anchor_bps=1.5)
    _, one = run(moves, anchor_bps=1.5, clock_ns=10**9)
    logs = np.log(one[600:, 0] / five[600:, 0])
    assert abs(np.mean(logs)) < 0.03
    assert np.std(logs) < 0.12


def test_skill_is_earned_on_a_moving_sigma_and_not_on_a_constant_one() -> None:
    """Eight hours each: on its own model and on the switching twin it beats the EWMA; on a constant it does not."""
    moving = [run(moves_of(ou_sigma(seed, 8 * HOUR), seed))[0].skill for seed in range(3)]
    twin = [run(moves_of(switching_sigma(seed, 8 * HOUR), seed))[0].skill for seed in range(3)]
    constant = [run(moves_of(np.full(8 * HOUR, 1.5), seed))[0].skill for seed in range(6)]
    assert all(sk.blocks > 200 for sk in (*moving, *twin, *constant))
    assert min(sk.weight for sk in moving) > 0.3
    assert min(sk.weight for sk in twin) > 0.3
    assert np.mean([sk.weight > 0.0 for sk in constant]) <= 1 / 6


def test_the_quote_follows_the_filter_on_the_level_of_the_ewma() -> None:
    """Returns with momentum: the EWMA, which sees longer moves, stands higher; the filter's quote stands with it."""
    rng = np.random.default_rng(5)
    shocks, moves = rng.normal(0.0, 1.0, 4 * HOUR), np.zeros(4 * HOUR)
    for i in range(1, len(moves)):
        moves[i] = 0.5 * moves[i - 1] + shocks[i]
    _, path = run(moves)
    late = np.mean(np.log(path[2 * HOUR :]), axis=0)
    assert late[1] > late[0] + 0.1
    assert late[2] == pytest.approx(late[1], abs=0.05)


def test_a_jump_is_not_a_storm() -> None:
    moves = moves_of(np.full(HOUR, 1.5), 6)
    jumped = moves.copy()
    jumped[1800] += 100.0
    _, calm = run(moves)
    _, path = run(jumped)
    assert path[1810, 0] < 2.0 * calm[1810, 0]
    assert path[2400, 0] == pytest.approx(calm[2400, 0], rel=0.15)


def test_the_price_level_and_the_unit_of_sigma_do_not_matter() -> None:
    moves = moves_of(ou_sigma(7, HOUR), 7)
    _, base = run(moves, anchor_bps=1.5)
    _, double = run(2.0 * moves, anchor_bps=3.0)
    ratio = np.log(double[900:, 0] / base[900:, 0])
    assert np.mean(np.abs(ratio - math.log(2.0))) < 0.03


def test_particles_stay_a_distribution() -> None:
    st, path = run(moves_of(switching_sigma(8, HOUR), 8))
    assert st.w.sum() == pytest.approx(1.0)
    assert st.resampled > 10
    assert np.all(np.isfinite(path))
    assert np.isfinite(st.log_like)


def test_a_mid_that_stands_still_but_for_rare_steps_does_not_carry_the_filter_away() -> None:
    """A step of 5 bps each 40 s for an hour and a half, then 1 bps per sqrt(s) each second.

    Seconds say sigma is nothing, the EWMA's longer moves say 0.8. On the filter's level the EWMA was divided by 37 when
    the market woke: 24 bps were quoted and had earned their weight.
    """
    rng = np.random.default_rng(0)
    asleep = np.where(rng.random(3 * HOUR // 2) < 1 / 40, 5.0 * rng.choice([-1, 1], 3 * HOUR // 2), 0.0)
    st, path = run(np.concatenate([asleep, rng.normal(0.0, 1.0, 900)]))
    assert abs(st.level) <= particles.MAX_LEVEL
    assert np.all(path[:, 2] < 3.5 * path[:, 1])
    assert path[len(asleep) - 1, 2] == pytest.approx(path[len(asleep) - 1, 1], rel=0.05), (
        "at the bound it says what the EWMA says"
    )
    assert st.skill.weight == 0.0
    assert st.skill.blocks < 45, "unscored while it says no more than its rival"


def test_a_filter_that_has_fallen_still_sees_what_raises_it() -> None:
    """It stands at a tenth of the EWMA: moves of the EWMA's own size are taken whole."""
    st, p = fresh(particles)
    particles.update(st[0], p[0], START_NS, 100.0, 1.0, 1.0, 0.0)
    st["sigma_bps"], st["level"] = 0.01, 1.0
    for after_s, mid_px in ((1, 100.0), (2, 100.03), (3, 100.03)):
        particles.update(st[0], p[0], START_NS + after_s * 10**9 + 1, mid_px, 1.0, 1.0, 0.0)
    assert st["squares_bps2"][0] == pytest.approx(9.0, rel=0.01)
