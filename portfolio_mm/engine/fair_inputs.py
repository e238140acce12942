"""What order flow, reference venue and leaders say now, written into the row that fair value forecasts from."""

from typing import Any, Final

import numba as nb

from portfolio_mm.estimators import fair_value, leaders, order_flow, reference

READS: Final = ("order_flow", "reference", "leaders", "signals")


@nb.njit(cache=True)
def gather(st: Any, p: Any) -> None:
    """Write the rows of all groups but the book; time must have been told to fair value before (`advance`)."""
    order_flow.say(st.order_flow, p.order_flow, st.clock.venue_ns, st.fair.x)
    _reference(st, p)
    leaders.say(st.leaders, p.leaders, st.clock.recv_ns, st.fair.x)


@nb.njit(cache=True)
def _reference(st: Any, p: Any) -> None:
    mid_px = 0.5 * (st.book.px[0] + st.book.px[1])
    reference.say(st.reference, p.reference, st.clock.recv_ns, mid_px, st.fair.x)


@nb.njit(cache=True)
def renew(st: Any, p: Any) -> bool:
    """Time has passed since the last book: whether fair has moved."""
    if st.fair.ready == 0 or st.book.ready == 0:
        return False
    gather(st, p)
    return fair_value.refresh(st.fair, p.fair, st.signals.applied)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def renew_reference(st: Any, p: Any) -> bool:
    """The reference venue said something: whether fair has moved."""
    if st.fair.ready == 0 or st.book.ready == 0:
        return False
    _reference(st, p)
    return fair_value.refresh(st.fair, p.fair, st.signals.applied)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def renew_leaders(st: Any, p: Any) -> bool:
    """A leader said something: whether fair has moved."""
    if st.fair.ready == 0 or st.book.ready == 0:
        return False
    leaders.say(st.leaders, p.leaders, st.clock.recv_ns, st.fair.x)
    return fair_value.refresh(st.fair, p.fair, st.signals.applied)  # type: ignore[no-any-return]
