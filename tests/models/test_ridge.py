"""Coordinate descent on packed normal equations finds the ridge solution, and holds a sign."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models.ridge import add_row, descend

N = 4


@nb.njit
def learn(x: Any, y: Any, weights: Any, ridge: float, positive: int, extra: int) -> Any:  # noqa: PLR0917 - flat arguments
    gram, cross, w = np.zeros(N * (N + 1) // 2), np.zeros(N), np.zeros(N)
    for i in range(len(y)):
        add_row(gram, cross, x[i], y[i], weights[i], 1.0)
        descend(gram, cross, w, ridge, positive)
    for _ in range(extra):
        descend(gram, cross, w, ridge, positive)
    return w


def rows(n: int, seed: int = 3) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, N - 1))])
    x[:, 2] = 0.8 * x[:, 1] + 0.6 * x[:, 2]
    y = x @ np.array([1.0, 0.5, -0.7, 0.2]) + rng.normal(0.0, 2.0, n)
    return x, y, rng.uniform(0.2, 1.0, n)


def exact(x: Any, y: Any, weights: Any, ridge: float) -> Any:
    shrink = ridge * np.diag([0.0, 1.0, 1.0, 1.0])
    return np.linalg.solve(x.T @ (weights[:, None] * x) + shrink, x.T @ (weights * y))


def test_it_is_the_ridge_solution() -> None:
    x, y, weights = rows(200)
    assert learn(x, y, weights, 5.0, -1, 500) == pytest.approx(exact(x, y, weights, 5.0), abs=1e-9)


def test_one_sweep_a_row_keeps_up() -> None:
    x, y, weights = rows(2000)
    assert learn(x, y, weights, 5.0, -1, 0) == pytest.approx(exact(x, y, weights, 5.0), abs=0.02)


def test_a_known_sign_is_held() -> None:
    x, y, weights = rows(500)
    w = learn(x, y, weights, 5.0, 2, 300)
    assert w[2] == 0.0
    reduced = np.delete(x, 2, axis=1)
    shrink = 5.0 * np.diag([0.0, 1.0, 1.0])
    left = reduced.T @ (weights[:, None] * reduced) + shrink
    assert w[[0, 1, 3]] == pytest.approx(np.linalg.solve(left, reduced.T @ (weights * y)), abs=1e-9)
