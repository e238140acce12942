"""Places of own orders in their queues (C8): lots ahead, P(fill within 5 s), calibrated by own fills.

Lots ahead are kept by models/place.py: not known (NaN, never 0 and never everything) until a frame at least settle_ns
after the acceptance shows the level.

Sweeps of buckets larger than what is ahead fill at once, the smaller ones and cancels (per lot ahead and second,
measured on our own places) work through units of their mean size (models/queue.py). P(fill in horizon_s) is that of
these rates while fair walks: it comes to an order that is far and leaves one that is near (models/walk.py). Whichever
queue model is true, a logistic map of its logit, fitted online on what became of our own orders, makes it a
probability; its Brier score is judged against the base rate of own fills. A place is worth what P is more there than
at the back of its level.
P is that of an order left alone. One that we ask to take away is followed on the tape to its horizon: prints beyond its
price, or at it and larger than what was ahead, would have filled it. (We take away orders that the price has left or
comes for: without them others are judged than those that are asked about.) Ready after 30 outcomes. Not guaranteed:
places of orders at a price where another own order rests before them; cancels ahead of one that is gone.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.estimators.arrivals import BUCKETS
from portfolio_mm.models import place
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.logistic_map import MAP, apply_map, clear_map, learn_map, logit
from portfolio_mm.models.place import PLACE
from portfolio_mm.models.queue_mix import promised, split_sweeps
from portfolio_mm.models.skill import SKILL, clear_skill, score
from portfolio_mm.models.walk import NODES, WALK, stay

HEARS = ("BBO", "BOOK", "TRADE", "FILL", "TIMER")
WARM_S = float("inf")
SCORES = {"own fill within 5 s": "the base rate of own fills (Brier score)"}
PLACES = 6
"""Two sides of three levels: place = 3 side + level."""
NEW = PLACES
"""Number of the walk of an order that is not placed yet."""

PARAMS = record(
    [
        ("horizon_s", "f8"),
        ("settle_ns", "i8"),
        ("late_ns", "i8"),
        ("every_ns", "i8"),
        ("exponent", "f8"),
        ("cancel_half_life_s", "f8"),
        ("prior_cancel_per_s", "f8"),
        ("prior_lot_s", "f8"),
        ("map_half_life_s", "f8"),
        ("map_precision_count", "f8"),
        ("prior_base_probability", "f8"),
        ("ready_count", "i8"),
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
        ("next_ns", "i8"),
        ("places", PLACE, (PLACES,)),
        ("raw_probability", "f8", (PLACES,)),
        ("fill_probability", "f8", (PLACES,)),
        ("reach_share", "f8", (PLACES + 1,)),
        ("walks", WALK, (PLACES + 1,)),
        ("nodes", "f4", (2, NODES)),
        ("advantage_share", "f8", (PLACES,)),
        ("bet_key", "u8", (PLACES,)),
        ("bet_ns", "i8", (PLACES,)),
        ("bet_ticks", "i8", (PLACES,)),
        ("bet_ahead_lots", "f8", (PLACES,)),
        ("bet_logit", "f8", (PLACES,)),
        ("bet_probability", "f8", (PLACES,)),
        ("bet_base_probability", "f8", (PLACES,)),
        ("bet_lost_ns", "i8", (PLACES,)),
        ("cancelled_lots", "f8"),
        ("ahead_lot_s", "f8"),
        ("cancel_per_s", "f8"),
        ("outcomes", "i8"),
        ("base_mass", "f8"),
        ("base_fills", "f8"),
        ("curve", MAP),
        ("skill", SKILL),
    ]
)
"""`reach_share` is the rate of sweeps at the price of a place over that of all that print, `walks` what fair does to it
(the last one of each is that of a new order); `advantage_share` is how much likelier it is filled than from the back of
its level; `bet_*` the running forecast of a place (key of its
order, when, its price, logit of the model, probability, its rival's), `bet_lost_ns` when its order was taken away (0 if
not) and `bet_ahead_lots` what stood before it then; `curve` the map."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s horizon, looked at each second, square power model, cancels 0.05 per lot and second."""
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_s"], p["settle_ns"], p["late_ns"], p["every_ns"] = 5.0, 2 * 10**8, 2 * 10**9, 10**9
    p["exponent"], p["cancel_half_life_s"] = 2.0, 1800.0
    p["prior_cancel_per_s"], p["prior_lot_s"] = 0.05, 1000.0
    p["map_half_life_s"], p["map_precision_count"], p["prior_base_probability"] = 6 * 3600.0, 4.0, 0.1
    p["ready_count"], p["block_s"], p["skill_half_life_s"] = 30, 60.0, 6 * 3600.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:
    """No place is known, the map changes nothing."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.next_ns = 0
    st.reach_share[:] = 1.0
    st.nodes[:, :] = 0.0
    for i in range(PLACES + 1):
        stay(st.walks[i])
    for i in range(PLACES):
        place.leave(st.places[i])
        st.raw_probability[i] = np.nan
        st.fill_probability[i] = np.nan
        st.advantage_share[i] = np.nan
        st.bet_key[i] = 0
        st.bet_ns[i] = 0
        st.bet_ticks[i] = 0
        st.bet_ahead_lots[i] = np.nan
        st.bet_logit[i] = np.nan
        st.bet_probability[i] = np.nan
        st.bet_base_probability[i] = np.nan
        st.bet_lost_ns[i] = 0
    st.cancelled_lots = 0.0
    st.ahead_lot_s = 0.0
    st.cancel_per_s = p.prior_cancel_per_s
    st.outcomes = 0
    st.base_mass = 0.0
    st.base_fills = 0.0
    clear_map(st.curve)
    clear_skill(st.skill)


@nb.njit(cache=True)
def leaving(st: Any, i: int) -> None:
    """We have asked to take the order of place `i` away: from now on the tape says what would have come of it."""
    if st.bet_key[i] != 0 and st.bet_key[i] == st.places[i].key and st.bet_lost_ns[i] == 0:
        st.bet_lost_ns[i] = max(st.last_ns, st.bet_ns[i])
        st.bet_ahead_lots[i] = st.places[i].ahead_lots


@nb.njit(cache=True)
def stand(st: Any, i: int, key: int, px_ticks: int, own_lots: float, now_ns: int) -> None:  # noqa: PLR0917 - flat arguments
    """An order rests in place `i` at block time `now_ns` (`key` 0: none does)."""
    if key != st.places[i].key:
        leaving(st, i)
    if place.stand(st.places[i], key, px_ticks, own_lots, now_ns):
        st.raw_probability[i] = np.nan
        st.fill_probability[i] = np.nan
        st.reach_share[i] = 1.0
        stay(st.walks[i])
        st.advantage_share[i] = np.nan


@nb.njit(cache=True)
def see(st: Any, p: Any, i: int, frame_ns: int, others_lots: float) -> None:
    """A frame of block time `frame_ns` shows `others_lots` of others at the price of place `i`."""
    st.cancelled_lots += place.see(st.places[i], frame_ns, others_lots, p.settle_ns, p.exponent)


@nb.njit(cache=True)
def trade(st: Any, p: Any, i: int, trade_ns: int, print_lots: float, is_through: bool) -> None:  # noqa: FBT001, PLR0917 - flat arguments
    """A print of `print_lots` that hits the side of place `i` at its price, or `is_through`: beyond it."""
    mistaken = place.trade(st.places[i], trade_ns, print_lots, is_through, p.exponent)
    st.cancelled_lots = max(0.0, st.cancelled_lots - mistaken)


@nb.njit(cache=True)
def passed(st: Any, p: Any, i: int, trade_ns: int, print_lots: float, px_ticks: int) -> None:  # noqa: PLR0917 - flat arguments
    """A print at `px_ticks` that hits the side of place `i`: did it fill the order that was taken away from there?"""
    if st.bet_lost_ns[i] == 0 or st.bet_key[i] == 0:
        return
    if not st.bet_lost_ns[i] < trade_ns <= st.bet_ns[i] + p.horizon_s * NS_PER_S:
        return
    beyond = (1 if i < PLACES // 2 else -1) * (st.bet_ticks[i] - px_ticks)
    if beyond == 0:
        st.bet_ahead_lots[i] -= print_lots
    if beyond > 0 or (beyond == 0 and st.bet_ahead_lots[i] < 0.0):
        _learn(st, p, i, 1.0)
        st.bet_key[i] = 0


@nb.njit(cache=True)
def is_due(st: Any, now_ns: int) -> bool:
    """Whether `update` will look at the places at `now_ns`, and reads `reach_share` and `walks`."""
    return now_ns >= st.next_ns  # type: ignore[no-any-return]


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Time passes: judge forecasts that are due, look at every place anew, forecast.

    Args:
        st: one STATE.
        p: one PARAMS.
        now_ns: block time.
        bucket_per_s: rate of sweeps by side of the aggressor and bucket of size, shape (2, BUCKETS).
        bucket_usd: their mean size, positive, same shape.
        usd_per_lot: value of a lot, positive.

    Returns:
        False when refused (time running back, a rate or size that cannot be); state is kept.
    """
    sane = 0.0 < usd_per_lot < 1e300 and now_ns > 0 and now_ns >= st.last_ns
    for side in range(2):
        for j in range(BUCKETS):
            sane = sane and 0.0 <= bucket_per_s[side, j] < 1e300 and 0.0 < bucket_usd[side, j] < 1e300
    if not sane:
        st.refused += 1
        return False
    st.seen += 1
    if st.seen > 1 and now_ns - st.last_ns < 2 * NS_PER_S:
        _expose(st, p, (now_ns - st.last_ns) / NS_PER_S)
    else:  # what the market did to orders that are gone was not heard
        for i in range(PLACES):
            st.bet_key[i] = 0 if st.bet_lost_ns[i] > 0 else st.bet_key[i]
    st.last_ns = now_ns
    if is_due(st, now_ns):
        st.next_ns = now_ns + p.every_ns
        for i in range(PLACES):
            _judge(st, p, i)
            if st.places[i].frame_ns > 0:
                _look(st, p, i, bucket_per_s, bucket_usd, usd_per_lot)
                _bet(st, p, i)
    return True


@nb.njit(cache=True)
def _expose(st: Any, p: Any, seconds: float) -> None:
    """Lots before us stood there for this long; the rate at which they are cancelled."""
    keep = half_life_factor(seconds, p.cancel_half_life_s)
    st.cancelled_lots *= keep
    st.ahead_lot_s *= keep
    for i in range(PLACES):
        if st.places[i].frame_ns > 0:
            st.ahead_lot_s += st.places[i].ahead_lots * seconds
    cancelled_lots = st.cancelled_lots + p.prior_cancel_per_s * p.prior_lot_s
    st.cancel_per_s = cancelled_lots / (st.ahead_lot_s + p.prior_lot_s)


@nb.njit(cache=True)
def _look(st: Any, p: Any, i: int, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float) -> None:  # noqa: PLR0917 - flat arguments
    """What the place of an order promises now, and how much more than the back of its level."""
    here, side = st.places[i], i // (PLACES // 2)
    raw = _promise(st, p, i, side, here.ahead_lots, bucket_per_s, bucket_usd, usd_per_lot)
    st.raw_probability[i] = raw
    st.fill_probability[i] = apply_map(st.curve, logit(raw))
    back = raw
    if here.level_lots > here.ahead_lots:
        back = _promise(st, p, i, side, here.level_lots, bucket_per_s, bucket_usd, usd_per_lot)
    st.advantage_share[i] = max(0.0, st.fill_probability[i] - apply_map(st.curve, logit(back)))


@nb.njit(cache=True)
def _promise(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, i: int, side: int, ahead_lots: float, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float
) -> float:
    """P(fill within the horizon) by the model alone with `ahead_lots` before an order at the price of place `i`."""
    whole, small, unit_lots = split_sweeps(side, ahead_lots, st.reach_share[i], bucket_per_s, bucket_usd, usd_per_lot)
    theta, seconds = st.cancel_per_s, p.horizon_s
    return promised(st.walks[i], st.nodes, ahead_lots, whole, small, unit_lots, theta, seconds)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def new_fill(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, i: int, side: int, ahead_lots: float, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float
) -> float:
    """Calibrated P(fill within the horizon) of an order of `side` with `ahead_lots` before it at the price of `i`."""
    raw = _promise(st, p, i, side, ahead_lots, bucket_per_s, bucket_usd, usd_per_lot)
    return apply_map(st.curve, logit(raw))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _bet(st: Any, p: Any, i: int) -> None:
    """Forecast this place when the time of its last forecast is over, also if that came true early.

    (To start again at once after a fill would weigh the hours in which orders fill more than they last.)
    """
    if st.bet_key[i] == 0 and st.last_ns >= st.bet_ns[i] + p.horizon_s * NS_PER_S + p.late_ns:
        st.bet_key[i] = st.places[i].key
        st.bet_ns[i] = st.last_ns
        st.bet_ticks[i] = st.places[i].px_ticks
        st.bet_logit[i] = logit(st.raw_probability[i])
        st.bet_probability[i] = st.fill_probability[i]
        st.bet_base_probability[i] = (st.base_fills + 10.0 * p.prior_base_probability) / (st.base_mass + 10.0)
        st.bet_lost_ns[i] = 0


@nb.njit(cache=True)
def filled(st: Any, p: Any, key: int, fill_ns: int) -> None:
    """Own fill of an order: it is at the front, and its forecast, if one ran in time, came true."""
    for i in range(PLACES):
        if st.places[i].key == key:
            place.reach_front(st.places[i])
        if key != 0 and st.bet_key[i] == key and fill_ns <= st.bet_ns[i] + p.horizon_s * NS_PER_S:
            if fill_ns >= st.bet_ns[i]:
                _learn(st, p, i, 1.0)
            st.bet_key[i] = 0


@nb.njit(cache=True)
def _judge(st: Any, p: Any, i: int) -> None:
    """A forecast whose time is over, fills' delay included: not filled."""
    if st.bet_key[i] != 0 and st.last_ns >= st.bet_ns[i] + p.horizon_s * NS_PER_S + p.late_ns:
        _learn(st, p, i, 0.0)
        st.bet_key[i] = 0


@nb.njit(cache=True)
def _learn(st: Any, p: Any, i: int, outcome_share: float) -> None:
    """One outcome: score, base rate, and a Newton step of the logistic map with the prior (0, 1)."""
    hit, base = outcome_share - st.bet_probability[i], outcome_share - st.bet_base_probability[i]
    score(st.skill, st.last_ns, hit * hit, base * base, p.block_s, p.skill_half_life_s)
    keep = half_life_factor((st.last_ns - st.curve.last_ns) / NS_PER_S, p.map_half_life_s)
    st.base_mass = keep * st.base_mass + 1.0
    st.base_fills = keep * st.base_fills + outcome_share
    learn_map(st.curve, st.last_ns, st.bet_logit[i], outcome_share, p.map_half_life_s, p.map_precision_count)
    st.outcomes += 1
    st.ready = 1 if st.outcomes >= p.ready_count else 0
