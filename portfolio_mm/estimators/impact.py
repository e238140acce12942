"""Kyle's lambda (C10): how far a thousand USD of market orders move the mid for good, bps, with an honest error.

Bars of bar_ns on block time: dmid (bps) = a + lambda V + e, V the signed volume of aggressors in 1,000 USD; sums are
forgotten at one half-life. The error is Newey-West over LAGS bars with residuals from before the bar was learned,
because bars share bursts. Scored: the bar's move given its volume against its average, out of sample.
Own fills: at each markout horizon the move since the fill is regressed on the fill's size with an intercept, so that
what every fill suffers is adverse selection and only what bigger fills suffer more is our own impact; fitted by
R(h) = P + G e^(-h / tau). The slope has a prior of 0 that weighs own_prior_count fills as large as ours are (sum of
size^2, not of its spread): sizes that are nearly the same say nothing of a slope, and a slope from lots that differ by
one, times a whole clip, is noise thousands of times over. Under MIN_BLOCKS fills nothing is certain.
Source: Kyle 1985 in regression form (theory §8), Newey-West 1987. Not guaranteed: causality; bars of one venue only.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.propagator import fit_response
from portfolio_mm.models.skill import MIN_BLOCKS, SKILL, clear_skill, score

HEARS = ("BBO", "BOOK", "TIMER", "TRADE", "FILL")
WARM_S = 130.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"bar_move_bps": "the average bar's move"}
LAGS: Final = 4
HORIZONS: Final = 5
Z: Final = 1.645

PARAMS = record(
    [
        ("bar_ns", "i8"),
        ("gap_ns", "i8"),
        ("half_life_s", "f8"),
        ("block_s", "f8"),
        ("warm_count", "f8"),
        ("ready_count", "f8"),
        ("horizon_s", "f8", (HORIZONS,)),
        ("own_prior_count", "f8"),
        ("own_memory_count", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("bar_end_ns", "i8"),
        ("mid_px", "f8"),
        ("bar_mid_px", "f8"),
        ("volume", "f8"),
        ("bars", "f8"),
        ("sx", "f8"),
        ("sy", "f8"),
        ("sxx", "f8"),
        ("sxy", "f8"),
        ("scores", "f8", (LAGS,)),
        ("score_n", "f8"),
        ("hac", "f8", (LAGS + 1,)),
        ("kyle_bps", "f8"),
        ("kyle_se_bps", "f8"),
        ("own", "f8", (HORIZONS, 6)),
        ("response_bps", "f8", (HORIZONS,)),
        ("permanent_bps", "f8"),
        ("permanent_se_bps", "f8"),
        ("transient_bps", "f8"),
        ("transient_tau_s", "f8"),
        ("skill", SKILL),
    ]
)
"""`volume` of the running bar, 1,000 USD; `sx`..`sxy` sums over `bars`; `scores` the last products of volume and
residual, `hac` sums of their lagged products; `own[h]` is (n, sx, sy, sxx, sxy, syy) of own fills; per 1,000 USD:
`kyle_bps`, `response_bps`, `permanent_bps`, `transient_bps`."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 2 s bars, half-life 1 h, ready after 60 bars with trades told; own fills shrunk by 50."""
    p = np.zeros(1, dtype=PARAMS)
    p["bar_ns"], p["gap_ns"], p["half_life_s"], p["block_s"] = 2 * 10**9, 10**10, 3600.0, 20.0
    p["warm_count"], p["ready_count"], p["own_prior_count"] = 20.0, 60.0, 50.0
    p["own_memory_count"] = 5000.0
    p["horizon_s"] = (0.5, 1.0, 5.0, 30.0, 60.0)
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - one signature for all estimators
    """Forget everything; lambda is 0 until there are bars."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.bar_end_ns = 0
    st.mid_px = np.nan
    st.bar_mid_px = np.nan
    st.volume = 0.0
    st.bars = 0.0
    st.sx = 0.0
    st.sy = 0.0
    st.sxx = 0.0
    st.sxy = 0.0
    st.score_n = 0.0
    st.scores[:] = 0.0
    st.hac[:] = 0.0
    st.kyle_bps = 0.0
    st.kyle_se_bps = math.inf
    st.own[:, :] = 0.0
    st.response_bps[:] = 0.0
    st.permanent_bps = 0.0
    st.permanent_se_bps = math.inf
    st.transient_bps = 0.0
    st.transient_tau_s = 1.0
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_px: float) -> bool:
    """Time is `now_ns` and the mid is `mid_px`; bars that ended before close at the mid that held then.

    Returns:
        False when refused (NaN, not positive, time backwards); state is kept.
    """
    if now_ns <= 0 or now_ns < st.last_ns or not 0.0 < mid_px < 1e300:
        st.refused += 1
        return False
    _advance(st, p, now_ns, mid_px)
    st.seen += 1
    st.last_ns = now_ns
    st.mid_px = mid_px
    return True


@nb.njit(cache=True)
def trade(st: Any, p: Any, now_ns: int, aggressor: int, worth_usd: float) -> bool:
    """A market order (`aggressor` 0 buy, 1 sell) of `worth_usd`; False when refused (NaN, no bar runs)."""
    if st.bar_end_ns == 0 or not 0.0 < worth_usd < 1e300:
        st.refused += 1
        return False
    if now_ns > st.last_ns:
        _advance(st, p, now_ns, st.mid_px)
        st.last_ns = now_ns
    st.volume += (1.0 - 2.0 * aggressor) * worth_usd * 1e-3
    return True


@nb.njit(cache=True)
def _advance(st: Any, p: Any, now_ns: int, mid_px: float) -> None:
    """Close the bars that ended; a first message or a long silence starts a new one."""
    if st.bar_end_ns == 0 or now_ns - st.last_ns > p.gap_ns:
        st.bar_end_ns = (now_ns // p.bar_ns + 1) * p.bar_ns
        st.bar_mid_px = mid_px
        st.volume = 0.0
        st.scores[:] = 0.0
        return
    while now_ns >= st.bar_end_ns:
        _close(st, p, st.bar_end_ns)
        st.bar_end_ns += p.bar_ns


@nb.njit(cache=True)
def _close(st: Any, p: Any, now_ns: int) -> None:
    """One bar: score and its residual first, then learn it."""
    x, y = st.volume, 1e4 * math.log(st.mid_px / st.bar_mid_px)
    keep = half_life_factor(p.bar_ns / NS_PER_S, p.half_life_s)
    if st.bars >= p.warm_count:
        mean_x, mean_y = st.sx / st.bars, st.sy / st.bars
        error_bps = y - mean_y
        rest_bps = error_bps - st.kyle_bps * (x - mean_x)
        if x != 0.0:
            score(st.skill, now_ns, rest_bps * rest_bps, error_bps * error_bps, p.block_s, p.half_life_s)
        _correlate(st, (x - mean_x) * rest_bps, keep)
    st.bars = keep * st.bars + 1.0
    st.sx = keep * st.sx + x
    st.sy = keep * st.sy + y
    st.sxx = keep * st.sxx + x * x
    st.sxy = keep * st.sxy + x * y
    _settle(st)
    st.ready = 1 if st.bars >= p.ready_count and st.kyle_se_bps < math.inf else 0
    st.volume = 0.0
    st.bar_mid_px = st.mid_px


@nb.njit(cache=True)
def _correlate(st: Any, score_bps: float, keep: float) -> None:
    """Products of this score with itself and the last ones."""
    st.score_n = keep * st.score_n + 1.0
    st.hac[0] = keep * st.hac[0] + score_bps * score_bps
    for lag in range(LAGS):
        st.hac[lag + 1] = keep * st.hac[lag + 1] + score_bps * st.scores[lag]
    for lag in range(LAGS - 1, 0, -1):
        st.scores[lag] = st.scores[lag - 1]
    st.scores[0] = score_bps


@nb.njit(cache=True)
def _settle(st: Any) -> None:
    """Lambda and its Newey-West error (Bartlett weights, never under a quarter of the plain one)."""
    spread = st.sxx - st.sx * st.sx / st.bars
    if not (spread > 0.0 and spread > 1e-9 * st.sxx and st.score_n > 2.0):
        st.kyle_se_bps = math.inf
        return
    st.kyle_bps = (st.sxy - st.sx * st.sy / st.bars) / spread
    long_run = st.hac[0]
    for lag in range(LAGS):
        long_run += 2.0 * (1.0 - (lag + 1.0) / (LAGS + 1.0)) * st.hac[lag + 1]
    long_run = max(long_run, 0.25 * st.hac[0])
    st.kyle_se_bps = math.sqrt(long_run * st.bars / (st.score_n - 2.0)) / spread


@nb.njit(cache=True)
def respond(st: Any, p: Any, h: int, worth_usd: float, move_bps: float) -> bool:
    """At horizon `h` after an own fill of `worth_usd` the mid had moved `move_bps` the aggressor's way.

    Returns:
        False when refused (NaN, not positive); state is kept.
    """
    if not (0.0 < worth_usd < 1e300 and -1e4 < move_bps < 1e4):
        st.refused += 1
        return False
    x, sums = worth_usd * 1e-3, st.own[h]
    for j in range(6):
        sums[j] *= 1.0 - 1.0 / p.own_memory_count
    sums[0] += 1.0
    sums[1] += x
    sums[2] += move_bps
    sums[3] += x * x
    sums[4] += x * move_bps
    sums[5] += move_bps * move_bps
    if h == HORIZONS - 1:
        _fit_own(st, p)
    return True


@nb.njit(cache=True)
def _fit_own(st: Any, p: Any) -> None:
    """Slopes on size at every horizon, shrunk to 0 by own_prior_count fills of our size; the response fitted to it."""
    for h in range(HORIZONS):
        sums = st.own[h]
        n = sums[0]
        if n < 3.0:
            return
        spread = max(0.0, sums[3] - sums[1] * sums[1] / n)
        both = sums[4] - sums[1] * sums[2] / n
        mass = max(spread + p.own_prior_count * sums[3] / n, 1e-300)
        st.response_bps[h] = both / mass
        if h == HORIZONS - 1:
            rest = max(0.0, sums[5] - sums[2] * sums[2] / n - st.response_bps[h] * both)
            st.permanent_se_bps = math.sqrt(rest / (n - 2.0) / mass) if n >= MIN_BLOCKS else math.inf
    st.permanent_bps, st.transient_bps, st.transient_tau_s = fit_response(p.horizon_s, st.response_bps)


@nb.njit(cache=True)
def permanent_bps(st: Any, worth_usd: float, skill_share: float) -> float:
    """What one fill of `worth_usd` surely moves the mid for good, bps: the larger of two lower 95 % bounds, or 0.

    Kyle's lambda counts by `skill_share`, the skill it has earned; own fills by their own error.
    """
    market = skill_share * max(0.0, st.kyle_bps - Z * st.kyle_se_bps) if st.ready == 1 else 0.0
    own = max(0.0, min(st.permanent_bps, st.response_bps[HORIZONS - 1]) - Z * st.permanent_se_bps)
    return max(market, own) * worth_usd * 1e-3  # type: ignore[no-any-return]


@nb.njit(cache=True)
def echo_bps(st: Any, worth_usd: float, seconds: float) -> float:
    """What of the move measured `seconds` after an own fill of `worth_usd` goes back by itself, bps, not negative."""
    return max(0.0, st.transient_bps) * math.exp(-seconds / st.transient_tau_s) * worth_usd * 1e-3  # type: ignore[no-any-return]
