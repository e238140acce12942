"""Market orders as probes of depth: trades of one block and one side are one sweep, known by its deepest print.

A sweep that sells reaches our bids at every distance up to X = (fair - px) / fair in bps, one that buys our asks.
`fair` is what stood before the block. Trades are grouped because one market order prints once per maker it meets.
"""

from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

SWEEP = record(
    [("block_ns", "i8"), ("open_", "i4"), ("pad_", "i4"), ("depth_bps", "f8"), ("first_bps", "f8"), ("fair_px", "f8")]
)
"""The sweep being collected on one side, its deepest and its nearest print; `open_` 0 when there is none."""


@nb.njit(cache=True)
def penetration_bps(side: int, px: float, fair_px: float) -> float:
    """How far beyond fair a print at `px` reached into our side (0 our bids, 1 our asks), bps of fair."""
    sign = 1.0 if side == 0 else -1.0
    return sign * (fair_px - px) / fair_px * 1e4


@nb.njit(cache=True)
def is_over(sweep: Any, block_ns: int, is_printed: bool) -> bool:  # noqa: FBT001 - compiled: positional only
    """Whether an open sweep ends by what is heard of block `block_ns`: a later one, or a print on its side of another.

    The prints of blocks come one block after the other; a block that is heard after a later one is a sweep of its own.
    """
    return sweep.open_ == 1 and (sweep.block_ns < block_ns or (is_printed and sweep.block_ns != block_ns))


@nb.njit(cache=True)
def absorb(sweep: Any, block_ns: int, depth_bps: float, fair_px: float) -> None:
    """Open a sweep with its first print, or widen the open one of the same block."""
    if sweep.open_ == 0:
        sweep.block_ns = block_ns
        sweep.open_ = 1
        sweep.depth_bps = depth_bps
        sweep.first_bps = depth_bps
        sweep.fair_px = fair_px
    else:
        sweep.depth_bps = max(sweep.depth_bps, depth_bps)
        sweep.first_bps = min(sweep.first_bps, depth_bps)


@nb.njit(cache=True)
def clear(sweep: Any) -> None:
    """No sweep open."""
    sweep.block_ns = 0
    sweep.open_ = 0
    sweep.pad_ = 0
    sweep.depth_bps = 0.0
    sweep.first_bps = 0.0
    sweep.fair_px = 0.0
