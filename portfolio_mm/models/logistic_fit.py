"""Online logistic regression with an intercept: one row at a time, by its diagonal or its whole curvature."""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.models.calibration import logistic


@nb.njit(cache=True)
def step_logistic(  # noqa: PLR0917 - flat arguments
    v: Any, curve: Any, x: Any, came: int, weight_ratio: float, keep: float, prior_count: float, positive: int
) -> None:
    """One Newton step per coefficient on the log loss of one row, shrunk to 0.

    At the mode of what was known the slopes of rows and prior cancel: what is forgotten of the one, the other gains.

    Args:
        v: coefficients (n,), changed in place; log odds are v x.
        curve: their summed curvature (n,), forgotten by `keep`, changed in place.
        x: the row (n,), x_0 = 1.
        came: 1 or 0.
        weight_ratio: what the row weighs.
        keep: share of the past that is kept.
        prior_count: curvature of the prior at 0.
        positive: the coefficient that stays at or above 0; -1: none.
    """
    odds_z = 0.0
    for j in range(len(x)):
        odds_z += v[j] * x[j]
    q = logistic(odds_z)
    for j in range(len(x)):
        curve[j] = keep * curve[j] + weight_ratio * q * (1.0 - q) * x[j] * x[j]
        slope = weight_ratio * (came - q) * x[j] - (1.0 - keep) * prior_count * v[j]
        v[j] += slope / (curve[j] + prior_count)
        if j == positive:
            v[j] = max(0.0, v[j])


@nb.njit(cache=True)
def start_recursive(beta: Any, covariance: Any, base_probability: float, prior_betas: Any, prior_sd: Any) -> None:
    """Coefficients and their covariance as they are before any row: `base_probability` where the row is nothing."""
    covariance[:, :] = 0.0
    for i in range(len(beta)):
        covariance[i, i] = prior_sd[i] * prior_sd[i]
        beta[i] = prior_betas[i - 1] if i > 0 else math.log(base_probability / (1.0 - base_probability))


@nb.njit(cache=True)
def step_recursive(  # noqa: PLR0917 - flat arguments
    beta: Any,
    covariance: Any,
    x: Any,
    along: Any,
    weight_ratio: float,
    loss: float,
    curvature_ratio: float,
    prior_sd: Any,
    drift_share: float,
) -> None:
    """One step of recursive logistic regression (extended Kalman filter of a coefficient that drifts).

    Args:
        beta: coefficients (n,), changed in place, by at most 1 each.
        covariance: theirs (n, n), changed in place.
        x: the row (n,), x_0 = 1.
        along: room (n,).
        weight_ratio: what the row weighs: overlapping outcomes share one.
        loss: came - p, the residual.
        curvature_ratio: p (1 - p).
        prior_sd: of each coefficient (n,): its variance never exceeds the prior's.
        drift_share: what each variance gains a row, as a share of the prior's.
    """
    n = len(x)
    quadratic = 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += np.float64(covariance[i, j]) * np.float64(x[j])
        along[i] = total
        quadratic += np.float64(x[i]) * total
    shrink = weight_ratio * curvature_ratio / (1.0 + weight_ratio * curvature_ratio * quadratic)
    step = weight_ratio * loss / (1.0 + weight_ratio * curvature_ratio * quadratic)
    for i in range(n):
        most = prior_sd[i] * prior_sd[i]
        beta[i] = np.float64(beta[i]) + min(1.0, max(-1.0, step * np.float64(along[i])))
        for j in range(n):
            covariance[i, j] = np.float64(covariance[i, j]) - shrink * np.float64(along[i]) * np.float64(along[j])
        covariance[i, i] = min(most, np.float64(covariance[i, i]) + most * drift_share)
