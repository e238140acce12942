"""Fair value before each of the newest blocks, so that what a block met can be told after later books were heard.

A trade or fill of block t met fair as it was before t. It may be heard some books later: then the answer is the fair
before the first block heard at or after t, and NaN when t is older than the ring or fell into a hole of the feed.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record

BLOCKS: Final = 8
"""Blocks of the venue come every 70 ms or so: half a second of the busiest book."""
PAST = record([("newest", "i8"), ("block_ns", "i8", (BLOCKS,)), ("before_px", "f8", (BLOCKS,))])
"""`before_px[i]` fair before the book of block `block_ns[i]` (0: none), `newest` the place written last."""


@nb.njit(cache=True)
def clear_past(past: Any) -> None:
    """No block."""
    past.newest = 0
    past.block_ns[:] = 0
    past.before_px[:] = np.nan


@nb.njit(cache=True)
def remember(past: Any, block_ns: int, fair_px: float) -> None:
    """A book of a new block, later than the last one; fair was `fair_px` before it, NaN when nobody knows."""
    at = (past.newest + 1) % BLOCKS
    past.newest = at
    past.block_ns[at] = block_ns
    past.before_px[at] = fair_px


@nb.njit(cache=True)
def recall(past: Any, block_ns: int) -> float:
    """Fair before block `block_ns`, not later than the newest one remembered. NaN when unknown."""
    at = past.newest
    for _ in range(BLOCKS - 1):
        older = (at + BLOCKS - 1) % BLOCKS
        if past.block_ns[older] < block_ns:
            return past.before_px[at]  # type: ignore[no-any-return]
        at = older
    return past.before_px[at] if past.block_ns[at] == block_ns else np.nan
