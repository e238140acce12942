"""The filter of a hidden chain against textbook numbers; change-points on numbers of unit scale."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from portfolio_mm.estimators import regimes
from portfolio_mm.models import changepoint, hmm

REFS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "state_estimation_refs.json").read_text())


def run(start: Any, transition: Any, likelihoods: Any) -> tuple[Any, float]:
    """Filtered probabilities and log likelihood of a chain whose step is one second (Q = logm of `transition`)."""
    prob, work, total, path = np.array(start, dtype=float), np.zeros((3, len(start))), 0.0, []
    rates = rates_of(transition)
    for t, like in enumerate(likelihoods):
        if t:
            hmm.propagate(prob, rates, 1.0, work)
        total += hmm.see(prob, np.log(np.array(like)))
        path.append(prob.copy())
    return np.array(path), total


def rates_of(transition: Any) -> Any:
    """Generator of a two-state chain: the matrix logarithm in closed form."""
    p01, p10 = transition[0][1], transition[1][0]
    scale = -math.log(1.0 - p01 - p10) / (p01 + p10)
    return scale * np.array([[-p01, p01], [p10, -p10]])


def test_the_umbrella_world() -> None:
    """AIMA section 15.2: 0.818, 0.883. The first state has passed one day from (0.5, 0.5), which stays there."""
    path, total = run([0.5, 0.5], [[0.7, 0.3], [0.3, 0.7]], [[0.9, 0.2], [0.9, 0.2]])
    assert path == pytest.approx(np.array(REFS["hmm_umbrella"]["filtered"]), abs=1e-12)
    assert total == pytest.approx(REFS["hmm_umbrella"]["loglik"], abs=1e-12)


def test_the_fever_chain() -> None:
    path, total = run([0.6, 0.4], [[0.7, 0.3], [0.4, 0.6]], [[0.5, 0.1], [0.4, 0.3], [0.1, 0.6]])
    assert path == pytest.approx(np.array(REFS["hmm_fever"]["filtered"]), abs=1e-12)
    assert math.exp(total) == pytest.approx(REFS["hmm_fever"]["prob_obs"], rel=1e-12)


def test_a_gaussian_chain_has_the_likelihood_of_hmmlearn() -> None:
    ref = REFS["hmm_gauss"]
    x, variances = np.array(ref["x"]), np.array(ref["vars"])
    like = np.exp(-0.5 * x[:, None] ** 2 / variances) / np.sqrt(2.0 * np.pi * variances)
    _, total = run(ref["startprob"], ref["transmat"], like)
    assert total == pytest.approx(ref["hmmlearn_loglik"], abs=1e-8)


def test_time_moves_probabilities_by_the_matrix_exponential() -> None:
    rates = np.array([[0.0, 0.03, 0.002], [0.01, 0.0, 0.02], [0.004, 0.3, 0.0]])
    full = rates - np.diag(rates.sum(axis=1))
    for seconds in (0.0, 0.3, 5.0, 120.0):
        whole, halves, work = np.array([0.2, 0.5, 0.3]), np.array([0.2, 0.5, 0.3]), np.zeros((3, 3))
        hmm.propagate(whole, rates, seconds, work)
        hmm.propagate(halves, rates, 0.5 * seconds, work)
        hmm.propagate(halves, rates, 0.5 * seconds, work)
        assert whole == pytest.approx(np.array([0.2, 0.5, 0.3]) @ expm(full * seconds), abs=1e-12)
        assert halves == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("hours", [1, 12, 60, 10_000])
def test_a_long_silence_leaves_the_stationary_law(hours: int) -> None:
    """The rates of regimes.py: after 56 h every term of the series was 0, and so were all probabilities."""
    rates = regimes.default_params()[0]["rates_per_s"]
    full = rates - np.diag(rates.sum(axis=1))
    prob = np.array([0.2, 0.5, 0.3])
    hmm.propagate(prob, rates, 3600.0 * hours, np.zeros((3, 3)))
    assert prob.sum() == pytest.approx(1.0, abs=1e-12)
    assert prob == pytest.approx(np.array([0.2, 0.5, 0.3]) @ expm(full * 3600.0 * min(hours, 12)), abs=1e-9)


def test_what_no_state_explains_changes_nothing() -> None:
    prob = np.array([0.4, 0.6])
    assert hmm.see(prob, np.full(2, -np.inf)) == -np.inf
    assert prob == pytest.approx([0.4, 0.6])


def change_after(shift_sd: float, seed: int = 1, before: int = 200, after: int = 4) -> tuple[float, float]:
    """P(run < 5) before a shift and `after` numbers later."""
    change = np.zeros(1, changepoint.CHANGE)
    changepoint.clear_change(change[0])
    rng = np.random.default_rng(seed)
    for x in rng.normal(0.0, 1.0, before):
        changepoint.hear(change[0], x, 1.0 / 250.0)
    quiet = changepoint.newer_than(change[0], 5)
    for x in rng.normal(shift_sd, 1.0, after):
        changepoint.hear(change[0], x, 1.0 / 250.0)
    assert np.sum(change["run"]) == pytest.approx(1.0)
    return quiet, changepoint.newer_than(change[0], 5)


def test_a_shift_of_five_sd_is_seen_at_once() -> None:
    """The predecessor fed raw sigma (1e-4) to a prior of unit variance: 0.0041 before and after a tenfold move."""
    found = np.array([change_after(5.0, seed) for seed in range(12)])
    assert np.all(found[:, 0] < 0.2)
    assert np.all(found[:, 1] > 0.5)
    assert np.mean(found[:, 1]) > 0.95


def test_no_shift_is_seldom_one() -> None:
    assert np.mean([change_after(0.0, seed)[1] > 0.5 for seed in range(40)]) <= 0.05


def test_the_hazard_alone_says_nothing() -> None:
    """P(run = 0) is the hazard whatever is seen: it is never the output."""
    change = np.zeros(1, changepoint.CHANGE)
    changepoint.clear_change(change[0])
    for x in (0.1, -0.2, 7.0, 6.0):
        changepoint.hear(change[0], x, 1.0 / 250.0)
        assert change["run"][0, 0] == pytest.approx(1.0 / 250.0)
