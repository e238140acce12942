"""Means, slopes and shares with errors made of blocks of time: what shares a path is one observation (theory §14).

Under MIN_BLOCKS blocks nothing is claimed: the interval is missing, and whoever prints it says "insufficient".
"""

import math
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.models.skill import MIN_BLOCKS

Array = np.ndarray[Any, Any]
Z95: Final = 1.959963984540054
INSUFFICIENT: Final = "insufficient"


class Estimate(msgspec.Struct, frozen=True):
    """A number, its standard error over `blocks` blocks, and the 95 % interval where there are enough of them.

    `count` observations; `value` is None without any.
    """

    value: float | None
    se: float | None
    low: float | None
    high: float | None
    count: int
    blocks: int

    @property
    def text(self) -> str:
        """For a table."""
        if self.value is None:
            return "–"
        if self.low is None or self.high is None:
            return f"{self.value:.3g} ({INSUFFICIENT}: {self.blocks} blocks)"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    @property
    def short(self) -> str:
        """For a narrow table: no number where none may be relied on."""
        insufficient = self.value is not None and self.low is None
        return f"{INSUFFICIENT}, {self.blocks} blocks" if insufficient else self.text


NOTHING: Final = Estimate(None, None, None, None, 0, 0)


def block_numbers(times_ns: Array, block_s: float) -> Array:
    """Number of the block each time falls into."""
    return np.asarray(times_ns // round(block_s * 1e9), np.int64)


def made(value: float, residuals: Array, mass: float, blocks: Array) -> Estimate:
    """An estimate from its scores: se = sqrt(sum over blocks of (sum of residuals)^2) / mass.

    Args:
        value: the estimate.
        residuals: each observation's score, zero in sum.
        mass: what the sum of scores is divided by.
        blocks: block number of each observation.
    """
    _, place = np.unique(blocks, return_inverse=True)
    sums = np.bincount(place, weights=residuals)
    n = len(sums)
    se = math.sqrt(float(sums @ sums) * (n / (n - 1.0) if n > 1 else 1.0)) / mass if mass > 0.0 else math.nan
    if n < 2 or not math.isfinite(se):
        return Estimate(float(value), None, None, None, len(blocks), n)
    enough = n >= MIN_BLOCKS
    low, high = (value - Z95 * se, value + Z95 * se) if enough else (None, None)
    return Estimate(float(value), se, low, high, len(blocks), n)


def mean(values: Array, times_ns: Array, block_s: float, weights: Array | None = None) -> Estimate:
    """Mean of what is finite, weighted or not."""
    good = np.isfinite(values)
    if not good.any():
        return NOTHING
    chosen, times = values[good].astype(np.float64), times_ns[good]
    w = np.ones(len(chosen)) if weights is None else weights[good].astype(np.float64)
    mass = float(w.sum())
    if mass <= 0.0:
        return NOTHING
    value = float(w @ chosen) / mass
    return made(value, w * (chosen - value), mass, block_numbers(times, block_s))


def slope(predicted: Array, realised: Array, times_ns: Array, block_s: float, weights: Array | None = None) -> Estimate:
    """Slope of what came on what was predicted, by least squares, weighted or not: 1 is calibrated, 0 says nothing."""
    good = np.isfinite(predicted) & np.isfinite(realised)
    if good.sum() < 3:
        return NOTHING
    x, y, times = predicted[good].astype(np.float64), realised[good].astype(np.float64), times_ns[good]
    w = np.ones(len(x)) if weights is None else weights[good].astype(np.float64)
    if w.sum() <= 0.0:
        return NOTHING
    dx, dy = x - np.average(x, weights=w), y - np.average(y, weights=w)
    mass = float(w * dx @ dx)
    if mass <= 1e-18 * w.sum():
        return NOTHING
    value = float(w * dx @ dy) / mass
    return made(value, w * dx * (dy - value * dx), mass, block_numbers(times, block_s))
