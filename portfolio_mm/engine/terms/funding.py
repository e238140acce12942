"""Carry of what a fill adds to the inventory, bps outwards (C14).

A position held at the next full hour pays c, the expected rate of this hour. The reservation price falls by
c e^(-lambda tau), tau seconds before the stamp, lambda = sigma sqrt(gamma D) = g_ii D the rate at which inventory is
traded out; bids move out and asks in by the same, whatever the position is.
"""

from typing import Any

import numba as nb

from portfolio_mm.models import funding

FORGOTTEN_NS = 600_000_000_000
"""A rate not heard for ten minutes is not known."""


@nb.njit(cache=True)
def shift_bps(st: Any, p: Any, side: int) -> float:
    """Shift of one side, outwards, at most the largest skew; 0 while the rate is not known."""
    if st.funding.ready == 0 or st.clock.venue_ns - st.funding.last_ns > FORGOTTEN_NS:
        return 0.0
    relaxation_per_s = st.quote.own_skew_bps_per_usd * st.viability.liquidity
    seconds = funding.seconds_to_stamp(st.clock.venue_ns)
    shift_bps = funding.shift_bps(st.funding.carry_bps, seconds, relaxation_per_s)
    return (1.0 - 2.0 * side) * min(p.max_skew_bps, max(-p.max_skew_bps, shift_bps))  # type: ignore[no-any-return]
