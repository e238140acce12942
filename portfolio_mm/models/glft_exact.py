"""Exact quotes of one asset on a bounded inventory grid: the ergodic limit and finite horizons.

With v = exp(k theta / clip) the Hamilton-Jacobi equation becomes linear, v' = M v going back in time, M tridiagonal:
alpha q^2 - k mu q / clip on the diagonal, -eta beside it (theory §2.1; GLFT 2013 propositions 1-2, theorem 2).
Quotes need only ratios of neighbours of v, so v itself, which spans hundreds of orders of magnitude, is never formed.
Inventory runs over -limit..limit clips, index i = clips + limit. Units as in `glft`.
"""

import math
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from portfolio_mm.models.glft import hamiltonian_constant, static_half_spread

Array = NDArray[np.float64]


@nb.njit(cache=True)
def diagonal(sigma: float, k: float, gamma: float, clip: float, limit: int, drift: float) -> Array:  # noqa: PLR0917 - flat arguments
    """Diagonal of M, shape (2 limit + 1,), 1/s: alpha q^2 - k drift q / clip, alpha = k gamma sigma^2 / (2 clip)."""
    q = np.arange(-limit, limit + 1) * clip
    diag: Array = k * gamma * sigma * sigma / (2.0 * clip) * q * q - k * drift * q / clip
    return diag


@nb.njit(cache=True)
def coupling(a: float, k: float, xi: float, clip: float, impact: float) -> float:
    """Minus the off-diagonal of M, 1/s: eta = A C e^(-k impact / 2)."""
    eta: float = a * hamiltonian_constant(k, xi, clip) * math.exp(-0.5 * k * impact)
    return eta


@nb.njit(cache=True)
def _schur(diag: Array, eta: float, level: float, middle: int, up: Array, down: Array) -> tuple[float, float]:  # noqa: PLR0917 - flat arguments
    """Schur complement of the entry `middle` of M - level and its slope in `level`, by continued fractions.

    up[i] = v[i] / v[i-1] for i > middle, down[i] = v[i] / v[i+1] for i < middle. Positive below the ground state; a
    slope of 0 says that `level` is above that of one side alone, where the complement means nothing.
    """
    above, above_slope = 0.0, 0.0
    for i in range(len(diag) - 1, middle, -1):
        pivot = diag[i] - level - eta * above
        if pivot <= 0.0:
            return -1.0, 0.0
        share = 1.0 / pivot
        above = eta * share
        above_slope = above * share * (1.0 + eta * above_slope)
        up[i] = above
    below, below_slope = 0.0, 0.0
    for i in range(middle):
        pivot = diag[i] - level - eta * below
        if pivot <= 0.0:
            return -1.0, 0.0
        share = 1.0 / pivot
        below = eta * share
        below_slope = below * share * (1.0 + eta * below_slope)
        down[i] = below
    return diag[middle] - level - eta * (above + below), -1.0 - eta * (above_slope + below_slope)


@nb.njit(cache=True)
def ground_state(diag: Array, eta: float) -> tuple[float, Array]:
    """Smallest eigenvalue of M and the log ratios ln(v[i] / v[i-1]) of its vector, index 1.. (entry 0 is NaN).

    Newton on the Schur complement of the smallest diagonal entry, kept within a bracket: it falls and is concave, so
    that from above the steps come down on the root, and where one leaves the bracket it is halved instead.
    """
    up, down, steps = np.ones(len(diag)), np.ones(len(diag)), np.empty(len(diag))
    return ground_ratios(diag, eta, up, down, steps), steps


@nb.njit(cache=True)
def ground_ratios(diag: Array, eta: float, up: Array, down: Array, steps: Array) -> float:
    """`ground_state` into arrays of the caller, all as long as `diag`: `steps` the log ratios, `up` and `down` room.

    Returns:
        The smallest eigenvalue, 1/s.
    """
    middle = int(np.argmin(diag))
    low, high = diag[middle] - 2.0 * eta, diag[middle]
    level = high
    for _ in range(200):
        left, slope = _schur(diag, eta, level, middle, up, down)
        if left > 0.0:
            low = level
        else:
            high = level
        step = -left / slope if slope < 0.0 else 0.0
        if slope < 0.0 and abs(step) <= 2.0**-50 * (abs(level) + eta):
            break
        level += step
        if slope == 0.0 or not low < level < high:
            level = 0.5 * (low + high)
            if level in (low, high):
                level = low
                _schur(diag, eta, level, middle, up, down)
                break
    steps[0] = np.nan
    for i in range(1, len(diag)):
        steps[i] = math.log(up[i]) if i > middle else -math.log(down[i - 1])
    return level  # type: ignore[no-any-return]


@nb.njit(cache=True)
def horizon_ratios(  # noqa: PLR0917 - flat arguments
    diag: Array, eta: float, level: float, cost: float, horizon_s: float, v: Array, room: Array, steps: Array
) -> bool:
    """Log ratios with `horizon_s` to go, after which every clip held costs e^-cost of v: into `steps`.

    v(T) = e^(-cost |i|), cost = k times the cost of leaving at once, i in clips. Implicit Euler in 64 steps
    that grow geometrically away from the end, on M minus its ground `level`: positive, stable, no allocation; the
    ratios are within 2 % of the exact ones (tests).

    Returns:
        False when v spans more than floating point holds; `steps` is then of no use.
    """
    n, growth, count = len(diag), 1.1, 64
    middle = (n - 1) // 2
    for i in range(n):
        v[i] = math.exp(-min(700.0, cost * abs(i - middle)))
    span_s = max(0.0, horizon_s) * (growth - 1.0) / (growth**count - 1.0)
    for _ in range(count):
        _implicit_step(diag, eta, level, span_s, v, room)
        span_s *= growth
    steps[0] = np.nan
    for i in range(1, n):
        if not (v[i] > 1e-280 and v[i - 1] > 1e-280):
            return False
        steps[i] = math.log(v[i] / v[i - 1])
    return True


@nb.njit(cache=True)
def _implicit_step(diag: Array, eta: float, level: float, span_s: float, v: Array, room: Array) -> None:  # noqa: PLR0917 - flat arguments
    """(1 + span (M - level)) v_new = v by elimination; `room` is overwritten; v is scaled to a largest entry of 1."""
    n, beside = len(diag), -span_s * eta
    pivot = 1.0 + span_s * (diag[0] - level)
    room[0] = beside / pivot
    v[0] /= pivot
    for i in range(1, n):
        pivot = 1.0 + span_s * (diag[i] - level) - beside * room[i - 1]
        room[i] = beside / pivot
        v[i] = (v[i] - beside * v[i - 1]) / pivot
    most = v[n - 1]
    for i in range(n - 2, -1, -1):
        v[i] -= room[i] * v[i + 1]
        most = max(most, v[i])
    for i in range(n):
        v[i] /= most


@nb.njit(cache=True)
def lean_shares(steps: Array, eta: float, life_s: float, over: Array, lean: Any) -> None:
    """Share of a drift's whole move that quotes lean by, between inventories i - 1 and i: into `lean[1:]`.

    A drift mu e^(-t / life_s) is worth q mu dt to who holds q, so to first order theta gains mu E[integral of q_t
    e^(-t / life_s)] = mu life_s x, (1 - life_s L) x = q, L the generator of inventory under the quotes of `steps` (log
    ratios): up at eta v_(i+1) / v_i, down at eta v_(i-1) / v_i, none beyond the walls. Shares are x_i - x_(i-1): near
    1 for a drift that is over before anybody trades, 1 / (1 + lambda life_s) far from walls (theory §3.1), less next
    to a wall, where what one would like to hold cannot be held. `over` is room, all of one length.
    """
    n = len(steps)
    middle, before, pace, ratio = 0.5 * (n - 1), 0.0, life_s * eta, 1.0
    for i in range(n):
        down = pace / ratio if i > 0 else 0.0
        ratio = math.exp(max(-50.0, min(50.0, steps[i + 1]))) if i < n - 1 else 0.0
        up = pace * ratio
        pivot = 1.0 + up + down - (down * over[i - 1] if i > 0 else 0.0)
        over[i] = up / pivot
        before = (i - middle + down * before) / pivot
        lean[i] = before
    for i in range(n - 2, -1, -1):
        lean[i] += over[i] * lean[i + 1]
    for i in range(n - 1, 0, -1):
        lean[i] -= lean[i - 1]


@nb.njit(cache=True)
def _distances(steps: Array, k: float, base: float) -> tuple[Array, Array]:
    """Quotes from log ratios: bid[i] = -steps[i+1] / k + base, ask[i] = steps[i] / k + base; NaN beyond the limits."""
    bid, ask = np.empty(len(steps)), steps / k + base
    bid[-1] = np.nan
    bid[:-1] = base - steps[1:] / k
    return bid, ask


@nb.njit(cache=True)
def ergodic(  # noqa: PLR0917 - flat arguments
    sigma: float,
    a: float,
    k: float,
    gamma: float,
    xi: float,
    clip: float,
    limit: int,
    drift: float,
    impact: float,
) -> tuple[float, Array, Array, Array]:
    """Stationary problem: (lambda_0 in 1/s, bid, ask, log ratios), arrays of shape (2 limit + 1,).

    lambda_0 times -clip / k is the certainty-equivalent profit per second. Bid is NaN at +limit, ask at -limit.
    `impact` other than 0 is derived for clip 1.
    """
    level, steps = ground_state(diagonal(sigma, k, gamma, clip, limit, drift), coupling(a, k, xi, clip, impact))
    bid, ask = _distances(steps, k, static_half_spread(k, xi, clip) + 0.5 * impact)
    return level, bid, ask, steps


@nb.njit(cache=True)
def finite_horizon(  # noqa: PLR0917 - flat arguments
    sigma: float,
    a: float,
    k: float,
    gamma: float,
    xi: float,
    clip: float,
    limit: int,
    drift: float,
    impact: float,
    horizon_s: float,
) -> tuple[Array, Array]:
    """Quotes with `horizon_s` seconds to go and nothing owed at the end: (bid, ask), shape (2 limit + 1,).

    v = exp(-M t) v(T) by uniformisation, in which every term is positive: full relative accuracy in each entry.
    """
    diag = diagonal(sigma, k, gamma, clip, limit, drift)
    eta = coupling(a, k, xi, clip, impact)
    q = np.arange(-limit, limit + 1) * clip
    v = np.exp(-0.5 * k * impact * q * q)
    top = diag.max()
    rate = top - diag.min() + 2.0 * eta
    pieces = math.ceil(rate * horizon_s / 10.0)
    for _ in range(pieces):
        span_s = horizon_s / pieces
        term, total = v.copy(), v.copy()
        for n in range(1, 80):
            spread = (top - diag) * term
            spread[:-1] += eta * term[1:]
            spread[1:] += eta * term[:-1]
            term = spread * (span_s / n)
            total += term
        v = total / total.max()
    steps = np.empty(len(v))
    steps[0] = np.nan
    steps[1:] = np.log(v[1:] / v[:-1])
    bid, ask = _distances(steps, k, static_half_spread(k, xi, clip) + 0.5 * impact)
    return bid, ask
