"""Posterior mode of k in Lambda(delta) = A e^(-k delta), from market probes and own orders with their exposure.

Probes: sweeps reach X with density A k e^(-k X); one stopped by our own order at X is censored, P(X >= delta). With A
profiled out, n_exact probes of n give n_exact ln k - k sum X.
Own orders: given their number, fills spread over distances like the exposure E_j e^(-k delta_j), so they add
-k sum delta_f - F ln sum_j E_j e^(-k delta_j): only the comparison of distances speaks, never where we chose to quote.
Gamma priors enter as pseudo-counts added by the caller. Source: theory §2.5, §12.
"""

import math
from typing import Any

import numba as nb


@nb.njit(cache=True)
def own_moments(own_s: Any, own_depth: Any, k: float) -> tuple[float, float, float]:
    """Sums of E_j e^(-k delta_j) times 1, delta_j and delta_j^2; delta_j is the mean distance own_depth / own_s."""
    e0, e1, e2 = 0.0, 0.0, 0.0
    for j in range(len(own_s)):
        if own_s[j] > 0.0:
            delta = own_depth[j] / own_s[j]
            weight = own_s[j] * math.exp(-k * delta)
            e0 += weight
            e1 += weight * delta
            e2 += weight * delta * delta
    return e0, e1, e2


@nb.njit(cache=True)
def k_mode(  # noqa: PLR0917 - flat arguments
    k: float, exact: float, excess_bps: float, fills: float, fill_depth_bps: float, own_s: Any, own_depth: Any
) -> tuple[float, float]:
    """Mode of k and its standard error, both 1/bps, by guarded Newton on a concave function.

    Args:
        k: start, positive.
        exact: probes that were not censored, plus prior counts; positive.
        excess_bps: sum of X over all probes, plus the prior's; positive.
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
        k = min(2.0 * k, max(0.5 * k, k - slope / curvature))
    return k, 1.0 / math.sqrt(-curvature)
