"""Bins of distance from fair, doubling in width: up to 0.25 bps, 0.5, 1, 2, ... 256, beyond."""

import numba as nb

BINS = 12
FIRST_EDGE_BPS = 0.25


@nb.njit(cache=True)
def bin_of(depth_bps: float) -> int:
    """Index of the bin a distance falls into; an edge belongs to the bin below it."""
    edge_bps = FIRST_EDGE_BPS
    j = 0
    while j < BINS - 1 and depth_bps > edge_bps:
        edge_bps *= 2.0
        j += 1
    return j
