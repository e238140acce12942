"""What a model says of a fill, corrected by what has happened before in such moments (logistic, learned online).

    logit q = b_0 + b_1 logit P + b_2 burst + b_3 lead + b_4 ln(1 + age)

P is the model's; the others are what it leaves out:

- burst = ln((m + 1) / (lambda tau + 1)), m sweeps on this side in the last tau seconds (models/burst.py), lambda their
  rate: over the mean rate, the mean of a Gamma of shape 1 after m events. Sweeps come in bursts that are over before an
  average of minutes knows of them; b_2 = 0 where they come singly (Poisson), 1 where the rate itself jumps.
- lead = kappa (mid - fair) for a bid, (fair - mid) for an ask, kappa the growth of the rate of sweeps per bps towards
  fair: ln of the rate at its distance from fair over that from mid. Fair is told with shrinkage, and who has just
  placed an order by it was moved by its error too (winner's curse): the price is further than it says by b_3 times its
  step.
- age in s since the order rests, 0 when it is placed: who has waited long waits where sweeps come more seldom than was
  said (frailty: the rate of survivors falls with time, as with a Gamma-mixed rate).

Priors are normal, PRIOR +- PRIOR_SD; those of the last three are about what own orders of one hour in each of five
markets said (docs/report.md). Source: Platt 1999; recursive logistic regression (models/logistic_fit.py, an extended
Kalman filter); frailty Vaupel et al. 1979.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.calibration import logistic
from portfolio_mm.models.logistic_fit import step_recursive

SIZE: Final = 5
PRIOR: Final = (0.0, 1.0, 0.5, 0.3, -0.2)
PRIOR_SD: Final = (0.5, 0.25, 0.3, 0.3, 0.2)
MOST_LEAD: Final = 3.0
"""A lead is no more than this, in units of the decay of sweeps."""

FILL_MAP = record(
    [
        ("beta", "f4", (SIZE,)),
        ("covariance", "f4", (SIZE, SIZE)),
        ("row", "f4", (SIZE,)),
        ("along", "f4", (SIZE,)),
    ]
)
"""Coefficients and their covariance; `row` is what is asked about (1 and the inputs), `along` is room."""


@nb.njit(cache=True)
def clear_map(curve: Any) -> None:
    """The priors."""
    curve.covariance[:, :] = 0.0
    curve.row[:] = 0.0
    curve.along[:] = 0.0
    for j in range(SIZE):
        curve.beta[j] = PRIOR[j]
        curve.covariance[j, j] = PRIOR_SD[j] * PRIOR_SD[j]


@nb.njit(cache=True)
def logit(hit_probability: float) -> float:
    """ln(p / (1 - p)), within +-7: surer a model cannot be."""
    return min(7.0, max(-7.0, math.log(max(hit_probability, 1e-9) / max(1.0 - hit_probability, 1e-9))))


@nb.njit(cache=True)
def set_inputs(curve: Any, score_z: float, burst_z: float, lead_z: float, age_s: float) -> None:
    """What is asked about: the model's logit, burst and lead as above, the order's age."""
    curve.row[0] = 1.0
    curve.row[1] = score_z
    curve.row[2] = burst_z
    curve.row[3] = min(MOST_LEAD, max(-MOST_LEAD, lead_z))
    curve.row[4] = math.log1p(max(0.0, age_s))


@nb.njit(cache=True)
def said(curve: Any) -> float:
    """The probability that belongs to the inputs."""
    odds_z = 0.0
    for j in range(SIZE):
        odds_z += np.float64(curve.beta[j]) * np.float64(curve.row[j])
    return logistic(odds_z)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def learn(curve: Any, outcome_share: float, drift_share: float) -> None:
    """One outcome (1 it happened, 0 not) of the inputs; variances gain `drift_share` of the prior's an outcome."""
    q = said(curve)
    loss, curvature_ratio = outcome_share - q, max(q * (1.0 - q), 1e-3)
    step_recursive(
        curve.beta, curve.covariance, curve.row, curve.along, 1.0, loss, curvature_ratio, PRIOR_SD, drift_share
    )
    curve.beta[1] = max(0.05, curve.beta[1])


@nb.njit(cache=True)
def keep_inputs(curve: Any, x: Any) -> None:
    """Write the inputs without the constant to `x`."""
    for j in range(SIZE - 1):
        x[j] = curve.row[j + 1]


@nb.njit(cache=True)
def recall_inputs(curve: Any, x: Any) -> None:
    """Ask about inputs kept before."""
    curve.row[0] = 1.0
    for j in range(SIZE - 1):
        curve.row[j + 1] = x[j]
