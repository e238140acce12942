"""Carry of what a fill adds to the inventory, bps outwards (C14)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def shift_bps(st: Any, p: Any, side: int) -> float:
    """Carry of what a fill adds to the inventory, bps outwards (C14)."""
    return 0.0
