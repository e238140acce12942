"""Probability that the market orders of now are informed (C9): a mixture of two kinds, noise and informed.

One order = the prints of one block and side. Each is (ln size, impact, ln seconds since the order before, ln length of
the run of orders on its side), standardised by running moments; impact is signed, how far the mid has gone the order's
way horizon_ns later from fair before it, bps. Fair, not mid: it is what the next second was forecast to bring anyway,
and that the book leant before the order is not the order's doing. Two Gaussians with independent coordinates, fitted by
stochastic-approximation EM with step 1 / (t + t0)^0.6; the M-step is under the constraint impact_informed >=
impact_noise + gap, so the labels cannot switch.
`informed_probability` averages P(informed | size, interval, run) over the last seconds: no impact is needed to say it.
It only is a feature (models/features.py): what it is worth in bps is learned by the toxicity, and can only widen.
Source: Cappe and Moulines 2009 (online EM); predecessor §5.2 "should be". Not guaranteed: that "informed" means more
than "moves the price".
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.skill import SKILL, clear_skill, score

HEARS = ("BBO", "BOOK", "TIMER", "TRADE")
WARM_S = 120.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"impact_bps": "the average impact"}
DIMS: Final = 4
SIZE, IMPACT, INTERVAL, RUN = range(DIMS)
NOISE, INFORMED = range(2)
PENDING: Final = 8
LOG_2PI: Final = math.log(2.0 * math.pi)

PARAMS = record(
    [
        ("horizon_ns", "i8"),
        ("stale_ns", "i8"),
        ("tau_s", "f8"),
        ("block_s", "f8"),
        ("half_life_s", "f8"),
        ("t0_count", "f8"),
        ("memory_count", "f8"),
        ("warm_count", "f8"),
        ("ready_count", "f8"),
        ("gap_z", "f8"),
        ("min_share", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("order_side", "i4"),
        ("refused", "i8"),
        ("order_ns", "i8"),
        ("order_usd", "f8"),
        ("order_px", "f8"),
        ("before_ns", "i8"),
        ("before_side", "i4"),
        ("run_count", "i4"),
        ("learned_count", "f8"),
        ("moments", "f8", (2, DIMS)),
        ("mass", "f8", (2,)),
        ("first", "f8", (2, DIMS)),
        ("second", "f8", (2, DIMS)),
        ("centre_z", "f8", (2, DIMS)),
        ("spread_z", "f8", (2, DIMS)),
        ("y", "f8", (DIMS,)),
        ("informed_probability", "f8"),
        ("probability_ns", "i8"),
        ("due_ns", "i8", (PENDING,)),
        ("due_px", "f8", (PENDING,)),
        ("due_sign", "i4", (PENDING,)),
        ("due_said", "f4", (PENDING,)),
        ("due_y", "f4", (PENDING, DIMS)),
        ("skill", SKILL),
    ]
)
"""`order_*` the order whose block is open, `before_*` the one before; `moments` running mean and variance of the
coordinates; `mass`, `first`, `second` the statistics of EM, `centre_z`, `spread_z` means and variances of the kinds;
`due_*` orders whose impact is not known yet, `due_said` its forecast (z); `y` working space."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: impact within 1 s, forgotten over 10 s, ready after 60 orders."""
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_ns"], p["stale_ns"], p["tau_s"], p["block_s"], p["half_life_s"] = 10**9, 2 * 10**9, 10.0, 10.0, 3600.0
    p["t0_count"], p["memory_count"], p["warm_count"], p["ready_count"] = 20.0, 2000.0, 20.0, 60.0
    p["gap_z"], p["min_share"] = 0.2, 0.02
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; before data an informed order is larger, moves the price more, and comes sooner."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.order_side = -1
    st.refused = 0
    st.order_ns = 0
    st.order_usd = 0.0
    st.order_px = np.nan
    st.before_ns = 0
    st.before_side = -1
    st.run_count = 0
    st.learned_count = 0.0
    st.moments[:, :] = 0.0
    st.mass[NOISE], st.mass[INFORMED] = 0.8, 0.2
    st.first[:, :] = 0.0
    st.first[NOISE, :] = -0.2 * st.mass[NOISE]
    st.first[INFORMED, :] = 0.8 * st.mass[INFORMED]
    st.first[NOISE, INTERVAL], st.first[INFORMED, INTERVAL] = 0.05, -0.05
    for kind in range(2):
        for j in range(DIMS):
            st.second[kind, j] = st.mass[kind] + st.first[kind, j] ** 2 / st.mass[kind]
    st.y[:] = 0.0
    st.informed_probability = 0.2
    st.probability_ns = 0
    st.due_ns[:] = 0
    st.due_px[:] = 0.0
    st.due_sign[:] = 0
    st.due_said[:] = 0.0
    st.due_y[:, :] = 0.0
    clear_skill(st.skill)
    _maximise(st, p)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_ns: int, mid_px: float) -> bool:
    """Time is `now_ns`, the newest mid `mid_px` of block time `mid_ns`: closes the order, resolves impacts due.

    Returns:
        False when refused (NaN, not positive, time backwards); state is kept.
    """
    if now_ns <= 0 or now_ns < st.last_ns or not 0.0 < mid_px < 1e300:
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns = now_ns
    if st.order_ns > 0 and st.order_ns < now_ns:
        _close(st, p)
    for slot in range(PENDING):
        due_ns = st.due_ns[slot]
        if due_ns == 0 or due_ns > now_ns:
            continue
        if mid_ns >= due_ns and mid_ns - due_ns <= p.stale_ns:
            _learn(st, p, slot, st.due_sign[slot] * (mid_px / st.due_px[slot] - 1.0) * 1e4)
            st.due_ns[slot] = 0
        elif now_ns - due_ns > p.stale_ns:
            st.due_ns[slot] = 0
    return True


@nb.njit(cache=True)
def trade(st: Any, p: Any, now_ns: int, aggressor: int, worth_usd: float, before_px: float) -> bool:  # noqa: PLR0917 - flat arguments
    """One print of a market order (`aggressor` 0 buy, 1 sell), `before_px` fair before its block. False: refused."""
    if now_ns < st.before_ns or not (0.0 < worth_usd < 1e300 and 0.0 < before_px < 1e300):
        st.refused += 1
        return False
    if st.order_ns == now_ns and st.order_side == aggressor:
        st.order_usd += worth_usd
        return True
    if now_ns < st.order_ns:
        st.refused += 1
        return False
    if now_ns == st.before_ns and aggressor == st.before_side:
        return True  # a print told after its order was closed
    if st.order_ns > 0:
        _close(st, p)
    st.order_ns, st.order_side, st.order_usd, st.order_px = now_ns, aggressor, worth_usd, before_px
    return True


@nb.njit(cache=True)
def _close(st: Any, p: Any) -> None:
    """The open order is complete: say what it is, wait for its impact."""
    st.run_count = st.run_count + 1 if st.order_side == st.before_side else 1
    if st.before_ns > 0:
        seconds = max(1e-3, (st.order_ns - st.before_ns) / NS_PER_S)
        st.y[SIZE], st.y[IMPACT] = math.log(st.order_usd), np.nan
        st.y[INTERVAL], st.y[RUN] = math.log(seconds), math.log(1.0 * st.run_count)
        kind = posterior(st, p)
        if st.learned_count >= p.warm_count:
            gain = max(0.1, 1.0 - time_constant_factor((st.order_ns - st.probability_ns) / NS_PER_S, p.tau_s))
            before = probability_at(st, p, st.order_ns)
            st.informed_probability = before + gain * (kind - before)
            st.probability_ns = st.order_ns
        for slot in range(PENDING):
            if st.due_ns[slot] == 0:
                st.due_ns[slot], st.due_px[slot] = st.order_ns + p.horizon_ns, st.order_px
                st.due_sign[slot] = 1 - 2 * st.order_side
                st.due_said[slot] = kind * st.centre_z[INFORMED, IMPACT] + (1.0 - kind) * st.centre_z[NOISE, IMPACT]
                st.due_y[slot, :] = st.y
                break
    st.before_ns, st.before_side = st.order_ns, st.order_side
    st.order_ns = 0


@nb.njit(cache=True)
def posterior(st: Any, p: Any) -> float:
    """P(informed) of the order in `y`; coordinates that are NaN say nothing."""
    odds = math.log(st.mass[INFORMED] / st.mass[NOISE])
    for j in range(DIMS):
        value = st.y[j]
        if not -1e300 < value < 1e300 or st.learned_count < p.warm_count:
            continue
        z = (value - st.moments[0, j]) / math.sqrt(max(st.moments[1, j], 1e-12))
        for kind in range(2):
            sign = 2.0 * kind - 1.0
            off = min(5.0, max(-5.0, z)) - st.centre_z[kind, j]
            odds -= 0.5 * sign * (LOG_2PI + math.log(st.spread_z[kind, j]) + off * off / st.spread_z[kind, j])
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, odds))))


@nb.njit(cache=True)
def _learn(st: Any, p: Any, slot: int, impact_bps: float) -> None:
    """One order with its impact: score the forecast, one step of EM, moments last."""
    for j in range(DIMS):
        st.y[j] = float(st.due_y[slot, j])
    st.y[IMPACT] = impact_bps
    if st.learned_count >= p.warm_count:
        z = (impact_bps - st.moments[0, IMPACT]) / math.sqrt(max(st.moments[1, IMPACT], 1e-12))
        rest = z - float(st.due_said[slot])
        if st.learned_count >= p.ready_count:
            score(st.skill, st.last_ns, rest * rest, z * z, p.block_s, p.half_life_s)
        _expect(st, p)
        _maximise(st, p)
    st.learned_count += 1.0
    gain = 1.0 / min(st.learned_count, p.memory_count)
    for j in range(DIMS):
        off = st.y[j] - st.moments[0, j]
        st.moments[0, j] += gain * off
        st.moments[1, j] += gain * ((1.0 - gain) * off * off - st.moments[1, j])
    st.ready = 1 if st.learned_count >= p.ready_count else 0


@nb.njit(cache=True)
def _expect(st: Any, p: Any) -> None:
    """The statistics move a step towards those of this order."""
    step = (st.learned_count - p.warm_count + p.t0_count) ** -0.6
    informed = posterior(st, p)
    for kind in range(2):
        share = informed if kind == INFORMED else 1.0 - informed
        st.mass[kind] += step * (share - st.mass[kind])
        for j in range(DIMS):
            z = (st.y[j] - st.moments[0, j]) / math.sqrt(max(st.moments[1, j], 1e-12))
            z = min(5.0, max(-5.0, z))
            st.first[kind, j] += step * (share * z - st.first[kind, j])
            st.second[kind, j] += step * (share * z * z - st.second[kind, j])


@nb.njit(cache=True)
def _maximise(st: Any, p: Any) -> None:
    """Means and variances of the kinds; impacts that violate the order are pooled (the constrained optimum)."""
    informed = min(1.0 - p.min_share, max(p.min_share, st.mass[INFORMED] / (st.mass[INFORMED] + st.mass[NOISE])))
    for kind in range(2):
        mass = max(st.mass[kind], 0.5 * p.min_share)
        for j in range(DIMS):
            centre = st.first[kind, j] / mass
            st.centre_z[kind, j] = centre
            st.spread_z[kind, j] = max(0.05, st.second[kind, j] / mass - centre * centre)
    st.mass[INFORMED], st.mass[NOISE] = informed, 1.0 - informed
    lack_z = st.centre_z[NOISE, IMPACT] + p.gap_z - st.centre_z[INFORMED, IMPACT]
    if lack_z > 0.0:
        st.centre_z[NOISE, IMPACT] -= informed * lack_z
        st.centre_z[INFORMED, IMPACT] += (1.0 - informed) * lack_z


@nb.njit(cache=True)
def probability_at(st: Any, p: Any, now_ns: int) -> float:
    """Probability that the flow at `now_ns` is informed; after the last order it returns to the average share."""
    keep = time_constant_factor((now_ns - st.probability_ns) / NS_PER_S, p.tau_s)
    return st.mass[INFORMED] + keep * (st.informed_probability - st.mass[INFORMED])  # type: ignore[no-any-return]
