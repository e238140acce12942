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
    weight = st.signals.applied[signals.JUMP] * st.jumps.skill.weight
    if weight <= 0.0 or not jumps.any_seen(st.jumps):
        return 0.0
    near_bps = st.viability.near_bps[side]
    depth_bps = min(distance_bps, near_bps) if distance_bps > 0.0 else near_bps
    if st.jumps.ready == 0 or st.viability.ready == 0 or not depth_bps > 0.0:
        return 0.0
    rate, _ = viability.rate_near(st, side, depth_bps)
    return weight * jumps.premium_bps(st.jumps, p.jumps, side, depth_bps, rate)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def loss_bps_per_s(st: Any, p: Any, side: int, depth_bps: float) -> float:
    """Expected loss to jumps of a quote at `depth_bps`, bps per second by the weight earned.

    What a verdict takes off: per fill it has no bound where only jumps still reach, the premium of a quote has one.
    """
    weight = st.signals.applied[signals.JUMP] * st.jumps.skill.weight
    if weight <= 0.0 or st.jumps.ready == 0 or not jumps.any_seen(st.jumps):
        return 0.0
    return weight * jumps.loss_bps_per_s(st.jumps, p.jumps, side, depth_bps)  # type: ignore[no-any-return]
