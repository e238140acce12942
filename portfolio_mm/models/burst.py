"""How many sweeps came just now: a count that fades, m <- m e^(-dt / tau) + 1 at each block with prints of a side.

Its mean is lambda tau under a steady rate lambda, so ln((m + 1) / (lambda tau + 1)) is 0 on average up to curvature,
positive in a burst, negative after a silence. All prints of one block and side are one sweep.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor

BURST = record([("block_ns", "i8", (2,)), ("count", "f4", (2,))])
"""By side of the orders that are hit: newest block with prints, and the count just after it."""


@nb.njit(cache=True)
def clear_burst(burst: Any) -> None:
    """Nothing came."""
    burst.block_ns[:] = 0
    burst.count[:] = 0.0


@nb.njit(cache=True)
def hear_print(burst: Any, side: int, block_ns: int, tau_s: float) -> None:
    """A print of block time `block_ns` hits `side`; no more than the first of its block, in time order, counts."""
    if block_ns > burst.block_ns[side]:
        burst.count[side] = 1.0 + burst_count(burst, side, block_ns, tau_s)
        burst.block_ns[side] = block_ns


@nb.njit(cache=True)
def burst_count(burst: Any, side: int, now_ns: int, tau_s: float) -> float:
    """The count at `now_ns`."""
    if burst.block_ns[side] == 0:
        return 0.0
    passed_s = max(0.0, (now_ns - burst.block_ns[side]) / NS_PER_S)
    return np.float64(burst.count[side]) * time_constant_factor(passed_s, tau_s)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def burst_ratio(burst: Any, side: int, now_ns: int, tau_s: float, rate_per_s: float) -> float:
    """ln((m + 1) / (lambda tau + 1)) with lambda = `rate_per_s`."""
    return math.log((burst_count(burst, side, now_ns, tau_s) + 1.0) / (rate_per_s * tau_s + 1.0))
