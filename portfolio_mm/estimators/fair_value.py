"""Fair value (C1): mid plus a learned share of the micro-price's deviation.

fair = mid + w (micro - mid), w by one-parameter ridge regression with forgetting of the mid's relative change over the
next second on the deviation now, both in bps; w is clipped to [0, 1], so fair stays inside the touch.
Pairs are sampled on a block-time grid with the values prevailing there, so repeated messages teach nothing.
Source: Stoikov 2018 (weighted mid as first-order micro-price); theory §8.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.microprice import book_is_sane, weighted_mid_px

HEARS = ("BBO", "BOOK")
WARM_S = 1.0
"""Seconds of an ordinary market after which it is ready."""
SCORES: dict[str, str] = {}
UNSCORED = "scored by the regression it becomes"
LAG_STEPS = 4
"""The label is the mid's change over this many grid steps (1 s with the default grid)."""

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("prior_weight", "f8"),
        ("prior_count", "f8"),
        ("half_life_s", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pos", "i4"),
        ("refused", "i8"),
        ("holes", "i8"),
        ("next_grid_ns", "i8"),
        ("filled", "i8"),
        ("mid_px", "f8"),
        ("micro_px", "f8"),
        ("fair_px", "f8"),
        ("before_px", "f8"),
        ("micro_dev_bps", "f8"),
        ("weight", "f8"),
        ("parts_bps", "f8", (4,)),
        ("pairs", "f8"),
        ("sxx", "f8"),
        ("sxy", "f8"),
        ("ring_dev_bps", "f8", (LAG_STEPS,)),
        ("ring_mid_px", "f8", (LAG_STEPS,)),
    ]
)


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 250 ms grid, a hole after 10 s, prior weight 0.5 worth 200 pairs, half-life 30 min."""
    return np.array([(250_000_000, 10_000_000_000, 0.5, 200.0, 1800.0)], dtype=PARAMS)


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything. Prices are NaN until `ready`."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pos = 0
    st.refused = 0
    st.holes = 0
    st.next_grid_ns = 0
    st.filled = 0
    st.mid_px = np.nan
    st.micro_px = np.nan
    st.fair_px = np.nan
    st.before_px = np.nan
    st.micro_dev_bps = np.nan
    st.weight = p.prior_weight
    st.parts_bps[:] = 0.0
    st.pairs = 0.0
    st.sxx = 0.0
    st.sxy = 0.0
    st.ring_dev_bps[:] = 0.0
    st.ring_mid_px[:] = 0.0


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, bid_px: float, bid_sz: float, ask_px: float, ask_sz: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear the top of the book at block time `now_ns`.

    Guarantees: fair within [bid, ask]; a repeated unchanged message changes no estimate.
    Not guaranteed: that the deviation predicts anything on this coin; then w tends to 0.

    Returns:
        False when refused (one-sided, crossed, empty, NaN, or older than the last accepted message); state is kept.
    """
    if now_ns < st.last_ns or not book_is_sane(bid_px, bid_sz, ask_px, ask_sz):
        st.refused += 1
        return False
    if st.ready == 0 or now_ns - st.last_ns > p.gap_ns:
        st.holes += st.ready
        st.filled = 0
        st.next_grid_ns = (now_ns // p.grid_ns + 1) * p.grid_ns
    while st.next_grid_ns < now_ns:
        _sample(st, p)
        st.next_grid_ns += p.grid_ns
    if now_ns > st.last_ns:
        st.before_px = st.fair_px
    st.seen += 1
    st.last_ns = now_ns
    st.ready = 1
    mid_px = 0.5 * (bid_px + ask_px)
    micro_px = weighted_mid_px(bid_px, bid_sz, ask_px, ask_sz)
    st.mid_px = mid_px
    st.micro_px = micro_px
    st.micro_dev_bps = 1e4 * (micro_px - mid_px) / mid_px
    st.parts_bps[0] = st.weight * st.micro_dev_bps
    st.fair_px = mid_px + st.weight * (micro_px - mid_px)
    return True


@nb.njit(cache=True)
def _sample(st: Any, p: Any) -> None:
    """One grid step with the prevailing book: learn the pair that is due, remember the new one."""
    pos = st.pos
    if st.filled >= LAG_STEPS:
        keep = half_life_factor(p.grid_ns / NS_PER_S, p.half_life_s)
        dev_bps = st.ring_dev_bps[pos]
        move_bps = 1e4 * (st.mid_px - st.ring_mid_px[pos]) / st.ring_mid_px[pos]
        st.pairs = keep * st.pairs + 1.0
        st.sxx = keep * st.sxx + dev_bps * dev_bps
        st.sxy = keep * st.sxy + dev_bps * move_bps
        if st.sxx > 0.0:
            slope = (st.sxy / st.sxx * st.pairs + p.prior_count * p.prior_weight) / (st.pairs + p.prior_count)
            st.weight = min(1.0, max(0.0, slope))
    else:
        st.filled += 1
    st.ring_dev_bps[pos] = st.micro_dev_bps
    st.ring_mid_px[pos] = st.mid_px
    st.pos = (pos + 1) % LAG_STEPS


@nb.njit(cache=True)
def before(st: Any, now_ns: int) -> float:
    """Fair value strictly before block `now_ns`: what trades and fills of that block met. NaN when unknown."""
    if st.last_ns < now_ns:
        return st.fair_px  # type: ignore[no-any-return]
    return st.before_px  # type: ignore[no-any-return]
