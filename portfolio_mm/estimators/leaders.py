"""What other coins' moves say this one has still to follow (F2): the expected catch-up, bps.

    catch-up = sum_j beta_j c m_j,   m_j = sum of j's log moves, decayed with tau_j = 0.8 L_j,   c = 2 (1 - e^(-1.25))

beta_j and L_j (bps per bps, seconds until followed) come with the allocation. A move of the last L seconds is what is
still to be followed; the decayed sum with tau = 0.8 L is the exponential window closest to it (correlation 0.90) and c
its regression coefficient. Coefficients of the allocation's version are in force, those of other versions are not.
Times are receive times; a leader not heard for stale_ns drops out. Source: theory §7 (on-line use of lead-lag).
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import fair_row as row
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor

HEARS = ("LEADER", "LEAD", "ALLOCATION", "TIMER")
WARM_S = 1.0
"""Seconds of an ordinary market, with coefficients, after which it is ready."""
SCORES: dict[str, str] = {}
UNSCORED = "scored as the group `leaders` of fair value's regression"
SLOTS = 8
"""Leaders remembered; a ninth takes the place of the weakest."""
TAU_RATIO = 0.8
WINDOW_RATIO = 2.0 * (1.0 - math.exp(-1.0 / TAU_RATIO))

PARAMS = record([("stale_ns", "i8"), ("jump_bps", "f8")])
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("coming_version", "i8"),
        ("leader", "i4", (SLOTS,)),
        ("beta", "f8", (SLOTS,)),
        ("lag_s", "f8", (SLOTS,)),
        ("coming_beta", "f8", (SLOTS,)),
        ("coming_lag_s", "f8", (SLOTS,)),
        ("move_bps", "f8", (SLOTS,)),
        ("leader_px", "f8", (SLOTS,)),
        ("heard_ns", "i8", (SLOTS,)),
    ]
)
"""`leader` the coin's index, -1 for a free slot; `beta` in force, `coming_*` of a version not yet allocated."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: a leader is stale after 2 s; a single move counts at most 100 bps."""
    return np.array([(2_000_000_000, 100.0)], dtype=PARAMS)


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - as all resets
    """Forget everything."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.coming_version = 0
    for i in range(SLOTS):
        _clear(st, i)


@nb.njit(cache=True)
def _clear(st: Any, i: int) -> None:
    """Slot `i` belongs to nobody."""
    st.leader[i] = -1
    st.beta[i] = 0.0
    st.lag_s[i] = 0.0
    st.coming_beta[i] = 0.0
    st.coming_lag_s[i] = 0.0
    st.move_bps[i] = 0.0
    st.leader_px[i] = np.nan
    st.heard_ns[i] = 0


@nb.njit(cache=True)
def _slot_for(st: Any, leader: int) -> int:
    """The coin's slot, else the one whose coefficient, in force or coming, is the smallest."""
    weakest = 0
    least = 1e300
    for i in range(SLOTS):
        if st.leader[i] == leader:
            return i
        strength = max(abs(st.beta[i]), abs(st.coming_beta[i]))
        if strength < least:
            weakest, least = i, strength
    return weakest


@nb.njit(cache=True)
def on_lead(st: Any, leader: int, beta_ratio: float, lag_s: float, version: int) -> bool:
    """One coefficient of the coming version, which starts without any."""
    if not (-1e3 < beta_ratio < 1e3 and 0.0 < lag_s < 1e3):
        st.refused += 1
        return False
    if version != st.coming_version:
        st.coming_version = version
        for i in range(SLOTS):
            st.coming_beta[i] = 0.0
    i = _slot_for(st, leader)
    if st.leader[i] != leader:
        if abs(beta_ratio) <= max(abs(st.beta[i]), abs(st.coming_beta[i])):
            return False
        _clear(st, i)
        st.leader[i] = leader
    st.coming_beta[i] = beta_ratio
    st.coming_lag_s[i] = lag_s
    return True


@nb.njit(cache=True)
def adopt(st: Any, version: int) -> None:
    """An allocation of `version` came: its coefficients are in force, and no others."""
    for i in range(SLOTS):
        st.beta[i] = st.coming_beta[i] if version == st.coming_version else 0.0
        if st.coming_lag_s[i] > 0.0:
            st.lag_s[i] = st.coming_lag_s[i]


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, leader: int, px: float) -> bool:
    """Hear the mid of coin `leader` at receive time `now_ns`.

    Returns:
        False when refused (not a price, or older than the last message) or nobody we follow; state is kept.
    """
    if not 0.0 < px < 1e300 or now_ns < st.last_ns:
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns = now_ns
    for i in range(SLOTS):
        if st.leader[i] != leader:
            continue
        if st.heard_ns[i] > 0 and now_ns - st.heard_ns[i] <= p.stale_ns:
            step_bps = 1e4 * math.log(px / st.leader_px[i])
            keep = time_constant_factor((now_ns - st.heard_ns[i]) / NS_PER_S, TAU_RATIO * st.lag_s[i])
            st.move_bps[i] = keep * st.move_bps[i] + min(p.jump_bps, max(-p.jump_bps, step_bps))
        else:
            st.move_bps[i] = 0.0
        st.leader_px[i] = px
        st.heard_ns[i] = now_ns
        return True
    return False


@nb.njit(cache=True)
def say(st: Any, p: Any, now_ns: int, x: Any) -> None:
    """Write the catch-up expected at receive time `now_ns` into the row `x`; NaN when no leader is fresh."""
    total_bps, fresh = 0.0, 0
    for i in range(SLOTS):
        if st.beta[i] != 0.0 and st.heard_ns[i] > 0 and now_ns - st.heard_ns[i] <= p.stale_ns:
            keep = time_constant_factor((now_ns - st.heard_ns[i]) / NS_PER_S, TAU_RATIO * st.lag_s[i])
            total_bps += st.beta[i] * WINDOW_RATIO * keep * st.move_bps[i]
            fresh = 1
    st.ready = fresh
    x[row.CATCH_UP] = total_bps if fresh == 1 else np.nan
