"""Virtual fills at fixed distances: how often each depth is reached, and what the mid did to those who stood there.

For each depth d of a geometric grid, 0.1 to 32 bps from fair: the rate of sweeps of a side that reach d (1/s), and of
both sides together, because the drift of an hour separates the sides and foretells nothing,
    AS_d = E[sign (fair_before - mid_{t+5s}) / fair in bps | X >= d],   positive = loss of the maker, whatever captured.
A quote at d earns d - fee - AS_d per fill on average; when that is negative at every d, no quote can pay on this coin.
Depths are pooled (models/depth_pool.py) as far as blocks of block_ns bear it out, so that a depth nobody reached says
what the others make likely, and noise says the average of all. All sums are forgotten at one half-life.
That loss depends on depth is scored, too: before each sweep the profile says what a quote at each depth that it reaches
will lose, and so does its rival, the average of all sweeps. Every quote that the sweep would have filled is one
prediction. Being shrunk already, the profile speaks; what weight the average earns against it is the average's.
Source: theory §2.5 (probes), §8 (markout identity), §14 (blocks). Not guaranteed: that our own order, had it been
there, would have met the same sweeps, or stood first in the queue.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.depth_grid import DEPTH_BPS, DEPTHS, reached
from portfolio_mm.models.depth_pool import POOL, clear_pool, close_blocks, forget, pooled, take
from portfolio_mm.models.skill import SKILL, clear_skill, rival_weight, score
from portfolio_mm.models.sweep import SWEEP, absorb, clear, penetration_bps

HEARS = ("BBO", "BOOK", "TRADE", "TIMER")
WARM_S = 32.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"loss of a sweep by its depth": "the average of all sweeps"}
PENDING = 152

PARAMS = record(
    [
        ("horizon_ns", "i8"),
        ("late_ns", "i8"),
        ("gap_ns", "i8"),
        ("stale_ns", "i8"),
        ("refit_ns", "i8"),
        ("block_ns", "i8"),
        ("half_life_s", "f8"),
        ("ready_s", "f8"),
        ("prior_adverse_bps", "f8"),
        ("prior_count", "f8"),
        ("prior_sd_bps", "f8"),
        ("skill_half_life_s", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("overflow", "i8"),
        ("dropped", "i8"),
        ("next_refit_ns", "i8"),
        ("refit_ns", "i8"),
        ("next_block_ns", "i8"),
        ("observed_s", "f8"),
        ("exposure_s", "f8"),
        ("sweeps", SWEEP, (2,)),
        ("head", "i8"),
        ("tail", "i8"),
        ("due_ns", "i8", (PENDING,)),
        ("due_fair_px", "f8", (PENDING,)),
        ("due_side", "i1", (PENDING,)),
        ("due_reach_bps", "f4", (PENDING,)),
        ("due_said_bps", "f4", (PENDING,)),
        ("due_said_bps2", "f4", (PENDING,)),
        ("due_average_bps", "f4", (PENDING,)),
        ("reached", "f8", (2, DEPTHS)),
        ("pool", POOL),
        ("rate_per_s", "f8", (2, DEPTHS)),
        ("skill", SKILL),
    ]
)
"""`reached` counts sweeps, `pool` has the losses of those whose mid came due. `head`..`tail` are labels not yet due,
with what both forecasts said: the profile's sums over the depths reached, of bps and of bps^2."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s labels, 10 s blocks, half-life 30 min, prior 0 bps worth 20 sweeps of sd 5 bps.

    The score forgets with a half-life of 2 h.
    """
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_ns"], p["late_ns"], p["gap_ns"], p["stale_ns"] = 5 * 10**9, 2 * 10**9, 10**10, 2 * 10**9
    p["refit_ns"], p["block_ns"] = 10**9, 10**10
    p["half_life_s"], p["ready_s"] = 1800.0, 30.0
    p["prior_adverse_bps"], p["prior_count"], p["prior_sd_bps"] = 0.0, 20.0, 5.0
    p["skill_half_life_s"] = 7200.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; rates are 0 of 0 seconds until `ready`, losses the prior."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.overflow = 0
    st.dropped = 0
    st.next_refit_ns = 0
    st.refit_ns = 0
    st.next_block_ns = 0
    st.observed_s = 0.0
    st.exposure_s = 0.0
    st.head = 0
    st.tail = 0
    st.due_ns[:] = 0
    st.due_fair_px[:] = 0.0
    st.due_side[:] = 0
    st.due_reach_bps[:] = 0.0
    st.due_said_bps[:] = 0.0
    st.due_said_bps2[:] = 0.0
    st.due_average_bps[:] = 0.0
    clear_skill(st.skill)
    for cells in (st.reached, st.rate_per_s):
        cells[:, :] = 0.0
    clear_pool(st.pool, p.prior_adverse_bps, p.prior_count, p.prior_sd_bps)
    for side in range(2):
        clear(st.sweeps[side])


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_ns: int, mid_px: float, aggressor: int, px: float, fair_px: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear a trade (`aggressor` 0 buy, 1 sell) or that time passed and the mid may have moved (`aggressor` -1).

    `mid_px` is the newest mid and `mid_ns` its block time; `fair_px` the fair value before the trade's block. A label
    resolves at the first mid at or after its due time; when none came within stale_ns it is dropped, never guessed.

    Returns:
        False when refused (trade older than late_ns, time backwards, NaN or not positive numbers); state is kept.
    """
    is_trade = aggressor >= 0
    bad_px = is_trade and not (0.0 < px < 1e300 and 0.0 < fair_px < 1e300)
    if bad_px or now_ns <= 0 or now_ns < st.last_ns - (p.late_ns if is_trade else 0):
        st.refused += 1
        return False
    if st.seen == 0:
        st.refit_ns = now_ns
        st.next_refit_ns = now_ns + p.refit_ns
        st.next_block_ns = now_ns + p.block_ns
    elif st.last_ns < now_ns <= st.last_ns + p.gap_ns:
        st.exposure_s += (now_ns - st.last_ns) / NS_PER_S
        st.observed_s += (now_ns - st.last_ns) / NS_PER_S
    for side in range(2):
        if st.sweeps[side].open_ == 1 and st.sweeps[side].block_ns < now_ns:
            _close(st, p, side)
    st.seen += 1
    st.last_ns = max(st.last_ns, now_ns)
    if st.head < st.tail and st.due_ns[st.head % PENDING] <= st.last_ns:
        _resolve(st, p, mid_ns, mid_px)
    if is_trade:
        side = 1 - aggressor
        absorb(st.sweeps[side], now_ns, penetration_bps(side, px, fair_px), fair_px)
    if now_ns >= st.next_refit_ns:
        _refresh(st, p, now_ns)
    return True


@nb.njit(cache=True)
def _close(st: Any, p: Any, side: int) -> None:
    """The sweep's block is over: count every depth it reached, queue its label."""
    reach_bps = np.float64(np.float32(min(st.sweeps[side].depth_bps, DEPTH_BPS[DEPTHS - 1])))  # as the ring keeps it
    reach = reached(reach_bps)
    if reach >= 0:
        for j in range(reach + 1):
            st.reached[side, j] += 1.0
        if st.tail - st.head >= PENDING:
            st.overflow += 1
        else:
            slot = st.tail % PENDING
            st.due_ns[slot] = st.sweeps[side].block_ns + p.horizon_ns
            st.due_fair_px[slot] = st.sweeps[side].fair_px
            st.due_side[slot] = side
            st.due_reach_bps[slot] = reach_bps
            said_bps, said_bps2 = 0.0, 0.0
            for j in range(reach + 1):
                said_bps += st.pool.adverse_bps[j]
                said_bps2 += st.pool.adverse_bps[j] * st.pool.adverse_bps[j]
            st.due_said_bps[slot] = said_bps
            st.due_said_bps2[slot] = said_bps2
            st.due_average_bps[slot] = st.pool.adverse_bps[0]
            st.tail += 1
    clear(st.sweeps[side])


@nb.njit(cache=True)
def _resolve(st: Any, p: Any, mid_ns: int, mid_px: float) -> None:
    """Give each label that is due its mid, or drop it when no fresh mid came."""
    while st.head < st.tail:
        slot = st.head % PENDING
        due_ns = st.due_ns[slot]
        if due_ns > st.last_ns:
            break
        if 0 <= mid_ns - due_ns <= p.stale_ns and 0.0 < mid_px < 1e300:  # later: we were away
            _take(st, p, slot, penetration_bps(st.due_side[slot], mid_px, st.due_fair_px[slot]))
        elif st.last_ns - due_ns > p.stale_ns:
            st.dropped += 1
        else:
            break
        st.head += 1


@nb.njit(cache=True)
def _take(st: Any, p: Any, slot: int, loss_bps: float) -> None:
    """The sweep in place `slot` lost the maker `loss_bps`: score what was said of it, then learn."""
    reach_bps = np.float64(st.due_reach_bps[slot])
    reach = reached(reach_bps)
    quotes, naive = reach + 1.0, loss_bps - float(st.due_average_bps[slot])
    said = quotes * loss_bps * loss_bps - 2.0 * loss_bps * float(st.due_said_bps[slot])
    said = max(0.0, said + float(st.due_said_bps2[slot]))
    score(st.skill, st.due_ns[slot], said, quotes * naive * naive, p.block_ns / NS_PER_S, p.skill_half_life_s)
    take(st.pool, reach, reach_bps, loss_bps)


@nb.njit(cache=True)
def _refresh(st: Any, p: Any, now_ns: int) -> None:
    """Once a refit: forget, close the block when it is over, compute the outputs."""
    keep = half_life_factor((now_ns - st.refit_ns) / NS_PER_S, p.half_life_s)
    st.exposure_s *= keep
    for side in range(2):
        for j in range(DEPTHS):
            st.reached[side, j] *= keep
            if st.exposure_s > 0.0:
                st.rate_per_s[side, j] = st.reached[side, j] / st.exposure_s
    forget(st.pool, keep)
    if now_ns >= st.next_block_ns:
        close_blocks(st.pool)
        st.next_block_ns = now_ns + p.block_ns
    pooled(st.pool, p.prior_adverse_bps, p.prior_count, p.prior_sd_bps)
    st.refit_ns = now_ns
    st.next_refit_ns = now_ns + p.refit_ns
    st.ready = 1 if st.observed_s >= p.ready_s else 0


@nb.njit(cache=True)
def said_bps(st: Any, j: int) -> float:
    """Loss of what reaches grid depth `j`, bps: the profile's, moved to the average by what that has earned."""
    own_bps = st.pool.adverse_bps[j]
    return own_bps + rival_weight(st.skill) * (st.pool.adverse_bps[0] - own_bps)  # type: ignore[no-any-return]
