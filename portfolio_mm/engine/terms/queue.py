"""What the place of a resting order in its queue is worth (C8).

An order that will be filled within the horizon with probability W from where it stands, and with W' from the back of
its level, loses (W - W') (v0 - v1 / 2) when it gives its place up: v0 = 1 / k is what an ordinary fill earns at the
best depth, v1 = - expected adverse selection what a fill by a price that runs through us does, half of all leavings
(theory §5, queue value). A price that runs through us fills either, so it is no part
of W - W'. Where the place is not known, or its forecasts do not beat the base rate, a rule of age stands in, in
proportion to the weight earned.
"""

from typing import Any

import numba as nb

from portfolio_mm.engine import signals
from portfolio_mm.engine.orders import LEVELS
from portfolio_mm.models import upkeep

QUEUE_S = 5.0
"""Waiting longer than this adds nothing to a queue position: most who stood before have left."""


@nb.njit(cache=True)
def place_value_usd(st: Any, p: Any, side: int, level: int, worth_usd_per_s: float, y: float) -> float:  # noqa: PLR0917 - kernels take flat arguments
    """What giving up the order's place would lose, USD; `y` how far it rests outside its best place, in 1/k."""
    leg, i = st.orders.slots[side, level].leg[0], side * LEVELS + level
    age_s = (st.clock.recv_ns - leg.live_ns) * 1e-9
    by_age_usd = 0.5 * worth_usd_per_s * min(max(age_s, 0.0), QUEUE_S)
    weight = st.signals.applied[signals.QUEUE] * st.queue.skill.weight
    share = st.queue.advantage_share[i]
    if weight <= 0.0 or st.queue.places[i].key != leg.cloid_lo or not share >= 0.0:
        return by_age_usd * upkeep.share_left(y)  # type: ignore[no-any-return]
    edge_bps = 1.0 / max(st.quote.k_per_bps[side], 1e-6) + 0.5 * max(0.0, st.quote.adverse_bps[side])
    known_usd = share * edge_bps * 1e-4 * leg.lots * st.quote.value_usd_per_lot
    return (weight * known_usd + (1.0 - weight) * by_age_usd) * upkeep.share_left(y)  # type: ignore[no-any-return]
