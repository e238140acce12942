"""Where a sweep ended: at its last print when size ran out there, else somewhere before the next order's price."""

from typing import Any

import numba as nb

from portfolio_mm.models.exposure_fit import stopped
from portfolio_mm.models.own_reach import SAME_BPS
from portfolio_mm.models.sweep import penetration_bps
from portfolio_mm.models.touch import top_at


@nb.njit(cache=True)
def end_of(sweep: Any, touch: Any, side: int, k: float) -> tuple[float, float]:
    """Weight of a closed sweep as an exact probe, and bps it went beyond its print, by the top its block left behind.

    At its print when that top is not known. A top nearer than the last print was put there since: it says nothing, and
    the weight is -1.
    """
    top_px = top_at(touch, side, sweep.block_ns)
    if top_px <= 0.0:
        return 1.0, 0.0
    gap_bps = penetration_bps(side, top_px, sweep.fair_px) - sweep.depth_bps
    if gap_bps < -SAME_BPS:
        return -1.0, 0.0
    if gap_bps <= SAME_BPS:
        return 0.0, 0.0
    return stopped(k, gap_bps)  # type: ignore[no-any-return]
