"""Funding rate that the running hour will end with (C14), bps of price an hour; positive: longs pay.

The premium, mark over oracle, is sampled on a grid of 5 s of venue time with the value prevailing there. Of the hour's
720 samples those seen have mean M: what the published rate implies, or inside its dead band our own mean. The others
are foretold as AR(1) around the level of the last hours:
    E[P] = (n M + (720 - n) level + (now - level) phi (1 - phi^(720 - n)) / (1 - phi)) / 720
and the rate is E[F(P)] over the normal law of P, not F(E[P]) (models/funding.py). phi is fitted on pairs a minute
apart, so that the noise of one sample does not pass for mean reversion.
What is applied is the published rate, moved towards ours by the weight that ours has earned against it.
Source: HL §9, theory §9. Not guaranteed: mark over oracle is the venue's impact premium only within half a spread, and
a builder-deployed market may multiply its rate; both are seen in the score, and late in the hour the published rate
dominates anyway.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import funding as model
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.skill import SKILL, clear_skill, score

HEARS = ("CONTEXT",)
WARM_S = 30.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"rate of the hour": "the rate published at that moment"}
LAG_STEPS = 12
"""Grid steps between the two values of a pair: one minute."""
GUESSES = 11
"""Predictions of one hour that are scored: one each 5 minutes."""
HOUR_NS = 3_600_000_000_000

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("half_life_s", "f8"),
        ("prior_level_bps", "f8"),
        ("prior_sd_bps", "f8"),
        ("prior_tau_s", "f8"),
        ("prior_count", "f8"),
        ("max_premium_bps", "f8"),
        ("skill_half_life_s", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pos", "i4"),
        ("refused", "i8"),
        ("next_grid_ns", "i8"),
        ("hour", "i8"),
        ("samples", "i8"),
        ("filled", "i8"),
        ("premium_bps", "f8"),
        ("published_bps", "f8"),
        ("hour_sum_bps", "f8"),
        ("expected_bps", "f8"),
        ("carry_bps", "f8"),
        ("mass", "f8"),
        ("level_sum", "f8"),
        ("square_sum", "f8"),
        ("pair_mass", "f8"),
        ("pair_xx", "f8"),
        ("pair_xy", "f8"),
        ("ring_bps", "f4", (LAG_STEPS,)),
        ("guess_bps", "f4", (GUESSES,)),
        ("rival_bps", "f4", (GUESSES,)),
        ("skill", SKILL),
    ]
)
"""`hour` counts full hours since the epoch, `samples` those taken by us in it; sums are of samples and forgotten;
`expected_bps` is our prediction, `carry_bps` what is applied, `guess_bps` and `rival_bps` await the hour's end."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s grid, half-life 4 h, level 0 +- 3 bps with memory 20 min worth an hour, at most 5 %."""
    return np.array([(5 * 10**9, 14_400.0, 0.0, 3.0, 1200.0, 720.0, 500.0, 604_800.0)], dtype=PARAMS)


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - one signature for all estimators
    """Forget everything. Rates are NaN until `ready`."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pos = 0
    st.refused = 0
    st.next_grid_ns = 0
    st.hour = 0
    st.samples = 0
    st.filled = 0
    st.premium_bps = np.nan
    st.published_bps = np.nan
    st.hour_sum_bps = 0.0
    st.expected_bps = np.nan
    st.carry_bps = np.nan
    st.mass = 0.0
    st.level_sum = 0.0
    st.square_sum = 0.0
    st.pair_mass = 0.0
    st.pair_xx = 0.0
    st.pair_xy = 0.0
    st.ring_bps[:] = 0.0
    st.guess_bps[:] = np.nan
    st.rival_bps[:] = np.nan
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mark_px: float, oracle_px: float, published_share: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear a CONTEXT at block time `now_ns`; `published_share` is the hourly rate as a fraction.

    Guarantees: a repeated message changes no estimate; a silence is filled with the last value for at most an hour.

    Returns:
        False when refused (a null or NaN, not positive, beyond what can be, or older than the last); state is kept.
    """
    sane = 0.0 < mark_px < 1e300 and 0.0 < oracle_px < 1e300 and -0.05 < published_share < 0.05
    if now_ns <= 0 or now_ns < st.last_ns or not sane:
        st.refused += 1
        return False
    if st.seen == 0 or now_ns - st.last_ns > HOUR_NS:
        st.hour = now_ns // HOUR_NS
        st.samples = 0
        st.hour_sum_bps = 0.0
        st.filled = 0
        st.guess_bps[:] = np.nan
        st.next_grid_ns = (now_ns // p.grid_ns + 1) * p.grid_ns
    while st.next_grid_ns <= now_ns:
        _sample(st, p)
        st.next_grid_ns += p.grid_ns
    if now_ns // HOUR_NS > st.hour:
        _begin_hour(st, p, now_ns)
    st.seen += 1
    st.last_ns = now_ns
    st.published_bps = 1e4 * published_share
    premium_bps = 1e4 * (mark_px - oracle_px) / oracle_px
    st.premium_bps = min(p.max_premium_bps, max(-p.max_premium_bps, premium_bps))
    _predict(st, p, now_ns)
    return True


@nb.njit(cache=True)
def _sample(st: Any, p: Any) -> None:
    """One grid step with the prevailing premium: into the hour's mean, the level and the pairs a minute apart."""
    value, pos = st.premium_bps, st.pos
    keep = half_life_factor(p.grid_ns / NS_PER_S, p.half_life_s)
    st.mass = keep * st.mass + 1.0
    st.level_sum = keep * st.level_sum + value
    st.square_sum = keep * st.square_sum + value * value
    if st.filled >= LAG_STEPS:
        level_bps = _level_bps(st, p)
        before = st.ring_bps[pos] - level_bps
        st.pair_mass = keep * st.pair_mass + 1.0
        st.pair_xx = keep * st.pair_xx + before * before
        st.pair_xy = keep * st.pair_xy + before * (value - level_bps)
    else:
        st.filled += 1
    st.ring_bps[pos] = value
    st.pos = (pos + 1) % LAG_STEPS
    if st.next_grid_ns // HOUR_NS == st.hour:
        st.samples += 1
        st.hour_sum_bps += value


@nb.njit(cache=True)
def _begin_hour(st: Any, p: Any, now_ns: int) -> None:
    """The last published rate of the old hour is what was paid: score the guesses, start the sums anew."""
    paid_bps = st.published_bps
    if now_ns // HOUR_NS == st.hour + 1 and st.hour * HOUR_NS + HOUR_NS - st.last_ns < 120 * NS_PER_S:
        for j in range(GUESSES):
            if st.guess_bps[j] == st.guess_bps[j]:
                own, rival = st.guess_bps[j] - paid_bps, st.rival_bps[j] - paid_bps
                score(st.skill, now_ns, own * own, rival * rival, 3000.0, p.skill_half_life_s)
    st.guess_bps[:] = np.nan
    st.hour = now_ns // HOUR_NS
    st.samples = 0
    st.hour_sum_bps = 0.0


@nb.njit(cache=True)
def _level_bps(st: Any, p: Any) -> float:
    """Long-run premium: mean of the last hours, shrunk to the prior."""
    return (st.level_sum + p.prior_count * p.prior_level_bps) / (st.mass + p.prior_count)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _keep_per_step(st: Any, p: Any) -> float:
    """Share of a deviation left after one grid step, from pairs a minute apart shrunk to the prior's memory."""
    prior_keep = math.exp(-LAG_STEPS * p.grid_ns / NS_PER_S / p.prior_tau_s)
    prior_xx = p.prior_count * p.prior_sd_bps * p.prior_sd_bps
    a_minute = (st.pair_xy + prior_xx * prior_keep) / (st.pair_xx + prior_xx)
    return math.exp(math.log(min(0.999, max(0.01, a_minute))) / LAG_STEPS)


@nb.njit(cache=True)
def _predict(st: Any, p: Any, now_ns: int) -> None:
    """Rate of the running hour from what is known now, and the guess of this five minutes if it is a new one."""
    into_ns = now_ns - st.hour * HOUR_NS
    seen_count = min(model.SAMPLES, into_ns // p.grid_ns)
    own_mean_bps = st.hour_sum_bps / st.samples if st.samples > 0 else st.premium_bps
    mean_bps = model.mean_so_far_bps(st.published_bps, own_mean_bps)
    level_bps, keep = _level_bps(st, p), _keep_per_step(st, p)
    variance = max(0.0, st.square_sum - 2.0 * level_bps * st.level_sum + st.mass * level_bps * level_bps)
    variance = (variance + p.prior_count * p.prior_sd_bps * p.prior_sd_bps) / (st.mass + p.prior_count)
    mean_bps, sd_bps = model.final_premium(seen_count, mean_bps, st.premium_bps, level_bps, keep, math.sqrt(variance))
    st.expected_bps = model.expected_hourly_bps(mean_bps, sd_bps)
    st.carry_bps = st.published_bps + st.skill.weight * (st.expected_bps - st.published_bps)
    if st.filled >= 6:
        st.ready = 1
    j = into_ns // (300 * 1_000_000_000) - 1
    if st.ready == 1 and 0 <= j < GUESSES and st.guess_bps[j] != st.guess_bps[j]:
        st.guess_bps[j] = st.expected_bps
        st.rival_bps[j] = st.published_bps
