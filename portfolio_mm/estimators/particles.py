"""Stochastic volatility by a particle filter (C13): sigma in bps per sqrt(s), quicker than an EWMA where it may be.

Model, x = ln sigma: an Ornstein-Uhlenbeck process with the time passed in its step, and Gaussian returns,

    x' = mu + e^(-dt/tau) (x - mu) + s sqrt(1 - e^(-2 dt/tau)) N(0, 1),     r ~ N(0, sigma^2 dt + 2 noise^2)

s the stationary sd. mu is the log of sigma's hour median, on this filter's own level. Returns of the grid are taken
together every clock_ns; a squared return counts at most clip_sd^2 times its expectation (jumps are not volatility).
The EWMA it may replace looks at longer moves too, so the two differ by what is autocorrelated: `level` is the slow mean
of ln(EWMA / filter), and `quote_bps` is the filter's timing on the EWMA's level. Beyond MAX_LEVEL they do not look at
the same thing any more (a mid that stands still but for rare steps): the filter says what the EWMA says, unscored.
Squares are clipped by the EWMA as it is, never on the filter's level, or a filter that falls clips what would raise it.
Score: QLIKE of the next clock's returns, what would be quoted against the robust EWMA that would be quoted without it.
Source: theory §12; Kim, Shephard and Chib 1998 (model). Draws are a hash of the step's count: no randomness.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import particle
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.draws import normal, uniform
from portfolio_mm.models.grid import GRID, advance, clear_grid
from portfolio_mm.models.realized import qlike
from portfolio_mm.models.skill import SKILL, clear_skill, score

HEARS = ("BBO", "BOOK")
WARM_S = 66.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"variance of the next 5 s": "the robust EWMA of volatility.py"}
PARTICLES = 64
MAX_LEVEL: Final = math.log(3.0)
"""Largest |level|: longer moves of a market with momentum or bounce differ from its seconds by much less."""

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("clock_ns", "i8"),
        ("gap_ns", "i8"),
        ("tau_s", "f8"),
        ("spread_ratio", "f8"),
        ("level_tau_s", "f8"),
        ("clip_sd", "f8"),
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
        ("resampled", "i4"),
        ("refused", "i8"),
        ("grid", GRID),
        ("steps", "i8"),
        ("returns", "i8"),
        ("squares_bps2", "f8"),
        ("observed_s", "f8"),
        ("sigma_bps", "f8"),
        ("level", "f8"),
        ("level_mass", "f8"),
        ("ewma_bps", "f8"),
        ("quote_bps", "f8"),
        ("log_like", "f8"),
        ("skill", SKILL),
        ("x", "f8", (PARTICLES,)),
        ("w", "f8", (PARTICLES,)),
        ("work", "f8", (PARTICLES,)),
    ]
)
"""`x` ln sigma of each particle, `w` weights; `returns` and `squares_bps2` of the running clock; `sigma_bps` the
filter's own (root of the mean variance), `ewma_bps` the rival's forecast, both made when the clock began."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 1 s returns each 5 s, reversion in 20 min to a stationary sd of 0.6 in ln sigma."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["clock_ns"], p["gap_ns"] = 10**9, 5 * 10**9, 10**10
    p["tau_s"], p["spread_ratio"], p["level_tau_s"], p["clip_sd"] = 1_200.0, 0.6, 3_600.0, 4.0
    p["ready_s"], p["block_s"], p["half_life_s"] = 60.0, 120.0, 43_200.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - every part is reset with its parameters
    """Forget everything; nothing is known until the first price brings a sigma to spread particles around."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.resampled = 0
    st.refused = 0
    clear_grid(st.grid)
    st.steps = 0
    st.returns = 0
    st.squares_bps2 = 0.0
    st.observed_s = 0.0
    st.sigma_bps = np.nan
    st.level = 0.0
    st.level_mass = 0.0
    st.ewma_bps = np.nan
    st.quote_bps = np.nan
    st.log_like = 0.0
    clear_skill(st.skill)
    st.x[:] = 0.0
    st.w[:] = 1.0 / PARTICLES
    st.work[:] = 0.0


@nb.njit(cache=True)
def update(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, now_ns: int, mid_px: float, ewma_bps: float, median_bps: float, noise_bps: float
) -> bool:
    """Hear a mid at block time, the robust EWMA's sigma, its median of the last hour (NaN: none yet), noise of one mid.

    Returns:
        False when refused (NaN, not positive, or older than the last accepted message); state is kept.
    """
    known = 0.0 < ewma_bps < 1e300 and 0.0 <= noise_bps < 1e300
    if now_ns < st.last_ns or not (known and 0.0 < mid_px < 1e300):
        st.refused += 1
        return False
    if st.seen == 0:
        _spread(st, p, math.log(ewma_bps))
        st.sigma_bps, st.quote_bps, st.ewma_bps = ewma_bps, ewma_bps, ewma_bps
    st.seen += 1
    st.last_ns = now_ns
    steps, move_bps = advance(st.grid, p.grid_ns, p.gap_ns, now_ns, mid_px)
    for i in range(steps):
        moved = move_bps if i == 0 else 0.0
        noise_bps2 = 2.0 * noise_bps * noise_bps
        # squares of jumps are held at what either forecast finds possible
        widest_bps = max(st.sigma_bps, st.ewma_bps)
        limit = p.clip_sd * p.clip_sd * (widest_bps * widest_bps * p.grid_ns / NS_PER_S + noise_bps2)
        st.squares_bps2 += min(moved * moved, limit)
        st.returns += 1
        if st.returns * p.grid_ns >= p.clock_ns:
            _observe(st, p, now_ns, noise_bps2)
            _forecast(st, p, median_bps if median_bps > 0.0 else ewma_bps, ewma_bps)
    return True


@nb.njit(cache=True)
def _spread(st: Any, p: Any, x: float) -> None:
    """Particles spread evenly over the stationary law around `x`."""
    for i in range(PARTICLES):
        st.x[i] = x + p.spread_ratio * normal(0, i)


@nb.njit(cache=True)
def _observe(st: Any, p: Any, now_ns: int, noise_bps2: float) -> None:
    """Score what is quoted with the clock's returns, then let the particles move to its end and weigh them."""
    grid_s, n = p.grid_ns / NS_PER_S, st.returns
    mean_bps2 = st.squares_bps2 / n
    if st.level_mass > 0.0 and st.ready == 1 and abs(st.level) < MAX_LEVEL:
        own = qlike(mean_bps2 / (st.quote_bps * st.quote_bps * grid_s + noise_bps2))
        rival = qlike(mean_bps2 / (st.ewma_bps * st.ewma_bps * grid_s + noise_bps2))
        score(st.skill, now_ns, own, rival, p.block_s, p.half_life_s)
    for i in range(PARTICLES):
        variance = math.exp(2.0 * st.x[i]) * grid_s + noise_bps2
        st.work[i] = -0.5 * (n * math.log(2.0 * math.pi * variance) + st.squares_bps2 / variance)
    st.log_like += particle.reweigh(st.w, st.work)
    if particle.effective(st.w) < 0.5 * PARTICLES:
        particle.resample(st.x, st.w, st.work, uniform(st.steps + 1, PARTICLES))
        st.resampled += 1
    st.observed_s += n * grid_s
    st.ready = 1 if st.observed_s >= p.ready_s else 0
    st.returns = 0
    st.squares_bps2 = 0.0


@nb.njit(cache=True)
def _forecast(st: Any, p: Any, anchor_bps: float, ewma_bps: float) -> None:
    """Move the particles over the next clock; sigma is the root of their mean variance. Learn the level; publish."""
    clock_s = p.clock_ns / NS_PER_S
    keep = time_constant_factor(clock_s, p.tau_s)
    sd = p.spread_ratio * math.sqrt(1.0 - keep * keep)
    mu = math.log(anchor_bps) - st.level
    st.steps += 1
    variance = 0.0
    for i in range(PARTICLES):
        x = mu + keep * (st.x[i] - mu) + sd * normal(st.steps, i)
        st.x[i] = min(max(x, -12.0), 12.0)
        variance += st.w[i] * math.exp(2.0 * st.x[i])
    st.sigma_bps = math.sqrt(variance)
    old = time_constant_factor(clock_s, p.level_tau_s)
    st.level_mass = old * st.level_mass + 1.0
    st.level += (math.log(ewma_bps / st.sigma_bps) - st.level) / st.level_mass
    st.level = min(MAX_LEVEL, max(-MAX_LEVEL, st.level))
    st.ewma_bps = ewma_bps
    st.quote_bps = st.sigma_bps * math.exp(st.level) if abs(st.level) < MAX_LEVEL else ewma_bps
