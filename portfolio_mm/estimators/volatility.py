"""Volatility (C2) in bps per sqrt(second), at four sampling intervals of the mid on a block-time grid.

Overlapping log returns over 1, 5, 30 and 300 grid steps feed EWMAs of their squares with a time constant each,
bias-corrected at the start. Noise (models/bounce.py, of 1 and 5 steps) is taken off each scale before they are
combined. Jumps: the robust twin winsorises r^2 at clip_sd^2 times the scale's own
plain EWMA before the update, and at what the cap allows. Once a minute the ratio test of Barndorff-Nielsen and Shephard
(models/realized.py, which says its size) looks at the five-second returns of the last five minutes: when it finds
jumps, the plain EWMA that winsorises is inflated by them, and the limit shrinks by medRV / RV until they have left it.
Zero returns of a coarse tick bias bipower to 0: with more than a third of them nothing is tested.
Sigma cannot be silent, so its score decides what it falls back on: each interval_s the robust EWMA is judged by QLIKE
against the realised variance of the interval before (models/variance_score.py). While that rival is surely better, by
the rule of every weight, the market changes faster than the EWMA follows, and sigma moves to the rival's, in
logarithms, by the weight the rival has earned. The EWMA goes on being scored and comes back.
`sigma_raw_bps` (plain) is for risk; `sigma_bps` (robust, at most cap_ratio times its own median of the last hour) for
spreads. Source: theory §6 (EWMA at irregular times, noise, winsorising).
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.bounce import BOUNCE, clear_bounce, noise_bps2, take_returns
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.realized import jump_ratio_z, med_rv, median_first, realised, sample
from portfolio_mm.models.skill import SKILL, clear_skill
from portfolio_mm.models.variance_score import INTERVAL, clear_interval, drop, fall_back, judge, note, turn_over

HEARS = ("BBO", "BOOK")
WARM_S = 21.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"variance of the next 30 s": "realised variance of the last 30 s"}
SCALES = 4
RING = 301
"""Grid values kept: the longest interval and one."""
MINUTES = 60
TESTED = 60
"""Returns in the window of the jump test."""

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("steps", "i8", (SCALES,)),
        ("tau_s", "f8", (SCALES,)),
        ("share", "f8", (SCALES,)),
        ("noise_tau_s", "f8"),
        ("prior_bps", "f8"),
        ("prior_s", "f8"),
        ("ready_s", "f8"),
        ("clip_sd", "f8"),
        ("cap_ratio", "f8"),
        ("min_bps", "f8"),
        ("max_bps", "f8"),
        ("min_minutes", "i8"),
        ("jump_z", "f8"),
        ("min_clean_ratio", "f8"),
        ("forget_share", "f8"),
        ("interval_s", "f8"),
        ("skill_half_life_s", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("capped", "i4"),
        ("refused", "i8"),
        ("holes", "i8"),
        ("next_grid_ns", "i8"),
        ("pos", "i8"),
        ("filled", "i8"),
        ("observed_s", "f8"),
        ("mid_px", "f8"),
        ("sigma_bps", "f8"),
        ("sigma_raw_bps", "f8"),
        ("median_bps", "f8"),
        ("noise_bps", "f8"),
        ("bounce", BOUNCE),
        ("weights", "f8", (SCALES,)),
        ("plain", "f8", (SCALES,)),
        ("robust", "f8", (SCALES,)),
        ("ring_x_bps", "f8", (RING,)),
        ("minute_steps", "i8"),
        ("minutes", "i8"),
        ("minute_bps", "f4", (MINUTES,)),
        ("ratio_z", "f8"),
        ("clean_ratio", "f8"),
        ("tested_bps", "f8", (TESTED,)),
        ("prior_bps", "f8"),
        ("doubt_s", "f8"),
        ("ewma_bps", "f8"),
        ("interval", INTERVAL),
        ("skill", SKILL),
    ]
)
"""`weights` are EWMA masses in grid steps, `plain` and `robust` the weighted sums of squared returns (bps^2);
`noise_bps` is the sd of the noise of one mid; `ratio_z` and
`clean_ratio` come from the jump test; `doubt_s` are the seconds that stand against `prior_bps`;
`ewma_bps` is the robust EWMA before any fall-back, `interval` what its score waits for."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 1 s grid, taus 1/5/15/60 min, prior 1.5 bps per sqrt(s) worth 10 s, scored each 30 s."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["gap_ns"] = 1_000_000_000, 10_000_000_000
    p["steps"], p["tau_s"] = (1, 5, 30, 300), (60.0, 300.0, 900.0, 3600.0)
    p["share"], p["noise_tau_s"] = (0.4, 0.35, 0.2, 0.05), 1800.0
    p["prior_bps"], p["prior_s"], p["ready_s"] = 1.5, 10.0, 20.0
    p["clip_sd"], p["cap_ratio"] = 4.0, 10.0
    p["min_bps"], p["max_bps"], p["min_minutes"] = 0.02, 100.0, 3
    p["jump_z"], p["min_clean_ratio"], p["forget_share"] = 2.326, 0.1, 0.25
    p["interval_s"], p["skill_half_life_s"] = 30.0, 7200.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; sigma is the prior until data outweigh it, `ready` stays 0 for ready_s of data."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.capped = 0
    st.refused = 0
    st.holes = 0
    st.next_grid_ns = 0
    st.pos = 0
    st.filled = 0
    st.observed_s = 0.0
    st.mid_px = np.nan
    st.sigma_bps = p.prior_bps
    st.sigma_raw_bps = p.prior_bps
    st.median_bps = np.nan
    st.noise_bps = 0.0
    st.minute_steps, st.minutes = 0, 0
    clear_bounce(st.bounce)
    for cells in (st.weights, st.plain, st.robust):
        cells[:] = 0.0
    st.ring_x_bps[:] = 0.0
    st.tested_bps[:] = 0.0
    st.minute_bps[:] = 0.0
    st.ratio_z, st.clean_ratio = 0.0, 1.0
    st.prior_bps = p.prior_bps
    st.doubt_s = 0.0
    st.ewma_bps = p.prior_bps
    clear_interval(st.interval)
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_px: float) -> bool:
    """Hear a mid at block time `now_ns`.

    Guarantees: repeated unchanged messages change no estimate; a silence longer than gap_ns is a hole, neither calm
    nor a jump. Not guaranteed: forecasts; seasonal or regime changes are followed with the taus of the scales.

    Returns:
        False when refused (NaN, not positive, or older than the last accepted message); state is kept.
    """
    if now_ns < st.last_ns or not 0.0 < mid_px < 1e300:
        st.refused += 1
        return False
    if st.seen == 0 or now_ns - st.last_ns > p.gap_ns:
        st.holes += 1 if st.seen > 0 else 0
        st.filled = 0
        drop(st.interval)
        st.next_grid_ns = (now_ns // p.grid_ns + 1) * p.grid_ns
    elif st.next_grid_ns < now_ns:
        x_bps = 1e4 * math.log(st.mid_px)
        while st.next_grid_ns < now_ns:
            _step(st, p, x_bps)
            st.next_grid_ns += p.grid_ns
        _combine(st, p)
    st.seen += 1
    st.last_ns = now_ns
    st.mid_px = mid_px
    return True


@nb.njit(cache=True)
def _step(st: Any, p: Any, x_bps: float) -> None:
    """One grid step: the prevailing log price enters the ring, each scale learns its overlapping return."""
    grid_s = p.grid_ns / NS_PER_S
    pos = st.pos
    prior_steps = p.prior_s / grid_s
    ceiling = _ceiling_bps(st, p) ** 2
    calm = True
    for j in range(SCALES):
        steps = p.steps[j]
        if st.filled < steps:
            continue
        keep = time_constant_factor(grid_s, p.tau_s[j])
        move_bps = x_bps - st.ring_x_bps[(pos - steps) % RING]
        square = move_bps * move_bps
        span_s = steps * grid_s
        prior = prior_steps * st.prior_bps * st.prior_bps * span_s
        limit = p.clip_sd * p.clip_sd * (st.clean_ratio * st.plain[j] + prior) / (st.weights[j] + prior_steps)
        calm = calm and square <= limit
        if j == 0 and steps == 1:
            note(st.interval, square, p.clip_sd)
        st.weights[j] = keep * st.weights[j] + 1.0
        st.plain[j] = keep * st.plain[j] + square
        st.robust[j] = keep * st.robust[j] + min(square, limit, ceiling * span_s)
    if calm and st.filled >= p.steps[1]:  # outliers are no bounce
        short_bps = x_bps - st.ring_x_bps[(pos - p.steps[0]) % RING]
        long_bps = x_bps - st.ring_x_bps[(pos - p.steps[1]) % RING]
        take_returns(st.bounce, short_bps, long_bps, time_constant_factor(grid_s, p.noise_tau_s))
    st.ring_x_bps[pos] = x_bps
    st.pos = (pos + 1) % RING
    st.filled = min(st.filled + 1, RING)
    st.observed_s += grid_s
    st.doubt_s += grid_s
    if st.interval.steps * grid_s >= p.interval_s:
        judge(st.interval, st.skill, st.next_grid_ns, p.interval_s, p.skill_half_life_s)
        _combine(st, p)
        said_bps2 = st.ewma_bps * st.ewma_bps * grid_s + 2.0 * st.noise_bps * st.noise_bps
        turn_over(st.interval, said_bps2 if st.ready == 1 else 0.0, p.min_bps * p.min_bps * grid_s)
    st.minute_steps += 1
    if st.minute_steps * grid_s >= 60.0:
        st.minute_steps = 0
        _combine(st, p)
        _remember_minute(st)
        _test_for_jumps(st, p)


@nb.njit(cache=True)
def _combine(st: Any, p: Any) -> None:
    """Scales minus noise, weighted by share and by how much each has seen, with the prior."""
    grid_s = p.grid_ns / NS_PER_S
    noise = noise_bps2(st.bounce, p.steps[1] / p.steps[0])
    st.noise_bps = math.sqrt(0.5 * noise)
    mass, raw, robust = 0.0, 0.0, 0.0
    for j in range(SCALES):
        if st.weights[j] <= 0.0:
            continue
        span_s = p.steps[j] * grid_s
        share = p.share[j] * st.weights[j] / (st.weights[j] + 4.0 * p.steps[j])
        raw += share * max(st.plain[j] / st.weights[j] - noise, 0.1 * st.plain[j] / st.weights[j]) / span_s
        robust += share * max(st.robust[j] / st.weights[j] - noise, 0.1 * st.robust[j] / st.weights[j]) / span_s
        mass += share
    doubt = (p.prior_s / (st.doubt_s + p.prior_s)) ** 2
    prior = st.prior_bps * st.prior_bps
    if mass > 0.0:
        st.sigma_raw_bps = max(p.min_bps, math.sqrt((1.0 - doubt) * raw / mass + doubt * prior))
        st.ewma_bps = max(p.min_bps, math.sqrt((1.0 - doubt) * robust / mass + doubt * prior))
        both_bps2 = 2.0 * st.noise_bps * st.noise_bps
        sigma_bps = max(p.min_bps, fall_back(st.interval, st.skill, st.ewma_bps, both_bps2, grid_s))
        st.sigma_bps = min(sigma_bps, _ceiling_bps(st, p))
        st.capped = 1 if sigma_bps > st.sigma_bps else 0
    if st.observed_s >= p.ready_s:
        st.ready = 1


@nb.njit(cache=True)
def _ceiling_bps(st: Any, p: Any) -> float:
    """The most that sigma of spreads may be: cap_ratio times the median of the last hour, once that is known."""
    return min(p.max_bps, p.cap_ratio * st.median_bps) if st.minutes >= p.min_minutes else p.max_bps  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _remember_minute(st: Any) -> None:
    """Put this minute's (capped) sigma into the hour's ring and find the median of what it holds."""
    st.minute_bps[st.minutes % MINUTES] = st.sigma_bps
    st.minutes += 1
    count = min(st.minutes, MINUTES)
    st.median_bps = median_first(st.minute_bps, count, st.tested_bps)  # room until the test of this minute


@nb.njit(cache=True)
def _test_for_jumps(st: Any, p: Any) -> None:
    """Once a minute: do the last five minutes hold jumps, and what share of their variance is not from them?"""
    st.ratio_z = 0.0
    st.clean_ratio = 1.0
    if st.filled < RING or p.steps[1] * TESTED >= RING:
        return
    if 3 * sample(st.ring_x_bps, st.pos - 1, p.steps[1], st.tested_bps) <= TESTED:
        st.ratio_z = jump_ratio_z(st.tested_bps)
    if st.ratio_z > p.jump_z:
        st.clean_ratio = max(p.min_clean_ratio, min(1.0, med_rv(st.tested_bps) / realised(st.tested_bps)))


@nb.njit(cache=True)
def expect(st: Any, p: Any, log_shift: float, change_share: float) -> None:
    """Hear of regimes: the prior is the hour's median (before it is known the given one) times e^log_shift.

    A change-point (`change_share` above 0) shortens the memory once: evidence is worth forget_share of what it was, and
    the prior stands again against no more than ready_s of data.
    """
    base_bps = st.median_bps if st.minutes >= p.min_minutes else p.prior_bps
    st.prior_bps = min(p.max_bps, max(p.min_bps, base_bps * math.exp(log_shift)))
    if change_share > 0.0:
        keep = 1.0 - change_share * (1.0 - p.forget_share)
        st.doubt_s = min(st.doubt_s, p.ready_s)
        for j in range(SCALES):
            st.weights[j] *= keep
            st.plain[j] *= keep
            st.robust[j] *= keep
