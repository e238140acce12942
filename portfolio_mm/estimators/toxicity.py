"""Who is about to trade with us (C9): E[AS | what is known] and P(adverse | what is known) at a placement, per side.

    E[AS | x] = average + b sum_j w_j z_j      ridge, forgetting, z of models/toxic_row.py less its mean
    P(adverse | x) = Platt(v_0 + sum_j v_j z_j)  online logistic; adverse = the loss exceeds noise_bps
    what is said   = w r + w_p (h - w r)         r the ridge's, h = (P - share) (u - g) (models/two_outcomes.py)
Labels are signed losses at the learned horizon against fair at placement. Own fills weigh 1; virtual ones (a sweep
that reached min_depth_bps would have filled what stood there, at most five per horizon) weigh virtual_ratio, so that it
learns before own fills do. Every prediction is made before its label is known: b is the slope of realised on predicted
where its interval excludes 1. Both outputs are scored against their running averages (w: the ridge's weight), and h
against w r; it speaks as far as P beats the share and h beats w r (w_p: the smaller weight).
Nothing known: exactly 0. Source: predecessor §4 "should be", finding 9; theory §8. Not guaranteed: that sweeps on
others are like those on us; skill counts both.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.calibration import (
    LINE,
    PLATT,
    calibrated,
    clear_line,
    clear_platt,
    compare,
    log_loss,
    slope_in_force,
    teach,
)
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.features import N_FEATURES
from portfolio_mm.models.fill_ring import PENDING
from portfolio_mm.models.logistic_fit import step_logistic
from portfolio_mm.models.ridge import add_row, descend
from portfolio_mm.models.skill import SKILL, clear_skill, score
from portfolio_mm.models.sweep import penetration_bps
from portfolio_mm.models.toxic_row import INFORMED, N_ROW, follow, is_known, measure, standardise, turn, usual_informed
from portfolio_mm.models.two_outcomes import deviation_bps as of_probability_bps

HEARS = ("BBO", "BOOK", "TIMER", "TRADE", "FILL")
WARM_S = 120.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {
    "adverse_bps": "the average of its labels",
    "adverse_probability": "the share of labels that were adverse",
    "adverse_bps by probability": "adverse_bps as it is said without it",
}
ADVERSE, PROBABILITY, BOTH = range(3)
VIRTUAL = 8
N = N_ROW + 1

PARAMS = record(
    [
        ("horizon_ns", "i8"),
        ("stale_ns", "i8"),
        ("half_life_s", "f8"),
        ("block_s", "f8"),
        ("virtual_ratio", "f8"),
        ("min_depth_bps", "f8"),
        ("noise_bps", "f8"),
        ("warm_count", "f8"),
        ("ridge_count", "f8"),
        ("platt_count", "f8"),
        ("max_relief_bps", "f8"),
        ("max_extra_bps", "f8"),
        ("ready_count", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("dropped", "i4"),
        ("refused", "i8"),
        ("learn_ns", "i8"),
        ("next_sample_ns", "i8"),
        ("label_n", "f8"),
        ("label_bps", "f8"),
        ("label_yes", "f8"),
        ("label_yes_bps", "f8"),
        ("moments", "f8", (3, N_ROW)),
        ("centre", "f8", (N_ROW,)),
        ("per_sd", "f8", (N_ROW,)),
        ("gram", "f8", (N * (N + 1) // 2,)),
        ("cross", "f8", (N,)),
        ("w", "f8", (N,)),
        ("v", "f8", (N,)),
        ("curve", "f8", (N,)),
        ("x", "f8", (N,)),
        ("raw", "f4", (N_ROW,)),
        ("line", LINE),
        ("platt", PLATT),
        ("skill", SKILL, (3,)),
        ("now", "f4", (N_FEATURES,)),
        ("extra_bps", "f8", (2,)),
        ("outcome_bps", "f8", (2,)),
        ("adverse_probability", "f8", (2,)),
        ("own_bps", "f4", (PENDING,)),
        ("own_z", "f4", (PENDING,)),
        ("due_ns", "i8", (VIRTUAL,)),
        ("due_fair_px", "f8", (VIRTUAL,)),
        ("due_side", "i4", (VIRTUAL,)),
        ("due_bps", "f4", (VIRTUAL,)),
        ("due_z", "f4", (VIRTUAL,)),
        ("due_raw", "f4", (VIRTUAL, N_ROW)),
    ]
)
"""`label_*` mass, sum, adverse ones of the labels and their sum; `moments`, `gram`, `cross`, `curve` forgotten sums;
`centre`, `per_sd` what `moments` make of a z-score; `w`, `v` coefficients; `own_*`, `due_*` predictions whose label is
not known yet (deviation in bps, log odds); `now`, `extra_bps` (r), `outcome_bps` (h), `adverse_probability` what is
said now; `x` and `raw` working space."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s labels, half-life 2 h, 10 s blocks, virtual fills worth 0.3, ridge of 20 labels."""
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_ns"], p["stale_ns"], p["half_life_s"], p["block_s"] = 5 * 10**9, 2 * 10**9, 7200.0, 10.0
    p["virtual_ratio"], p["min_depth_bps"], p["noise_bps"] = 0.3, 0.5, 0.5
    p["warm_count"], p["ridge_count"], p["platt_count"] = 10.0, 20.0, 20.0
    p["max_relief_bps"], p["max_extra_bps"], p["ready_count"] = 1.0, 10.0, 12.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; says 0 until it has learned."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.dropped = 0
    st.refused = 0
    st.learn_ns = 0
    st.next_sample_ns = 0
    st.label_n, st.label_bps = 0.0, 0.0
    st.label_yes, st.label_yes_bps = 0.0, 0.0
    st.moments[:, :] = 0.0
    st.centre[:], st.per_sd[:] = 0.0, 0.0
    st.gram[:], st.cross[:] = 0.0, 0.0
    st.w[:], st.v[:], st.curve[:], st.x[:] = 0.0, 0.0, 0.0, 0.0
    st.own_bps[:], st.own_z[:] = 0.0, 0.0
    st.due_bps[:], st.due_z[:] = 0.0, 0.0
    st.extra_bps[:], st.outcome_bps[:] = 0.0, 0.0
    st.raw[:] = np.nan
    st.now[:] = np.nan
    st.adverse_probability[:] = 0.5
    st.due_ns[:] = 0
    st.due_fair_px[:] = 0.0
    st.due_side[:] = 0
    st.due_raw[:, :] = np.nan
    clear_line(st.line)
    clear_platt(st.platt, p.platt_count)
    for i in range(3):
        clear_skill(st.skill[i])


@nb.njit(cache=True)
def _read(st: Any) -> tuple[float, float]:
    """Deviation of E[AS] from its average (bps, before calibration) and log odds, of the row in `raw`."""
    standardise(st.raw, st.centre, st.per_sd, st.x)
    deviation_bps = -st.w[INFORMED + 1] * usual_informed(st.raw, st.per_sd, st.gram, st.moments)
    odds_z = st.v[0]
    for j in range(1, N):
        deviation_bps += st.w[j] * st.x[j]
        odds_z += st.v[j] * st.x[j]
    return deviation_bps, odds_z


@nb.njit(cache=True)
def predict(st: Any, p: Any, features: Any) -> None:
    """Set `extra_bps`, `adverse_probability`, `outcome_bps` of both sides from market features (NaN: not known)."""
    b = slope_in_force(st.line)
    for side in range(2):
        turn(features, side, st.raw)
        deviation_bps, odds_z = _read(st)
        st.extra_bps[side] = min(p.max_extra_bps, max(-p.max_relief_bps, b * deviation_bps))
        st.adverse_probability[side] = calibrated(st.platt, odds_z)
        st.outcome_bps[side] = 0.0
        if is_known(st.x):
            by_outcome_bps = _of_probability(st, st.adverse_probability[side])
            st.outcome_bps[side] = min(p.max_extra_bps, max(-p.max_relief_bps, by_outcome_bps))


@nb.njit(cache=True)
def _of_probability(st: Any, said_probability: float) -> float:
    """What a P(adverse) makes of the losses seen so far, bps beyond their average."""
    return of_probability_bps(said_probability, st.label_n, st.label_yes, st.label_bps, st.label_yes_bps)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def share_of_probability(st: Any) -> float:
    """w_p: 0 until P beats the share of adverse labels and what it says in bps the forecast without it."""
    return min(st.skill[PROBABILITY].weight, st.skill[BOTH].weight)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def on_fill(st: Any, slot: int, side: int, features: Any) -> None:
    """An own fill took place `slot` of the ring of markouts: say now what its label will be."""
    turn(features, side, st.raw)
    deviation_bps, odds_z = _read(st)
    st.own_bps[slot] = deviation_bps
    st.own_z[slot] = odds_z


@nb.njit(cache=True)
def learn(st: Any, p: Any, now_ns: int, slot: int, side: int, features: Any, adverse_bps: float) -> None:  # noqa: PLR0917 - flat arguments
    """The label of an own fill at the learned horizon, with the features of its order's placement."""
    turn(features, side, st.raw)
    _take(st, p, now_ns, 1.0, adverse_bps, float(st.own_bps[slot]), float(st.own_z[slot]))


@nb.njit(cache=True)
def sample(st: Any, p: Any, now_ns: int, side: int, depth_bps: float, fair_px: float, features: Any) -> bool:  # noqa: PLR0917 - flat arguments
    """A sweep reached `depth_bps` beyond `fair_px` on `side`: what stood there would have been filled.

    Call it before the trade changes any feature. False when it is not taken: too shallow, too soon, no room.
    """
    if not (depth_bps >= p.min_depth_bps and 0.0 < fair_px < 1e300) or now_ns < st.next_sample_ns:
        return False
    for slot in range(VIRTUAL):
        if st.due_ns[slot] == 0:
            turn(features, side, st.raw)
            deviation_bps, odds_z = _read(st)
            st.due_ns[slot] = now_ns + p.horizon_ns
            st.due_fair_px[slot] = fair_px
            st.due_side[slot] = side
            st.due_bps[slot] = deviation_bps
            st.due_z[slot] = odds_z
            st.due_raw[slot, :] = st.raw
            st.next_sample_ns = now_ns + p.horizon_ns // 5
            return True
    return False


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_ns: int, mid_px: float) -> bool:
    """Time is `now_ns`, the newest mid `mid_px` of block time `mid_ns`: virtual fills that are due get their label.

    Returns:
        False when refused (NaN, not positive, time backwards); state is kept.
    """
    if now_ns <= 0 or now_ns < st.last_ns or not 0.0 < mid_px < 1e300:
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns = now_ns
    for slot in range(VIRTUAL):
        due_ns = st.due_ns[slot]
        if due_ns == 0 or due_ns > now_ns:
            continue
        if mid_ns >= due_ns and mid_ns - due_ns <= p.stale_ns:
            loss_bps = penetration_bps(st.due_side[slot], mid_px, st.due_fair_px[slot])
            st.raw[:] = st.due_raw[slot]
            _take(st, p, now_ns, p.virtual_ratio, loss_bps, float(st.due_bps[slot]), float(st.due_z[slot]))
            st.due_ns[slot] = 0
        elif now_ns - due_ns > p.stale_ns:
            st.dropped += 1
            st.due_ns[slot] = 0
    return True


@nb.njit(cache=True)
def _take(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, now_ns: int, weight_ratio: float, loss_bps: float, deviation_bps: float, said_z: float
) -> None:
    """Score what was said, then calibrate, then learn; the row is in `raw`."""
    if not -1e4 < loss_bps < 1e4:
        return
    came = 1 if loss_bps > p.noise_bps else 0
    keep = half_life_factor((now_ns - st.learn_ns) / NS_PER_S, p.half_life_s) if st.learn_ns > 0 else 1.0
    standardise(st.raw, st.centre, st.per_sd, st.x)
    if st.label_n >= p.warm_count:
        average_bps, share = st.label_bps / st.label_n, (st.label_yes + 1.0) / (st.label_n + 2.0)
        error_bps = loss_bps - average_bps
        by_ridge_bps = slope_in_force(st.line) * deviation_bps
        said = calibrated(st.platt, said_z)
        without_bps2 = (error_bps - st.skill[ADVERSE].weight * by_ridge_bps) ** 2
        with_bps2 = (error_bps - _of_probability(st, said)) ** 2
        score(st.skill[BOTH], now_ns, with_bps2, without_bps2, p.block_s, p.half_life_s)
        score(st.skill[ADVERSE], now_ns, (error_bps - by_ridge_bps) ** 2, error_bps**2, p.block_s, p.half_life_s)
        score(st.skill[PROBABILITY], now_ns, log_loss(said, came), log_loss(share, came), p.block_s, p.half_life_s)
        compare(st.line, deviation_bps, error_bps, weight_ratio, keep)
        teach(st.platt, said_z, came, weight_ratio, keep, p.platt_count)
    st.learn_ns = now_ns
    st.label_n = keep * st.label_n + weight_ratio
    st.label_bps = keep * st.label_bps + weight_ratio * loss_bps
    st.label_yes = keep * st.label_yes + weight_ratio * came
    st.label_yes_bps = keep * st.label_yes_bps + weight_ratio * came * loss_bps
    add_row(st.gram, st.cross, st.x, loss_bps, weight_ratio, keep)
    descend(st.gram, st.cross, st.w, p.ridge_count, INFORMED + 1)
    step_logistic(st.v, st.curve, st.x, came, weight_ratio, keep, 0.25 * p.ridge_count, INFORMED + 1)
    follow(st.raw, st.moments, weight_ratio, keep)
    measure(st.moments, p.warm_count, st.centre, st.per_sd)
    st.ready = 1 if st.label_n >= p.ready_count else 0
