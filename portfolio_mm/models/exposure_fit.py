"""Posterior mode of k in Lambda(delta) = A e^(-k delta), from market probes and own orders with their exposure.

Probes: sweeps reach X with density A k e^(-k X); those that reach no order are not seen (models/touch.py). A sweep that
met its first order at h says of k what X - h says, k e^(-k (X - h)): no fair value is in that, nor its error.
Own orders: given their number, fills spread over distances like the exposure E_j e^(-k delta_j), so they add
-k sum delta_f - F ln sum_j E_j e^(-k delta_j): only the comparison of distances speaks, never where we chose to quote.
Gamma priors enter as pseudo-counts added by the caller. Source: theory §2.5, §12.
"""

import math
from typing import Any, Final

import numba as nb

CLOSE: Final = 1e-6
"""A Newton step shorter than this share of k is the last one: what is left is of the order of its square."""


@nb.njit(cache=True)
def own_moments(own_s: Any, own_depth: Any, k: float) -> tuple[float, float, float]:
    """Sums of E_j e^(-k delta_j) times 1, delta_j and delta_j^2; delta_j is the mean distance own_depth / own_s."""
    e0, e1, e2 = 0.0, 0.0, 0.0
    for j in range(len(own_s)):
        if own_s[j] > 0.0:
            delta = own_depth[j] / own_s[j]
            weight = own_s[j] * math.exp(-min(700.0, k * delta))
            e0 += weight
            e1 += weight * delta
            e2 += weight * delta * delta
    return e0, e1, e2


@nb.njit(cache=True)
def stopped(k: float, gap_bps: float) -> tuple[float, float]:
    """What a sweep says that printed at X and did not reach X + gap: its weight as an exact probe, and bps beyond X.

    The score of ln(e^(-k X) - e^(-k (X + gap))) at k is w / k - (X + more), its curvature - w / k^2. A small gap is an
    exact probe in its middle; an endless one says only that X was reached (w = 0, as for a sweep that ran out of size).

    >>> w, more = stopped(0.5, 1e-3)
    >>> round(w, 6), round(more, 9)
    (1.0, 0.0005)
    >>> stopped(0.5, 1e9)
    (0.0, 0.0)
    """
    u = k * gap_bps
    if u < 1e-6:
        return 1.0, 0.5 * gap_bps
    if u > 50.0:
        return 0.0, 0.0
    odds = math.expm1(u)
    weight = u * u * (odds + 1.0) / (odds * odds)
    return weight, (weight - u / odds) / k


@nb.njit(cache=True)
def k_mode(  # noqa: PLR0917 - flat arguments
    k: float, exact: float, excess_bps: float, fills: float, fill_depth_bps: float, own_s: Any, own_depth: Any
) -> tuple[float, float]:
    """Mode of k and its standard error, both 1/bps, by guarded Newton on a concave function.

    Args:
        k: start, positive.
        exact: probes that were not censored, plus prior counts; positive.
        excess_bps: sum over all probes of how far each went beyond the nearest order, plus the prior's; positive.
        fills: own fills.
        fill_depth_bps: sum of their distances.
        own_s: seconds own orders rested, per bin of distance.
        own_depth: the same seconds times their distance.
    """
    curvature = -exact / (k * k)
    for _ in range(4):
        slope, curvature = exact / k - excess_bps, -exact / (k * k)
        if fills > 0.0:
            e0, e1, e2 = own_moments(own_s, own_depth, k)
            if e0 > 0.0:
                slope += fills * e1 / e0 - fill_depth_bps
                curvature -= fills * max(0.0, e2 / e0 - (e1 / e0) ** 2)
        before = k
        k = min(2.0 * k, max(0.5 * k, k - slope / curvature))
        if abs(k - before) < CLOSE * before:
            curvature *= (before / k) ** 2
            break
    return k, 1.0 / math.sqrt(-curvature)
