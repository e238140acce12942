"""Hazard of a liquidation cascade (C15): P(mid moves more than a threshold within 60 s), each second of block time.

    p = 1 / (1 + e^-(b + sum beta_i x_i))
    x: speed     |move of 10 s| over sigma sqrt(10), beyond one
       closing   fall of open interest in 10 s (in halves of a percent) and in 60 s (in percents)
       carry     |hourly funding| in bps
       thin      ln(usual depth over depth) of the side being run over
       run       signed taker flow of 10 s over its own sd, along the move
each clipped. b and the betas start from a stated prior and are fitted online: recursive logistic regression (one
Gauss-Newton step with the full covariance per resolved prediction, one each 5 s, each worth a twelfth because its
label overlaps with its neighbours). The threshold is threshold_sd sigma
sqrt(60), at least min_threshold_bps and at most max_threshold_bps, so it can be reached: sigma is our own 15 min
value, winsorised, which a cascade itself hardly moves.
`severity_bps` in [0, max_severity_bps] is the mean run in the direction of the alarm where a threshold was passed, the
prior being the threshold itself. Source: predecessor missing model 7; logistic hazard. Not guaranteed: that open
interest tells anything where the venue reports it late; liquidations are not published, only their traces.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.calibration import log_loss, logistic
from portfolio_mm.models.decay import half_life_factor
from portfolio_mm.models.logistic_fit import start_recursive, step_recursive
from portfolio_mm.models.skill import SKILL, clear_skill, score
from portfolio_mm.models.taker_flow import TAKER_FLOW, clear_flow, flow_z, take_print
from portfolio_mm.models.visible_depth import VISIBLE_DEPTH, clear_depth, grow_usual, see_levels, thinness

HEARS = ("BBO", "BOOK", "TIMER", "TRADE", "CONTEXT")
WARM_S = 62.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"move beyond the threshold within 60 s": "how often that happens"}
RING = 64
EVERY = 5
SLOTS = 16
HORIZON = 60
FAST = 10
SECOND_NS = 1_000_000_000
INPUTS = 6
SPEED, CLOSING_FAST, CLOSING_SLOW, CARRY, THIN, RUN = range(INPUTS)

PARAMS = record(
    [
        ("gap_ns", "i8"),
        ("slow_s", "f8"),
        ("prior_sd_bps", "f8"),
        ("min_sd_bps", "f8"),
        ("threshold_sd", "f8"),
        ("min_threshold_bps", "f8"),
        ("max_threshold_bps", "f8"),
        ("max_severity_bps", "f8"),
        ("prior_betas", "f8", (INPUTS,)),
        ("prior_beta_sd", "f8", (1 + INPUTS,)),
        ("drift_per_day", "f8"),
        ("most", "f8", (INPUTS,)),
        ("prior_probability", "f8"),
        ("prior_count", "f8"),
        ("half_life_s", "f8"),
        ("fire_probability", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("direction", "i4"),
        ("refused", "i8"),
        ("contexts", "i8"),
        ("seconds", "i8"),
        ("filled", "i8"),
        ("mid_px", "f8"),
        ("variance", "f8"),
        ("flow", TAKER_FLOW),
        ("log_interest", "f8"),
        ("funding_bps", "f8"),
        ("visible", VISIBLE_DEPTH),
        ("inputs", "f8", (INPUTS,)),
        ("hazard_probability", "f8"),
        ("base_probability", "f8"),
        ("base_count", "f8"),
        ("base_x_bps", "f8"),
        ("room", "f8", (1 + INPUTS,)),
        ("along", "f8", (1 + INPUTS,)),
        ("beta", "f8", (1 + INPUTS,)),
        ("covariance", "f8", (1 + INPUTS, 1 + INPUTS)),
        ("severity_bps", "f8"),
        ("severity_count", "f8"),
        ("alarms", "i8"),
        ("firing", "i8"),
        ("ring_x_bps", "f4", (RING,)),
        ("ring_interest", "f4", (RING,)),
        ("guess_inputs", "f4", (SLOTS, INPUTS)),
        ("guess_p", "f8", (SLOTS,)),
        ("guess_bps", "f8", (SLOTS,)),
        ("skill", SKILL),
    ]
)
"""`direction` of the run (-1 falling: bids are run over); `seconds` grid steps since the start, `filled` since the last
hole; rings hold the last 64 seconds of log mid (less `base_x_bps`) and log open interest; `guess_*` what was foretold
each 5 s: inputs, hazard (signed by its direction), threshold; `beta` the offset and the betas, `covariance` theirs."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: threshold 3 sd and 10 to 300 bps, 0.3 % of seconds before evidence, fires at 30 %."""
    p = np.zeros(1, dtype=PARAMS)
    p["gap_ns"], p["slow_s"], p["prior_sd_bps"], p["min_sd_bps"] = 10**10, 900.0, 1.0, 0.05
    p["threshold_sd"], p["min_threshold_bps"], p["max_threshold_bps"] = 3.0, 10.0, 300.0
    p["prior_beta_sd"], p["drift_per_day"] = (2.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5), 0.1
    p["prior_betas"], p["most"] = (0.6, 0.7, 0.5, 0.2, 0.5, 0.4), (8.0, 8.0, 8.0, 4.0, 3.0, 8.0)
    p["prior_probability"], p["prior_count"], p["half_life_s"] = 3e-3, 3600.0, 86_400.0
    p["max_severity_bps"], p["fire_probability"] = 500.0, 0.3
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """Forget everything; the hazard is the prior until `ready`."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.direction = 0
    st.refused = 0
    st.contexts = 0
    st.seconds = 0
    st.filled = 0
    st.mid_px = np.nan
    st.variance = p.prior_sd_bps * p.prior_sd_bps
    clear_flow(st.flow)
    st.log_interest = np.nan
    st.funding_bps = 0.0
    clear_depth(st.visible)
    st.hazard_probability = p.prior_probability
    st.base_probability = p.prior_probability
    st.base_count, st.base_x_bps = 0.0, 0.0
    st.inputs[:] = 0.0
    st.room[:] = 0.0
    st.along[:] = 0.0
    st.guess_p[:] = 0.0
    st.guess_bps[:] = 0.0
    start_recursive(st.beta, st.covariance, p.prior_probability, p.prior_betas, p.prior_beta_sd)
    st.severity_bps, st.severity_count = 0.0, 0.0
    st.alarms, st.firing = 0, 0
    st.ring_x_bps[:] = 0.0
    st.ring_interest[:] = np.nan
    st.guess_inputs[:, :] = 0.0
    clear_skill(st.skill)


@nb.njit(cache=True)
def on_context(st: Any, now_ns: int, interest_sz: float, funding_share: float) -> bool:
    """Hear open interest (coins) and the hourly funding (fraction); a null is refused and changes nothing."""
    if not (0.0 < interest_sz < 1e300 and -1.0 < funding_share < 1.0) or now_ns <= 0:
        st.refused += 1
        return False
    st.contexts += 1
    st.log_interest = math.log(interest_sz)
    st.funding_bps = 1e4 * funding_share
    return True


@nb.njit(cache=True)
def on_book(st: Any, px: Any, sz: Any) -> None:
    """Hear the visible levels, arrays of shape (2, levels): their worth is the depth of a side."""
    see_levels(st.visible, px, sz)


@nb.njit(cache=True)
def on_trade(st: Any, now_ns: int, aggressor: int, px: float, sz: float) -> bool:
    """Hear a trade (`aggressor` 0 buy, 1 sell): signed flow with a memory of 10 s."""
    usd = px * sz
    if now_ns <= 0 or not 0.0 < usd < 1e300:
        st.refused += 1
        return False
    take_print(st.flow, now_ns, aggressor, usd)
    return True


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_px: float) -> bool:
    """Time is `now_ns` (block time) and the mid is `mid_px`; acts once a full second.

    Guarantees: repeated messages change no estimate; a silence longer than gap_ns drops what was pending.

    Returns:
        False when refused (NaN, not positive, or time running back); state is kept.
    """
    if now_ns <= 0 or now_ns < st.last_ns or not 0.0 < mid_px < 1e300:
        st.refused += 1
        return False
    if st.seen > 0 and now_ns - st.last_ns > p.gap_ns:
        st.filled = 0
    elif st.seen > 0:
        full_ns = (st.last_ns // SECOND_NS + 1) * SECOND_NS
        if full_ns <= now_ns:
            x_bps = 1e4 * math.log(st.mid_px)
            st.base_x_bps = x_bps if st.filled == 0 else st.base_x_bps
            while full_ns <= now_ns:
                _second(st, p, full_ns, x_bps - st.base_x_bps)
                full_ns += SECOND_NS
    st.seen += 1
    st.last_ns = now_ns
    st.mid_px = mid_px
    return True


@nb.njit(cache=True)
def _second(st: Any, p: Any, now_ns: int, x_bps: float) -> None:
    """One second: resolve what is due, learn the usual, predict."""
    pos = st.seconds % RING
    if st.filled > 0:
        move_bps = x_bps - float(st.ring_x_bps[(pos - 1) % RING])
        gain = max(1.0 / (st.seconds + 30.0), 1.0 / p.slow_s)
        variance = st.variance + gain * (min(move_bps * move_bps, 9.0 * st.variance) - st.variance)
        st.variance = max(p.min_sd_bps * p.min_sd_bps, variance)
        grow_usual(st.visible, gain)
    st.ring_x_bps[pos] = x_bps
    st.ring_interest[pos] = st.log_interest
    if st.filled >= HORIZON and st.seconds % EVERY == 0:
        _resolve(st, p, now_ns, pos)
    _predict(st, p, now_ns, pos)
    st.seconds += 1
    st.filled = min(st.filled + 1, RING)
    st.ready = 1 if st.filled > HORIZON else st.ready


@nb.njit(cache=True)
def _resolve(st: Any, p: Any, now_ns: int, pos: int) -> None:
    """What was foretold 60 s ago: did the mid pass the threshold since?"""
    then, slot = (pos - HORIZON) % RING, (st.seconds - HORIZON) // EVERY % SLOTS
    signed_p = st.guess_p[slot]
    up_bps, down_bps = 0.0, 0.0
    for j in range(1, HORIZON + 1):
        move_bps = float(st.ring_x_bps[(then + j) % RING]) - float(st.ring_x_bps[then])
        up_bps, down_bps = max(up_bps, move_bps), max(down_bps, -move_bps)
    happened = 1.0 if max(up_bps, down_bps) > st.guess_bps[slot] else 0.0
    own, came = min(1.0 - 1e-9, max(1e-9, abs(signed_p))), int(happened)
    naive = log_loss(st.base_probability, came)
    score(st.skill, now_ns, log_loss(own, came), naive, 2.0 * HORIZON, p.half_life_s)
    st.base_count = half_life_factor(1.0 * EVERY, p.half_life_s) * st.base_count + EVERY
    st.base_probability += EVERY * (happened - st.base_probability) / (st.base_count + p.prior_count)
    _fit(st, p, st.guess_inputs[slot], happened - own, own * (1.0 - own))
    if happened > 0.0 and own >= p.fire_probability:
        run_bps = up_bps if signed_p > 0.0 else down_bps
        st.severity_count = min(st.severity_count + 1.0, 120.0)
        st.severity_bps += (min(run_bps, p.max_severity_bps) - st.severity_bps) / (st.severity_count + HORIZON / EVERY)


@nb.njit(cache=True)
def _fit(st: Any, p: Any, x: Any, loss: float, k: float) -> None:
    """One outcome of overlapping ones: residual `loss`, curvature `k` = p (1 - p), at the inputs `x`."""
    st.room[0] = 1.0
    for i in range(INPUTS):
        st.room[1 + i] = float(x[i])
    drift_share = p.drift_per_day * EVERY / 86_400.0
    step_recursive(st.beta, st.covariance, st.room, st.along, EVERY / HORIZON, loss, k, p.prior_beta_sd, drift_share)


@nb.njit(cache=True)
def _closed(st: Any, pos: int, seconds: int) -> float:
    """Fall of log open interest over so many seconds, 0 while not known."""
    fall = float(st.ring_interest[(pos - seconds) % RING]) - float(st.ring_interest[pos])
    return fall if fall > 0.0 and st.filled >= seconds else 0.0


@nb.njit(cache=True)
def _predict(st: Any, p: Any, now_ns: int, pos: int) -> None:
    """Inputs, direction, hazard and threshold of this second."""
    sd_bps = math.sqrt(st.variance)
    move_bps = float(st.ring_x_bps[pos]) - float(st.ring_x_bps[(pos - FAST) % RING]) if st.filled >= FAST else 0.0
    speed_z = move_bps / (sd_bps * math.sqrt(FAST))
    run_z = flow_z(st.flow, now_ns, max(1.0 / (st.seconds + 1.0), 1.0 / p.slow_s), st.seconds > HORIZON)
    st.direction = 1 if speed_z + run_z > 0.0 else -1
    x = st.inputs
    x[SPEED] = max(0.0, abs(speed_z) - 1.0) if speed_z * st.direction > 0.0 else 0.0
    x[CLOSING_FAST] = 200.0 * _closed(st, pos, FAST)
    x[CLOSING_SLOW] = 100.0 * _closed(st, pos, HORIZON)
    x[CARRY] = abs(st.funding_bps)
    x[THIN] = thinness(st.visible, 0 if st.direction < 0 else 1)
    x[RUN] = max(0.0, run_z * st.direction - 1.0)
    total = st.beta[0]
    for i in range(INPUTS):
        x[i] = min(p.most[i], x[i])
        total += st.beta[1 + i] * x[i]
    st.hazard_probability = logistic(total)
    bound_bps = min(p.max_threshold_bps, max(p.min_threshold_bps, p.threshold_sd * sd_bps * math.sqrt(HORIZON)))
    if st.severity_count == 0.0:
        st.severity_bps = min(bound_bps, p.max_severity_bps)
    if st.seconds % EVERY == 0:
        slot = st.seconds // EVERY % SLOTS
        st.guess_p[slot] = st.direction * st.hazard_probability
        st.guess_bps[slot] = bound_bps
        st.guess_inputs[slot, :] = x
    fires = 1 if st.hazard_probability >= p.fire_probability and st.filled >= HORIZON else 0
    st.alarms += 1 if fires == 1 and st.firing == 0 else 0
    st.firing = fires
