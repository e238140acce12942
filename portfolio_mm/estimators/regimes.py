"""Regimes (C12): calm, normal or storm, ordered by volatility; what each was like shifts priors, never scales a quote.

Each clock brings four numbers: half of ln realised variance (ln sigma), ln spread, ln rate of sweeps, ln speed of open
interest. Each is standardised by its own slow mean and sd, so no unit and no coin matters. Two readers:
- a filter (not smoother) of a three-state chain in continuous time, exp(Q dt) for the time passed, with Gaussian
  emissions around fixed levels of the standardised numbers; numbers that outlive a clock count in part (`trust`);
- a change-point detector (models/changepoint.py) on standardised ln sigma.
Learned per state, forgotten at tau_s: seconds, sweeps, their depths, realised variance. What is expected now over the
mean of all states gives the shifts of ln k, ln A and ln sigma, times the weight they have earned: QLIKE of the next
clock's variance against the prior without regimes, the mean over all states.
Source: theory §12; predecessor S3 (unit scale) and S4 (time, inputs).
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import changepoint, hmm
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.grid import GRID, advance, clear_grid
from portfolio_mm.models.realized import qlike
from portfolio_mm.models.skill import SKILL, clear_skill, score
from portfolio_mm.models.standard import standardise
from portfolio_mm.models.sweep import penetration_bps

HEARS = ("BBO", "BOOK", "TRADE", "CONTEXT")
WARM_S = 126.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"variance of the next 5 s": "the prior without regimes: the mean over all of them"}
STATES = 3
CALM, NORMAL, STORM = range(STATES)
INPUTS = 4
SIGMA, SPREAD, FLOW, INTEREST = range(INPUTS)
LOG_K, LOG_A, LOG_SIGMA = range(3)
FRESH = 8
"""A change is new for this many clocks: a threefold sigma is 2 sd of its inputs, and takes about five to be sure of."""

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("clock_ns", "i8"),
        ("gap_ns", "i8"),
        ("rates_per_s", "f8", (STATES, STATES)),
        ("levels", "f8", (INPUTS, STATES)),
        ("trust", "f8", (INPUTS,)),
        ("min_sd", "f8", (INPUTS,)),
        ("emission_sd", "f8"),
        ("tau_s", "f8"),
        ("floor_bps2", "f8"),
        ("prior_count", "f8"),
        ("change_s", "f8"),
        ("sure_probability", "f8"),
        ("calm_s", "f8"),
        ("ready_s", "f8"),
        ("block_s", "f8"),
        ("half_life_s", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("changed", "i4"),
        ("refused", "i8"),
        ("grid", GRID),
        ("returns", "i8"),
        ("squares_bps2", "f8"),
        ("clock_end_ns", "i8"),
        ("sweep_ns", "i8", (2,)),
        ("sweep_bps", "f8", (2,)),
        ("sweep_count", "f8"),
        ("depth_bps", "f8"),
        ("interest_at_ns", "i8"),
        ("log_interest", "f8"),
        ("interest_moves", "f8"),
        ("interest_n", "i8"),
        ("observed_s", "f8"),
        ("mass", "f8", (INPUTS,)),
        ("centre", "f8", (INPUTS,)),
        ("scatter", "f8", (INPUTS,)),
        ("z", "f8", (INPUTS,)),
        ("state_probability", "f8", (STATES,)),
        ("work", "f8", (3, STATES)),
        ("change", changepoint.CHANGE),
        ("fresh_probability", "f8"),
        ("was_fresh", "i4"),
        ("changes", "i4"),
        ("changed_ns", "i8"),
        ("lived_s", "f8", (STATES,)),
        ("sweeps_count", "f8", (STATES,)),
        ("depths_bps", "f8", (STATES,)),
        ("variance_sum", "f8", (STATES,)),
        ("next_bps2", "f8"),
        ("mean_bps2", "f8"),
        ("shift", "f8", (3,)),
        ("skill", SKILL),
    ]
)
"""`returns`, `squares_bps2`, `sweep_*`, `depth_bps` and `interest_*` belong to the running clock; `mass`, `centre`,
`scatter` are the slow moments of the inputs, `z` the last standardised ones; `lived_s` to `variance_sum` what each
state was like; `changed` is 1 in the one update in which a change-point was called; `shift` ln k, ln A, ln sigma."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s clocks; calm 5 min, normal 4 min, storm 1 min on average; memory of 2 h."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["clock_ns"], p["gap_ns"] = 10**9, 5 * 10**9, 10**10
    p["rates_per_s"] = [[0.0, 1 / 360, 1 / 1800], [1 / 480, 0.0, 1 / 480], [1 / 180, 1 / 90, 0.0]]
    p["levels"] = [[-0.8, 0.0, 1.6], [-0.5, 0.0, 1.0], [-0.7, 0.0, 1.2], [-0.3, 0.0, 1.0]]
    p["trust"], p["min_sd"], p["emission_sd"] = (1.0, 0.3, 0.5, 0.2), (0.5, 0.2, 0.5, 0.5), 0.8
    p["tau_s"], p["floor_bps2"], p["prior_count"] = 7_200.0, 1e-3, 30.0
    p["change_s"], p["sure_probability"], p["calm_s"], p["ready_s"] = 7_200.0, 0.8, 60.0, 120.0
    p["block_s"], p["half_life_s"] = 120.0, 43_200.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - every part is reset with its parameters
    """Forget everything; the market is taken for normal."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.changed = 0
    st.refused = 0
    clear_grid(st.grid)
    st.clock_end_ns = 0
    st.interest_at_ns = 0
    st.log_interest = 0.0
    _clear_clock(st)
    st.sweep_ns[:] = 0
    st.sweep_bps[:] = 0.0
    st.observed_s = 0.0
    for moments in (st.mass, st.centre, st.scatter, st.z):
        moments[:] = 0.0
    for sums in (st.lived_s, st.sweeps_count, st.depths_bps, st.variance_sum):
        sums[:] = 0.0
    for j in range(STATES):
        st.state_probability[j] = 1.0 if j == NORMAL else 0.0
    st.work[:, :] = 0.0
    changepoint.clear_change(st.change)
    st.fresh_probability = 1.0
    st.was_fresh = 1
    st.changes = 0
    st.changed_ns = 0
    st.next_bps2 = 0.0
    st.mean_bps2 = 0.0
    st.shift[:] = 0.0
    clear_skill(st.skill)


@nb.njit(cache=True)
def _clear_clock(st: Any) -> None:
    st.returns = 0
    st.squares_bps2 = 0.0
    st.sweep_count = 0.0
    st.depth_bps = 0.0
    st.interest_moves = 0.0
    st.interest_n = 0


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_px: float, spread_bps: float) -> bool:
    """Hear a mid and the spread at block time.

    Returns:
        False when refused (NaN, not positive, or older than the last accepted message); state is kept.
    """
    if now_ns < st.last_ns or not (0.0 < mid_px < 1e300 and 0.0 < spread_bps < 1e300):
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns, st.changed = now_ns, 0
    steps, move_bps = advance(st.grid, p.grid_ns, p.gap_ns, now_ns, mid_px)
    for i in range(steps):
        st.squares_bps2 += move_bps * move_bps if i == 0 else 0.0
        st.returns += 1
        if st.returns * p.grid_ns >= p.clock_ns:
            _close(st, p, st.grid.next_ns - (steps - i) * p.grid_ns, spread_bps)
    return True


@nb.njit(cache=True)
def observe_sweep(st: Any, now_ns: int, aggressor: int, px: float, fair_px: float) -> bool:
    """Hear a trade (`aggressor` 0 buy, 1 sell); the prints of one block on one side are one sweep, its deepest counts.

    Returns:
        False when refused (NaN or not positive numbers); state is kept.
    """
    if not (0.0 < px < 1e300 and 0.0 < fair_px < 1e300) or now_ns <= 0:
        st.refused += 1
        return False
    side = 1 - aggressor
    depth_bps = penetration_bps(side, px, fair_px)
    if depth_bps >= 0.0:
        if st.sweep_ns[side] != now_ns:
            st.sweep_ns[side], st.sweep_bps[side] = now_ns, 0.0
            st.sweep_count += 1.0
        st.depth_bps += max(0.0, depth_bps - st.sweep_bps[side])
        st.sweep_bps[side] = max(st.sweep_bps[side], depth_bps)
    return True


@nb.njit(cache=True)
def observe_interest(st: Any, now_ns: int, interest_sz: float) -> bool:
    """Hear open interest in coins: only how much it moves counts.

    Returns:
        False when refused (not positive); state is kept.
    """
    if not 0.0 < interest_sz < 1e300 or now_ns <= 0 or now_ns < st.interest_at_ns:
        st.refused += 1
        return False
    log_coins = math.log(interest_sz)
    if st.interest_at_ns > 0:
        st.interest_moves += abs(log_coins - st.log_interest)
        st.interest_n += 1
    st.interest_at_ns, st.log_interest = now_ns, log_coins
    return True


@nb.njit(cache=True)
def _close(st: Any, p: Any, now_ns: int, spread_bps: float) -> None:
    """A clock is over: score, let time pass, see its numbers, learn what the states are like, look ahead."""
    grid_s = p.grid_ns / NS_PER_S
    clock_s = st.returns * grid_s
    since_s = (now_ns - st.clock_end_ns) / NS_PER_S if st.clock_end_ns > 0 else clock_s
    variance_bps2 = st.squares_bps2 / clock_s + p.floor_bps2
    st.observed_s += clock_s
    if st.ready == 1 and st.next_bps2 > 0.0 and since_s < 2.0 * clock_s:
        own, naive = qlike(variance_bps2 / st.next_bps2), qlike(variance_bps2 / st.mean_bps2)
        score(st.skill, now_ns, own, naive, p.block_s, p.half_life_s)
    keep = time_constant_factor(clock_s, p.tau_s)
    st.z[SIGMA] = standardise(st, SIGMA, p.min_sd, 0.5 * math.log(variance_bps2), keep)
    st.z[SPREAD] = standardise(st, SPREAD, p.min_sd, math.log(spread_bps), keep)
    st.z[FLOW] = standardise(st, FLOW, p.min_sd, math.log(st.sweep_count / clock_s + 0.05), keep)
    st.z[INTEREST] = np.nan
    if st.interest_n > 0:
        st.z[INTEREST] = standardise(st, INTEREST, p.min_sd, math.log(st.interest_moves / clock_s + 1e-7), keep)
    hmm.propagate(st.state_probability, p.rates_per_s, since_s, st.work)
    if st.observed_s >= 0.5 * p.ready_s:
        _see(st, p)
        _look_for_change(st, p, now_ns, since_s)
    _learn(st, p, clock_s, variance_bps2, keep)
    st.ready = 1 if st.observed_s >= p.ready_s else 0
    st.clock_end_ns = now_ns
    _clear_clock(st)


@nb.njit(cache=True)
def _see(st: Any, p: Any) -> None:
    """Likelihood of the standardised numbers under each state."""
    hmm.log_likelihoods(st.z, p.levels, p.emission_sd, p.trust, st.work[2])
    hmm.see(st.state_probability, st.work[2])


@nb.njit(cache=True)
def _look_for_change(st: Any, p: Any, now_ns: int, since_s: float) -> None:
    """P(the level of ln sigma is newer than FRESH clocks); a change is called when that becomes likely."""
    changepoint.hear(st.change, st.z[SIGMA], 1.0 - time_constant_factor(since_s, p.change_s))
    st.fresh_probability = changepoint.newer_than(st.change, FRESH)
    fresh = 1 if st.fresh_probability > p.sure_probability else 0
    if fresh == 1 and st.was_fresh == 0 and (now_ns - st.changed_ns) / NS_PER_S > p.calm_s:
        st.changed, st.changed_ns = 1, now_ns
        st.changes += 1
    st.was_fresh = fresh


@nb.njit(cache=True)
def _learn(st: Any, p: Any, clock_s: float, variance_bps2: float, keep: float) -> None:
    """What each state was like, by its probability; then the mean over all and what is expected next."""
    for j in range(STATES):
        share = st.state_probability[j]
        st.lived_s[j] = keep * st.lived_s[j] + share * clock_s
        st.sweeps_count[j] = keep * st.sweeps_count[j] + share * st.sweep_count
        st.depths_bps[j] = keep * st.depths_bps[j] + share * st.depth_bps
        st.variance_sum[j] = keep * st.variance_sum[j] + share * variance_bps2 * clock_s
    lived_s, sweeps = np.sum(st.lived_s), np.sum(st.sweeps_count)
    depths_bps = np.sum(st.depths_bps)
    st.mean_bps2 = np.sum(st.variance_sum) / lived_s
    next_bps2, next_a, next_excess = 0.0, 0.0, 0.0
    prior_s = p.prior_count * clock_s
    for j in range(STATES):
        share = st.state_probability[j]
        next_bps2 += share * (st.variance_sum[j] + prior_s * st.mean_bps2) / (st.lived_s[j] + prior_s)
        if sweeps > 0.0:
            a = sweeps / lived_s
            rate = (st.sweeps_count[j] + p.prior_count) / (st.lived_s[j] + p.prior_count / a)
            excess = (st.depths_bps[j] + p.prior_count * depths_bps / sweeps) / (st.sweeps_count[j] + p.prior_count)
            next_a += share * rate
            next_excess += share * rate * excess
    st.next_bps2 = next_bps2
    weight = st.skill.weight
    st.shift[LOG_SIGMA] = 0.5 * weight * math.log(next_bps2 / st.mean_bps2)
    known = sweeps > 0.0 and depths_bps > 0.0
    st.shift[LOG_A] = weight * math.log(next_a * lived_s / sweeps) if known else 0.0
    st.shift[LOG_K] = weight * math.log(next_a / next_excess * depths_bps / sweeps) if known else 0.0
