"""Arrivals of market orders by side, size and time of day (C7): an inhomogeneous Poisson rate that follows steps.

Sides are those of the aggressor, 0 buy and 1 sell; prints of one block and side are one sweep of their total size.

    rate_i(t) = s(t) (events_i + c m_i) / (season seconds + c)     2 min half-life, shrunk to m_i, the 10 min average

s is the time of day, one factor for each 3 h of the UTC day, slow (5 days) and shrunk to 1: events and exposure of each
bin against the whole day's. Rates are kept in season seconds (s dt), so that the season is in them once. `ratio` is the
rate over the plain average of ten minutes: what it multiplies was measured in the same minutes and has had their season
already, so that away from a change of the hour s leaves it alone; the rival forecasts by that average too. After a step
a rate has covered three quarters of it within two half-lives. The rate splits over buckets of size by shares of the
last half hour. The forecast of the next 5 s is scored by the Poisson log loss against the average of ten minutes.
Time goes on to late_ns before now between trades. Source: theory §4 (baseline), §12 (Gamma-Poisson with exposure).
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.poisson import log_loss
from portfolio_mm.models.skill import SKILL, clear_skill, score

HEARS = ("TRADE", "TIMER")
WARM_S = 65.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"events of the next 5 s": "the average rate of the last ten minutes (Poisson log loss)"}
BINS = 8
BIN_NS = 3 * 3600 * 10**9
BUCKETS = 4
"""Sizes of sweeps: below edge_usd[0], below [1], below [2], beyond."""

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("late_ns", "i8"),
        ("fast_half_life_s", "f8"),
        ("slow_half_life_s", "f8"),
        ("size_half_life_s", "f8"),
        ("day_half_life_s", "f8"),
        ("prior_per_s", "f8"),
        ("prior_s", "f8"),
        ("shrink_s", "f8"),
        ("size_count", "f8"),
        ("season_count", "f8"),
        ("edge_usd", "f8", (BUCKETS - 1,)),
        ("prior_usd", "f8", (BUCKETS,)),
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
        ("open_usd", "f8", (2,)),
        ("observed_s", "f8"),
        ("counts", "f8", (2,)),
        ("step_s", "f8"),
        ("fast_mass", "f8", (2,)),
        ("fast_s", "f8"),
        ("slow_mass", "f8", (2,)),
        ("slow_s", "f8"),
        ("slow_plain_s", "f8"),
        ("size_mass", "f8", (2, BUCKETS)),
        ("size_usd", "f8", (2, BUCKETS)),
        ("day_mass", "f8", (BINS,)),
        ("day_s", "f8", (BINS,)),
        ("season_ratio", "f8"),
        ("forecast", "f8", (2,)),
        ("rival", "f8", (2,)),
        ("rate_per_s", "f8", (2,)),
        ("ratio", "f8", (2,)),
        ("bucket_per_s", "f8", (2, BUCKETS)),
        ("bucket_usd", "f8", (2, BUCKETS)),
        ("skill", SKILL),
    ]
)
"""`open_usd` is the sweep of the block at `at_ns`, `counts` the sweeps of the running grid step and `step_s` its
season seconds; `*_mass` are remembered sweeps, `fast_s` and `slow_s` season seconds, `slow_plain_s` seconds,
`day_*` of each bin of the day. `ratio` is the rate over its average of ten minutes, `bucket_usd` the mean size of a
sweep of a bucket."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: grid 5 s, half-lives 2 min, 10 min, 30 min and 5 days, edges 300, 3,000 and 30,000 USD."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["gap_ns"], p["late_ns"] = 5 * 10**9, 10**10, 2 * 10**9
    p["fast_half_life_s"], p["slow_half_life_s"] = 120.0, 600.0
    p["size_half_life_s"], p["day_half_life_s"] = 1800.0, 5 * 86_400.0
    p["prior_per_s"], p["prior_s"], p["shrink_s"] = 0.1, 10.0, 30.0
    p["size_count"], p["season_count"] = 4.0, 200.0
    p["edge_usd"], p["prior_usd"] = (300.0, 3e3, 3e4), (150.0, 1e3, 1e4, 1e5)
    p["most_ratio"], p["ready_s"], p["block_s"], p["skill_half_life_s"] = 4.0, 60.0, 60.0, 4 * 3600.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; rates are the prior, the day is flat."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.at_ns = 0
    st.grid_at_ns = 0
    st.observed_s = 0.0
    st.step_s = 0.0
    st.fast_s = 0.0
    st.slow_s = 0.0
    st.slow_plain_s = 0.0
    st.season_ratio = 1.0
    for bins in (st.day_mass, st.day_s):
        bins[:] = 0.0
    for pair in (st.open_usd, st.counts, st.fast_mass, st.slow_mass):
        pair[:] = 0.0
    for pair in (st.forecast, st.rival):
        pair[:] = np.nan
    for table in (st.size_mass, st.size_usd):
        table[:, :] = 0.0
    st.rate_per_s[:] = p.prior_per_s
    st.ratio[:] = 1.0
    st.bucket_per_s[:, :] = p.prior_per_s / BUCKETS
    for side in range(2):
        st.bucket_usd[side, :] = p.prior_usd
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, aggressor: int, print_usd: float) -> bool:
    """Hear a print of `print_usd` notional at block time (`aggressor` 0 buy, 1 sell), or that time passed (-1).

    Returns:
        False when refused (no time, older than late_ns behind, a size that is not positive); state is kept.
    """
    bad = aggressor >= 0 and not 0.0 < print_usd < 1e300
    if bad or now_ns <= 0 or now_ns < st.last_ns - (p.late_ns if aggressor >= 0 else 0):
        st.refused += 1
        return False
    if st.at_ns == 0 or now_ns - st.at_ns > p.gap_ns + p.late_ns:
        _begin(st, p, now_ns)
    st.seen += 1
    st.last_ns = max(st.last_ns, now_ns)
    if aggressor >= 0:
        _advance(st, p, now_ns)
        if st.open_usd[aggressor] == 0.0:
            st.counts[aggressor] += 1.0
        st.open_usd[aggressor] += print_usd
    else:
        _advance(st, p, now_ns - p.late_ns)
    return True


@nb.njit(cache=True)
def _begin(st: Any, p: Any, now_ns: int) -> None:
    """Start, or start again after a hole, of which no exposure is counted and which no forecast spans."""
    st.at_ns = now_ns
    st.grid_at_ns = now_ns
    st.step_s = 0.0
    for pair in (st.open_usd, st.counts):
        pair[:] = 0.0
    for pair in (st.forecast, st.rival):
        pair[:] = np.nan
    st.season_ratio = _season(st, p, now_ns)


@nb.njit(cache=True)
def _advance(st: Any, p: Any, until_ns: int) -> None:
    """Let time pass up to `until_ns`, stopping at each grid time on the way."""
    while st.at_ns < until_ns:
        for side in range(2):
            if st.open_usd[side] > 0.0:
                _size(st, p, side)
        stop_ns = min(until_ns, st.grid_at_ns + p.grid_ns)
        st.step_s += st.season_ratio * (stop_ns - st.at_ns) / NS_PER_S
        st.at_ns = stop_ns
        if stop_ns == st.grid_at_ns + p.grid_ns:
            st.grid_at_ns = stop_ns
            _grid(st, p)


@nb.njit(cache=True)
def _size(st: Any, p: Any, side: int) -> None:
    """The block is over: its sweep joins its bucket."""
    j = 0
    while j < BUCKETS - 1 and st.open_usd[side] >= p.edge_usd[j]:
        j += 1
    st.size_mass[side, j] += 1.0
    st.size_usd[side, j] += st.open_usd[side]
    st.open_usd[side] = 0.0


@nb.njit(cache=True)
def _grid(st: Any, p: Any) -> None:
    """A grid step is over: judge its forecast, learn, forecast the next one."""
    grid_s = p.grid_ns / NS_PER_S
    for side in range(2):
        if st.forecast[side] > 0.0 and st.rival[side] > 0.0:
            loss, naive = log_loss(st.counts[side], st.forecast[side]), log_loss(st.counts[side], st.rival[side])
            score(st.skill, st.at_ns, loss, naive, p.block_s, p.skill_half_life_s)
    _learn_day(st, p, grid_s)
    fast, slow = half_life_factor(grid_s, p.fast_half_life_s), half_life_factor(grid_s, p.slow_half_life_s)
    st.fast_s = fast * st.fast_s + st.step_s
    st.slow_s = slow * st.slow_s + st.step_s
    st.slow_plain_s = slow * st.slow_plain_s + grid_s
    st.season_ratio = _season(st, p, st.at_ns)
    for side in range(2):
        st.fast_mass[side] = fast * st.fast_mass[side] + st.counts[side]
        st.slow_mass[side] = slow * st.slow_mass[side] + st.counts[side]
        mean = (st.slow_mass[side] + p.prior_s * p.prior_per_s) / (st.slow_s + p.prior_s)
        average = (st.slow_mass[side] + p.prior_s * p.prior_per_s) / (st.slow_plain_s + p.prior_s)
        now = (st.fast_mass[side] + p.shrink_s * mean) / (st.fast_s + p.shrink_s)
        st.rate_per_s[side] = st.season_ratio * now
        st.ratio[side] = min(p.most_ratio, max(1.0 / p.most_ratio, st.season_ratio * now / average))
        st.forecast[side] = st.rate_per_s[side] * grid_s
        st.rival[side] = average * grid_s
        _split(st, p, side, half_life_factor(grid_s, p.size_half_life_s))
    st.counts[:] = 0.0
    st.step_s = 0.0
    st.observed_s += grid_s
    st.ready = 1 if st.observed_s >= p.ready_s else 0


@nb.njit(cache=True)
def _split(st: Any, p: Any, side: int, keep: float) -> None:
    """The rate of a side over its buckets; sizes are forgotten."""
    total = p.size_count
    for j in range(BUCKETS):
        st.size_mass[side, j] *= keep
        st.size_usd[side, j] *= keep
        total += st.size_mass[side, j]
    for j in range(BUCKETS):
        count = st.size_mass[side, j]
        st.bucket_per_s[side, j] = st.rate_per_s[side] * (count + p.size_count / BUCKETS) / total
        st.bucket_usd[side, j] = (st.size_usd[side, j] + p.prior_usd[j]) / (count + 1.0)


@nb.njit(cache=True)
def _learn_day(st: Any, p: Any, grid_s: float) -> None:
    """Sweeps and seconds of this bin of the day; every bin is forgotten alike."""
    keep = half_life_factor(grid_s, p.day_half_life_s)
    for j in range(BINS):
        st.day_mass[j] *= keep
        st.day_s[j] *= keep
    j = (st.at_ns // BIN_NS) % BINS
    st.day_mass[j] += st.counts[0] + st.counts[1]
    st.day_s[j] += grid_s


@nb.njit(cache=True)
def _season(st: Any, p: Any, now_ns: int) -> float:
    """Factor of this time of day: the bin's sweeps over what the whole day's rate would bring there, shrunk to 1."""
    mass, seconds = 0.0, 0.0
    for j in range(BINS):
        mass += st.day_mass[j]
        seconds += st.day_s[j]
    j = (now_ns // BIN_NS) % BINS
    expected = mass / seconds * st.day_s[j] if seconds > 0.0 else 0.0
    return (st.day_mass[j] + p.season_count) / (expected + p.season_count)  # type: ignore[no-any-return]
