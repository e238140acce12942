"""A forecast that an order fills within a horizon, and what becomes of it when we take the order away before.

The forecast is that of an order left alone. From the moment we ask to take it away the tape says what would have come
of it: a print beyond its price, or prints at it of more than what stood before it, would have filled it. (We take away
orders that the price has left or comes for: without them others are judged than those that are asked about.)

`st` below is STATE of estimators/queue.py, `p` its JUDGING.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import fill_map, place
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.skill import score

PLACES: Final = 6
"""Two sides of three levels: place = 3 side + level."""
NEW: Final = PLACES
"""Forecast NEW + side is that of an order of a side as it is placed; those before are of resting ones, by place."""
BETS: Final = PLACES + 2
BASE_COUNT: Final = 10.0
"""Outcomes that the prior of the base rate is worth."""

JUDGING = record(
    [
        ("horizon_s", "f8"),
        ("late_ns", "i8"),
        ("drift_share", "f8"),
        ("prior_base_probability", "f8"),
        ("ready_count", "i8"),
        ("block_s", "f8"),
        ("skill_half_life_s", "f8"),
    ]
)
"""How forecasts are judged: fills are told at most `late_ns` late; what an outcome teaches (models/fill_map.py)."""
BET = record(
    [
        ("key", "u8"),
        ("ns", "i8"),
        ("ticks", "i8"),
        ("lost_ms", "i4"),
        ("rests", "i4"),
        ("ahead_lots", "f4"),
        ("said_probability", "f4"),
        ("x", "f4", (4,)),
    ]
)
"""Of the order `key` (0: none runs) at price `ticks`, made at `ns`: said `said_probability`, from inputs `x` (models/
fill_map.py). `rests` 1 once it is known to rest; `lost_ms` after `ns` we asked to take it away (-1: not), when
`ahead_lots` stood before it."""


def default_judging() -> np.ndarray[Any, Any]:
    """One JUDGING record: within 5 s, told within 2 s; scored by the minute, half forgotten in six hours."""
    p = np.zeros(1, dtype=JUDGING)
    p["horizon_s"], p["late_ns"], p["drift_share"] = 5.0, 2 * 10**9, 2e-5
    p["prior_base_probability"], p["ready_count"], p["block_s"], p["skill_half_life_s"] = 0.1, 30, 60.0, 6 * 3600.0
    return p


@nb.njit(cache=True)
def clear_bet(bet: Any) -> None:
    """No forecast runs."""
    bet.key = 0
    bet.ns = 0
    bet.ticks = 0
    bet.lost_ms = -1
    bet.rests = 0
    bet.ahead_lots = np.nan
    bet.said_probability = np.nan
    bet.x[:] = 0.0


@nb.njit(cache=True)
def make_bet(bet: Any, key: int, now_ns: int, ticks: int, ahead_lots: float) -> None:
    """A forecast begins; who calls writes `said_probability` and `x`."""
    bet.key = key
    bet.ns = now_ns
    bet.ticks = ticks
    bet.lost_ms = -1
    bet.rests = 0
    bet.ahead_lots = ahead_lots


@nb.njit(cache=True)
def is_free(bet: Any, now_ns: int, wait_s: float) -> bool:
    """Whether the next forecast may begin: when the time of the last one is over, also if that came true early.

    (To start again at once after a fill would weigh the hours in which orders fill more than they last.)
    """
    return bet.key == 0 and now_ns >= bet.ns + wait_s * NS_PER_S  # type: ignore[no-any-return]


@nb.njit(cache=True)
def is_over(bet: Any, now_ns: int, wait_s: float) -> bool:
    """Whether a forecast runs whose time is over, delays of fills included."""
    return bet.key != 0 and now_ns >= bet.ns + wait_s * NS_PER_S  # type: ignore[no-any-return]


@nb.njit(cache=True)
def lose(bet: Any, now_ns: int, ahead_lots: float) -> None:
    """We have asked to take its order away: from the next millisecond on the tape says what would have come of it."""
    if bet.lost_ms < 0:
        bet.lost_ms = max(0, now_ns - bet.ns + 999_999) // 1_000_000
        bet.ahead_lots = ahead_lots


@nb.njit(cache=True)
def would_fill(bet: Any, side: int, trade_ns: int, print_lots: float, ticks: int, horizon_s: float) -> bool:  # noqa: PLR0917 - flat arguments
    """A print at `ticks` that hits `side`: did it fill the order that was taken away?"""
    if bet.key == 0 or bet.lost_ms < 0:
        return False
    if not bet.ns + int(bet.lost_ms) * 1_000_000 < trade_ns <= bet.ns + horizon_s * NS_PER_S:
        return False
    beyond = (1 - 2 * side) * (bet.ticks - ticks)
    if beyond == 0:
        bet.ahead_lots = np.float64(bet.ahead_lots) - print_lots
    return beyond > 0 or (beyond == 0 and bet.ahead_lots < 0.0)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def leaving(st: Any, i: int) -> None:
    """We have asked to take the order of place `i` away: from now on the tape says what would have come of it."""
    if st.bets[i].key != 0 and st.bets[i].key == st.places[i].key:
        lose(st.bets[i], st.last_ns, st.places[i].ahead_lots)


@nb.njit(cache=True)
def watch(st: Any, side: int, i: int, is_live: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """The order whose placement is judged rests in place `i` (-1: in none), and nobody has asked it to leave."""
    bet = st.bets[NEW + side]
    if i >= 0:
        bet.rests = 1
    if bet.key != 0 and bet.rests == 1 and not is_live and bet.lost_ms < 0:
        is_known = i >= 0 and st.places[i].key == bet.key and st.places[i].frame_ns > 0
        lose(bet, st.last_ns, st.places[i].ahead_lots if is_known else bet.ahead_lots)


@nb.njit(cache=True)
def passed(st: Any, p: Any, side: int, trade_ns: int, print_lots: float, px_ticks: int) -> None:  # noqa: PLR0917 - flat arguments
    """A print at `px_ticks` hits `side`: did it fill orders that were taken away from there?"""
    for i in range(BETS):
        bet, of_side = st.bets[i], i - NEW if i >= NEW else i // (PLACES // 2)
        if bet.lost_ms >= 0 and of_side == side and would_fill(bet, side, trade_ns, print_lots, px_ticks, p.horizon_s):
            _learn(st, p, i, 1.0)
            bet.key = 0


@nb.njit(cache=True)
def wait_s(p: Any) -> float:
    """Until an outcome is known: the horizon, and by how much fills may be told late."""
    return p.horizon_s + p.late_ns / NS_PER_S  # type: ignore[no-any-return]


@nb.njit(cache=True)
def placed(st: Any, p: Any, side: int, key: int, px_ticks: int, ahead_lots: float, fill_probability: float) -> None:  # noqa: PLR0917 - flat arguments
    """An order is asked for of which `new_fill` has just said this; judged when none of its side is."""
    if is_free(st.bets[NEW + side], st.last_ns, wait_s(p)):
        begin(st, st.bets[NEW + side], key, px_ticks, ahead_lots, fill_probability)


@nb.njit(cache=True)
def begin(st: Any, bet: Any, key: int, px_ticks: int, ahead_lots: float, fill_probability: float) -> None:  # noqa: PLR0917 - flat arguments
    """The forecast that was just made is to be judged."""
    make_bet(bet, key, st.last_ns, px_ticks, ahead_lots)
    fill_map.keep_inputs(st.curve, bet.x)
    bet.said_probability = fill_probability


@nb.njit(cache=True)
def filled(st: Any, p: Any, key: int, fill_ns: int) -> None:
    """Own fill of an order: it is at the front, and its forecasts, if they ran in time, came true."""
    for i in range(BETS):
        if i < PLACES and st.places[i].key == key:
            place.reach_front(st.places[i])
        bet = st.bets[i]
        if key != 0 and bet.key == key and fill_ns <= bet.ns + p.horizon_s * NS_PER_S:
            if fill_ns >= bet.ns:
                _learn(st, p, i, 1.0)
            bet.key = 0


@nb.njit(cache=True)
def judge(st: Any, p: Any, i: int) -> None:
    """A forecast whose time is over: not filled; of an order that never came to rest nothing is known."""
    if is_over(st.bets[i], st.last_ns, wait_s(p)):
        if st.bets[i].rests == 1:
            _learn(st, p, i, 0.0)
        st.bets[i].key = 0


@nb.njit(cache=True)
def _learn(st: Any, p: Any, i: int, outcome_share: float) -> None:
    """One outcome: it moves the map; that of a resting order is scored, and moves the base rate."""
    bet = st.bets[i]
    if i < PLACES:
        base = (st.base_fills + BASE_COUNT * p.prior_base_probability) / (st.base_mass + BASE_COUNT)
        hit, miss = outcome_share - np.float64(bet.said_probability), outcome_share - base
        score(st.skill, st.last_ns, hit * hit, miss * miss, p.block_s, p.skill_half_life_s)
        keep = half_life_factor((st.last_ns - st.base_ns) / NS_PER_S, p.skill_half_life_s) if st.base_ns > 0 else 1.0
        st.base_mass = keep * st.base_mass + 1.0
        st.base_fills = keep * st.base_fills + outcome_share
        st.base_ns = st.last_ns
    fill_map.recall_inputs(st.curve, bet.x)
    fill_map.learn(st.curve, outcome_share, p.drift_share)
    st.outcomes += 1
    st.ready = 1 if st.outcomes >= p.ready_count else 0
