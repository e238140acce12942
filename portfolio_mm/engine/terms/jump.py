"""Cost of being picked off by jumps, bps per fill at this distance (C3)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def premium_bps(st: Any, p: Any, side: int, distance_bps: float) -> float:
    """Cost of being picked off by jumps, bps per fill at this distance (C3)."""
    return 0.0
