"""Fair value (C1, C16): mid plus what book, order flow, reference venue and leaders forecast of the next second.

    fair = mid (1 + 1e-4 sum_g applied_g w_g s_g q_g) in bps,   q_g = x b_g - x b_(g-1)

b_g is the ridge regression, with forgetting, of the mid's relative move over the next second on the regressors of the
groups up to g (models/fair_row.py), so q_g is what group g adds, and a silent group leaves the others as they were.
Each forecast is made before its label. s_g is how much of q_g came true (models/strength.py), w_g the skill of s_g q_g:
squared error against the forecast without the group, 0 until it is better (models/skill.py). The book's rival is "the
mid stays"; its prior, a coefficient of 0.5 on the micro-deviation, speaks until thirty blocks have judged it. That
coefficient is clipped to [0, 1], so the book's share of fair stays inside the touch; the others together move fair by
at most max_shift_bps. Pairs are sampled on a block-time grid with the values prevailing there, so repeated messages
teach nothing; the fit is made anew once a second. A forecast lives a second: tau in shift = mu tau / (1 + lambda tau)
is small, so all of it is shifted.
Source: Stoikov 2018 (micro-price); theory §3.1 (finite-lived alpha), §7, §8; predecessor §5.3.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import nested_ridge
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.fair_past import PAST, clear_past, recall, remember
from portfolio_mm.models.fair_row import BOOK, FIRST, MICRO_DEV, N_GROUPS, N_ROW
from portfolio_mm.models.microprice import book_is_sane, weighted_mid_px
from portfolio_mm.models.skill import SKILL, clear_skill, score, stand_in
from portfolio_mm.models.strength import STRENGTH, clear_strength, compare

HEARS = ("BBO", "BOOK", "TIMER", "REFERENCE", "LEADER")
WARM_S = 1.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {
    "book": "the mid stays",
    "flow": "forecast without it",
    "reference": "forecast without it",
    "leaders": "forecast without it",
}
LAG_STEPS = 4
"""The label is the mid's change over this many grid steps (1 s with the default grid)."""
PACKED = N_ROW * (N_ROW + 1) // 2

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("fit_ns", "i8"),
        *((name, "f8") for name in ("prior_weight", "prior_count", "ridge_count", "half_life_s")),
        *((name, "f8") for name in ("clip_sd", "clip_count", "max_shift_bps", "block_s", "skill_half_life_s")),
        *((name, "f8") for name in ("prior_strength_ratio", "strength_count")),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pos", "i4"),
        *((name, "i8") for name in ("refused", "holes", "next_grid_ns", "fitted_ns", "filled")),
        *((name, "f8") for name in ("mid_px", "micro_px", "fair_px", "micro_dev_bps", "weight")),
        ("past", PAST),
        ("parts_bps", "f8", (N_GROUPS,)),
        ("x", "f8", (N_ROW,)),
        ("counts", "f8", (N_ROW,)),
        ("squares", "f8", (PACKED,)),
        ("products", "f8", (N_ROW,)),
        ("label_sums", "f8", (2,)),
        ("slopes", "f8", (N_GROUPS, N_ROW)),
        *((name, "f8", (N_ROW,)) for name in ("edges", "scales", "ridge", "prior")),
        ("low", "f8", (PACKED,)),
        ("forward", "f8", (N_ROW,)),
        ("ring_x", "f8", (LAG_STEPS, N_ROW)),
        ("ring_mid_px", "f8", (LAG_STEPS,)),
        *((f"ring_{name}_bps", "f8", (LAG_STEPS, N_GROUPS)) for name in ("forecast", "scaled", "before")),
        ("calibration", STRENGTH, (N_GROUPS,)),
        ("skill", SKILL, (N_GROUPS,)),
    ]
)
"""`x` the row known now (models/fair_row.py), written by the groups' `say`; `counts` observations of each regressor,
`squares` and `products` sums of x x' and x y, `label_sums` (count, y y), forgotten alike; `scales` root mean squares,
`edges` what regressors are clipped to; `slopes` what each group adds to the coefficients. Kept with a sample: forecast
of each group, that at its strength, weighted sum of the groups before it. `low`, `forward`: scratch of the fit."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 250 ms grid, a hole after 10 s, prior weight 0.5 worth 200 pairs, half-life 30 min."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["gap_ns"], p["fit_ns"] = 250_000_000, 10_000_000_000, 1_000_000_000
    p["prior_weight"], p["prior_count"], p["ridge_count"], p["half_life_s"] = 0.5, 200.0, 800.0, 1800.0
    p["clip_sd"], p["clip_count"], p["max_shift_bps"] = 6.0, 40.0, 10.0
    p["block_s"], p["skill_half_life_s"], p["prior_strength_ratio"], p["strength_count"] = 10.0, 3600.0, 0.5, 2000.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything. Prices are NaN until `ready`."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pos = 0
    st.refused = 0
    st.holes = 0
    st.next_grid_ns = 0
    st.fitted_ns = 0
    st.filled = 0
    st.mid_px = np.nan
    st.micro_px = np.nan
    st.fair_px = np.nan
    clear_past(st.past)
    st.micro_dev_bps = np.nan
    st.weight = p.prior_weight
    st.parts_bps[:] = 0.0
    st.x[:] = np.nan
    st.counts[:] = 0.0
    st.squares[:] = 0.0
    st.products[:] = 0.0
    st.label_sums[:] = 0.0
    st.slopes[:, :] = 0.0
    st.slopes[BOOK, MICRO_DEV] = p.prior_weight
    st.edges[:] = np.inf
    st.scales[:] = 0.0
    st.ridge[:] = 0.0
    st.prior[:] = 0.0
    st.low[:] = 0.0
    st.forward[:] = 0.0
    st.ring_x[:, :] = np.nan
    st.ring_mid_px[:] = 0.0
    st.ring_forecast_bps[:, :] = np.nan
    st.ring_scaled_bps[:, :] = np.nan
    st.ring_before_bps[:, :] = 0.0
    for group in range(N_GROUPS):
        clear_skill(st.skill[group])
        clear_strength(st.calibration[group], p.prior_strength_ratio if group > BOOK else 1.0)
    st.skill[BOOK].weight = 1.0


@nb.njit(cache=True)
def update(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, now_ns: int, bid_px: float, bid_sz: float, ask_px: float, ask_sz: float, applied: Any
) -> bool:
    """Hear the top of the book at block time `now_ns`; `x` must hold what the other groups say now.

    Guarantees: without the other groups fair lies within [bid, ask]; a repeated message changes no estimate.
    Not guaranteed: that anything predicts on this coin; then its weight tends to 0.

    Returns:
        False when refused (one-sided, crossed, empty, NaN, or older than the last accepted message); state is kept.
    """
    if now_ns < st.last_ns or not book_is_sane(bid_px, bid_sz, ask_px, ask_sz):
        st.refused += 1
        return False
    advance(st, p, now_ns)
    if st.ready == 0 or now_ns - st.last_ns > p.gap_ns:
        st.holes += st.ready
        st.filled = 0
        st.next_grid_ns = (now_ns // p.grid_ns + 1) * p.grid_ns
    if now_ns > st.last_ns:
        remember(st.past, now_ns, before(st, p, now_ns))
    st.seen += 1
    st.last_ns = now_ns
    st.ready = 1
    st.mid_px = 0.5 * (bid_px + ask_px)
    st.micro_px = weighted_mid_px(bid_px, bid_sz, ask_px, ask_sz)
    st.micro_dev_bps = 1e4 * (st.micro_px - st.mid_px) / st.mid_px
    st.x[MICRO_DEV] = st.micro_dev_bps
    _blend(st, p, applied)
    return True


@nb.njit(cache=True)
def advance(st: Any, p: Any, now_ns: int) -> None:
    """Time has come to `now_ns`: take the samples due before, with what was known then. Call before `x` changes."""
    if st.ready == 0 or now_ns - st.last_ns > p.gap_ns:
        return
    while st.next_grid_ns < now_ns:
        _sample(st, p)
        st.next_grid_ns += p.grid_ns


@nb.njit(cache=True)
def refresh(st: Any, p: Any, applied: Any) -> bool:
    """The other groups say something new in `x`; whether fair has moved."""
    if st.ready == 0:
        return False
    old_px = st.fair_px
    _blend(st, p, applied)
    return st.fair_px != old_px  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _forecast_bps(st: Any, group: int) -> float:
    """What `group` adds to the forecast of the next second now; NaN when it knows nothing."""
    total_bps, known = 0.0, False
    for j in range(FIRST[group + 1]):
        if not math.isnan(st.x[j]):
            total_bps += st.slopes[group, j] * min(st.edges[j], max(-st.edges[j], st.x[j]))
            known = known or j >= FIRST[group]
    return total_bps if known else np.nan


@nb.njit(cache=True)
def _blend(st: Any, p: Any, applied: Any) -> None:
    """Fair from what every group forecasts, its weight and whether it may act now."""
    shift_bps = 0.0
    for group in range(N_GROUPS):
        part_bps = 0.0
        if applied[group] > 0.0 and st.skill[group].weight > 0.0:
            forecast_bps = _forecast_bps(st, group)
            if not math.isnan(forecast_bps):
                part_bps = applied[group] * st.skill[group].weight * st.calibration[group].strength * forecast_bps
        st.parts_bps[group] = part_bps
        shift_bps += part_bps if group > BOOK else 0.0
    if abs(shift_bps) > p.max_shift_bps:
        for group in range(BOOK + 1, N_GROUPS):
            st.parts_bps[group] *= p.max_shift_bps / abs(shift_bps)
        shift_bps = p.max_shift_bps if shift_bps > 0.0 else -p.max_shift_bps
    share = applied[BOOK] * st.skill[BOOK].weight * st.weight
    st.fair_px = st.mid_px + share * (st.micro_px - st.mid_px) + 1e-4 * shift_bps * st.mid_px


@nb.njit(cache=True)
def _sample(st: Any, p: Any) -> None:
    """One grid step with what prevails: learn the pair that is due, remember the new one, forecast it."""
    pos = st.pos
    if st.filled >= LAG_STEPS:
        _learn(st, p, pos)
    else:
        st.filled += 1
    before_bps = 0.0
    for j in range(N_ROW):
        st.ring_x[pos, j] = st.x[j] if math.isnan(st.x[j]) else min(st.edges[j], max(-st.edges[j], st.x[j]))
    for group in range(N_GROUPS):
        forecast_bps = _forecast_bps(st, group)
        st.ring_forecast_bps[pos, group] = forecast_bps
        st.ring_scaled_bps[pos, group] = st.calibration[group].strength * forecast_bps
        st.ring_before_bps[pos, group] = before_bps
        if not math.isnan(forecast_bps):
            before_bps += st.skill[group].weight * st.calibration[group].strength * forecast_bps
    st.ring_mid_px[pos] = st.mid_px
    st.pos = (pos + 1) % LAG_STEPS
    if st.next_grid_ns - st.fitted_ns >= p.fit_ns:
        st.fitted_ns = st.next_grid_ns
        _fit(st, p)


@nb.njit(cache=True)
def _learn(st: Any, p: Any, pos: int) -> None:
    """The label of the pair at `pos` is known: judge the forecasts made of it, then let the sums learn it."""
    keep = half_life_factor(p.grid_ns / NS_PER_S, p.half_life_s)
    move_bps = 1e4 * (st.mid_px - st.ring_mid_px[pos]) / st.ring_mid_px[pos]
    if st.label_sums[0] >= p.clip_count:
        edge = p.clip_sd * math.sqrt(st.label_sums[1] / st.label_sums[0])
        move_bps = max(-edge, min(edge, move_bps))
    _judge(st, p, pos, move_bps)
    st.label_sums[0] = keep * st.label_sums[0] + 1.0
    st.label_sums[1] = keep * st.label_sums[1] + move_bps * move_bps
    nested_ridge.remember(keep, st.ring_x[pos], move_bps, st.counts, st.squares, st.products)


@nb.njit(cache=True)
def _judge(st: Any, p: Any, pos: int, move_bps: float) -> None:
    """Score every group that had something to say against the forecast without it."""
    keep = half_life_factor(p.grid_ns / NS_PER_S, p.skill_half_life_s)
    for group in range(N_GROUPS):
        forecast_bps = st.ring_forecast_bps[pos, group]
        if not abs(forecast_bps) > 0.0:
            continue
        rest_bps = move_bps - st.ring_before_bps[pos, group]
        loss, naive = (rest_bps - st.ring_scaled_bps[pos, group]) ** 2, rest_bps**2
        score(st.skill[group], st.next_grid_ns, loss, naive, p.block_s, p.skill_half_life_s)
        if group > BOOK:
            compare(st.calibration[group], keep, forecast_bps, rest_bps, p.prior_strength_ratio, p.strength_count)
    stand_in(st.skill[BOOK])


@nb.njit(cache=True)
def _fit(st: Any, p: Any) -> None:
    """Coefficients of all nested regressions, then what each group adds to those before it."""
    st.ridge[:] = p.ridge_count
    st.ridge[MICRO_DEV] = p.prior_count
    st.prior[MICRO_DEV] = p.prior_weight
    nested_ridge.measure(st.counts, st.squares, st.scales)
    nested_ridge.factorise(N_ROW, st.squares, st.products, st.ridge, st.prior, st.scales, st.low, st.forward)
    nested_ridge.solve_groups(FIRST, st.prior, st.scales, st.low, st.forward, st.slopes)
    st.weight = min(1.0, max(0.0, st.slopes[BOOK, MICRO_DEV]))
    st.slopes[BOOK, MICRO_DEV] = st.weight
    for j in range(MICRO_DEV + 1, N_ROW):
        if st.counts[j] >= p.clip_count:
            st.edges[j] = p.clip_sd * st.scales[j]


@nb.njit(cache=True)
def before(st: Any, p: Any, now_ns: int) -> float:
    """Fair value strictly before block `now_ns`: what its trades and fills met. NaN when unknown or older than gap."""
    if st.last_ns < now_ns:
        return st.fair_px if now_ns - st.last_ns <= p.gap_ns else np.nan
    return recall(st.past, now_ns)  # type: ignore[no-any-return]
