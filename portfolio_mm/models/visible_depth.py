"""Worth of the visible levels of each side, and how much thinner they are than usual."""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

VISIBLE_DEPTH = record([("depth_usd", "f8", (2,)), ("usual_usd", "f8", (2,))])
"""Of bids and asks, 0 where no book was seen; `usual_usd` a slow mean."""


@nb.njit(cache=True)
def clear_depth(visible: Any) -> None:
    """No book seen."""
    visible.depth_usd[:] = 0.0
    visible.usual_usd[:] = 0.0


@nb.njit(cache=True)
def see_levels(visible: Any, px: Any, sz: Any) -> None:
    """The visible levels, arrays of shape (2, levels); a side without worth leaves what was known."""
    for side in range(2):
        total_usd = 0.0
        for level in range(px.shape[1]):
            total_usd += px[side, level] * sz[side, level]
        if 0.0 < total_usd < 1e300:
            visible.depth_usd[side] = total_usd


@nb.njit(cache=True)
def grow_usual(visible: Any, gain_ratio: float) -> None:
    """The slow mean moves by `gain_ratio` towards what is there."""
    for side in range(2):
        visible.usual_usd[side] += gain_ratio * (visible.depth_usd[side] - visible.usual_usd[side])


@nb.njit(cache=True)
def thinness(visible: Any, side: int) -> float:
    """ln(usual over present worth) of a side, at least 0; 0 while either is not known."""
    usual_usd, depth_usd = visible.usual_usd[side], visible.depth_usd[side]
    return max(0.0, math.log(usual_usd / depth_usd)) if usual_usd > 0.0 and depth_usd > 0.0 else 0.0
