"""How far from fair the visible lots of a side stand: the prior of 1 / k before sweeps say more."""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S
from portfolio_mm.models.sweep import penetration_bps

BOOK_DISTANCE = record([("book_ns", "i8"), ("distance_bps", "f8", (2,))])
"""Block time of the newest book (0: none) and the smoothed distance of each side."""


@nb.njit(cache=True)
def clear_distance(book: Any) -> None:
    """No book seen."""
    book.book_ns = 0
    book.distance_bps[:] = np.nan


@nb.njit(cache=True)
def follow_book(  # noqa: PLR0917 - flat arguments
    book: Any, now_ns: int, bid_px: Any, bid_sz: Any, ask_px: Any, ask_sz: Any, fair_px: float, tau_s: float
) -> bool:
    """Hear the visible levels (zero where absent), smoothed over `tau_s`.

    Returns:
        False when refused (older than the last book, no fair, or an empty side); nothing changes.
    """
    bid_bps = mean_distance_bps(0, bid_px, bid_sz, fair_px)
    ask_bps = mean_distance_bps(1, ask_px, ask_sz, fair_px)
    if now_ns < book.book_ns or not (bid_bps > 0.0 and ask_bps > 0.0):
        return False
    if book.book_ns > 0:
        gain = 1.0 - math.exp(-(now_ns - book.book_ns) / NS_PER_S / tau_s)
        book.distance_bps[0] += gain * (bid_bps - book.distance_bps[0])
        book.distance_bps[1] += gain * (ask_bps - book.distance_bps[1])
    else:
        book.distance_bps[0], book.distance_bps[1] = bid_bps, ask_bps
    book.book_ns = now_ns
    return True


@nb.njit(cache=True)
def mean_distance_bps(side: int, px: Any, sz: Any, fair_px: float) -> float:
    """Size-weighted distance of the levels of one side from fair, bps; NaN when there is none."""
    if not 0.0 < fair_px < 1e300:
        return np.nan
    total, moment = 0.0, 0.0
    for level in range(len(px)):
        if px[level] > 0.0 and sz[level] > 0.0:
            total += sz[level]
            moment += sz[level] * max(0.0, penetration_bps(side, px[level], fair_px))
    return moment / total if total > 0.0 else np.nan
