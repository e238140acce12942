"""A queue before sweeps of mixed sizes: those larger than what is ahead fill at once, the smaller ones work through it.

Sweeps that reach our price come at rates by bucket of size; models/queue.py has the law of the small ones and of
cancels ahead, models/walk.py what becomes of the rates while fair moves. Not guaranteed: that the mean size of a bucket
stands for all of it.
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.models.queue import fill_probability
from portfolio_mm.models.walk import mean_ratio, reached


@nb.njit(cache=True)
def split_sweeps(  # noqa: PLR0917 - flat arguments
    side: int, ahead_lots: float, reach_share: float, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float
) -> tuple[float, float, float]:
    """Rates of sweeps larger than what is ahead and of smaller ones (1/s), and the mean size of these, lots."""
    whole, small, lots = 0.0, 0.0, 0.0
    for j in range(bucket_usd.shape[1]):
        rate, size = reach_share * bucket_per_s[1 - side, j], bucket_usd[1 - side, j] / usd_per_lot
        if size > ahead_lots:
            whole += rate
        else:
            small += rate
            lots += rate * size
    return whole, small, lots / small if small > 0.0 else 1.0


@nb.njit(cache=True)
def promised(  # noqa: PLR0917 - flat arguments
    walk: Any,
    nodes: Any,
    ahead_lots: float,
    whole_per_s: float,
    small_per_s: float,
    unit_lots: float,
    cancel_per_s: float,
    seconds: float,
) -> float:
    """P(fill within `seconds`) by the model alone, rates being those at the order's distance from fair now.

    The small sweeps count as the share of them that would have to fill at once for the same chance, at their mean rate
    over the walk. `nodes` is room for it, shape (2, walk.NODES).
    """
    hit_per_s = whole_per_s
    if small_per_s > 0.0:
        mean_per_s = small_per_s * mean_ratio(walk, seconds)
        worked = fill_probability(ahead_lots / unit_lots, mean_per_s, cancel_per_s, seconds)
        hit_per_s -= small_per_s / mean_per_s * math.log(max(1e-12, 1.0 - worked)) / seconds
    return reached(walk, nodes, hit_per_s, seconds)  # type: ignore[no-any-return]
