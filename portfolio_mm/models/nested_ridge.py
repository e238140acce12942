"""Nested ridge regressions from one matrix of moments: a Cholesky factor serves every leading block of regressors.

With moments S = sum x x', P = sum x y and d_j = sqrt(S_jj / n_j) the scale of regressor j, standardised coefficients
c = d b solve, for the first m regressors,

    (D^-1 S D^-1 + diag(lambda)) (c - c0) = D^-1 P - D^-1 S D^-1 c0

lambda_j in observations, so the penalty has no unit; c0 is what is believed without data. The leading block of a
factor is the factor of the leading block, hence one factorisation and one forward substitution for all m; regressors
behind the m-th never touch its solution. Source: Hoerl and Kennard 1970; Golub and Van Loan, Matrix Computations, 4.2.
"""

import math
from typing import Any

import numba as nb

TINY = 1e-20
"""A mean square below this is the rounding error of a constant 0, in bps or in shares of one."""


@nb.njit(cache=True)
def at(i: int, j: int) -> int:
    """Place of row i, column j <= i, in a lower triangle kept row after row."""
    return i * (i + 1) // 2 + j


@nb.njit(cache=True)
def remember(keep: float, x: Any, y: float, counts: Any, squares: Any, products: Any) -> None:  # noqa: PLR0917 - flat arguments
    """Keep of all sums the share `keep`, then add the row `x` with label `y`; what is NaN in it counts as unseen."""
    place = 0
    for i in range(len(x)):
        known = not math.isnan(x[i])
        counts[i] = keep * counts[i] + (1.0 if known else 0.0)
        products[i] = keep * products[i] + (x[i] * y if known else 0.0)
        for j in range(i + 1):
            both = known and not math.isnan(x[j])
            squares[place] = keep * squares[place] + (x[i] * x[j] if both else 0.0)
            place += 1


@nb.njit(cache=True)
def measure(counts: Any, squares: Any, scales: Any) -> None:
    """Write the root mean squares d_j of all regressors; 0 where nothing was seen but rounding errors."""
    for i in range(len(counts)):
        square = squares[at(i, i)] / counts[i] if counts[i] > 0.0 else 0.0
        scales[i] = math.sqrt(square) if square > TINY else 0.0


@nb.njit(cache=True)
def factorise(n: int, squares: Any, products: Any, ridge: Any, prior: Any, scales: Any, low: Any, z: Any) -> None:  # noqa: PLR0917 - flat arguments
    """Write the Cholesky factor and the forward substitution of the standardised system.

    Args:
        n: regressors.
        squares: S as a lower triangle.
        products: P.
        ridge: lambda_j > 0.
        prior: b0, coefficients believed without data.
        scales: d_j; where it is 0 there is no coefficient.
        low: the factor, written.
        z: L^-1 times the right side, written.
    """
    for i in range(n):
        d_i = scales[i]
        right = products[i] / d_i if d_i > 0.0 else 0.0
        for k in range(n):
            if d_i > 0.0 and prior[k] != 0.0:
                right -= squares[at(max(i, k), min(i, k))] / d_i * prior[k]
        for j in range(i + 1):
            d_j = scales[j]
            value = squares[at(i, j)] / (d_i * d_j) if d_i > 0.0 and d_j > 0.0 else 0.0
            if i == j:
                value += ridge[i]
            for k in range(j):
                value -= low[at(i, k)] * low[at(j, k)]
            if i == j:
                low[at(i, i)] = math.sqrt(max(value, 1e-12))
            else:
                low[at(i, j)] = value / low[at(j, j)]
        for k in range(i):
            right -= low[at(i, k)] * z[k]
        z[i] = right / low[at(i, i)]


@nb.njit(cache=True)
def solve_leading(m: int, prior: Any, scales: Any, low: Any, z: Any, slopes: Any) -> None:  # noqa: PLR0917 - flat arguments
    """Coefficients of the regression on the first `m` regressors, in the units of the data; those behind are 0."""
    for i in range(len(slopes)):
        slopes[i] = 0.0
    for i in range(m - 1, -1, -1):
        value = z[i]
        for k in range(i + 1, m):
            value -= low[at(k, i)] * slopes[k]
        slopes[i] = value / low[at(i, i)]
    for i in range(m):
        d_i = scales[i]
        slopes[i] = prior[i] + slopes[i] / d_i if d_i > 0.0 else prior[i]


@nb.njit(cache=True)
def solve_groups(first: Any, prior: Any, scales: Any, low: Any, z: Any, slopes: Any) -> None:  # noqa: PLR0917 - flat arguments
    """What each group adds: coefficients of the regression up to its end minus those of the one up to its start.

    Args:
        first: first regressor of each group, and the end.
        prior: as for `factorise`, with `scales`, `low` and `z`.
        scales: see `prior`.
        low: see `prior`.
        z: see `prior`.
        slopes: a row for each group, written.
    """
    groups = len(slopes)
    for group in range(groups):
        solve_leading(first[group + 1], prior, scales, low, z, slopes[group])
    for group in range(groups - 1, 0, -1):
        for j in range(len(slopes[group])):
            slopes[group, j] -= slopes[group - 1, j]
