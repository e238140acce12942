"""Expected adverse selection now beyond its average, bps per fill (C9)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int) -> float:
    """Expected adverse selection now beyond its average, bps per fill (C9)."""
    return 0.0
