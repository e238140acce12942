"""A whole path through the increments of models/hawkes.py, as the reference numbers are of whole paths."""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.models import hawkes


@nb.njit
def sweep_through(  # noqa: PLR0917 - flat arguments
    theta: Any, times: Any, marks: Any, horizon_s: float, residuals: Any, score: Any, info: Any
) -> float:
    """Log likelihood of a whole path on [0, horizon_s], with its gradient and outer-product information.

    Args:
        theta: parameters, shape (7,).
        times: seconds, ascending; equal times excite each other in neither direction only if of one block: not here.
        marks: 0 or 1, the side of each event.
        horizon_s: end of observation.
        residuals: gets, per event, the compensator of its own side since that side's last event (Exp(1) if true).
        score: gets the gradient, shape (7,).
        info: gets the sum of outer products, shape (7, 7).
    """
    reach, lag = np.zeros(2), np.zeros(2)
    since, before = np.zeros(2), np.zeros(hawkes.SIZE)
    score[:] = 0.0
    info[:, :] = 0.0
    log_l, now = 0.0, 0.0
    for i in range(len(times)):
        before[:] = score
        log_l -= hawkes.pass_time(theta, reach, lag, times[i] - now, 1.0, score)
        for side in range(2):
            first = hawkes.N + 2 * side
            since[side] -= theta[side] * (score[side] - before[side])
            for j in range(2):
                since[side] -= theta[first + j] * (score[first + j] - before[first + j])
        now, side = times[i], marks[i]
        log_l += math.log(hawkes.hear(theta, reach, lag, side, 1.0, score, info))
        residuals[i] = since[side]
        since[side] = 0.0
        reach[side] += 1.0
    return log_l - hawkes.pass_time(theta, reach, lag, horizon_s - now, 1.0, score)  # type: ignore[no-any-return]
