"""Virtual fills at fixed distances: how often each depth is reached, and what the mid did to those who stood there.

For each side and each depth d of a geometric grid, 0.1 to 32 bps from fair: the rate of sweeps that reach d (1/s), and
AS_d = E[sign (fair_before - mid_{t+5s}) / fair in bps | X >= d], positive = loss of the maker, whatever they captured.
A quote at d earns d - fee - AS_d per fill on average; when that is negative at every d, no quote can pay on this coin.
Means are shrunk to a prior with pseudo-counts; standard errors are clustered over blocks of block_s seconds, because
sweeps come in bursts that share one mid. All sums are forgotten at one half-life.
That loss depends on depth is a claim, and scored: before each sweep the profile says what a quote at each depth that it
reaches will lose, and so does its rival, the average of all sweeps of that side, whatever they reach. Every quote that
the sweep would have filled is one prediction; to ask the deepest alone would ask for the loss of sweeps that ended
there, which is less than that of all that came so far. `said_bps` is the average until the claim has beaten it, and
moves to the profile by the weight it has earned; errors stay those of the depth.
Source: theory §2.5 (probes), §8 (markout identity), §14 (blocks). Not guaranteed: that our own order, had it been
there, would have met the same sweeps, or stood first in the queue.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.skill import SKILL, clear_skill, score
from portfolio_mm.models.sweep import SWEEP, absorb, clear, penetration_bps

HEARS = ("BBO", "BOOK", "TRADE", "TIMER")
WARM_S = 32.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"loss of a sweep by its depth": "the average of all sweeps of its side"}
DEPTHS = 10
DEPTH_BPS: Final = tuple(0.1 * 320.0 ** (j / 9.0) for j in range(DEPTHS))
"""The grid: 0.1, 0.19, 0.36, 0.68, 1.3, 2.5, 4.7, 8.9, 16.9, 32 bps."""
LOG_FIRST: Final = math.log(0.1)
LOG_STEP: Final = math.log(320.0) / 9.0
PENDING = 160

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
        ("due_reach", "i1", (PENDING,)),
        ("due_said_bps", "f4", (PENDING,)),
        ("due_said_bps2", "f4", (PENDING,)),
        ("due_average_bps", "f4", (PENDING,)),
        ("reached", "f8", (2, DEPTHS)),
        ("labels", "f8", (2, DEPTHS)),
        ("loss", "f8", (2, DEPTHS)),
        ("block_n", "f8", (2, DEPTHS)),
        ("block_loss", "f8", (2, DEPTHS)),
        ("cluster_nn", "f8", (2, DEPTHS)),
        ("cluster_nl", "f8", (2, DEPTHS)),
        ("cluster_ll", "f8", (2, DEPTHS)),
        ("rate_per_s", "f8", (2, DEPTHS)),
        ("adverse_bps", "f8", (2, DEPTHS)),
        ("adverse_se_bps", "f8", (2, DEPTHS)),
        ("skill", SKILL),
    ]
)
"""`reached` counts sweeps, `labels` those whose mid came due, `loss` their summed loss (bps); `block_*` the running
block, `cluster_*` sums over closed blocks of n^2, n loss, loss^2. `head`..`tail` are labels not yet due, with what
both forecasts said: the profile's sums over the depths reached, of bps and of bps^2."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s labels, 10 s blocks, half-life 30 min, prior 0 bps worth 10 sweeps of sd 5 bps.

    The score forgets with a half-life of 2 h.
    """
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_ns"], p["late_ns"], p["gap_ns"], p["stale_ns"] = 5 * 10**9, 2 * 10**9, 10**10, 2 * 10**9
    p["refit_ns"], p["block_ns"] = 10**9, 10**10
    p["half_life_s"], p["ready_s"] = 1800.0, 30.0
    p["prior_adverse_bps"], p["prior_count"], p["prior_sd_bps"] = 0.0, 10.0, 5.0
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
    st.due_reach[:] = 0
    st.due_said_bps[:] = 0.0
    st.due_said_bps2[:] = 0.0
    st.due_average_bps[:] = 0.0
    clear_skill(st.skill)
    for cells in (st.reached, st.labels, st.loss, st.block_n, st.block_loss):
        cells[:, :] = 0.0
    for cells in (st.cluster_nn, st.cluster_nl, st.cluster_ll, st.rate_per_s):
        cells[:, :] = 0.0
    st.adverse_bps[:, :] = p.prior_adverse_bps
    st.adverse_se_bps[:, :] = p.prior_sd_bps / math.sqrt(max(p.prior_count, 1e-9))
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
def _reach(depth_bps: float) -> int:
    """Index of the deepest grid point reached, -1 when none was."""
    if depth_bps < 0.1:
        return -1
    j = int((math.log(depth_bps) - LOG_FIRST) / LOG_STEP + 1e-9)
    return min(j, DEPTHS - 1)


@nb.njit(cache=True)
def _close(st: Any, p: Any, side: int) -> None:
    """The sweep's block is over: count every depth it reached, queue its label."""
    reach = _reach(st.sweeps[side].depth_bps)
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
            st.due_reach[slot] = reach
            said_bps, said_bps2 = 0.0, 0.0
            for j in range(reach + 1):
                said_bps += st.adverse_bps[side, j]
                said_bps2 += st.adverse_bps[side, j] * st.adverse_bps[side, j]
            st.due_said_bps[slot] = said_bps
            st.due_said_bps2[slot] = said_bps2
            st.due_average_bps[slot] = st.adverse_bps[side, 0]
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
        if mid_ns >= due_ns and 0.0 < mid_px < 1e300:
            side = st.due_side[slot]
            loss_bps = penetration_bps(side, mid_px, st.due_fair_px[slot])
            quotes, naive = st.due_reach[slot] + 1.0, loss_bps - float(st.due_average_bps[slot])
            said = quotes * loss_bps * loss_bps - 2.0 * loss_bps * float(st.due_said_bps[slot])
            said = max(0.0, said + float(st.due_said_bps2[slot]))
            score(st.skill, due_ns, said, quotes * naive * naive, p.block_ns / NS_PER_S, p.skill_half_life_s)
            for j in range(st.due_reach[slot] + 1):
                st.labels[side, j] += 1.0
                st.loss[side, j] += loss_bps
                st.block_n[side, j] += 1.0
                st.block_loss[side, j] += loss_bps
        elif st.last_ns - due_ns > p.stale_ns:
            st.dropped += 1
        else:
            break
        st.head += 1


@nb.njit(cache=True)
def _refresh(st: Any, p: Any, now_ns: int) -> None:
    """Once a refit: forget, close the block when it is over, compute the outputs."""
    keep = half_life_factor((now_ns - st.refit_ns) / NS_PER_S, p.half_life_s)
    ends = now_ns >= st.next_block_ns
    st.exposure_s *= keep
    for side in range(2):
        for j in range(DEPTHS):
            st.reached[side, j] *= keep
            st.labels[side, j] *= keep
            st.loss[side, j] *= keep
            st.cluster_nn[side, j] *= keep
            st.cluster_nl[side, j] *= keep
            st.cluster_ll[side, j] *= keep
            if ends:
                n, loss = st.block_n[side, j], st.block_loss[side, j]
                st.cluster_nn[side, j] += n * n
                st.cluster_nl[side, j] += n * loss
                st.cluster_ll[side, j] += loss * loss
                st.block_n[side, j] = 0.0
                st.block_loss[side, j] = 0.0
            _publish(st, p, side, j)
    if ends:
        st.next_block_ns = now_ns + p.block_ns
    st.refit_ns = now_ns
    st.next_refit_ns = now_ns + p.refit_ns
    st.ready = 1 if st.observed_s >= p.ready_s else 0


@nb.njit(cache=True)
def _publish(st: Any, p: Any, side: int, j: int) -> None:
    """Rate, shrunken loss and its clustered standard error at one depth."""
    if st.exposure_s > 0.0:
        st.rate_per_s[side, j] = st.reached[side, j] / st.exposure_s
    n, total = st.labels[side, j], st.loss[side, j]
    mass = n + p.prior_count
    if mass <= 0.0:
        return
    st.adverse_bps[side, j] = (total + p.prior_count * p.prior_adverse_bps) / mass
    own = total / n if n > 0.0 else p.prior_adverse_bps
    open_n, open_loss = st.block_n[side, j], st.block_loss[side, j]
    squares = st.cluster_ll[side, j] + open_loss * open_loss
    squares -= 2.0 * own * (st.cluster_nl[side, j] + open_n * open_loss)
    squares += own * own * (st.cluster_nn[side, j] + open_n * open_n)
    spread = max(0.0, squares) + p.prior_count * p.prior_sd_bps * p.prior_sd_bps
    st.adverse_se_bps[side, j] = math.sqrt(spread) / mass


@nb.njit(cache=True)
def said_bps(st: Any, side: int, j: int) -> float:
    """Expected loss of what reaches grid depth `j` on `side`, bps: the average, by depth as far as that is earned."""
    average_bps = st.adverse_bps[side, 0]
    return average_bps + st.skill.weight * (st.adverse_bps[side, j] - average_bps)  # type: ignore[no-any-return]
