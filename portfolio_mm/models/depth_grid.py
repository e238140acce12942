"""The grid of distances from fair at which virtual fills are counted, geometric, and where a distance lies in it."""

import math
from typing import Final

import numba as nb

DEPTHS: Final = 10
DEPTH_BPS: Final = tuple(0.1 * 320.0 ** (j / 9.0) for j in range(DEPTHS))
"""0.1, 0.19, 0.36, 0.68, 1.3, 2.5, 4.7, 8.9, 16.9, 32 bps."""
LOG_FIRST: Final = math.log(0.1)
LOG_STEP: Final = math.log(320.0) / 9.0


@nb.njit(cache=True)
def reached(depth_bps: float) -> int:
    """Index of the deepest grid point reached, -1 when none was."""
    if depth_bps < 0.1:
        return -1
    return min(int((math.log(depth_bps) - LOG_FIRST) / LOG_STEP + 1e-9), DEPTHS - 1)


@nb.njit(cache=True)
def place_of(depth_bps: float) -> tuple[int, float]:
    """Cell of a depth in tables over the grid, and how far into it on the logarithmic scale (0 to 1)."""
    place = (math.log(max(depth_bps, DEPTH_BPS[0])) - LOG_FIRST) / LOG_STEP
    j = min(int(place), DEPTHS - 2)
    return j, min(1.0, max(0.0, place - j))
