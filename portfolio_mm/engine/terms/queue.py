"""What the place of a resting order in its queue is worth (C8)."""

from typing import Any

import numba as nb

from portfolio_mm.models import upkeep

QUEUE_S = 5.0
"""Waiting longer than this adds nothing to a queue position: most who stood before have left."""


@nb.njit(cache=True)
def place_value_usd(st: Any, p: Any, side: int, level: int, worth_usd_per_s: float, y: float) -> float:  # noqa: PLR0917 - kernels take flat arguments
    """What giving up the order's place would lose, USD; `y` how far it rests outside its best place, in 1/k."""
    leg = st.orders.slots[side, level].leg[0]
    age_s = (st.clock.recv_ns - leg.live_ns) * 1e-9
    return 0.5 * worth_usd_per_s * min(max(age_s, 0.0), QUEUE_S) * upkeep.share_left(y)  # type: ignore[no-any-return]
