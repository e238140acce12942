"""Places of own orders in their queues (C8): lots ahead, P(fill within 5 s), calibrated by own fills.

Lots ahead are kept by models/place.py: not known (NaN, never 0 and never everything) until a frame at least settle_ns
after the acceptance shows the level.

Sweeps of buckets larger than what is ahead fill at once, the smaller ones and cancels (per lot ahead and second,
measured on our own places) work through units of their mean size (models/queue.py). P(fill in horizon_s) is that of
these rates while fair walks: it comes to an order that is far and leaves one that is near (models/walk.py). Whichever
queue model is true, a logistic map makes it a probability, from the model's logit and what that leaves out: a burst of
sweeps just now, an error of fair, the age of the order (models/fill_map.py). It is learned on what became of our own
orders, followed on the tape where we took them away (models/fill_bets.py). Two samples of them teach it: orders that
rest, looked at by the clock (one that ends early weighs no more), and orders as they are placed, which are other
moments: one a side at a time. The Brier score of the first is judged against the base rate of own fills. A place is
worth what P is more there than at the back of its level. Ready after 30 outcomes. Not guaranteed: places of orders at a
price where another own order rests before them; cancels ahead of one that is gone.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.estimators.arrivals import BUCKETS
from portfolio_mm.models import fill_bets, fill_map, place
from portfolio_mm.models.burst import BURST, burst_ratio, clear_burst
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.fill_bets import BET, BETS, JUDGING, PLACES
from portfolio_mm.models.fill_map import FILL_MAP, logit
from portfolio_mm.models.place import PLACE
from portfolio_mm.models.queue_mix import promised, split_sweeps
from portfolio_mm.models.skill import SKILL, clear_skill
from portfolio_mm.models.walk import NODES, WALK, stay

HEARS = ("BBO", "BOOK", "TRADE", "FILL", "TIMER")
WARM_S = float("inf")
SCORES = {"own fill within 5 s": "the base rate of own fills (Brier score)"}

PARAMS = record(
    [
        ("settle_ns", "i8"),
        ("every_ns", "i8"),
        ("exponent", "f8"),
        ("cancel_half_life_s", "f8"),
        ("prior_cancel_per_s", "f8"),
        ("prior_usd_s", "f8"),
        ("burst_s", "f8"),
        ("judging", JUDGING),
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
        ("raw_probability", "f4", (PLACES,)),
        ("fill_probability", "f8", (PLACES,)),
        ("advantage_share", "f4", (PLACES,)),
        ("reach_share", "f4", (PLACES + 1,)),
        ("lead_bps", "f4"),
        ("walks", WALK, (PLACES + 1,)),
        ("nodes", "f4", (2, NODES)),
        ("burst", BURST),
        ("bets", BET, (BETS,)),
        ("cancelled_lots", "f8"),
        ("ahead_lot_s", "f8"),
        ("cancel_per_s", "f8"),
        ("outcomes", "i8"),
        ("base_mass", "f8"),
        ("base_fills", "f8"),
        ("base_ns", "i8"),
        ("curve", FILL_MAP),
        ("skill", SKILL),
    ]
)
"""`reach_share` is the rate of sweeps at the price of a place over that of all that print, `walks` what fair does to it
(the last one of each is that of a new order), `lead_bps` how far fair is above mid; `advantage_share` is how much
likelier it is filled than from the back of its level; `burst` counts sweeps on our sides; `bets` the running forecasts,
one a place and one a side for new orders; `base_*` the outcomes of resting orders, up to the last one; `curve` the
map."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 5 s horizon, looked at each second, square power model, cancels 0.05 per lot and second.

    That prior is worth 20,000 USD ahead for a second, of which 1,000 are cancelled: an order or two.
    """
    p = np.zeros(1, dtype=PARAMS)
    p["settle_ns"], p["every_ns"] = 2 * 10**8, 10**9
    p["exponent"], p["cancel_half_life_s"] = 2.0, 1800.0
    p["prior_cancel_per_s"], p["prior_usd_s"], p["burst_s"] = 0.05, 20_000.0, 3.0
    p["judging"] = fill_bets.default_judging()
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
    st.lead_bps = 0.0
    st.nodes[:, :] = 0.0
    clear_burst(st.burst)
    for i in range(PLACES + 1):
        stay(st.walks[i])
    for i in range(BETS):
        fill_bets.clear_bet(st.bets[i])
    for i in range(PLACES):
        place.leave(st.places[i])
        st.raw_probability[i] = np.nan
        st.fill_probability[i] = np.nan
        st.advantage_share[i] = np.nan
    st.cancelled_lots = 0.0
    st.ahead_lot_s = 0.0
    st.cancel_per_s = p.prior_cancel_per_s
    st.outcomes = 0
    st.base_mass = 0.0
    st.base_fills = 0.0
    st.base_ns = 0
    fill_map.clear_map(st.curve)
    clear_skill(st.skill)


@nb.njit(cache=True)
def stand(st: Any, i: int, key: int, px_ticks: int, own_lots: float, now_ns: int) -> None:  # noqa: PLR0917 - flat arguments
    """An order rests in place `i` at block time `now_ns` (`key` 0: none does)."""
    if key != st.places[i].key:
        fill_bets.leaving(st, i)
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
        _expose(st, p, (now_ns - st.last_ns) / NS_PER_S, usd_per_lot)
    else:  # what the market did to orders that are gone was not heard
        for i in range(BETS):
            st.bets[i].key = 0 if st.bets[i].lost_ms >= 0 else st.bets[i].key
    st.last_ns = now_ns
    if is_due(st, now_ns):
        turn_ns = int(p.judging.horizon_s * NS_PER_S) + p.judging.late_ns + p.every_ns
        is_turn = now_ns // turn_ns != (st.next_ns - p.every_ns) // turn_ns
        st.next_ns = now_ns + p.every_ns
        for i in range(BETS):
            fill_bets.judge(st, p.judging, i)
        for i in range(PLACES):
            if st.places[i].frame_ns > 0:
                _look(st, p, i, bucket_per_s, bucket_usd, usd_per_lot, is_turn)
    return True


@nb.njit(cache=True)
def _expose(st: Any, p: Any, seconds: float, usd_per_lot: float) -> None:
    """Lots before us stood there for this long; the rate at which they are cancelled."""
    keep = half_life_factor(seconds, p.cancel_half_life_s)
    st.cancelled_lots *= keep
    st.ahead_lot_s *= keep
    for i in range(PLACES):
        if st.places[i].frame_ns > 0:
            st.ahead_lot_s += st.places[i].ahead_lots * seconds
    prior_lot_s = p.prior_usd_s / usd_per_lot
    cancelled_lots = st.cancelled_lots + p.prior_cancel_per_s * prior_lot_s
    st.cancel_per_s = cancelled_lots / (st.ahead_lot_s + prior_lot_s)


@nb.njit(cache=True)
def _look(  # noqa: PLR0917 - flat arguments
    st: Any,
    p: Any,
    i: int,
    bucket_per_s: Any,
    bucket_usd: Any,
    usd_per_lot: float,
    is_turn: bool,  # noqa: FBT001 - compiled
) -> None:
    """What the place of an order promises now, and how much more than the back of its level; at its turn, a forecast.

    Turns are those of the clock: at the first look of each order those that do not last would be judged most.
    """
    here, side, bet = st.places[i], i // (PLACES // 2), st.bets[i]
    raw = _promise(st, p, i, side, here.ahead_lots, bucket_per_s, bucket_usd, usd_per_lot)
    _ask(st, p, i, side, raw, (st.last_ns - here.rest_ns) / NS_PER_S, bucket_per_s)
    st.raw_probability[i] = raw
    st.fill_probability[i] = fill_map.said(st.curve)
    if is_turn and fill_bets.is_free(bet, st.last_ns, fill_bets.wait_s(p.judging)):
        fill_bets.begin(st, bet, here.key, here.px_ticks, here.ahead_lots, st.fill_probability[i])
        bet.rests = 1
    gained = 0.0
    if here.level_lots > here.ahead_lots:
        behind = _promise(st, p, i, side, here.level_lots, bucket_per_s, bucket_usd, usd_per_lot)
        st.curve.row[1] = logit(behind)
        gained = st.fill_probability[i] - fill_map.said(st.curve)
    st.advantage_share[i] = max(0.0, gained)


@nb.njit(cache=True)
def _ask(st: Any, p: Any, i: int, side: int, raw_probability: float, age_s: float, bucket_per_s: Any) -> None:  # noqa: PLR0917 - flat arguments
    """Ask the map about an order of `side` and age at the price of place `i`."""
    rate_per_s = 0.0
    for j in range(BUCKETS):
        rate_per_s += bucket_per_s[1 - side, j]
    burst = burst_ratio(st.burst, side, st.last_ns, p.burst_s, rate_per_s)
    lead = (2.0 * side - 1.0) * np.float64(st.lead_bps) * np.float64(st.walks[i].nearer_per_bps)
    fill_map.set_inputs(st.curve, logit(raw_probability), burst, lead, age_s)


@nb.njit(cache=True)
def _promise(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, i: int, side: int, ahead_lots: float, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float
) -> float:
    """P(fill within the horizon) by the model alone with `ahead_lots` before an order at the price of place `i`."""
    whole, small, unit_lots = split_sweeps(
        side, ahead_lots, np.float64(st.reach_share[i]), bucket_per_s, bucket_usd, usd_per_lot
    )
    theta, seconds = st.cancel_per_s, p.judging.horizon_s
    return promised(st.walks[i], st.nodes, ahead_lots, whole, small, unit_lots, theta, seconds)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def new_fill(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, i: int, side: int, ahead_lots: float, bucket_per_s: Any, bucket_usd: Any, usd_per_lot: float
) -> float:
    """Calibrated P(fill within the horizon) of an order of `side` with `ahead_lots` before it at the price of `i`."""
    raw = _promise(st, p, i, side, ahead_lots, bucket_per_s, bucket_usd, usd_per_lot)
    _ask(st, p, i, side, raw, 0.0, bucket_per_s)
    return fill_map.said(st.curve)  # type: ignore[no-any-return]
