"""What this coin may do now: permit, operator's mode, allocation, feed and book, as one stance and its reason.

Fail closed: without SYNC, fresh book or permit everything is pulled, and so it is under a state or mode not known here;
without a valid allocation, or when risk or the operator say so, orders may only reduce. Leases count from the stamp of
the event that brings them, whatever was heard before it, and run on receive time, so TIMER events end them in total
silence.
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.events import CoinMode, Mood
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.engine import book
from portfolio_mm.engine.account import recross
from portfolio_mm.engine.why import Reason

HEARS = ("PERMIT", "MODE", "ALLOCATION", "SKEW", "FEED", "TIMER")
PULL, WAIT, REDUCE, TRADE = range(4)
"""Stances: PULL everything now (safety), WAIT (place nothing), REDUCE the position only, TRADE."""
R_QUOTING: Final = int(Reason.QUOTING)
NOT_CONNECTED, FEED_DOWN, NO_BOOK, STALE = (int(r) for r in tuple(Reason)[1:5])
NO_PERMIT, KILLED, RISK_CANCEL, MODE_CANCEL, WARMING = (int(r) for r in tuple(Reason)[5:10])
RISK_REDUCE, MODE_REDUCE, NO_ALLOCATION = (int(r) for r in tuple(Reason)[10:13])
STATE_GREEN, STATE_REDUCE, STATE_CANCEL, STATE_KILLED = (
    int(s) for s in (RiskState.GREEN, RiskState.REDUCE_ONLY, RiskState.CANCEL_ONLY, RiskState.KILLED)
)
BEFORE_MOODS, MOODS = int(Reason.OI_CAPPED) - int(Mood.OI_CAP), len(Mood)
"""The reason of a mood is its number after this one."""
ASKED_TRADE, ASKED_REDUCE = int(CoinMode.TRADE), int(CoinMode.REDUCE_ONLY)


@nb.njit(cache=True)
def _heard(authority: Any, now_ns: int) -> None:
    authority.seen += 1
    authority.last_ns = now_ns


@nb.njit(cache=True)
def on_permit(authority: Any, ev: Any, now_ns: int) -> None:
    """A lease from the gateway, or its end (0 ns); the gateway has judged its epoch."""
    _heard(authority, now_ns)
    authority.risk_state = ev.status
    authority.permit_until_ns = ev.recv_ns + max(0, ev.oid)


@nb.njit(cache=True)
def on_mode(authority: Any, ev: Any, now_ns: int) -> None:
    """What the operator or the gateway asks of this coin."""
    _heard(authority, now_ns)
    authority.coin_mode = ev.status
    authority.mood = ev.oid if 0 <= ev.oid < MOODS else 0


@nb.njit(cache=True)
def on_skew(authority: Any, ev: Any, now_ns: int) -> None:
    """One coefficient of the coming row; a new version starts from zeros."""
    _heard(authority, now_ns)
    if ev.seq != authority.row_version:
        authority.coming_bps_per_usd[:] = 0.0
        authority.row_version = ev.seq
    authority.coming_bps_per_usd[ev.coin] = ev.px


@nb.njit(cache=True)
def on_allocation(st: Any, p: Any, ev: Any) -> None:
    """Target, limit, action price and gamma, with the skew row of the same version (the gateway judged its epoch)."""
    authority, now_ns = st.authority, st.clock.recv_ns
    _heard(authority, now_ns)
    authority.allocated = 1
    authority.ready = 1
    authority.version = ev.seq
    authority.allocation_until_ns = ev.recv_ns + ev.oid
    authority.target_usd = ev.px
    authority.limit_usd = max(0.0, ev.px2)
    authority.action_price_usd = max(0.0, ev.sz)
    authority.gamma_per_bps_usd = max(0.0, ev.sz2)
    if authority.row_version == ev.seq:
        authority.row_bps_per_usd[:] = authority.coming_bps_per_usd
        recross(st, p)


@nb.njit(cache=True)
def is_allocated(st: Any) -> bool:
    """Whether an allocation is in force."""
    authority = st.authority
    return authority.allocated == 1 and st.clock.recv_ns < authority.allocation_until_ns  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _asked(authority: Any, otherwise: int) -> int:
    """The venue's reason for what is asked, or that somebody asked."""
    return BEFORE_MOODS + authority.mood if authority.mood > 0 else otherwise


@nb.njit(cache=True)
def _pull_reason(st: Any, p: Any) -> int:  # noqa: PLR0911 - one line per case
    """First thing that forbids any order, or QUOTING."""
    authority = st.authority
    if st.orders.ready == 0 or st.orders.syncing == 1 or st.orders.overflow > 0:
        return NOT_CONNECTED
    if st.book.feed_up == 0:
        return FEED_DOWN
    if authority.risk_state >= STATE_KILLED:
        return KILLED
    if st.clock.recv_ns >= authority.permit_until_ns:
        return NO_PERMIT
    if authority.risk_state >= STATE_CANCEL or authority.risk_state < STATE_GREEN:
        return RISK_CANCEL
    if authority.coin_mode not in (ASKED_TRADE, ASKED_REDUCE):
        return _asked(authority, MODE_CANCEL)  # type: ignore[no-any-return]
    if st.book.fresh_ns > 0 and book.is_stale(st, p):
        return STALE
    if st.book.ready == 0 or st.fair.ready == 0:
        return NO_BOOK
    return R_QUOTING


@nb.njit(cache=True)
def stand(st: Any, p: Any) -> None:
    """Set stance and reason for this moment."""
    authority = st.authority
    reason = _pull_reason(st, p)
    stance = PULL
    if reason == R_QUOTING:
        stance = TRADE
        if st.clock.recv_ns - st.clock.first_book_ns < p.warmup_ns:
            stance, reason = WAIT, WARMING
        elif authority.risk_state == STATE_REDUCE:
            stance, reason = REDUCE, RISK_REDUCE
        elif authority.coin_mode == ASKED_REDUCE:
            stance, reason = REDUCE, _asked(authority, MODE_REDUCE)
        elif not is_allocated(st):
            stance, reason = REDUCE, NO_ALLOCATION
    if stance != authority.stance:
        st.quote.news = 1
    authority.stance = stance
    authority.reason = reason


@nb.njit(cache=True)
def explain(st: Any, p: Any) -> None:
    """While nothing may be quoted: say so for both sides, with the numbers the words need."""
    quote, now_ns = st.quote, st.clock.recv_ns
    reason = st.authority.reason
    quote.ready = 0
    quote.quoting[:] = 0
    quote.lots[:, :] = 0
    quote.px_ticks[:, :] = 0
    quote.items_bps[:, :] = 0.0
    quote.numbers[:, :] = 0.0
    quote.why[:] = reason
    if reason == STALE:
        quote.numbers[:, 0] = (now_ns - st.book.fresh_ns) * 1e-9
        quote.numbers[:, 1] = p.stale_ns * 1e-9
    elif reason == NO_PERMIT:
        quote.numbers[:, 0] = (
            (now_ns - st.authority.permit_until_ns) * 1e-9 if st.authority.permit_until_ns > 0 else 0.0
        )
    elif reason == WARMING:
        quote.numbers[:, 0] = (st.clock.first_book_ns + p.warmup_ns - now_ns) * 1e-9
