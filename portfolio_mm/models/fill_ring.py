"""Own fills that wait for their labels, in a ring: each with what was known when its order was placed."""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.models.features import N_FEATURES

PENDING = 64
"""Fills that wait for a label: more than one a second for a minute are refused and counted."""
FIELDS: Final = [
    ("fill_ns", "i8", (PENDING,)),
    ("fill_side", "i4", (PENDING,)),
    ("fill_lots", "i8", (PENDING,)),
    ("fill_mid2", "i8", (PENDING,)),
    ("fill_px", "f8", (PENDING,)),
    ("fill_fair_px", "f8", (PENDING,)),
    ("fill_tid", "i8", (PENDING,)),
    ("fill_cloid_hi", "u8", (PENDING,)),
    ("fill_cloid_lo", "u8", (PENDING,)),
    ("fill_decision", "i8", (PENDING,)),
    ("fill_placed_ns", "i8", (PENDING,)),
    ("fill_signals_off", "i4", (PENDING,)),
    ("fill_approach_bps", "f4", (PENDING,)),
    ("fill_distance_bps", "f4", (PENDING,)),
    ("fill_adverse_bps", "f4", (PENDING,)),
    ("fill_probability", "f4", (PENDING,)),
    ("fill_features", "f4", (PENDING, N_FEATURES)),
]
"""Of the state that keeps the ring."""


@nb.njit(cache=True)
def clear_ring(st: Any) -> None:
    """Nothing is known of any fill."""
    for whole in (st.fill_ns, st.fill_placed_ns, st.fill_lots, st.fill_mid2, st.fill_tid):
        whole[:] = 0
    st.fill_decision[:] = 0
    st.fill_signals_off[:] = 0
    st.fill_side[:] = 0
    st.fill_cloid_hi[:] = 0
    st.fill_cloid_lo[:] = 0
    st.fill_px[:] = 0.0
    st.fill_fair_px[:] = 0.0
    st.fill_approach_bps[:] = 0.0
    for known in (st.fill_distance_bps, st.fill_adverse_bps, st.fill_probability):
        known[:] = np.nan
    st.fill_features[:, :] = np.nan


@nb.njit(cache=True)
def put(st: Any, slot: int, now_ns: int, fill: Any, px: float, fair_px: float, mid2: int, placed: Any) -> None:  # noqa: PLR0917 - flat arguments
    """Keep a fill in place `slot`; arguments as `markouts.on_fill`."""
    st.fill_ns[slot] = now_ns
    st.fill_side[slot] = fill.side
    st.fill_lots[slot] = fill.sz_lots
    st.fill_mid2[slot] = mid2
    st.fill_px[slot] = px
    st.fill_fair_px[slot] = fair_px
    st.fill_tid[slot] = fill.tid
    st.fill_cloid_hi[slot] = fill.cloid_hi
    st.fill_cloid_lo[slot] = fill.cloid_lo
    st.fill_decision[slot] = placed.decision
    st.fill_placed_ns[slot] = placed.placed_ns
    st.fill_signals_off[slot] = placed.signals_off
    st.fill_approach_bps[slot] = 0.0
    st.fill_distance_bps[slot] = placed.distance_bps
    st.fill_adverse_bps[slot] = placed.adverse_bps
    st.fill_probability[slot] = placed.fill_probability
    st.fill_features[slot, :] = placed.features


@nb.njit(cache=True)
def drawn(st: Any, draw: int, prior_bps: float, prior_count: float) -> float:
    """Approach of one of the newest fills, bps, `draw` by turns; `prior_bps` in prior_count turns of each round.

    It also stands in for a fill whose approach is not known.
    """
    known = min(st.tail, PENDING)
    turn = draw % max(1, known + int(prior_count))
    is_known = turn < known and not math.isnan(st.fill_approach_bps[turn])
    return float(st.fill_approach_bps[turn]) if is_known else prior_bps


@nb.njit(cache=True)
def is_new(st: Any, tid: int) -> bool:
    """Whether this trade id was not among the newest PENDING; it is now. 0 is no id and always new."""
    if tid == 0:
        return True
    for each in st.recent_tid:
        if each == tid:
            st.duplicates += 1
            return False
    st.recent_tid[st.tids % PENDING] = tid
    st.tids += 1
    return True
