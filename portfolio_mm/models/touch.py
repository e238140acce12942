"""Where the nearest order stood: market orders that reach less far print nothing, and are not seen (left truncation).

Of sweeps with rate A and reach X ~ exp(k) from fair, those with X < h pass without a print while the nearest order of
a side stands h bps from fair. So n sweeps seen have the likelihood of n counts of mean A sum_b s_b e^(-k h_b), s_b the
seconds that the nearest order stood in distance bin b. The top of others after a sweep's block says where it stopped.
Source: theory §2.5 (likelihood of probes); truncation as in survival analysis (delayed entry).
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.depth_bins import BINS, bin_of

TOUCH = record(
    [
        ("top_ns", "i8", (2,)),
        ("top_px", "f8", (2, 2)),
        ("near_bps", "f8", (2,)),
        ("near_s", "f8", (2, BINS)),
        ("near_moment", "f8", (2, BINS)),
    ]
)
"""Newest top of others and the one of an earlier block (`top_px[age, side]`, ns 0: none); distance of the nearest order
of each side from fair (NaN: not known, taken as 0), and by bins for how long it stood how far (seconds, and seconds
times bps)."""


@nb.njit(cache=True)
def clear_touch(touch: Any) -> None:
    """Nothing seen: the nearest order is taken to stand at fair."""
    touch.top_ns[:] = 0
    touch.near_bps[:] = np.nan
    touch.top_px[:, :] = 0.0
    touch.near_s[:, :] = 0.0
    touch.near_moment[:, :] = 0.0


@nb.njit(cache=True)
def see_top(touch: Any, top_ns: int, bid_px: float, ask_px: float) -> None:
    """The top of others of block time `top_ns`, not older than the newest one."""
    if top_ns > touch.top_ns[0]:
        touch.top_ns[1] = touch.top_ns[0]
        touch.top_px[1, 0] = touch.top_px[0, 0]
        touch.top_px[1, 1] = touch.top_px[0, 1]
        touch.top_ns[0] = top_ns
    touch.top_px[0, 0] = bid_px
    touch.top_px[0, 1] = ask_px


@nb.njit(cache=True)
def top_at(touch: Any, side: int, block_ns: int) -> float:
    """Best price of others on `side` after block `block_ns`; 0 when only later ones are known, or none."""
    for age in range(2):
        if 0 < touch.top_ns[age] <= block_ns:
            return touch.top_px[age, side]  # type: ignore[no-any-return]
    return 0.0


@nb.njit(cache=True)
def is_known(touch: Any, side: int) -> bool:
    """Whether anybody has said where the nearest order of a side stands."""
    return not math.isnan(touch.near_bps[side])


@nb.njit(cache=True)
def wait(touch: Any, seconds: float) -> None:
    """The nearest orders stood for so long where they were last said to stand."""
    for side in range(2):
        bps = max(0.0, touch.near_bps[side]) if is_known(touch, side) else 0.0
        j = bin_of(bps)
        touch.near_s[side, j] += seconds
        touch.near_moment[side, j] += seconds * bps


@nb.njit(cache=True)
def forget_touch(touch: Any, keep: float) -> None:
    """The time that orders stood counts `keep` of what it did."""
    for side in range(2):
        for j in range(BINS):
            touch.near_s[side, j] *= keep
            touch.near_moment[side, j] *= keep


@nb.njit(cache=True)
def seen_shares(touch: Any, side: int, depth_bps: Any, k: float, shares: Any) -> None:
    """Shares of the sweeps that reach each depth which went on to an order and were seen; 1 before anything is known.

    E e^(-k max(0, h - depth)) over the time remembered, for depths that grow. Each h has its exponential at the deepest
    depth before it; at the ones before that it is the next one's times e^(-k step).
    """
    seconds, beyond_s = 0.0, 0.0
    for b in range(BINS):
        seconds += touch.near_s[side, b]
    for j in range(len(depth_bps) - 1, -1, -1):
        here_bps, next_bps, before_s = depth_bps[j], np.inf, 0.0
        if j < len(depth_bps) - 1:
            next_bps = depth_bps[j + 1]
            beyond_s *= math.exp(-min(50.0, k * (next_bps - here_bps)))
        for b in range(BINS):
            near_s, moment = touch.near_s[side, b], touch.near_moment[side, b]
            if moment <= here_bps * near_s:
                before_s += near_s
            elif moment <= next_bps * near_s:
                beyond_s += near_s * math.exp(-min(50.0, k * (moment / near_s - here_bps)))
        shares[j] = (before_s + beyond_s) / seconds if seconds > 0.0 else 1.0
