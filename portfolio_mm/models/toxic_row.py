"""What was known at a placement as a row of regressors for one side: turned to the side, standardised, holes filled.

For a bid, adverse is a falling price: features of buying pressure change sign for the bid, so that positive is always
"against the order"; excitation splits into the aggressors that hit this side and the others. Signed ones are scaled
only (by symmetry their mean is 0), the others centred too. The informed probability counts only above its mean: below
it, all is equally calm. z-scores are made with moments from before the row.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.models import features as at

SIGNED: Final = (at.MICRO_DEV, at.ORDER_FLOW, at.TRADE_IMBALANCE, at.BUY_PRESSURE, at.REFERENCE_MOVE)
PLAIN: Final = (at.VPIN, at.SIGMA_RATIO, at.STORM, at.SPREAD, at.INFORMED)
HITTING: Final = len(SIGNED)
"""Places of excitation against and with the order; then PLAIN."""
N_ROW: Final = len(SIGNED) + 2 + len(PLAIN)
INFORMED: Final = N_ROW - 1
_SIGNED: Final = np.array(SIGNED)
_PLAIN: Final = np.array(PLAIN)
CLIP_Z: Final = 4.0


@nb.njit(cache=True)
def turn(features: Any, side: int, raw: Any) -> None:
    """`raw` (N_ROW,) from market features; NaN stays "not known"."""
    sign = 1.0 if side == 1 else -1.0
    for j in range(len(_SIGNED)):
        raw[j] = sign * float(features[_SIGNED[j]])
    buys, sells = float(features[at.EXCITATION_BUY]), float(features[at.EXCITATION_SELL])
    raw[HITTING] = sells if side == 0 else buys
    raw[HITTING + 1] = buys if side == 0 else sells
    for j in range(len(_PLAIN)):
        raw[HITTING + 2 + j] = float(features[_PLAIN[j]])


@nb.njit(cache=True)
def standardise(raw: Any, centre: Any, per_sd: Any, x: Any) -> None:
    """`x` (N_ROW + 1,): 1, then z-scores within +-CLIP_Z by `measure`; 0 where not known or not yet warm."""
    x[0] = 1.0
    for j in range(N_ROW):
        value = float(raw[j])
        known = -1e300 < value < 1e300
        x[j + 1] = min(CLIP_Z, max(-CLIP_Z, (value - centre[j]) * per_sd[j])) if known else 0.0
    x[INFORMED + 1] = max(0.0, x[INFORMED + 1])


@nb.njit(cache=True)
def usual_informed(raw: Any, per_sd: Any, gram: Any, moments: Any) -> float:
    """Mean of the informed regressor, which is cut off at 0, where it is known and warm: what the average holds of it.

    `gram` is that of models/ridge.py: its first column sums the rows.
    """
    known = -1e300 < float(raw[INFORMED]) < 1e300
    if not (known and per_sd[INFORMED] > 0.0 and moments[0, INFORMED] > 0.0):
        return 0.0
    return gram[(INFORMED + 1) * (INFORMED + 2) // 2] / moments[0, INFORMED]  # type: ignore[no-any-return]


@nb.njit(cache=True)
def measure(moments: Any, warm_count: float, centre: Any, per_sd: Any) -> None:
    """Centre and 1 / standard deviation of each regressor from its moments; 0 where not yet warm or all the same.

    `moments` has rows (mass, sum, sum of squares) of shape (3, N_ROW).
    """
    for j in range(N_ROW):
        centre[j] = 0.0
        per_sd[j] = 0.0
        mass = moments[0, j]
        if mass < warm_count:
            continue
        mean = moments[1, j] / mass if j >= HITTING else 0.0
        square = moments[2, j] / mass - mean * mean
        if square > 1e-12 * (1e-12 + moments[2, j] / mass):
            centre[j] = mean
            per_sd[j] = 1.0 / np.sqrt(square)


@nb.njit(cache=True)
def is_known(x: Any) -> bool:
    """Whether a row of `standardise` says anything beside its intercept."""
    said_z = 0.0
    for j in range(N_ROW):
        said_z += abs(x[j + 1])
    return said_z > 0.0


@nb.njit(cache=True)
def follow(raw: Any, moments: Any, weight_ratio: float, keep: float) -> None:
    """The moments forget by `keep` and take one row."""
    for j in range(N_ROW):
        for i in range(3):
            moments[i, j] *= keep
        value = float(raw[j])
        if -1e300 < value < 1e300:
            moments[0, j] += weight_ratio
            moments[1, j] += weight_ratio * value
            moments[2, j] += weight_ratio * value * value
