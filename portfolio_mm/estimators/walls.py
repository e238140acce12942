"""Exact own term of the quotes on the inventory grid (D3): where limits, a deadline or the aim make it matter.

In units of one clip z and of eta the problem is M_ii = (k g z)^2 (i - c)^2, M_i,i+-1 = -1, i = -n..n: k the decay of
fills, g the skew per USD, c the inventory aimed at (target and drift), n the limit. The log ratios of its ground state
(or, under a deadline, of v with what leaving at once costs at the end) are the exact skew:
    g(m) = -ln(v_i / v_(i-1)) / k at m = i - 1/2 clips,   closed form: g z (m - c)
The bid stands g(q + 1/2) out, the ask -g(q - 1/2). Solved once a second and only when something moved by 2 %, and only
if the nearer wall is felt (correction e^-(k g ((L - c)^2 - (q - c)^2) / z) above e^-near), or a deadline is nearer than
ten relaxation times. More than 20 clips to a wall are put on 20 steps of a clips each, by the limit of small clips:
M_ii = (k g z a^2)^2 (i - c)^2, g(m) = -ln(v_i / v_(i-1)) / (a k).
Two drifts. One that lasts (funding, a target) is part of c: a linear term of the diagonal. That of fair value is over
in drift_s and already in fair as the whole move it forecasts; quotes should lean by a share of it only, because some
of what it makes one want is traded away before it is over, or lies beyond a wall (lean_shares of glft_exact.py;
1 / (1 + lambda drift_s), lambda = g D, where no wall is felt). What is too much is taken back here.
Source: theory §2.1, §2.3; predecessor §1.2 (terminal penalty only when there is a real deadline).
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import glft_exact
from portfolio_mm.models.decay import NS_PER_S

HEARS = ("TIMER", "BBO", "BOOK", "ACCOUNT", "ALLOCATION", "DEADLINE")
WARM_S = 2.0
"""Seconds of an ordinary market after which it is ready, where it matters at all."""
SCORES: dict[str, str] = {}
UNSCORED = "solves for the quote; predicts nothing"
CLIPS = 20
POINTS = 2 * CLIPS + 1

PARAMS = record(
    [("refresh_ns", "i8"), ("change_share", "f8"), ("near", "f8"), ("tolerance_bps", "f8"), ("drift_s", "f8")]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("clips", "i4"),
        ("refused", "i8"),
        ("next_ns", "i8"),
        ("deadline_ns", "i8"),
        ("solved", "i8"),
        ("step_usd", "f8"),
        ("clip_usd", "f8"),
        ("aim_usd", "f8"),
        ("skew_bps_per_usd", "f8"),
        ("k_per_bps", "f8"),
        ("limit_usd", "f8"),
        ("diag", "f8", (POINTS,)),
        ("room", "f8", (POINTS,)),
        ("v", "f8", (POINTS,)),
        ("ratios", "f8", (POINTS,)),
        ("lean", "f4", (POINTS + 1,)),
        ("closed_lean", "f8"),
    ]
)
"""`clips` is n of the grid solved; the other numbers are what it was solved for; `ratios[i]` = ln(v_i / v_(i-1)),
`lean[i]` (one more, for alignment) the share of fair's drift to lean by there, `closed_lean` that of the closed
form."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: looked at each second, solved anew at 2 % of change, felt above e^-6, 0.02 bps is nothing.

    Fair's forecast is of one second.
    """
    return np.array([(10**9, 0.02, 6.0, 0.02, 1.0)], dtype=PARAMS)


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - one signature for all estimators
    """No wall, no deadline."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.clips = 0
    st.refused = 0
    st.next_ns = 0
    st.deadline_ns = 0
    st.solved = 0
    st.step_usd = 0.0
    st.clip_usd = 0.0
    st.aim_usd = 0.0
    st.skew_bps_per_usd = 0.0
    st.k_per_bps = 0.0
    st.limit_usd = 0.0
    st.diag[:] = 0.0
    st.room[:] = 0.0
    st.v[:] = 0.0
    st.ratios[:] = 0.0
    st.lean[:] = 1.0
    st.closed_lean = 1.0


@nb.njit(cache=True)
def on_deadline(st: Any, now_ns: int, left_ns: int) -> None:
    """Hold nothing in `left_ns` from now (receive time); 0 or less: no deadline. It stands until another one comes."""
    st.deadline_ns = now_ns + left_ns if left_ns > 0 else 0
    st.next_ns = 0
    st.clips = 0


@nb.njit(cache=True)
def update(  # noqa: PLR0917 - flat arguments
    st: Any,
    p: Any,
    now_ns: int,
    q_usd: float,
    skew_bps_per_usd: float,
    k_per_bps: float,
    clip_usd: float,
    limit_usd: float,
    aim_usd: float,
    liquidity_per_s: float,
    exit_bps: float,
) -> bool:
    """Look whether walls or a deadline matter at position `q_usd`, and solve if so and if something changed.

    Args:
        st: STATE, changed in place.
        p: PARAMS.
        now_ns: receive time.
        q_usd: position.
        skew_bps_per_usd: g of the closed form.
        k_per_bps: decay of fills.
        clip_usd: what one fill changes.
        limit_usd: of the position, either way; under one clip there is no grid and nothing is added.
        aim_usd: inventory at which the closed form has no skew.
        liquidity_per_s: D in USD per (s bps); only a deadline needs it.
        exit_bps: what leaving at once costs.

    Returns:
        False when refused (NaN, not positive, or time running back); state is kept.
    """
    finite = abs(q_usd) < 1e300 and abs(aim_usd) < 1e300 and 0.0 <= limit_usd < 1e300 and -1e3 < exit_bps < 1e4
    positive = 0.0 < skew_bps_per_usd < 1e9 and 0.0 < k_per_bps < 1e9 and 0.0 < clip_usd < 1e300
    if now_ns <= 0 or now_ns < st.last_ns or not (finite and positive and 0.0 <= liquidity_per_s < 1e300):
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns = now_ns
    if now_ns < st.next_ns:
        return True
    st.next_ns = now_ns + p.refresh_ns
    relaxation_per_s = skew_bps_per_usd * liquidity_per_s
    st.closed_lean = 1.0 / (1.0 + relaxation_per_s * p.drift_s)
    left_s = max(0.0, (st.deadline_ns - now_ns) / NS_PER_S)
    hurried = st.deadline_ns > 0 and left_s * relaxation_per_s < 10.0 and liquidity_per_s > 0.0
    per_square = k_per_bps * skew_bps_per_usd / clip_usd
    reach_usd = min(abs(limit_usd - aim_usd), abs(limit_usd + aim_usd)) if abs(aim_usd) < limit_usd else 0.0
    away_usd = abs(q_usd - aim_usd) + clip_usd
    felt = per_square * (reach_usd * reach_usd - away_usd * away_usd) < p.near
    if limit_usd < clip_usd or not (hurried or felt):
        st.ready = 0
        return True
    if hurried or _moved(st, p, skew_bps_per_usd, k_per_bps, clip_usd, limit_usd, aim_usd):
        clips = int(limit_usd / clip_usd + 1e-9)
        st.clips, st.clip_usd = min(clips, CLIPS), clip_usd
        st.step_usd = clip_usd * (clips + 1.0) / (st.clips + 1.0)
        st.aim_usd, st.limit_usd = aim_usd, limit_usd
        st.skew_bps_per_usd, st.k_per_bps = skew_bps_per_usd, k_per_bps
        pace_per_s = liquidity_per_s * clip_usd / (2.0 * k_per_bps * st.step_usd * st.step_usd)
        _solve(st, left_s * pace_per_s if hurried else -1.0, exit_bps)
    if st.ready == 0:
        return True
    points = 2 * st.clips + 1
    pace_per_s = liquidity_per_s * clip_usd / (2.0 * k_per_bps * st.step_usd * st.step_usd)
    glft_exact.lean_shares(st.ratios[:points], pace_per_s, p.drift_s, st.room[:points], st.lean[:points])
    return True


@nb.njit(cache=True)
def _moved(st: Any, p: Any, skew: float, k: float, clip_usd: float, limit_usd: float, aim_usd: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Whether the last solution is for other numbers."""
    if st.ready == 0 or st.clips == 0:
        return True
    share = p.change_share
    same = abs(skew - st.skew_bps_per_usd) <= share * st.skew_bps_per_usd
    same = same and abs(k - st.k_per_bps) <= share * st.k_per_bps and clip_usd == st.clip_usd
    same = same and abs(limit_usd - st.limit_usd) <= share * st.limit_usd
    return not (same and abs(aim_usd - st.aim_usd) <= share * st.limit_usd)


@nb.njit(cache=True)
def _solve(st: Any, horizon: float, exit_bps: float) -> None:
    """Fill `ratios` for the numbers in the state; `horizon` in units of 1/eta, negative for none."""
    points = 2 * st.clips + 1
    diag, room, v, ratios = st.diag[:points], st.room[:points], st.v[:points], st.ratios[:points]
    clips_a_step = st.step_usd / st.clip_usd
    stiff = st.k_per_bps * st.skew_bps_per_usd * st.step_usd * clips_a_step
    for i in range(points):
        away = i - st.clips - st.aim_usd / st.step_usd
        diag[i] = min(1e12, stiff * stiff * away * away)
    level = glft_exact.ground_ratios(diag, 1.0, room, v, ratios)
    ok = True
    if horizon >= 0.0:
        ok = glft_exact.horizon_ratios(
            diag, 1.0, level, st.k_per_bps * exit_bps * clips_a_step, horizon, v, room, ratios
        )
    st.solved += 1
    st.ready = 1 if ok else 0


@nb.njit(cache=True)
def exact_skew_bps(st: Any, q_usd: float) -> float:
    """Exact skew at an inventory of `q_usd` (middle of a fill), bps: linear between midpoints, level beyond."""
    place = q_usd / st.step_usd + st.clips + 0.5
    j = min(2 * st.clips - 1, max(1, int(place)))
    part = min(1.0, max(0.0, place - j))
    a_step = st.k_per_bps * st.step_usd / st.clip_usd
    return -(st.ratios[j] + part * (st.ratios[j + 1] - st.ratios[j])) / a_step  # type: ignore[no-any-return]


@nb.njit(cache=True)
def lean_share(st: Any, q_usd: float) -> float:
    """Share of fair's drift to lean by at an inventory of `q_usd` (middle of a fill)."""
    if st.ready == 0:
        return st.closed_lean  # type: ignore[no-any-return]
    place = q_usd / st.step_usd + st.clips + 0.5
    j = min(2 * st.clips - 1, max(1, int(place)))
    part = min(1.0, max(0.0, place - j))
    here, there = float(st.lean[j]), float(st.lean[j + 1])
    return here + part * (there - here)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def drift_bps(st: Any, p: Any, side: int, q_usd: float, forecast_bps: float, clip_usd: float) -> float:  # noqa: PLR0917 - flat arguments
    """What of fair's forecast one side must not lean by, bps outwards; 0 where it does not matter."""
    sign = 1.0 - 2.0 * side
    extra = sign * forecast_bps * (1.0 - lean_share(st, q_usd + 0.5 * sign * clip_usd))
    return extra if abs(extra) > p.tolerance_bps else 0.0


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int, q_usd: float) -> float:
    """Exact minus closed own term of one side at position `q_usd`, bps outwards; 0 where it does not matter."""
    if st.ready == 0:
        return 0.0
    sign = 1.0 - 2.0 * side
    middle_usd = q_usd + 0.5 * sign * st.clip_usd
    closed_bps = st.skew_bps_per_usd * (middle_usd - st.aim_usd)
    extra = sign * (exact_skew_bps(st, middle_usd) - closed_bps)
    return extra if abs(extra) > p.tolerance_bps else 0.0
