"""Order flow (C11): what the last seconds of book events and market orders say about the next one.

* OFI, Cont-Kukanov-Stoikov 2014: e = qb 1{Pb >= Pb'} - qb' 1{Pb <= Pb'} - qa 1{Pa <= Pa'} + qa' 1{Pa >= Pa'} per change
  of the touch, summed with a time constant and divided by the slow average depth of one side (unitless).
* Trade imbalance: signed over total volume of the same decay, total raised by what an average window trades, so that
  one small trade after silence says little.
* VPIN by aggressor flag over buckets of an average number of orders, mean of |B - S| / V, beside its own null
  sqrt(2 / (pi n)) with n = V^2 / sum v^2 orders of equal weight in the bucket (theory §8; never bulk classification).
* Buy pressure: z of the buying share of a window of orders against windows before it; z first, update after
  (predecessor §10, finding 10).

Prints of one block and side are one market order. Sizes in coins. What changed in a silence beyond gap_ns is no event.
Not guaranteed: that any of it predicts.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import fair_row as row
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.microprice import book_is_sane

HEARS = ("BBO", "BOOK", "TRADE")
WARM_S = 1.0
"""Seconds of an ordinary market after which it is ready."""
SCORES: dict[str, str] = {}
UNSCORED = "scored as the group `flow` of fair value's regression"

PARAMS = record(
    [
        ("tau_s", "f8"),
        ("trade_tau_s", "f8"),
        ("slow_tau_s", "f8"),
        ("gap_ns", "i8"),
        ("bucket_count", "f8"),
        ("bucket_memory_count", "f8"),
        ("order_memory_count", "f8"),
        ("min_buckets", "i8"),
        ("window_orders", "i8"),
        ("window_alpha", "f8"),
        ("min_windows", "i8"),
        ("floor_share", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("order_side", "i4"),
        ("refused", "i8"),
        ("top_px", "f8", (2,)),
        ("top_sz", "f8", (2,)),
        ("ofi_sz", "f8"),
        ("depth_sums", "f8", (2,)),
        ("trade_ns", "i8"),
        ("signed_sz", "f8"),
        ("volume_sz", "f8"),
        ("slow_sz", "f8"),
        ("slow_share", "f8"),
        ("order_ns", "i8"),
        ("order_sz", "f8"),
        ("order_sums", "f8", (2,)),
        ("bucket_sums", "f8", (3,)),
        ("buckets", "i8"),
        ("vpin_sums", "f8", (3,)),
        ("vpin_excess", "f8"),
        ("window_n", "i8"),
        ("window_sums", "f8", (2,)),
        ("windows", "i8"),
        ("pressure_share", "f8"),
        ("pressure_square", "f8"),
        ("pressure_z", "f8"),
    ]
)
"""`depth_sums` (mass, depth); `slow_share` of the slow memory that is filled; `order_sums` (orders, volume);
`bucket_sums` (volume, signed, squares); `vpin_sums` (mass, share, null); `window_sums` (volume, bought);
`pressure_square` the variance of the share."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: OFI 1 s, trades 5 s, averages 5 min; buckets of 20 orders, 50 of them; windows of 20."""
    p = np.zeros(1, dtype=PARAMS)
    p["tau_s"], p["trade_tau_s"], p["slow_tau_s"] = 1.0, 5.0, 300.0
    p["gap_ns"] = 5_000_000_000
    p["bucket_count"], p["bucket_memory_count"], p["order_memory_count"] = 20.0, 50.0, 500.0
    p["min_buckets"], p["window_orders"], p["window_alpha"] = 10, 20, 0.1
    p["min_windows"], p["floor_share"] = 10, 0.02
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.order_side = -1
    st.refused = 0
    st.top_px[:] = np.nan
    st.top_sz[:] = np.nan
    st.ofi_sz = 0.0
    st.depth_sums[:] = 0.0
    st.trade_ns = 0
    st.signed_sz = 0.0
    st.volume_sz = 0.0
    st.slow_sz = 0.0
    st.slow_share = 0.0
    st.order_ns = 0
    st.order_sz = 0.0
    st.order_sums[:] = 0.0
    st.bucket_sums[:] = 0.0
    st.buckets = 0
    st.vpin_sums[:] = 0.0
    st.vpin_excess = np.nan
    st.window_n = 0
    st.window_sums[:] = 0.0
    st.windows = 0
    st.pressure_share = 0.5
    st.pressure_square = p.floor_share * p.floor_share
    st.pressure_z = np.nan


@nb.njit(cache=True)
def ofi_event(before_px: Any, before_sz: Any, bid_px: float, bid_sz: float, ask_px: float, ask_sz: float) -> float:  # noqa: PLR0917 - flat arguments
    """Order flow imbalance of one change of the touch, coins; `before_*` are (bid, ask)."""
    e_sz = 0.0
    if bid_px >= before_px[0]:
        e_sz += bid_sz
    if bid_px <= before_px[0]:
        e_sz -= before_sz[0]
    if ask_px <= before_px[1]:
        e_sz -= ask_sz
    if ask_px >= before_px[1]:
        e_sz += before_sz[1]
    return e_sz


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, bid_px: float, bid_sz: float, ask_px: float, ask_sz: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear the touch at block time `now_ns`.

    Returns:
        False when refused (one-sided, crossed, empty, NaN, or older than the last accepted one); state is kept.
    """
    if now_ns < st.last_ns or not book_is_sane(bid_px, bid_sz, ask_px, ask_sz):
        st.refused += 1
        return False
    if st.ready == 1 and now_ns - st.last_ns <= p.gap_ns:
        seconds = (now_ns - st.last_ns) / NS_PER_S
        slow = time_constant_factor(seconds, p.slow_tau_s)
        st.depth_sums[0] = slow * st.depth_sums[0] + 1.0 - slow
        st.depth_sums[1] = slow * st.depth_sums[1] + (1.0 - slow) * 0.5 * (st.top_sz[0] + st.top_sz[1])
        event_sz = ofi_event(st.top_px, st.top_sz, bid_px, bid_sz, ask_px, ask_sz)
        st.ofi_sz = time_constant_factor(seconds, p.tau_s) * st.ofi_sz + event_sz
    else:
        st.ofi_sz = 0.0
    st.seen += 1
    st.last_ns = now_ns
    st.ready = 1
    st.top_px[0], st.top_px[1] = bid_px, ask_px
    st.top_sz[0], st.top_sz[1] = bid_sz, ask_sz
    return True


@nb.njit(cache=True)
def on_trade(st: Any, p: Any, now_ns: int, side: int, px: float, sz: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear a print of aggressor `side` (0 buys); False when refused (not finite, not positive, or long overdue)."""
    if not (0.0 < px < 1e300 and 0.0 < sz < 1e300) or now_ns < st.trade_ns - p.gap_ns:
        st.refused += 1
        return False
    if now_ns > st.trade_ns:
        _forget(st, p, (now_ns - st.trade_ns) / NS_PER_S if st.trade_ns > 0 else 0.0)
        st.trade_ns = now_ns
    sign = 1.0 - 2.0 * side
    st.signed_sz += sign * sz
    st.volume_sz += sz
    st.slow_sz += sz
    if now_ns == st.order_ns and side == st.order_side:
        st.bucket_sums[2] += sz * (2.0 * st.order_sz + sz)
        st.order_sz += sz
        st.order_sums[1] += sz
    else:
        _new_order(st, p, now_ns, side, sz)
    st.bucket_sums[0] += sz
    st.bucket_sums[1] += sign * sz
    st.window_sums[0] += sz
    st.window_sums[1] += sz if side == 0 else 0.0
    return True


@nb.njit(cache=True)
def _forget(st: Any, p: Any, seconds: float) -> None:
    """Volumes decay by `seconds`."""
    keep, slow = time_constant_factor(seconds, p.trade_tau_s), time_constant_factor(seconds, p.slow_tau_s)
    st.signed_sz *= keep
    st.volume_sz *= keep
    st.slow_sz *= slow
    st.slow_share = 1.0 - (1.0 - st.slow_share) * slow


@nb.njit(cache=True)
def _new_order(st: Any, p: Any, now_ns: int, side: int, sz: float) -> None:
    """A market order of its own begins; bucket and window that the one before has filled are closed."""
    average_sz = st.order_sums[1] / st.order_sums[0] if st.order_sums[0] > 0.0 else sz
    if st.bucket_sums[0] >= p.bucket_count * average_sz * (1.0 - 1e-9):
        _close_bucket(st, p)
    if st.window_n >= p.window_orders:
        _close_window(st, p)
    keep = 1.0 - 1.0 / p.order_memory_count
    st.order_sums[0] = keep * st.order_sums[0] + 1.0
    st.order_sums[1] = keep * st.order_sums[1] + sz
    st.bucket_sums[2] += sz * sz
    st.window_n += 1
    st.order_ns = now_ns
    st.order_side = side
    st.order_sz = sz


@nb.njit(cache=True)
def _close_bucket(st: Any, p: Any) -> None:
    """One more |B - S| / V and the null of a bucket of as many orders."""
    volume_sz, squares = st.bucket_sums[0], st.bucket_sums[2]
    keep = 1.0 - 1.0 / p.bucket_memory_count
    st.vpin_sums[0] = keep * st.vpin_sums[0] + 1.0
    st.vpin_sums[1] = keep * st.vpin_sums[1] + abs(st.bucket_sums[1]) / volume_sz
    st.vpin_sums[2] = keep * st.vpin_sums[2] + min(1.0, math.sqrt(2.0 / math.pi * squares) / volume_sz)
    st.buckets += 1
    if st.buckets >= p.min_buckets:
        st.vpin_excess = (st.vpin_sums[1] - st.vpin_sums[2]) / st.vpin_sums[0]
    st.bucket_sums[:] = 0.0


@nb.njit(cache=True)
def _close_window(st: Any, p: Any) -> None:
    """Set z of this window's buying share against the windows before it, then the averages learn it."""
    share = st.window_sums[1] / st.window_sums[0]
    away = share - st.pressure_share
    if st.windows >= p.min_windows:
        st.pressure_z = away / max(p.floor_share, math.sqrt(st.pressure_square))
    alpha = p.window_alpha if st.windows > 0 else 1.0
    st.pressure_share += alpha * away
    if st.windows > 0:
        st.pressure_square = (1.0 - alpha) * (st.pressure_square + alpha * away * away)
    st.windows += 1
    st.window_n = 0
    st.window_sums[:] = 0.0


@nb.njit(cache=True)
def say(st: Any, p: Any, now_ns: int, x: Any) -> None:
    """Write this group's regressors as of block time `now_ns` into the row `x`; NaN before the first book."""
    if st.ready == 0:
        x[row.ORDER_FLOW] = np.nan
        x[row.TRADE_IMBALANCE] = np.nan
        return
    depth_sz = 0.5 * (st.top_sz[0] + st.top_sz[1])
    if st.depth_sums[0] > 0.0:
        depth_sz = st.depth_sums[1] / st.depth_sums[0]
    x[row.ORDER_FLOW] = time_constant_factor((now_ns - st.last_ns) / NS_PER_S, p.tau_s) * st.ofi_sz / depth_sz
    x[row.TRADE_IMBALANCE] = 0.0
    if st.volume_sz > 0.0:
        keep = time_constant_factor((now_ns - st.trade_ns) / NS_PER_S, p.trade_tau_s)
        usual_sz = st.slow_sz * p.trade_tau_s / (p.slow_tau_s * max(st.slow_share, p.trade_tau_s / p.slow_tau_s))
        x[row.TRADE_IMBALANCE] = keep * st.signed_sz / (keep * st.volume_sz + usual_sz)
