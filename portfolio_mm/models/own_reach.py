"""What own orders of one side say of how far sweeps reach: where they rested for how long, and where they were filled.

Seconds and fills are kept by bins of distance from fair (models/exposure_fit.py reads them); beside them stand the
fills that were promised of that rest: one for each order that a sweep reaches, so each counts once a block, and
orders of one bin are two. A sweep that ended at our order is censored: how far it would have gone is not known, so the
newest sweep that was counted as ended is kept, to be taken back when the fill is heard after it.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.depth_bins import BINS, bin_of

SAME_BPS = 0.01
"""A sweep no deeper than our fill plus this ended at our order; fair may differ that much between feeds. Fills of
one block that are no further apart are of one order: a tick is more."""
ORDERS = 3
"""Orders of one side that a sweep can reach: one a level."""

OWN_REACH = record(
    [
        ("rest_s", "f8", (BINS,)),
        ("rest_moment", "f8", (BINS,)),
        ("promised", "f8"),
        ("fills", "f8"),
        ("fill_moment", "f8"),
        ("fill_ns", "i8"),
        ("fill_bps", "f8"),
        ("reached_bps", "f8", (ORDERS,)),
        ("closed_ns", "i8"),
        ("closed_bps", "f8"),
        ("closed_exact", "f8"),
        ("closed_more_bps", "f8"),
    ]
)
"""`*_moment` sums seconds, or fills, times bps; `fill_*` the newest block with a fill and its deepest one,
`reached_bps` where its orders stood (NaN: no more); `closed_*` the newest sweep counted as ended: its block (0: none),
reach, weight and bps beyond its print."""


@nb.njit(cache=True)
def clear_own(own: Any) -> None:
    """No order of ours was ever there."""
    own.rest_s[:] = 0.0
    own.rest_moment[:] = 0.0
    own.promised = 0.0
    own.fills = 0.0
    own.fill_moment = 0.0
    own.fill_ns = 0
    own.fill_bps = 0.0
    own.reached_bps[:] = np.nan
    own.closed_ns = 0
    own.closed_bps = 0.0
    own.closed_exact = 0.0
    own.closed_more_bps = 0.0


@nb.njit(cache=True)
def rest(own: Any, depth_bps: float, seconds: float, rate_per_s: float) -> None:
    """An order rested `seconds` at `depth_bps`, where `rate_per_s` was promised of it."""
    j = bin_of(depth_bps)
    own.rest_s[j] += seconds
    own.rest_moment[j] += seconds * depth_bps
    own.promised += seconds * rate_per_s


@nb.njit(cache=True)
def fill(own: Any, now_ns: int, depth_bps: float) -> bool:
    """A fill of block `now_ns`, nearer than fair counts as 0; False when one of that block and order was counted."""
    if own.fill_ns != now_ns:
        own.reached_bps[:] = np.nan
        own.fill_bps = 0.0
    for each_bps in own.reached_bps:
        if abs(each_bps - depth_bps) <= SAME_BPS:
            return False
    for i in range(ORDERS - 1, 0, -1):
        own.reached_bps[i] = own.reached_bps[i - 1]
    own.reached_bps[0] = depth_bps
    depth_bps = max(0.0, depth_bps)
    own.fill_bps = max(depth_bps, own.fill_bps)
    own.fill_ns = now_ns
    own.fills += 1.0
    own.fill_moment += depth_bps
    return True


@nb.njit(cache=True)
def ended_here(own: Any, block_ns: int, depth_bps: float) -> bool:
    """Whether a sweep of block `block_ns` that reached `depth_bps` ended at our order, as far as is known."""
    return own.fill_ns == block_ns and depth_bps <= own.fill_bps + SAME_BPS  # type: ignore[no-any-return]


@nb.njit(cache=True)
def remember(own: Any, block_ns: int, depth_bps: float, exact: float, more_bps: float) -> None:
    """A sweep was counted as ended with this weight."""
    own.closed_ns = block_ns
    own.closed_bps = depth_bps
    own.closed_exact = exact
    own.closed_more_bps = more_bps


@nb.njit(cache=True)
def take_back(own: Any) -> tuple[float, float]:
    """Weight and bps of the remembered sweep if it ended at the newest fill, once; else zeros."""
    if not (own.closed_ns == own.fill_ns and own.closed_bps <= own.fill_bps + SAME_BPS):
        return 0.0, 0.0
    own.closed_ns = 0
    return own.closed_exact, own.closed_more_bps


@nb.njit(cache=True)
def forget_own(own: Any, keep: float) -> None:
    """Sums count `keep` of what they did."""
    own.promised *= keep
    own.fills *= keep
    own.fill_moment *= keep
    for j in range(BINS):
        own.rest_s[j] *= keep
        own.rest_moment[j] *= keep
