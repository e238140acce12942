"""Jumps (C3): how often the price jumps past a quote, per side, and what a quote at a distance loses to it.

A return of one grid step is a jump when it is beyond clip_sd standard deviations of what was known before it,

    s^2 = max(sigma^2 dt, bipower EWMA of half a minute) + 2 noise^2,

and beyond min_jump_bps. With clip_sd 4 a Gaussian second is called a jump 5.5 times a day (Lee and Mykland's largest
of a day at size 1 % would be 5.3 sd): false ones are barely beyond 4 sd, and cost a quote at 5 bps nothing it notices.
On a grid of depths the summed excess (|J| - d)+ of each side is forgotten at one half-life; per second of exposure it
is lambda_J E[(|J| - d)+], the expected pick-off loss. The two sides are pooled while jumps are few.

Score: jumps of the next minute on each side, from the same pooled counts, against a Gaussian market of known sigma.

No double counting: a jump that came with a sweep to depth d on that side (from horizon_s before its end) is already in
the adverse selection that the depth profile and own markouts measure at d, so it adds nothing at d or nearer: only
what is beyond what sweeps showed is added. Sizes are signed, up moves hurt the ask. Source: theory §6; Merton 1976.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.grid import GRID, advance, clear_grid, is_hole
from portfolio_mm.models.poisson import log_loss
from portfolio_mm.models.skill import SKILL, clear_skill, score
from portfolio_mm.models.sweep import penetration_bps

HEARS = ("BBO", "BOOK", "TRADE")
WARM_S = 61.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"jumps of the next minute": "as many as a Gaussian market of known sigma has (Poisson log loss)"}
DEPTHS = 9
DEPTH_BPS: Final = tuple(2.0 * 1.5**j for j in range(DEPTHS))
"""The grid: 2, 3, 4.5, 6.8, 10, 15, 23, 34, 51 bps."""
LOG_STEP: Final = math.log(1.5)

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("settle_ns", "i8"),
        ("horizon_ns", "i8"),
        ("recent_ns", "i8"),
        ("judge_ns", "i8"),
        ("clip_sd", "f8"),
        ("min_jump_bps", "f8"),
        ("local_tau_s", "f8"),
        ("half_life_s", "f8"),
        ("prior_s", "f8"),
        ("pool_count", "f8"),
        ("ready_s", "f8"),
        ("block_s", "f8"),
        ("max_premium_bps", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("grid", GRID),
        ("sigma_bps", "f8"),
        ("noise_bps", "f8"),
        ("local_bps2", "f8"),
        ("before_bps", "f8"),
        ("observed_s", "f8"),
        ("exposure_s", "f8"),
        ("jump_z", "f8"),
        ("jump_ns", "i8"),
        ("reach_ns", "i8", (2,)),
        ("reach_bps", "f8", (2,)),
        ("pending_ns", "i8", (2,)),
        ("pending_bps", "f8", (2,)),
        ("jump_count", "f8", (2,)),
        ("size_bps", "f8", (2,)),
        ("size_bps2", "f8", (2,)),
        ("excess_bps", "f8", (2, DEPTHS)),
        ("due_ns", "i8"),
        ("said_count", "f8", (2,)),
        ("came_count", "f8", (2,)),
        ("skill", SKILL),
    ]
)
"""`sigma_bps`, `noise_bps` and `before_bps` (last return) are those of the step before; `local_bps2` the bipower EWMA;
`reach_*` the deepest recent sweep, `pending_*` a jump whose sweeps may still be on their way; `size_*` weighted sums of
|J| and J^2; until `due_ns` `said_count` jumps are expected, `came_count` were counted; `jump_z` the largest
standardised return of the last recent_ns, signed as the market moved."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 1 s grid, 4 sd, at least 2 bps, half-life a day, rates over an hour more than was seen."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["gap_ns"], p["settle_ns"], p["horizon_ns"] = 10**9, 10**10, 2 * 10**9, 5 * 10**9
    p["recent_ns"], p["clip_sd"], p["min_jump_bps"], p["local_tau_s"] = 10**10, 4.0, 2.0, 30.0
    p["half_life_s"], p["prior_s"], p["pool_count"], p["ready_s"] = 86_400.0, 3_600.0, 20.0, 60.0
    p["max_premium_bps"], p["judge_ns"], p["block_s"] = 10.0, 60 * 10**9, 300.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - every part is reset with its parameters
    """Forget everything; no jump is expected until one was seen."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    clear_grid(st.grid)
    st.sigma_bps = 0.0
    st.noise_bps = 0.0
    st.local_bps2 = 0.0
    st.before_bps = 0.0
    st.observed_s = 0.0
    st.exposure_s = 0.0
    st.jump_z = 0.0
    st.jump_ns = 0
    for times in (st.reach_ns, st.pending_ns):
        times[:] = 0
    for sums in (st.reach_bps, st.pending_bps, st.jump_count, st.size_bps, st.size_bps2):
        sums[:] = 0.0
    for counts in (st.said_count, st.came_count):
        counts[:] = 0.0
    st.excess_bps[:, :] = 0.0
    st.due_ns = 0
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_px: float, sigma_bps: float, noise_bps: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear a mid at block time with what is known of sigma (bps per sqrt(s)) and of the noise of one mid (sd, bps).

    Returns:
        False when refused (NaN, not positive, or older than the last accepted message); state is kept.
    """
    known = 0.0 < sigma_bps < 1e300 and 0.0 <= noise_bps < 1e300
    if now_ns < st.last_ns or not (known and 0.0 < mid_px < 1e300):
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns = now_ns
    hole = is_hole(st.grid, p.gap_ns, now_ns)
    steps, move_bps = advance(st.grid, p.grid_ns, p.gap_ns, now_ns, mid_px)
    if hole:
        st.before_bps, st.due_ns = 0.0, 0
    for i in range(steps):
        _step(st, p, move_bps if i == 0 else 0.0, st.grid.next_ns - (steps - i) * p.grid_ns)
    for side in range(2):
        if st.pending_bps[side] > 0.0 and now_ns >= st.pending_ns[side] + p.settle_ns:
            _count(st, p, side)
    if steps > 0 or st.sigma_bps == 0.0:
        st.sigma_bps, st.noise_bps = sigma_bps, noise_bps
    return True


@nb.njit(cache=True)
def _step(st: Any, p: Any, move_bps: float, at_ns: int) -> None:
    """One grid return that ended at `at_ns`: is it a jump, given what was known before it?"""
    grid_s = p.grid_ns / NS_PER_S
    scale_bps = math.sqrt(max(st.sigma_bps * st.sigma_bps * grid_s, st.local_bps2) + 2.0 * st.noise_bps * st.noise_bps)
    z = move_bps / scale_bps if scale_bps > 0.0 else 0.0
    if abs(z) >= abs(st.jump_z) or at_ns - st.jump_ns > p.recent_ns:
        st.jump_z, st.jump_ns = z, at_ns
    keep = half_life_factor(grid_s, p.half_life_s)
    st.observed_s += grid_s
    st.exposure_s = keep * st.exposure_s + grid_s
    st.ready = 1 if st.observed_s >= p.ready_s else 0
    for side in range(2):
        st.jump_count[side] *= keep
        st.size_bps[side] *= keep
        st.size_bps2[side] *= keep
        for j in range(DEPTHS):
            st.excess_bps[side, j] *= keep
    if st.ready == 1 and abs(z) > p.clip_sd and abs(move_bps) >= p.min_jump_bps:
        side = 1 if move_bps > 0.0 else 0
        if st.pending_bps[side] == 0.0:
            st.pending_ns[side] = at_ns
        st.pending_bps[side] += abs(move_bps)
    if st.ready == 1 and at_ns >= st.due_ns:
        _judge(st, p, at_ns)
    held_bps = p.clip_sd * scale_bps
    product = 0.5 * math.pi * min(abs(move_bps), held_bps) * min(abs(st.before_bps), held_bps)
    st.local_bps2 += (1.0 - math.exp(-grid_s / p.local_tau_s)) * (product - st.local_bps2)
    st.before_bps = move_bps


@nb.njit(cache=True)
def _judge(st: Any, p: Any, now_ns: int) -> None:
    """A minute is over: score what it brought; of the next one expect a Gaussian market's jumps and what is more."""
    gauss_per_s = 0.5 * math.erfc(p.clip_sd / math.sqrt(2.0)) * NS_PER_S / p.grid_ns
    span_s = p.judge_ns / NS_PER_S
    if st.due_ns > 0:
        own, rival = 0.0, 0.0
        for side in range(2):
            own += log_loss(st.came_count[side], st.said_count[side])
            rival += log_loss(st.came_count[side], gauss_per_s * span_s)
        score(st.skill, now_ns, own, rival, p.block_s, p.half_life_s)
    share = _own_share(st, p)
    for side in range(2):
        count = share * st.jump_count[side] + (1.0 - share) * st.jump_count[1 - side]
        more_per_s = max(0.0, count - gauss_per_s * st.exposure_s) / (st.exposure_s + p.prior_s)
        st.said_count[side] = span_s * (gauss_per_s + more_per_s)
        st.came_count[side] = 0.0
    st.due_ns = now_ns + p.judge_ns


@nb.njit(cache=True)
def _own_share(st: Any, p: Any) -> float:
    """What a side's own jumps weigh beside the other side's: half while jumps are few."""
    count = st.jump_count[0] + st.jump_count[1]
    return 0.5 + 0.5 * count / (count + p.pool_count)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _count(st: Any, p: Any, side: int) -> None:
    """The jump's sweeps have arrived: remember its excess at the depths that none of them reached."""
    size_bps = st.pending_bps[side]
    shown = st.reach_ns[side] > 0 and st.pending_ns[side] - st.reach_ns[side] <= p.horizon_ns
    reach_bps = st.reach_bps[side] if shown else -1.0
    st.came_count[side] += 1.0
    st.jump_count[side] += 1.0
    st.size_bps[side] += size_bps
    st.size_bps2[side] += size_bps * size_bps
    for j in range(DEPTHS):
        if DEPTH_BPS[j] > reach_bps:
            st.excess_bps[side, j] += max(0.0, size_bps - DEPTH_BPS[j])
    st.pending_bps[side] = 0.0


@nb.njit(cache=True)
def observe_sweep(st: Any, p: Any, now_ns: int, aggressor: int, px: float, fair_px: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear a trade (`aggressor` 0 buy, 1 sell) at block time; `fair_px` is fair before its block.

    Returns:
        False when refused (NaN or not positive numbers); state is kept.
    """
    if not (0.0 < px < 1e300 and 0.0 < fair_px < 1e300) or now_ns <= 0:
        st.refused += 1
        return False
    side = 1 - aggressor
    depth_bps = penetration_bps(side, px, fair_px)
    after = st.pending_bps[side] > 0.0 and now_ns > st.pending_ns[side]
    expired = now_ns - st.reach_ns[side] > p.horizon_ns
    if not after and depth_bps > 0.0 and (expired or depth_bps > st.reach_bps[side]):
        st.reach_ns[side] = now_ns
        st.reach_bps[side] = depth_bps
    return True


@nb.njit(cache=True)
def any_seen(st: Any) -> bool:
    """Whether any jump is remembered; without one the loss is 0 at every depth."""
    return st.jump_count[0] + st.jump_count[1] > 0.0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def loss_bps_per_s(st: Any, p: Any, side: int, depth_bps: float) -> float:
    """lambda_J E[(|J| - d)+] of what sweeps have not shown, in bps per second, for a quote at `depth_bps` from fair.

    Nearer than the grid's first depth the loss is that of the first, beyond its last it falls to 0 in one more step.
    """
    place = math.log(max(depth_bps, DEPTH_BPS[0]) / DEPTH_BPS[0]) / LOG_STEP
    j = int(place)
    if j >= DEPTHS:
        return 0.0
    part = place - j
    own = _own_share(st, p)
    near = own * st.excess_bps[side, j] + (1.0 - own) * st.excess_bps[1 - side, j]
    far = 0.0
    if j + 1 < DEPTHS:
        far = own * st.excess_bps[side, j + 1] + (1.0 - own) * st.excess_bps[1 - side, j + 1]
    return (near + part * (far - near)) / (st.exposure_s + p.prior_s)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def premium_bps(st: Any, p: Any, side: int, depth_bps: float, rate_per_s: float) -> float:
    """Expected pick-off loss per fill at `depth_bps` where fills come at `rate_per_s`, bps, at most max_premium_bps."""
    loss = loss_bps_per_s(st, p, side, depth_bps)
    if not loss > 0.0:
        return 0.0
    return min(p.max_premium_bps, loss / max(rate_per_s, 1e-9))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def law(st: Any, side: int) -> tuple[float, float, float]:
    """Jumps per second that hurt `side`, mean and sd of their sizes in bps (0 while there is none)."""
    count = st.jump_count[side]
    if not (count > 0.0 and st.exposure_s > 0.0):
        return 0.0, 0.0, 0.0
    centre = st.size_bps[side] / count
    return count / st.exposure_s, centre, math.sqrt(max(0.0, st.size_bps2[side] / count - centre * centre))
