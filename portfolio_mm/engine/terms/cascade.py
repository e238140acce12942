"""How far a side that is being run over backs off, bps (C15)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def back_off_bps(st: Any, p: Any, side: int) -> float:
    """How far a side that is being run over backs off, bps (C15)."""
    return 0.0
