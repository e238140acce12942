"""What the flow of market orders right now does to the rate of fills (C6, C7)."""

from typing import Any

import numba as nb

from portfolio_mm.engine import signals


@nb.njit(cache=True)
def factor(st: Any, p: Any, side: int) -> float:
    """Rate of fills on `side` in the next seconds over its average of minutes, within 1/4 and 4.

    That of the Hawkes process as far as its forecasts have earned weight, and for the rest that of the arrivals of two
    minutes, by theirs: 1 + w_h (r_h - 1) + (1 - w_h) w_a (r_a - 1). Modulates A, leaves k (theory §4). Our bids are hit
    by sellers.
    """
    hit_by = 1 - side
    by_hawkes = st.hawkes.skill.weight if st.hawkes.ready == 1 else 0.0
    by_minutes = (1.0 - by_hawkes) * st.arrivals.skill.weight if st.arrivals.ready == 1 else 0.0
    change = by_hawkes * (st.hawkes.ratio[hit_by] - 1.0) + by_minutes * (st.arrivals.ratio[hit_by] - 1.0)
    return 1.0 + st.signals.applied[signals.HAWKES] * change  # type: ignore[no-any-return]
