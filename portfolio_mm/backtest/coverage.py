"""Do stated intervals contain what they should: of the mid's forecast, of adverse selection; truth is for others.

A 95 % interval is honest when 95 % of them hold; with its own interval by blocks beside it. Samples of one coin are
one path: the shares of A, k and sigma over time say how long the estimate was right, not how often it would be.
"""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import Z95, Estimate, mean
from portfolio_mm.backtest.markouts import BLOCK_S, LEARNED_S, adverse_after, maker_fills, mid_after
from portfolio_mm.backtest.result import CoinResult

Array = np.ndarray[Any, Any]
FORECAST_S: Final = (1.0, 5.0, 30.0)


class Coverage(msgspec.Struct, frozen=True):
    """How often a stated 95 % interval of something held."""

    name: str
    share: Estimate


def forecasts_of(coin: CoinResult) -> tuple[Coverage, ...]:
    """Of the mid, as the spread's sigma says: mid +- 1.96 sigma sqrt(h)."""
    rows = coin.samples[(coin.samples["sigma_ready"] == 1) & (coin.samples["mid_px"] > 0.0)]
    times_ns = rows["ms"] * 1_000_000
    found = []
    for seconds in FORECAST_S:
        move = np.abs(mid_after(coin, times_ns, seconds) / mid_after(coin, times_ns, 0.0) - 1.0) * 1e4
        held = np.where(np.isfinite(move), move <= Z95 * rows["sigma_bps"] * np.sqrt(seconds), np.nan)
        found.append(Coverage(f"mid after {seconds:g} s", mean(held, times_ns, max(BLOCK_S, seconds))))
    return tuple(found)


def adverse_of(coin: CoinResult) -> Coverage:
    """Is the mean of realised adverse selection within what was stated? One interval: the mean of z within 1.96.

    A single fill scatters far more than the error of an expectation; the share is that of blocks whose mean error lies
    within 1.96 of its own scatter.
    """
    fills = maker_fills(coin)
    error = adverse_after(coin, fills, LEARNED_S) - fills["snap"]["adverse_bps"]
    good = np.isfinite(error)
    blocks = np.unique(fills["ns"][good] // round(BLOCK_S * 1e9), return_inverse=True)[1]
    if not len(blocks):
        return Coverage("mean adverse selection of a block", mean(error, fills["ns"], BLOCK_S))
    sums, counts = np.bincount(blocks, weights=error[good]), np.bincount(blocks)
    scatter = float(np.std(error[good])) / np.sqrt(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        held = np.where(scatter > 0.0, np.abs(sums / counts) <= Z95 * scatter, np.nan)
    times = np.arange(len(held)) * round(BLOCK_S * 1e9)
    return Coverage("mean adverse selection of a block", mean(held, times, BLOCK_S))
