"""The nested regressions against NumPy's own solution, and that a group never touches those before it."""

import numpy as np
import pytest

from portfolio_mm.models import nested_ridge as nr

N = 5
FIRST = (0, 1, 3, 5)


def moments(x: np.ndarray, y: np.ndarray, keep: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    counts, squares, products = np.zeros(N), np.zeros(N * (N + 1) // 2), np.zeros(N)
    for row, label in zip(x, y, strict=True):
        nr.remember(keep, row, label, counts, squares, products)
    return counts, squares, products


def solve(
    counts: np.ndarray, squares: np.ndarray, products: np.ndarray, ridge: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    low, z, scales, slopes = np.zeros_like(squares), np.zeros(N), np.zeros(N), np.zeros((3, N))
    nr.measure(counts, squares, scales)
    nr.factorise(N, squares, products, ridge, prior, scales, low, z)
    nr.solve_groups(FIRST, prior, scales, low, z, slopes)
    return slopes


def data(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    x = rng.normal(0.0, 1.0, (n, N)) @ rng.normal(0.0, 1.0, (N, N)) * np.array([1.0, 1e-3, 50.0, 1.0, 7.0])
    return x, x @ np.array([0.4, 30.0, 0.0, -1.0, 0.1]) + rng.normal(0.0, 1.0, n)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_every_nested_solution_is_the_ridge_of_its_regressors(m: int) -> None:
    x, y = data()
    ridge, prior = np.array([20.0, 40.0, 40.0, 40.0, 40.0]), np.array([0.5, 0.0, 0.0, 0.0, 0.0])
    slopes = np.cumsum(solve(*moments(x, y), ridge, prior), axis=0)
    part, b0 = x[:, :m], prior[:m]
    scale = np.sqrt((part**2).mean(axis=0))
    expected = b0 + np.linalg.solve(part.T @ part + np.diag(ridge[:m] * scale**2), part.T @ (y - part @ b0))
    got = slopes[list(FIRST[1:]).index(m)]
    np.testing.assert_allclose(got[:m], expected, rtol=1e-9, atol=1e-12)
    assert not got[m:].any()


def test_units_do_not_matter() -> None:
    x, y = data()
    units, ridge, prior = np.array([1.0, 1e4, 1e-6, 3.0, 0.1]), np.full(N, 40.0), np.zeros(N)
    plain, scaled = solve(*moments(x, y), ridge, prior), solve(*moments(x * units, y), ridge, prior)
    np.testing.assert_allclose(scaled * units, plain, rtol=1e-9, atol=1e-12)


def test_what_a_later_group_saw_is_nothing_to_an_earlier_one() -> None:
    """To the last bit: a feed that is missing is as if it had never been."""
    x, y = data()
    silent = x.copy()
    silent[:, 3:] = np.nan
    ridge, prior = np.full(N, 40.0), np.array([0.5, 0.0, 0.0, 0.0, 0.0])
    with_all, without = solve(*moments(x, y), ridge, prior), solve(*moments(silent, y), ridge, prior)
    assert with_all[:2].tobytes() == without[:2].tobytes()
    assert not without[2].any()


def test_sums_forget_alike() -> None:
    x, y = data(50)
    counts, squares, products = moments(x, y, keep=0.9)
    age = 0.9 ** np.arange(50)[::-1]
    assert counts[0] == pytest.approx(age.sum())
    assert squares[nr.at(3, 1)] == pytest.approx((age * x[:, 3] * x[:, 1]).sum())
    assert products[2] == pytest.approx((age * x[:, 2] * y).sum())
