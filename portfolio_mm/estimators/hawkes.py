"""Self- and cross-exciting arrivals of market orders (C6): models/hawkes.py, fitted online, forecasting the next 5 s.

Sides are those of the aggressor, 0 buy and 1 sell. Prints of one block and side are one event (the venue stamps all
trades of a block alike: counted singly they look like excitation without delay), and a block excites later ones only.
Each grid step theta moves by one Newton step of the likelihood, the information of what went before and the prior,

    theta += (J + P)^-1 (score of this step - (1 - keep) P (theta - prior)),    J = keep J + outer products,

which is the maximum likelihood of the remembered stretch to first order; memory grows from 2 to 30 min half-life as
time is seen. Stationarity is enforced (spectral radius at most 0.95). The base rate follows the given time of day.
Forecasts (expected events of the next 5 s) are scored by the Poisson log loss against the average of the last minutes.
The process is advanced to trades, and otherwise to late_ns before now, so trades may be that late.
Not guaranteed: an exponential decay; on power-law decay the branching is too small (tests). Source: theory §4.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import hawkes as model
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.hawkes import BETA, SIZE
from portfolio_mm.models.poisson import log_loss
from portfolio_mm.models.skill import SKILL, clear_skill, score

HEARS = ("TRADE", "TIMER")
WARM_S = 65.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"events of the next 5 s": "the average rate of the last ten minutes (Poisson log loss)"}
STRIDE_NS = 10**9
READ_NS = 25 * 10**7
"""Without trades the process is advanced, and its rates are read, no more often than this."""

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("late_ns", "i8"),
        ("half_life_s", "f8"),
        ("mean_half_life_s", "f8"),
        ("prior", "f8", (SIZE,)),
        ("prior_precision", "f8", (SIZE,)),
        ("min_beta_per_s", "f8"),
        ("max_beta_per_s", "f8"),
        ("most_ratio", "f8"),
        ("ready_s", "f8"),
        ("block_s", "f8"),
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
        ("at_ns", "i8"),
        ("grid_at_ns", "i8"),
        ("read_ns", "i8"),
        ("pending", "i8", (2,)),
        ("theta", "f8", (SIZE,)),
        ("reach", "f8", (2,)),
        ("lag_s", "f8", (2,)),
        ("score", "f8", (SIZE,)),
        ("step", "f8", (SIZE,)),
        ("rest", "f8", (SIZE,)),
        ("info", "f8", (SIZE, SIZE)),
        ("work", "f8", (SIZE, SIZE)),
        ("counts", "f8", (2,)),
        ("observed_s", "f8"),
        ("mean_mass", "f8", (2,)),
        ("mean_s", "f8"),
        ("mean_per_s", "f8", (2,)),
        ("forecast", "f8", (2,)),
        ("rival", "f8", (2,)),
        ("rate_per_s", "f8", (2,)),
        ("ratio", "f8", (2,)),
        ("excitation", "f8", (2,)),
        ("skill", SKILL),
    ]
)
"""`at_ns` is how far the process has been advanced; `reach` and `lag_s` are R and Q of the model, `pending` the sides
heard in the block at `at_ns`, which excite from the next one on; `ratio` the expected rate of the next 5 s over its
average of minutes, `excitation` ln(rate now / long-run rate), both per side of the aggressor."""


def default_params(self_excitation: float = 0.3, cross_excitation: float = 0.1) -> np.ndarray[Any, Any]:
    """One PARAMS record: grid 5 s, memory 30 min, prior mu 0.1/s, beta 1/s.

    Raises:
        ValueError: the prior branching numbers do not make a stationary process.
    """
    own, cross = model.stationary(self_excitation, cross_excitation)
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["gap_ns"], p["late_ns"] = 5 * 10**9, 10**10, 2 * 10**9
    p["half_life_s"], p["mean_half_life_s"] = 1800.0, 600.0
    p["prior"] = (0.1, 0.1, own, cross, cross, own, 1.0)
    p["prior_precision"] = (25.0, 25.0, 25.0, 25.0, 25.0, 25.0, 4.0)
    p["min_beta_per_s"], p["max_beta_per_s"], p["most_ratio"] = 0.02, 20.0, 4.0
    p["ready_s"], p["block_s"], p["skill_half_life_s"] = 60.0, 60.0, 4 * 3600.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; theta is the prior until data outweigh it."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.at_ns = 0
    st.grid_at_ns = 0
    st.read_ns = 0
    st.theta[:] = p.prior
    st.info[:, :] = 0.0
    st.work[:, :] = 0.0
    for row in (st.score, st.step, st.rest):
        row[:] = 0.0
    st.pending[:] = 0
    for pair in (st.reach, st.lag_s, st.counts, st.mean_mass, st.excitation):
        pair[:] = 0.0
    for pair in (st.forecast, st.rival):
        pair[:] = np.nan
    st.observed_s = 0.0
    st.mean_s = 0.0
    st.mean_per_s[:] = p.prior[:2]
    st.rate_per_s[:] = p.prior[:2]
    st.ratio[:] = 1.0
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, aggressor: int, season_ratio: float) -> bool:
    """Hear a trade at block time (`aggressor` 0 buy, 1 sell), or that time passed (-1); `season_ratio` of arrivals.

    Returns:
        False when refused (no time, older than late_ns behind, a season that is not positive); state is kept.
    """
    if now_ns <= 0 or now_ns < st.last_ns - (p.late_ns if aggressor >= 0 else 0) or not 0.0 < season_ratio < 1e3:
        st.refused += 1
        return False
    if st.at_ns == 0 or now_ns - st.at_ns > p.gap_ns + p.late_ns:
        _begin(st, now_ns)
    st.seen += 1
    st.last_ns = max(st.last_ns, now_ns)
    if aggressor >= 0:
        _advance(st, p, now_ns, season_ratio)
        if st.pending[aggressor] == 0:
            st.pending[aggressor] = 1
            st.counts[aggressor] += 1.0
            model.hear(st.theta, st.reach, st.lag_s, aggressor, season_ratio, st.score, st.info)
    elif now_ns - p.late_ns - st.at_ns >= STRIDE_NS:
        _advance(st, p, now_ns - p.late_ns, season_ratio)
    if aggressor >= 0 or now_ns // READ_NS != st.read_ns // READ_NS:
        st.read_ns = now_ns
        _read(st, p, season_ratio)
    return True


@nb.njit(cache=True)
def _begin(st: Any, now_ns: int) -> None:
    """Start, or start again after a hole: what was excited then is over, and no forecast spans it."""
    st.at_ns = now_ns
    st.grid_at_ns = now_ns
    st.pending[:] = 0
    st.reach[:] = 0.0
    st.lag_s[:] = 0.0
    st.counts[:] = 0.0
    for pair in (st.forecast, st.rival):
        pair[:] = np.nan


@nb.njit(cache=True)
def _advance(st: Any, p: Any, until_ns: int, season_ratio: float) -> None:
    """Bring the process to `until_ns`, stopping at each grid time on the way."""
    while st.at_ns < until_ns:
        stop_ns = min(until_ns, st.grid_at_ns + p.grid_ns)
        for side in range(2):
            st.reach[side] += st.pending[side]
            st.pending[side] = 0
        model.pass_time(st.theta, st.reach, st.lag_s, (stop_ns - st.at_ns) / NS_PER_S, season_ratio, st.score)
        st.at_ns = stop_ns
        if stop_ns == st.grid_at_ns + p.grid_ns:
            st.grid_at_ns = stop_ns
            _grid(st, p, season_ratio)


@nb.njit(cache=True)
def _grid(st: Any, p: Any, season_ratio: float) -> None:
    """A grid step is over: judge its forecast, learn from it, forecast the next one."""
    grid_s = p.grid_ns / NS_PER_S
    for side in range(2):
        if st.forecast[side] > 0.0 and st.rival[side] > 0.0:
            loss, naive = log_loss(st.counts[side], st.forecast[side]), log_loss(st.counts[side], st.rival[side])
            score(st.skill, st.at_ns, loss, naive, p.block_s, p.skill_half_life_s)
    _learn(st, p, grid_s)
    keep = half_life_factor(grid_s, p.mean_half_life_s)
    st.mean_s = keep * st.mean_s + grid_s
    for side in range(2):
        st.mean_mass[side] = keep * st.mean_mass[side] + st.counts[side]
        st.mean_per_s[side] = (st.mean_mass[side] + 1.0) / (st.mean_s + 1.0 / p.prior[side])
        st.rival[side] = st.mean_per_s[side] * grid_s
    st.forecast[0], st.forecast[1] = model.expected_counts(st.theta, st.reach, grid_s, season_ratio)
    st.counts[:] = 0.0
    st.ready = 1 if st.observed_s >= p.ready_s and st.mean_mass[0] + st.mean_mass[1] >= 8.0 else 0


@nb.njit(cache=True)
def _learn(st: Any, p: Any, grid_s: float) -> None:
    """One Newton step; the memory is a third of what was seen until it is half_life_s.

    The prior is normal in mu and n and in ln beta: without excitation nothing else holds beta.
    """
    st.observed_s += grid_s
    memory_s = 0.0 if p.half_life_s <= 0.0 else min(p.half_life_s, max(120.0, st.observed_s / 3.0))
    keep = half_life_factor(grid_s, memory_s)
    for a in range(SIZE):
        weight, pull = p.prior_precision[a], st.theta[a] - p.prior[a]
        if a == BETA:
            weight /= st.theta[a] * st.theta[a]
            pull = st.theta[a] * math.log(st.theta[a] / p.prior[a])
        st.info[a, a] += weight
        st.score[a] -= (1.0 - keep) * weight * pull
        st.step[a] = np.nan
    beta = st.theta[BETA]
    _newton(st, p)
    model.project(st.theta, p.min_beta_per_s, p.max_beta_per_s)
    for j in range(2):
        st.reach[j] = max(0.0, st.reach[j] - st.lag_s[j] * (st.theta[BETA] - beta))
    for a in range(SIZE):
        weight = p.prior_precision[a]
        st.info[a, a] -= weight / (beta * beta) if a == BETA else weight
        st.score[a] = 0.0
        for b in range(SIZE):
            st.info[a, b] *= keep


@nb.njit(cache=True)
def _newton(st: Any, p: Any) -> None:
    """The Newton step within bounds: what would leave them stops there, the others are solved again (three rounds)."""
    for _ in range(3):
        for a in range(SIZE):
            held = not math.isnan(st.step[a])
            st.rest[a] = st.step[a] if held else st.score[a]
            for b in range(SIZE):
                both = not held and math.isnan(st.step[b])
                st.work[a, b] = st.info[a, b] if both else (1.0 if a == b else 0.0)
                if not held and not both:
                    st.rest[a] -= st.info[a, b] * st.step[b]
        if not model.solve(st.work, st.rest):
            return
        inside = True
        for a in range(SIZE):
            low, high = _bounds(st, p, a)
            if math.isnan(st.step[a]) and not low <= st.rest[a] <= high:
                st.step[a] = min(high, max(low, st.rest[a]))
                inside = False
        if inside:
            break
    for a in range(SIZE):
        low, high = _bounds(st, p, a)
        st.theta[a] += min(high, max(low, st.rest[a]))


@nb.njit(cache=True)
def _bounds(st: Any, p: Any, a: int) -> tuple[float, float]:
    """How far theta_a may move in one step: a rate by a quarter, a branching number by 0.1, beta by a twentieth."""
    now = st.theta[a]
    if a < model.N:
        return max(model.LEAST_PER_S - now, -0.25 * now), 0.25 * now + 0.002
    if a < BETA:
        return max(-now, -0.1), min(model.MOST_RADIUS - now, 0.1)
    return max(p.min_beta_per_s - now, -0.05 * now), min(p.max_beta_per_s - now, 0.05 * now)


@nb.njit(cache=True)
def _read(st: Any, p: Any, season_ratio: float) -> None:
    """Rates now, the events of this block included: they excite what comes next."""
    seconds = p.grid_ns / NS_PER_S
    fade = math.exp(-st.theta[BETA] * max(0, st.last_ns - st.at_ns) / NS_PER_S)
    reach = (fade * (st.reach[0] + st.pending[0]), fade * (st.reach[1] + st.pending[1]))
    long = model.long_run(st.theta, season_ratio)
    expected = model.expected_counts(st.theta, reach, seconds, season_ratio)
    for side in range(2):
        st.rate_per_s[side] = model.rate_per_s(st.theta, reach, side, season_ratio)
        st.excitation[side] = math.log(max(st.rate_per_s[side], 1e-12) / max(long[side], 1e-12))
        ratio = expected[side] / (st.mean_per_s[side] * seconds)
        st.ratio[side] = min(p.most_ratio, max(1.0 / p.most_ratio, ratio))
