"""Online logistic regression with an intercept: one row at a time, by its diagonal curvature."""

from typing import Any

import numba as nb

from portfolio_mm.models.calibration import logistic


@nb.njit(cache=True)
def step_logistic(  # noqa: PLR0917 - flat arguments
    v: Any, curve: Any, x: Any, came: int, weight_ratio: float, keep: float, prior_count: float, positive: int
) -> None:
    """One Newton step per coefficient on the log loss of one row, shrunk to 0.

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
        v[j] += weight_ratio * (came - q) * x[j] / (curve[j] + prior_count)
        if j == positive:
            v[j] = max(0.0, v[j])
