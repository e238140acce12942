"""Online logistic regression against the posterior mode of the rows that are remembered."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models.logistic_fit import step_logistic

KEEP = 0.99


@nb.njit
def follow(v: Any, curve: Any, x: Any, came: Any, prior_count: float) -> None:
    for i in range(len(x)):
        step_logistic(v, curve, x[i], came[i], 1.0, KEEP, prior_count, -1)


def mode(x: Any, came: Any, prior_count: float) -> Any:
    """Newton on all rows at once, each weighing KEEP^age, and a normal prior at 0."""
    weight = KEEP ** np.arange(len(x))[::-1]
    v = np.zeros(x.shape[1])
    for _ in range(30):
        q = 1.0 / (1.0 + np.exp(-x @ v))
        curvature = (x * (weight * q * (1.0 - q))[:, None]).T @ x + prior_count * np.eye(len(v))
        v += np.linalg.solve(curvature, x.T @ (weight * (came - q)) - prior_count * v)
    return v


@pytest.mark.parametrize("prior_count", [5.0, 20.0, 80.0])
def test_what_is_forgotten_is_shrunk_again(prior_count: float) -> None:
    """A hundred rows are remembered, of curvature 20 or so: the prior keeps its share of them, on average of twenty."""
    said, truth = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.stack([np.ones(1_000), rng.normal(size=1_000)], axis=1)
        came = (rng.random(1_000) < 1.0 / (1.0 + np.exp(-0.5 - x[:, 1]))).astype(np.int64)
        v, curve = np.zeros(2), np.zeros(2)
        follow(v, curve, x, came, prior_count)
        said.append(v)
        truth.append(mode(x, came, prior_count))
    assert np.mean(said, axis=0) == pytest.approx(np.mean(truth, axis=0), rel=0.15)


def test_a_feature_that_is_seen_no_more_is_forgotten() -> None:
    v, curve = np.array([0.0, 3.0]), np.array([20.0, 20.0])
    follow(v, curve, np.tile([1.0, 0.0], (1_000, 1)), np.arange(1_000) % 2, 5.0)
    assert v[1] == pytest.approx(0.0, abs=0.01)
