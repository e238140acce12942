"""How far from fair the visible lots of a side stand: the prior of 1 / k before sweeps say more."""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.models.sweep import penetration_bps


@nb.njit(cache=True)
def mean_distance_bps(side: int, px: Any, sz: Any, fair_px: float) -> float:
    """Size-weighted distance of the levels of one side from fair, bps; NaN when there is none."""
    if not 0.0 < fair_px < 1e300:
        return np.nan
    total, moment = 0.0, 0.0
    for level in range(len(px)):
        if px[level] > 0.0 and sz[level] > 0.0:
            total += sz[level]
            moment += sz[level] * max(0.0, penetration_bps(side, px[level], fair_px))
    return moment / total if total > 0.0 else np.nan
