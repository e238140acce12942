"""Returns of the mid on a grid of block time, whatever the rate of messages: previous tick, a silence is a hole."""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record

GRID = record([("next_ns", "i8"), ("at_ns", "i8"), ("holes", "i8"), ("x_bps", "f8"), ("mid_px", "f8")])
"""`x_bps` is the log price at the last grid point, NaN when there was none before a hole."""


@nb.njit(cache=True)
def clear_grid(grid: Any) -> None:
    """Nothing was heard."""
    grid.next_ns = 0
    grid.at_ns = 0
    grid.holes = 0
    grid.x_bps = np.nan
    grid.mid_px = np.nan


@nb.njit(cache=True)
def is_hole(grid: Any, gap_ns: int, now_ns: int) -> bool:
    """Whether the silence before `now_ns` is too long to know what the market did."""
    return grid.at_ns > 0 and now_ns - grid.at_ns > gap_ns  # type: ignore[no-any-return]


@nb.njit(cache=True)
def advance(grid: Any, grid_ns: int, gap_ns: int, now_ns: int, mid_px: float) -> tuple[int, float]:
    """Take a mid; how many grid returns ended before it, and the first of them in bps (the others are 0)."""
    steps, move_bps = 0, 0.0
    if grid.at_ns == 0 or now_ns - grid.at_ns > gap_ns:
        grid.holes += 1 if grid.at_ns > 0 else 0
        grid.x_bps = np.nan
        grid.next_ns = (now_ns // grid_ns + 1) * grid_ns
    elif grid.next_ns < now_ns:
        steps = (now_ns - 1 - grid.next_ns) // grid_ns + 1
        grid.next_ns += steps * grid_ns
        x_bps = 1e4 * math.log(grid.mid_px)
        if math.isnan(grid.x_bps):
            steps -= 1
        else:
            move_bps = x_bps - grid.x_bps
        grid.x_bps = x_bps
    grid.at_ns = now_ns
    grid.mid_px = mid_px
    return steps, move_bps
