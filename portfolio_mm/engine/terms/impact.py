"""Permanent move of the price by our own fill, as bps of the quote (C10)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def own_bps(st: Any, p: Any, side: int) -> float:
    """Permanent move of the price by our own fill, as bps of the quote (C10)."""
    return 0.0
