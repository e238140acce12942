"""How far a side that is being run over backs off, and what it still offers (C15).

Expected loss of a fill there: what the hazard adds to its base rate, times the usual run, times the weight that the
hazard has earned. The side that reduces the position stays where it is: getting out is what a cascade is for.
"""

from typing import Any

import numba as nb

FORGOTTEN_NS = 5_000_000_000
"""A hazard of more than five seconds ago says nothing."""


@nb.njit(cache=True)
def _is_run_over(st: Any, side: int) -> bool:
    """Whether `side` stands in the way of the run and would add to the position."""
    sign = 1.0 - 2.0 * side
    known = st.cascade.ready == 1 and st.clock.venue_ns - st.cascade.last_ns < FORGOTTEN_NS
    return known and sign * st.cascade.direction < 0.0 and sign * st.quote.position_usd >= 0.0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def back_off_bps(st: Any, p: Any, side: int) -> float:
    """Extra distance of `side`, bps, at most the widest half-spread."""
    if not _is_run_over(st, side):
        return 0.0
    more = max(0.0, st.cascade.hazard_probability - st.cascade.base_probability)
    return min(p.max_half_spread_bps, st.cascade.skill.weight * more * st.cascade.severity_bps)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def is_firing(st: Any, p: Any, side: int) -> bool:
    """Whether `side` offers only the smallest order now."""
    fires = st.cascade.skill.weight * st.cascade.hazard_probability >= p.cascade.fire_probability
    return fires and _is_run_over(st, side)  # type: ignore[no-any-return]
