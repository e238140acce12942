"""Response of the price to an own fill: a permanent part and one that decays, R(h) = P + G e^(-h / tau).

Fitted to responses measured at a few horizons by least squares, tau on a grid. Source: Bouchaud et al., "Fluctuations
and response in financial markets" (2004), with one exponential; predecessor missing model 9.
"""

import math
from typing import Any, Final

import numba as nb

TAUS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


@nb.njit(cache=True)
def fit_response(horizon_s: Any, response_bps: Any) -> tuple[float, float, float]:
    """(P, G, tau) that fit `response_bps` at `horizon_s`, both of the same shape (at least 2 values)."""
    n = len(horizon_s)
    best, permanent, transient, tau_s = math.inf, 0.0, 0.0, TAUS_S[0]
    for each_s in TAUS_S:
        sx, sy, sxx, sxy, syy = 0.0, 0.0, 0.0, 0.0, 0.0
        for h in range(n):
            x, y = math.exp(-horizon_s[h] / each_s), response_bps[h]
            sx += x
            sy += y
            sxx += x * x
            sxy += x * y
            syy += y * y
        det = n * sxx - sx * sx
        if det <= 1e-12:
            continue
        g = (n * sxy - sx * sy) / det
        c = (sy - g * sx) / n
        rest = syy - c * sy - g * sxy
        if rest < best - 1e-12:
            best, permanent, transient, tau_s = rest, c, g, each_s
    return permanent, transient, tau_s
