"""Fill intensity Lambda(delta) = A e^(-k delta) per side (C5): A in 1/s, k in 1/bps, from an exposure-aware likelihood.

Market orders are probes: a sweep that reaches X bps beyond fair would have filled any quote nearer than X. It is seen
only where it meets an order: counts are those of A e^(-k h) over the time the nearest order stood h from fair
(models/touch.py). From its first print on it goes on for at least its last one, and less far than the top of others
that its block left behind. Where that top is the print's own price, size ran out: X was reached, and no more is known.
Own resting orders add exposure at their own distance and own fills events; fills against what engine/viability.py
promised of them is the efficiency (queue, latency), shrunk to 1. Where we quote says nothing about k (`exposure_fit`):
always quoting 10 bps away does not make 1/k 10 bps, also because a sweep that ended at our own order is censored.
The error of A is that of A now: bursts count by the scatter of blocks of time, and where neighbouring blocks leave the
mean together, by more than chance, the rate itself moves (models/rate_spread.py).
Gamma priors on A and k, exponential forgetting; the prior of 1/k is the book's size-weighted distance. Sides are pooled
in part: each lends the other's k at most pool_count of its sweeps, since a book is seldom steep on one side only.
Source: theory §2.5, §12. One exponential does not fit a real book globally: where sweeps were counted at the distance
that is quoted, engine/viability.py uses the counts and their local decay (depth_profile.py) instead of this fit.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import own_reach
from portfolio_mm.models.book_distance import BOOK_DISTANCE, clear_distance, follow_book
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.exposure_fit import k_mode, own_moments
from portfolio_mm.models.rate_spread import SPREAD, clear_spread, end_blocks, forget_blocks, restart, variance
from portfolio_mm.models.sweep import SWEEP, absorb, clear, is_over, penetration_bps
from portfolio_mm.models.sweep_end import end_of
from portfolio_mm.models.touch import TOUCH, clear_touch, forget_touch, is_known, see_top, wait

HEARS = ("TRADE", "BOOK", "TIMER", "FILL")
WARM_S = 16.0
"""Seconds of an ordinary market after which it is ready."""
SCORES: dict[str, str] = {}
UNSCORED = "counts"

PARAMS = record(
    [
        ("half_life_s", "f8"),
        ("refit_ns", "i8"),
        ("gap_ns", "i8"),
        ("late_ns", "i8"),
        ("block_ns", "i8"),
        ("ready_s", "f8"),
        ("prior_a_per_s", "f8"),
        ("prior_a_count", "f8"),
        ("prior_k_per_bps", "f8"),
        ("prior_k_count", "f8"),
        ("prior_efficiency_count", "f8"),
        ("pool_count", "f8"),
        ("book_tau_s", "f8"),
        ("min_k_per_bps", "f8"),
        ("max_k_per_bps", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("refit_ns", "i8"),
        ("observed_s", "f8"),
        ("sweeps", SWEEP, (2,)),
        ("touch", TOUCH),
        ("probes", "f8", (2,)),
        ("probe_depth", "f8", (2,)),
        ("exact", "f8", (2,)),
        ("own", own_reach.OWN_REACH, (2,)),
        ("book", BOOK_DISTANCE),
        ("a_per_s", "f8", (2,)),
        ("k_per_bps", "f8", (2,)),
        ("k_se", "f8", (2,)),
        ("market_a_per_s", "f8", (2,)),
        ("market_a_se", "f8", (2,)),
        ("efficiency", "f8", (2,)),
        ("prior_shift", "f8", (2,)),
        ("block_end_ns", "i8"),
        ("spread", SPREAD, (2,)),
    ]
)
"""`a_per_s` is efficiency times `market_a_per_s`. `probes` counts sweeps, `exact` weighs those whose end is known
(models/sweep_end.py), `probe_depth` sums how far they went from the first order on (from fair where it is not known
where orders stood). All sums are forgotten at one half-life; `spread` counts the sweeps of blocks of time."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: half-life 10 min, refit each second, A ~ 0.1/s (2 events), k ~ 0.4/bps (5 events)."""
    p = np.zeros(1, dtype=PARAMS)
    p["half_life_s"], p["refit_ns"], p["gap_ns"], p["late_ns"] = 600.0, 10**9, 10**10, 2 * 10**9
    p["ready_s"], p["book_tau_s"], p["block_ns"] = 15.0, 60.0, 5 * 10**9
    p["prior_a_per_s"], p["prior_a_count"] = 0.1, 2.0
    p["prior_k_per_bps"], p["prior_k_count"], p["prior_efficiency_count"] = 0.4, 5.0, 10.0
    p["pool_count"], p["min_k_per_bps"], p["max_k_per_bps"] = 10.0, 0.005, 100.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; outputs are the priors until data outweigh them."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.refit_ns = 0
    st.observed_s = 0.0
    clear_touch(st.touch)
    clear_distance(st.book)
    for sums in (st.probes, st.probe_depth, st.exact):
        sums[:] = 0.0
    st.a_per_s[:] = p.prior_a_per_s
    st.k_per_bps[:] = p.prior_k_per_bps
    st.k_se[:] = p.prior_k_per_bps / math.sqrt(p.prior_k_count)
    st.market_a_per_s[:] = p.prior_a_per_s
    st.market_a_se[:] = p.prior_a_per_s / math.sqrt(p.prior_a_count)
    st.efficiency[:] = 1.0
    st.prior_shift[:] = 0.0
    st.block_end_ns = 0
    for side in range(2):
        clear(st.sweeps[side])
        own_reach.clear_own(st.own[side])
        clear_spread(st.spread[side])


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, aggressor: int, px: float, fair_px: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear a trade (`aggressor` 0 buy, 1 sell) at block time, or only that time passed (`aggressor` -1).

    `fair_px` is the fair value before the trade's block. Trades up to late_ns behind the clock are taken.

    Returns:
        False when refused (older than that, NaN or not positive price or fair); state is kept.
    """
    is_trade = aggressor >= 0
    bad_px = is_trade and not (0.0 < px < 1e300 and 0.0 < fair_px < 1e300)
    if bad_px or now_ns <= 0 or now_ns < st.last_ns - (p.late_ns if is_trade else 0):
        st.refused += 1
        return False
    if st.seen == 0:
        st.refit_ns = now_ns
    elif st.last_ns < now_ns <= st.last_ns + p.gap_ns:
        st.observed_s += (now_ns - st.last_ns) / NS_PER_S
        wait(st.touch, (now_ns - st.last_ns) / NS_PER_S)
    for side in range(2):
        if is_over(st.sweeps[side], now_ns, side == 1 - aggressor):
            _close(st, side)
    if now_ns >= st.block_end_ns:
        _end_blocks(st, p, now_ns)
    st.seen += 1
    st.last_ns = max(st.last_ns, now_ns)
    if is_trade:
        side = 1 - aggressor
        absorb(st.sweeps[side], now_ns, penetration_bps(side, px, fair_px), fair_px)
    if now_ns >= st.refit_ns + p.refit_ns:
        _forget(st, half_life_factor((now_ns - st.refit_ns) / NS_PER_S, p.half_life_s))
        for side in range(2):
            _refit(st, p, side)
        st.refit_ns = now_ns
        st.ready = 1 if st.observed_s >= p.ready_s else 0
    return True


@nb.njit(cache=True)
def _end_blocks(st: Any, p: Any, now_ns: int) -> None:
    """Blocks of time that are over; one with a hole in it is not known, and neither is what it followed."""
    if st.seen == 0 or now_ns > st.last_ns + p.gap_ns:
        for side in range(2):
            restart(st.spread[side])
        st.block_end_ns = now_ns + p.block_ns
    st.block_end_ns = end_blocks(st.spread, st.block_end_ns, now_ns, p.block_ns)


@nb.njit(cache=True)
def _close(st: Any, side: int) -> None:
    """The block is over: its sweep becomes one event of A, if it reached beyond fair, and of k.

    How far a sweep went from its first order on speaks of k wherever fair was: to leave out the ones that ended before
    fair would keep the long ones only.
    """
    sweep = st.sweeps[side]
    if sweep.depth_bps >= 0.0:
        st.probes[side] += 1.0
        st.spread[side].now_n += 1.0
    if sweep.depth_bps >= 0.0 or is_known(st.touch, side):
        weight, more_bps = 0.0, 0.0  # of one that ended at our own order
        if not own_reach.ended_here(st.own[side], sweep.block_ns, sweep.depth_bps):
            weight, more_bps = end_of(sweep, st.touch, side, st.k_per_bps[side])
        if weight >= 0.0:
            went_bps = sweep.depth_bps - (sweep.first_bps if is_known(st.touch, side) else 0.0)
            st.exact[side] += weight
            st.probe_depth[side] += went_bps + more_bps
        if weight > 0.0:
            own_reach.remember(st.own[side], sweep.block_ns, sweep.depth_bps, weight, more_bps)
    clear(sweep)


@nb.njit(cache=True)
def observe_top(st: Any, top_ns: int, bid_px: float, ask_px: float) -> None:
    """Hear the top of others of block time `top_ns` (sane, not older than the last); sweeps of earlier blocks end."""
    for side in range(2):
        if st.sweeps[side].open_ == 1 and st.sweeps[side].block_ns < top_ns:
            _close(st, side)
    see_top(st.touch, top_ns, bid_px, ask_px)


@nb.njit(cache=True)
def stand(st: Any, side: int, near_bps: float) -> bool:
    """From now on the nearest order of a side, ours or not, stands `near_bps` from fair. False if NaN."""
    if not -1e300 < near_bps < 1e300:
        st.refused += 1
        return False
    st.touch.near_bps[side] = max(0.0, near_bps)
    return True


@nb.njit(cache=True)
def observe_book(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, now_ns: int, bid_px: Any, bid_sz: Any, ask_px: Any, ask_sz: Any, fair_px: float
) -> bool:
    """Hear the visible levels: their distance from fair is the prior of 1/k. False when refused (`follow_book`)."""
    if follow_book(st.book, now_ns, bid_px, bid_sz, ask_px, ask_sz, fair_px, p.book_tau_s):
        return True
    st.refused += 1
    return False


@nb.njit(cache=True)
def expose(st: Any, side: int, depth_bps: float, seconds: float, rate_per_s: float) -> bool:
    """Own order rested `seconds` at `depth_bps` from fair on `side`; nearer than fair counts as 0. False if NaN.

    `rate_per_s` is how often it should have been reached (before efficiency); NaN: what the fit says.
    """
    if not (0.0 <= seconds < 1e300 and -1e300 < depth_bps < 1e300):
        st.refused += 1
        return False
    depth_bps = max(0.0, depth_bps)
    if not 0.0 <= rate_per_s < 1e300:
        rate_per_s = st.market_a_per_s[side] * math.exp(-min(50.0, st.k_per_bps[side] * depth_bps))
    own_reach.rest(st.own[side], depth_bps, seconds, rate_per_s)
    return True


@nb.njit(cache=True)
def own_fill(st: Any, now_ns: int, side: int, depth_bps: float) -> bool:
    """Own maker fill on `side` at `depth_bps` from fair before its block; an order counts once a block."""
    if not -1e300 < depth_bps < 1e300:
        st.refused += 1
        return False
    if own_reach.fill(st.own[side], now_ns, depth_bps):
        exact, more_bps = own_reach.take_back(st.own[side])
        st.exact[side] -= exact
        st.probe_depth[side] -= more_bps
    return True


@nb.njit(cache=True)
def shift_priors(st: Any, log_k: float, log_a: float) -> None:
    """Move the priors of k and A by what the regime now is expected to do (ln ratios, at most a factor of 5)."""
    st.prior_shift[0] = min(1.6, max(-1.6, log_k))
    st.prior_shift[1] = min(1.6, max(-1.6, log_a))


@nb.njit(cache=True)
def _forget(st: Any, keep: float) -> None:
    for side in range(2):
        own_reach.forget_own(st.own[side], keep)
        st.probes[side] *= keep
        st.probe_depth[side] *= keep
        st.exact[side] *= keep
        forget_blocks(st.spread[side], keep)
    forget_touch(st.touch, keep)


@nb.njit(cache=True)
def _refit(st: Any, p: Any, side: int) -> None:
    """Posterior mode on one side from what is remembered, and the standard error of k from its curvature."""
    book_bps = st.book.distance_bps[side] if st.book.book_ns > 0 else 1.0 / p.prior_k_per_bps
    prior_bps = max(1.0 / p.max_k_per_bps, book_bps) * math.exp(-st.prior_shift[0])
    other = 1 - side
    lent = min(1.0, p.pool_count / max(st.probes[other], p.pool_count))
    exact = max(1e-6, p.prior_k_count + st.exact[side] + lent * st.exact[other])
    excess_bps = p.prior_k_count * prior_bps + st.probe_depth[side] + lent * st.probe_depth[other]
    own = st.own[side]
    k, se = k_mode(st.k_per_bps[side], exact, excess_bps, own.fills, own.fill_moment, own.rest_s, own.rest_moment)
    k = min(p.max_k_per_bps, max(p.min_k_per_bps, k))
    waited_s, moment, _ = own_moments(st.touch.near_s[side], st.touch.near_moment[side], k)
    count = st.probes[side] + p.prior_a_count
    a = count / (waited_s + p.prior_a_count / (p.prior_a_per_s * math.exp(st.prior_shift[1])))
    near_bps = moment / waited_s if waited_s > 0.0 else 0.0
    phi = (own.fills + p.prior_efficiency_count) / (own.promised + p.prior_efficiency_count)
    st.k_per_bps[side], st.k_se[side], st.efficiency[side] = k, se, phi
    st.market_a_per_s[side], st.a_per_s[side] = a, phi * a
    burst, lasting = variance(st.spread[side])
    st.market_a_se[side] = a * math.sqrt(burst / count + lasting + (near_bps * se) ** 2)
