"""What walls, deadlines and drift add to the own term of the closed form, bps (D3)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int) -> float:
    """What walls, deadlines and drift add to the own term of the closed form, bps (D3)."""
    return 0.0
