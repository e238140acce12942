"""Cost of being picked off by jumps, bps per fill at this distance (C3)."""

from typing import Any

import numba as nb

from portfolio_mm.engine import signals, viability
from portfolio_mm.estimators import jumps


@nb.njit(cache=True)
def premium_bps(st: Any, p: Any, side: int, distance_bps: float) -> float:
    """Expected loss to jumps per second at this distance over the rate of fills there, bps, by the weight earned.

    The distance is that of the last decision, at most the best depth: a premium that widened its own quote would make
    fills rarer and itself larger. Before the first decision it is the best depth.
    """
    if not jumps.any_seen(st.jumps):
        return 0.0
    near_bps = st.viability.near_bps[side]
    depth_bps = min(distance_bps, near_bps) if distance_bps > 0.0 else near_bps
    if st.jumps.ready == 0 or st.viability.ready == 0 or not depth_bps > 0.0:
        return 0.0
    rate, _ = viability.rate_near(st, side, depth_bps)
    weight = st.signals.applied[signals.JUMP] * st.jumps.skill.weight
    return weight * jumps.premium_bps(st.jumps, p.jumps, side, depth_bps, rate)  # type: ignore[no-any-return]
