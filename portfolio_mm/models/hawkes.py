"""Bivariate Hawkes process with one exponential decay: intensity, likelihood, score, forecasts. O(1) an event.

Aggressors of side i (0 buy, 1 sell) arrive at

    lambda_i(t) = mu_i s(t) + sum_j n_ij beta R_j(t),    R_j(t) = sum over earlier j-events of e^(-beta (t - t_k))

mu in 1/s, n_ij the mean number of i-children of one j-event, beta in 1/s, s the time of day (1 on average). With
Q_j = sum (t - t_k) e^(-beta (t - t_k)) = -dR_j/dbeta the gradient is recursive too (Ogata 1981; Ozaki 1979).
Stationary when the spectral radius of n is below 1; long-run rate (1 - n)^-1 mu.
theta = (mu_0, mu_1, n_00, n_01, n_10, n_11, beta): n_ij at 2 + 2 i + j. Source: theory §4.
"""

import math
from typing import Any

import numba as nb

SIZE = 7
MU, N, BETA = 0, 2, 6
MOST_RADIUS = 0.95
LEAST_PER_S = 2e-3
"""Below one in eight minutes a base rate is not told from none: its likelihood is too far from a parabola."""


def stationary(self_excitation: float, cross_excitation: float) -> tuple[float, float]:
    """The two branching numbers of a symmetric process, checked.

    Raises:
        ValueError: one is negative, or together they explode (their sum, the spectral radius, is 1 or more).

    >>> stationary(0.4, 0.15)
    (0.4, 0.15)
    """
    if self_excitation < 0.0 or cross_excitation < 0.0 or self_excitation + cross_excitation >= 1.0:
        msg = f"branching {self_excitation} + {cross_excitation}: each at least 0, their sum below 1"
        raise ValueError(msg)
    return self_excitation, cross_excitation


@nb.njit(cache=True)
def radius(theta: Any) -> float:
    """Spectral radius of the branching matrix (entries not negative: the larger eigenvalue is real)."""
    middle = 0.5 * (theta[2] + theta[5])
    half = 0.5 * (theta[2] - theta[5])
    return middle + math.sqrt(half * half + theta[3] * theta[4])  # type: ignore[no-any-return]


@nb.njit(cache=True)
def rate_per_s(theta: Any, reach: Any, side: int, season_ratio: float) -> float:
    """lambda_i from R (`reach`), 1/s."""
    excited = theta[N + 2 * side] * reach[0] + theta[N + 2 * side + 1] * reach[1]
    return theta[side] * season_ratio + theta[BETA] * excited  # type: ignore[no-any-return]


@nb.njit(cache=True)
def pass_time(theta: Any, reach: Any, lag: Any, seconds: float, season_ratio: float, score: Any) -> float:  # noqa: PLR0917 - flat arguments
    """Decay R (`reach`) and Q (`lag`) over a stretch without events; take its integral off the score.

    Returns:
        The compensator: expected events of both sides in the stretch.
    """
    beta = theta[BETA]
    keep, gone = math.exp(-beta * seconds), -math.expm1(-beta * seconds)
    expected = (theta[0] + theta[1]) * season_ratio * seconds
    for j in range(2):
        children = theta[N + j] + theta[N + 2 + j]
        expected += children * reach[j] * gone
        score[N + j] -= reach[j] * gone
        score[N + 2 + j] -= reach[j] * gone
        score[BETA] -= children * (reach[j] * seconds * keep - lag[j] * gone)
        lag[j] = keep * (lag[j] + seconds * reach[j])
        reach[j] *= keep
    score[0] -= season_ratio * seconds
    score[1] -= season_ratio * seconds
    return expected  # type: ignore[no-any-return]


@nb.njit(cache=True)
def hear(theta: Any, reach: Any, lag: Any, side: int, season_ratio: float, score: Any, info: Any) -> float:  # noqa: PLR0917 - flat arguments
    """One event of `side`: its gradient joins the score, the square of it the information; lambda before it, 1/s."""
    beta = theta[BETA]
    lam = max(rate_per_s(theta, reach, side, season_ratio), 1e-12)
    first = N + 2 * side
    slope = theta[first] * (reach[0] - beta * lag[0]) + theta[first + 1] * (reach[1] - beta * lag[1])
    at = ((first - N) // 2, first, first + 1, BETA)  # one integer type, whatever that of `side`
    by = (season_ratio / lam, beta * reach[0] / lam, beta * reach[1] / lam, slope / lam)
    for a in range(4):
        score[at[a]] += by[a]
        for b in range(4):
            info[at[a], at[b]] += by[a] * by[b]
    return lam  # type: ignore[no-any-return]


@nb.njit(cache=True)
def solve(matrix: Any, vector: Any) -> bool:
    """Replace `vector` by matrix^-1 vector (Cholesky in place; symmetric); False, untouched, if not positive."""
    size = len(vector)
    for j in range(size):
        for i in range(j, size):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if total <= 1e-300:
                    return False
                matrix[j, j] = math.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for i in range(size):
        for k in range(i):
            vector[i] -= matrix[i, k] * vector[k]
        vector[i] /= matrix[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            vector[i] -= matrix[k, i] * vector[k]
        vector[i] /= matrix[i, i]
    return True


@nb.njit(cache=True)
def project(theta: Any, lowest_per_s: float, highest_per_s: float) -> None:
    """Back into the stationary region: mu above 0, n in [0, 0.95] with spectral radius at most 0.95, beta in bounds."""
    for i in range(2):
        theta[i] = max(theta[i], LEAST_PER_S)
    for j in range(N, BETA):
        theta[j] = min(MOST_RADIUS, max(0.0, theta[j]))
    rho = radius(theta)
    if rho > MOST_RADIUS:
        for j in range(N, BETA):
            theta[j] *= MOST_RADIUS / rho
    theta[BETA] = min(highest_per_s, max(lowest_per_s, theta[BETA]))


@nb.njit(cache=True)
def long_run(theta: Any, season_ratio: float) -> tuple[float, float]:
    """(1 - n)^-1 mu s of both sides, 1/s."""
    a, b, c, d = 1.0 - theta[2], -theta[3], -theta[4], 1.0 - theta[5]
    det = max(a * d - b * c, 1e-9)
    mu0, mu1 = theta[0] * season_ratio, theta[1] * season_ratio
    return (d * mu0 - b * mu1) / det, (a * mu1 - c * mu0) / det


@nb.njit(cache=True)
def expected_counts(theta: Any, reach: Any, seconds: float, season_ratio: float) -> tuple[float, float]:
    """Expected events of both sides in the next `seconds`.

    E lambda(t + u) = L + e^(-beta (1 - n) u) (lambda - L), L the long-run rate; the integral by the two eigenvalues of
    n, which are real because its entries are not negative.
    """
    long0, long1 = long_run(theta, season_ratio)
    x0 = rate_per_s(theta, reach, 0, season_ratio) - long0
    x1 = rate_per_s(theta, reach, 1, season_ratio) - long1
    middle, half = 0.5 * (theta[2] + theta[5]), 0.5 * (theta[2] - theta[5])
    split = max(math.sqrt(half * half + theta[3] * theta[4]), 1e-7)
    high_s = _held_s(theta[BETA] * (1.0 - middle - split), seconds)
    low_s = _held_s(theta[BETA] * (1.0 - middle + split), seconds)
    slope, level = 0.5 * (high_s - low_s) / split, 0.5 * (high_s + low_s)
    y0 = level * x0 + slope * (half * x0 + theta[3] * x1)
    y1 = level * x1 + slope * (theta[4] * x0 - half * x1)
    return max(0.0, long0 * seconds + y0), max(0.0, long1 * seconds + y1)


@nb.njit(cache=True)
def _held_s(decay_per_s: float, seconds: float) -> float:
    """Integral of e^(-decay u) over `seconds`."""
    if decay_per_s * seconds < 1e-9:
        return seconds
    return -math.expm1(-decay_per_s * seconds) / decay_per_s
