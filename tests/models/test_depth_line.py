"""The line of losses on depth against the closed forms of least squares and of clustered errors, and its shrinkage."""

import numpy as np
import pytest

from portfolio_mm.models import depth_line
from portfolio_mm.models.depth_grid import DEPTH_BPS, DEPTHS, place_of, reached


def test_mean_slope_and_errors_are_those_of_clustered_least_squares() -> None:
    rng = np.random.default_rng(4)
    sums, block, squares = np.zeros(depth_line.SUMS), np.zeros(depth_line.SUMS), np.zeros(depth_line.SQUARES)
    x, loss, at = [], [], []
    for b in range(60):
        shock = rng.normal(0.0, 2.0)
        for _ in range(int(rng.integers(1, 9))):
            x.append(rng.exponential(2.0))
            loss.append(0.7 * x[-1] + shock + rng.normal())
            at.append(b)
            depth_line.add(sums, x[-1], loss[-1])
            depth_line.add(block, x[-1], loss[-1])
        if b < 59:
            depth_line.close_block(squares, block)
    rows = np.column_stack([np.ones(len(x)), np.array(x) - np.mean(x)])
    solved = np.linalg.solve(rows.T @ rows, rows.T @ np.array(loss))
    left = (np.array(loss) - rows @ solved)[:, None] * rows
    meat = sum(np.outer(s, s) for s in (left[np.array(at) == b].sum(axis=0) for b in range(60)))
    bread = np.linalg.inv(rows.T @ rows)
    errors = bread @ meat @ bread
    mu, slope, centre, var_mu, cov, var_b = depth_line.fit(sums, block, squares, 0.0, 1e-9, 1.0)
    assert (mu, slope, centre) == pytest.approx((solved[0], solved[1], np.mean(x)), rel=1e-6)
    assert (var_mu, cov, var_b) == pytest.approx((errors[0, 0], errors[0, 1], errors[1, 1]), rel=1e-5)


def test_the_prior_is_so_many_sweeps_that_lost_nothing_by_depth() -> None:
    sums = np.array([20.0, 40.0, 120.0, 60.0, 160.0])
    none, squares = np.zeros(depth_line.SUMS), np.zeros(depth_line.SQUARES)
    mu, slope, *_ = depth_line.fit(sums, none, squares, 1.0, 20.0, 5.0)
    assert mu == pytest.approx(2.0)
    assert slope == pytest.approx(0.5 * (160.0 - 2.0 * 60.0) / (120.0 - 2.0 * 40.0))
    assert depth_line.fit(none, none, squares, 1.0, 20.0, 5.0)[:2] == (1.0, 0.0)


def test_a_place_on_the_grid() -> None:
    assert [reached(d) for d in (0.05, 0.1, 0.5, 4.8, 1e9)] == [-1, 0, 2, 6, DEPTHS - 1]
    for j in range(DEPTHS - 1):
        middle = np.sqrt(DEPTH_BPS[j] * DEPTH_BPS[j + 1])
        assert place_of(middle) == (j, pytest.approx(0.5))
    assert place_of(-3.0) == (0, 0.0)
    assert place_of(1e9) == (DEPTHS - 2, 1.0)
