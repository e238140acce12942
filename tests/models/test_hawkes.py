"""The Hawkes likelihood, its gradient and its forecasts against tabulated numbers (theory §4)."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.integrate import quad, solve_ivp

from portfolio_mm.models import hawkes
from portfolio_mm.models.poisson import log_loss
from tests.models.hawkes_path import sweep_through

DATA = Path(__file__).parent / "data"
REFS: dict[str, Any] = json.loads((DATA / "hawkes_refs.json").read_text())
TINY = np.array(REFS["tiny"]["times"])
Array = np.ndarray[Any, Any]


def univariate(mu: float, alpha: float, beta: float) -> Array:
    """Only buys: the other side has no rate and gets no children."""
    return np.array([mu, 0.0, alpha / beta, 0.0, 0.0, 0.0, beta])


def likelihood(theta: Array, times: Array, marks: Array, horizon_s: float) -> tuple[float, Array, Array, Array]:
    residuals, score, info = np.zeros(len(times)), np.zeros(7), np.zeros((7, 7))
    value = sweep_through(theta, times, marks, horizon_s, residuals, score, info)
    return value, score, info, residuals


def maximum(theta: Array, times: Array, marks: Array, horizon_s: float, free: list[int]) -> Array:
    """MLE of the `free` components by damped scoring with the outer-product information."""
    theta = theta.copy()
    for _ in range(60):
        _, score, info, _ = likelihood(theta, times, marks, horizon_s)
        step = score[free].copy()
        assert hawkes.solve(info[np.ix_(free, free)].copy(), step)
        theta[free] += np.clip(step, -0.4 * theta[free], 0.4 * theta[free])
    return theta


def path(name: str) -> Array:
    found: Array = np.loadtxt(DATA / f"hawkes_{name}.csv.gz", delimiter=",")
    return found


@pytest.mark.parametrize("name", REFS["tiny"]["loglik"])
def test_the_log_likelihood_is_the_tabulated_one(name: str) -> None:
    mu, alpha, beta = (float(part.split("=")[1]) for part in name.split(","))
    found, *_ = likelihood(univariate(mu, alpha, beta), TINY, np.zeros(10, np.int64), 10.0)
    assert found == pytest.approx(REFS["tiny"]["loglik"][name], rel=1e-12)


def test_the_likelihood_is_the_definition_term_by_term() -> None:
    """O(n^2) sums, both sides, cross excitation."""
    theta, marks = np.array([0.5, 0.1, 0.4, 0.1, 0.2, 0.3, 1.2]), np.array([0, 1, 0, 1, 1, 0, 0, 1, 0, 1])

    def rate(side: int, now: float) -> float:
        kids = [
            theta[2 + 2 * side + j] * 1.2 * math.exp(-1.2 * (now - t))
            for t, j in zip(TINY, marks, strict=True)
            if t < now
        ]
        return float(theta[side] + sum(kids))

    logs = sum(math.log(rate(j, t)) for t, j in zip(TINY, marks, strict=True))
    edges = [0.0, *TINY, 10.0]
    areas = sum(quad(lambda u, s=side: rate(s, u), a, b)[0] for side in range(2) for a, b in itertools.pairwise(edges))
    found, score, _, _ = likelihood(theta, TINY, marks, 10.0)
    assert found == pytest.approx(logs - areas, rel=1e-9)
    for k in range(7):
        nudge = np.zeros(7)
        nudge[k] = 1e-6
        high, low = (likelihood(theta + sign * nudge, TINY, marks, 10.0)[0] for sign in (1.0, -1.0))
        assert score[k] == pytest.approx((high - low) / 2e-6, rel=1e-5)


def test_intensity_and_compensator_are_the_tabulated_ones() -> None:
    theta, reach, lag, score = univariate(0.5, 0.8, 1.2), np.zeros(2), np.zeros(2), np.zeros(7)
    now, total, at_five = 0.0, 0.0, math.nan
    for t in [*TINY, 10.0]:
        if now < 5.0 <= t:
            ahead = reach * math.exp(-1.2 * (5.0 - now))
            at_five = hawkes.rate_per_s(theta, ahead, 0, 1.0)
        total += hawkes.pass_time(theta, reach, lag, t - now, 1.0, score)
        now = t
        reach[0] += 1.0
    assert at_five == pytest.approx(REFS["tiny"]["intensity_at_5_right_limit_mu0.5_a0.8_b1.2"], rel=1e-12)
    assert total == pytest.approx(REFS["tiny"]["compensator_at_10_mu0.5_a0.8_b1.2"], rel=1e-12)


def test_the_tiny_maximum_is_the_tabulated_one() -> None:
    refs, free = REFS["tiny"]["mle"], [0, 2, 6]

    def negative(x: Array) -> tuple[float, Array]:
        theta = np.zeros(7)
        theta[free] = x
        value, score, *_ = likelihood(theta, TINY, np.zeros(10, np.int64), 10.0)
        return -value, -score[free]

    bounds = [(0.01, 5.0), (0.0, 0.95), (0.1, 50.0)]
    best = optimize.minimize(negative, [0.5, 0.5, 2.0], jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-14)
    found = np.zeros(7)
    found[free] = best.x
    value, *_ = likelihood(found, TINY, np.zeros(10, np.int64), 10.0)
    assert value == pytest.approx(refs["loglik"], abs=1e-6)
    assert [found[0], found[2] * found[6], found[6]] == pytest.approx(
        [refs["mu"], refs["alpha"], refs["beta"]], rel=1e-3
    )


def test_the_univariate_maximum_is_the_tabulated_one_and_its_residuals_are_exponential() -> None:
    refs, times = REFS["tick_univariate"], path("univariate")
    marks = np.zeros(len(times), np.int64)
    truth, *_ = likelihood(univariate(0.5, 1.2, 2.0), times, marks, 8000.0)
    assert truth == pytest.approx(refs["true_loglik"], abs=1e-6)
    found = maximum(univariate(0.5, 1.2, 2.0), times, marks, 8000.0, [0, 2, 6])
    value, _, info, residuals = likelihood(found, times, marks, 8000.0)
    assert value == pytest.approx(refs["loglik_at_mle"], abs=1e-4)
    assert found[[0, 2, 6]] == pytest.approx([refs["mle"][n] for n in ("mu", "branching", "beta")], rel=1e-4)
    free = np.ix_([0, 2, 6], [0, 2, 6])
    errors = np.sqrt(np.diag(np.linalg.inv(info[free])))
    assert errors == pytest.approx([refs["se"][n] for n in ("mu", "branching", "beta")], rel=0.1)
    ks = stats.kstest(residuals, "expon")
    assert ks.statistic == pytest.approx(refs["KS_residual_stat"], rel=1e-3)
    lag_one = float(np.corrcoef(residuals[1:], residuals[:-1])[0, 1])
    assert abs(lag_one) < 3.0 / math.sqrt(len(residuals))


def test_the_bivariate_maximum_is_the_tabulated_one() -> None:
    refs, rows = REFS["tick_bivariate"], path("bivariate")
    times, marks = rows[:, 0].copy(), rows[:, 1].astype(np.int64)
    truth = np.array([0.3, 0.3, 0.4, 0.15, 0.15, 0.4, 5.0])
    value, *_ = likelihood(truth, times, marks, 4000.0)
    assert value == pytest.approx(refs["loglik_true_params"], abs=1e-6)
    assert hawkes.radius(truth) == pytest.approx(refs["spectral_radius_true"], rel=1e-12)
    own = refs["own_mle_beta_fixed_5"]
    found = maximum(truth, times, marks, 4000.0, [0, 1, 2, 3, 4, 5])
    value, *_ = likelihood(found, times, marks, 4000.0)
    assert value == pytest.approx(own["loglik"], abs=1e-5)
    assert found[:2] == pytest.approx(own["mu"], rel=1e-3)
    assert found[2:6] == pytest.approx(np.ravel(own["branching"]), rel=1e-3)


def test_the_fit_of_one_half_makes_the_other_half_exponential() -> None:
    """Out of sample: parameters of the first 2000 s, residuals of the next; a Poisson process is refused."""
    rows = path("bivariate")
    times, marks = rows[:, 0].copy(), rows[:, 1].astype(np.int64)
    first = times < 2000.0
    start = np.array([0.5, 0.5, 0.2, 0.1, 0.1, 0.2, 2.0])
    fit = maximum(start, times[first], marks[first], 2000.0, list(range(7)))
    later = times[~first] - 2000.0
    for theta, holds in ((fit, True), (np.array([0.67, 0.67, 0.0, 0.0, 0.0, 0.0, 1.0]), False)):
        *_, residuals = likelihood(theta, later, marks[~first], 2000.0)
        for side in range(2):
            p_value = float(stats.kstest(residuals[marks[~first] == side], "expon").pvalue)
            assert (p_value > 0.05) is holds


def test_expected_counts_solve_the_moment_equation() -> None:
    theta, reach = np.array([0.3, 0.1, 0.4, 0.3, 0.05, 0.2, 1.7]), np.array([2.0, 0.5])
    branching = theta[2:6].reshape(2, 2)
    lam = np.array([hawkes.rate_per_s(theta, reach, side, 1.0) for side in range(2)])

    def slope(_: float, y: Array) -> Array:
        now = y[:2]
        return np.concatenate([1.7 * (theta[:2] + branching @ now - now), now])

    ode = solve_ivp(slope, (0.0, 5.0), [*lam, 0.0, 0.0], rtol=1e-10, atol=1e-12)
    assert hawkes.expected_counts(theta, reach, 5.0, 1.0) == pytest.approx(ode.y[2:, -1], rel=1e-7)
    long = np.linalg.solve(np.eye(2) - branching, theta[:2])
    assert hawkes.long_run(theta, 1.0) == pytest.approx(long, rel=1e-12)
    assert hawkes.expected_counts(theta, reach, 1e6, 1.0) == pytest.approx(1e6 * long, rel=1e-4)


def test_time_may_be_counted_in_minutes() -> None:
    """Scale: rates times 60 and times over 60 change the likelihood by n ln 60 only."""
    rows = path("bivariate")[:500]
    times, marks = rows[:, 0].copy(), rows[:, 1].astype(np.int64)
    theta = np.array([0.3, 0.3, 0.4, 0.15, 0.15, 0.4, 5.0])
    slow = theta.copy()
    slow[[0, 1, 6]] *= 60.0
    value, *_ = likelihood(theta, times, marks, 400.0)
    minutes, *_ = likelihood(slow, times / 60.0, marks, 400.0 / 60.0)
    assert minutes - value == pytest.approx(500 * math.log(60.0), rel=1e-9)


def test_an_explosive_process_is_refused_and_projected() -> None:
    with pytest.raises(ValueError, match="below 1"):
        hawkes.stationary(0.7, 0.3)
    with pytest.raises(ValueError, match="at least 0"):
        hawkes.stationary(-0.1, 0.3)
    theta = np.array([-1.0, 0.3, 0.9, 0.6, 0.5, 0.9, 1e9])
    hawkes.project(theta, 0.02, 20.0)
    assert hawkes.radius(theta) == pytest.approx(0.95)
    assert (theta[0], theta[6]) == (hawkes.LEAST_PER_S, 20.0)


def test_log_loss_is_the_poisson_mass() -> None:
    for count, mean in ((0, 0.3), (2, 3.0), (7, 1.5)):
        assert log_loss(count, mean) == pytest.approx(-stats.poisson.logpmf(count, mean), rel=1e-12)
