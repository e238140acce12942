"""What the reference venue says of this coin (C16): its last move, its gap to our mid, how its book and tape lean.

* move: log moves of its mid, decayed with tau (bps): what it did that we may still have to follow.
* gap: ln(its mid / our mid) beyond its own slow average (bps): minus the basis. The average ages in silence too, and
  with nearly nothing left of it the gap of now is the basis: what changed in an hour away is no move to follow.
* micro-deviation (bps), imbalance of the deep book and of trades ((B - A) / (B + A), unitless).

Times are receive times. Older than stale_ns it is not ready and says nothing at all: no forecast, no penalty. A price
further than max_gap_bps from ours is another instrument or garbage and is refused; a jump beyond jump_bps counts once
`confirm` messages agree that it is not a slip. One stamp in the future silences it for stale_ns, not for good. Source:
predecessor §5.3 and §10 (findings 15, missing model 8).
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import fair_row as row
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.microprice import book_is_sane, weighted_mid_px

HEARS = ("REFERENCE", "REFERENCE_TRADE", "TIMER")
WARM_S = 1.0
"""Seconds of an ordinary market after which it is ready."""
SCORES: dict[str, str] = {}
LEAST_MASS: Final = 0.01
"""Of the slow average of the gap, where nothing forgotten has 1: a second of hearing it, or five taus of silence."""
UNSCORED = "scored as the group `reference` of fair value's regression"

PARAMS = record(
    [
        ("stale_ns", "i8"),
        ("tau_s", "f8"),
        ("gap_tau_s", "f8"),
        ("trade_tau_s", "f8"),
        ("max_gap_bps", "f8"),
        ("jump_bps", "f8"),
        ("confirm", "i8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("doubts", "i4"),
        ("refused", "i8"),
        ("sent_ms", "i8"),
        ("mid_px", "f8"),
        ("move_bps", "f8"),
        ("gap_bps", "f8"),
        ("gap_sums", "f8", (2,)),
        ("micro_dev_bps", "f8"),
        ("imbalance", "f8"),
        ("trade_ns", "i8"),
        ("signed_sz", "f8"),
        ("volume_sz", "f8"),
    ]
)
"""`gap_bps` at the last message, with `gap_sums` (mass, gap) of its slow average."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: stale after 1 s, taus 0.3 s, 2 min and 2 s, at most 3 % apart, jumps from 50 bps."""
    return np.array([(1_000_000_000, 0.3, 120.0, 2.0, 300.0, 50.0, 3)], dtype=PARAMS)


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - as all resets
    """Forget everything."""
    st.seen = 0
    st.last_ns = 0
    st.doubts = 0
    st.refused = 0
    st.mid_px = np.nan
    st.gap_bps = 0.0
    st.gap_sums[:] = 0.0
    st.micro_dev_bps = np.nan
    st.imbalance = np.nan
    _fall_silent(st)


@nb.njit(cache=True)
def _fall_silent(st: Any) -> None:
    """What was recent is so no more, and its clock may be another."""
    st.ready = 0
    st.sent_ms = 0
    st.move_bps = 0.0
    st.trade_ns = 0
    st.signed_sz = 0.0
    st.volume_sz = 0.0


@nb.njit(cache=True)
def update(  # noqa: PLR0917 - flat arguments
    st: Any,
    p: Any,
    now_ns: int,
    sent_ms: int,
    bid_px: Any,
    bid_sz: Any,
    ask_px: Any,
    ask_sz: Any,
    deep_bid_sz: float,
    deep_ask_sz: float,
    own_px: float,
) -> bool:
    """Hear its book at receive time `now_ns`; levels best first, a missing level 0.

    Args:
        st: STATE.
        p: PARAMS.
        now_ns: when it came.
        sent_ms: its own clock; a message older than the last fresh one is refused.
        bid_px: five bids, in units of our coin; `bid_sz`, `ask_px`, `ask_sz` likewise.
        bid_sz: coins.
        ask_px: five asks.
        ask_sz: coins.
        deep_bid_sz: coins on the bid side of its deep book, 0 when unknown: the five levels stand in.
        deep_ask_sz: the same of the ask side.
        own_px: our mid.

    Returns:
        False when refused: insane, out of order, too far from our price, or a jump not yet confirmed.
    """
    sane = book_is_sane(bid_px[0], bid_sz[0], ask_px[0], ask_sz[0]) and 0.0 < own_px < 1e300
    if now_ns < st.last_ns or not sane:
        st.refused += 1
        return False
    expire(st, p, now_ns)
    if sent_ms < st.sent_ms:
        st.refused += 1
        return False
    mid_px = 0.5 * (bid_px[0] + ask_px[0])
    gap_bps = 1e4 * math.log(mid_px / own_px)
    step_bps = 1e4 * math.log(mid_px / st.mid_px) if st.ready == 1 else 0.0
    if abs(gap_bps) > p.max_gap_bps:
        st.refused += 1
        return False
    if abs(step_bps) > p.jump_bps and st.doubts + 1 < p.confirm:
        st.refused += 1
        st.doubts += 1
        return False
    seconds = (now_ns - st.last_ns) / NS_PER_S
    slow = time_constant_factor(seconds, p.gap_tau_s)
    if st.ready == 0:
        st.gap_sums[0] *= slow
        st.gap_sums[1] *= slow
    else:
        st.gap_sums[0] = slow * st.gap_sums[0] + 1.0 - slow
        st.gap_sums[1] = slow * st.gap_sums[1] + (1.0 - slow) * st.gap_bps
        st.move_bps = time_constant_factor(seconds, p.tau_s) * st.move_bps + step_bps
    st.seen += 1
    st.last_ns = now_ns
    st.sent_ms = sent_ms
    st.ready = 1
    st.doubts = 0
    st.mid_px = mid_px
    st.gap_bps = gap_bps
    st.micro_dev_bps = 1e4 * (weighted_mid_px(bid_px[0], bid_sz[0], ask_px[0], ask_sz[0]) - mid_px) / mid_px
    st.imbalance = _imbalance(bid_sz, ask_sz, deep_bid_sz, deep_ask_sz)
    return True


@nb.njit(cache=True)
def _imbalance(bid_sz: Any, ask_sz: Any, deep_bid_sz: float, deep_ask_sz: float) -> float:
    """(B - A) / (B + A) of the deep book, or of the levels when it is not known."""
    bid, ask = deep_bid_sz, deep_ask_sz
    if not (0.0 < deep_bid_sz < 1e300 and 0.0 < deep_ask_sz < 1e300):
        bid, ask = 0.0, 0.0
        for level in range(len(bid_sz)):
            bid += bid_sz[level]
            ask += ask_sz[level]
    return (bid - ask) / (bid + ask)


@nb.njit(cache=True)
def on_trade(st: Any, p: Any, now_ns: int, side: int, sz: float) -> bool:
    """Hear a trade there, aggressor `side` (0 buys), coins; False when refused."""
    if not 0.0 < sz < 1e300 or now_ns < st.trade_ns:
        st.refused += 1
        return False
    keep = time_constant_factor((now_ns - st.trade_ns) / NS_PER_S, p.trade_tau_s) if st.trade_ns > 0 else 0.0
    st.trade_ns = now_ns
    st.signed_sz = keep * st.signed_sz + (1.0 - 2.0 * side) * sz
    st.volume_sz = keep * st.volume_sz + sz
    return True


@nb.njit(cache=True)
def hear(st: Any, p: Any, now_ns: int, ev: Any, is_trade: bool, book: Any) -> bool:  # noqa: FBT001, PLR0917 - compiled: positional only
    """Hear one REFERENCE or REFERENCE_TRADE event; before our own book is known there is nothing to compare with."""
    if is_trade:
        return on_trade(st, p, now_ns, ev.side, ev.sz)  # type: ignore[no-any-return]
    if book.ready == 0:
        return False
    own_px = 0.5 * (book.px[0] + book.px[1])
    bid, ask = (ev.bid_px, ev.bid_sz), (ev.ask_px, ev.ask_sz)
    return update(st, p, now_ns, ev.venue_ms, *bid, *ask, ev.sz, ev.sz2, own_px)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def expire(st: Any, p: Any, now_ns: int) -> None:
    """Not ready any more when nothing came for stale_ns."""
    if st.ready == 1 and now_ns - st.last_ns > p.stale_ns:
        _fall_silent(st)


@nb.njit(cache=True)
def say(st: Any, p: Any, now_ns: int, own_px: float, x: Any) -> None:
    """Write this group's regressors as of receive time `now_ns` into the row `x`; all NaN when it is not fresh."""
    expire(st, p, now_ns)
    if st.ready == 0:
        x[row.MOVE : row.THERE_TRADES + 1] = np.nan
        return
    x[row.MOVE] = time_constant_factor((now_ns - st.last_ns) / NS_PER_S, p.tau_s) * st.move_bps
    usual_bps = st.gap_sums[1] / st.gap_sums[0] if st.gap_sums[0] > LEAST_MASS else st.gap_bps
    x[row.GAP] = 1e4 * math.log(st.mid_px / own_px) - usual_bps
    x[row.THERE_DEV] = st.micro_dev_bps
    x[row.THERE_IMBALANCE] = st.imbalance
    x[row.THERE_TRADES] = 0.0
    if st.volume_sz > 0.0:
        keep = time_constant_factor((now_ns - st.trade_ns) / NS_PER_S, p.trade_tau_s)
        x[row.THERE_TRADES] = keep * st.signed_sz / st.volume_sz
