"""Why the best price of a side is what it is: signed bps of mid, outwards positive, one item after the other (D7).

Order, fixed: each item is the quote with it minus the quote without it, and all of them sum to the distance of the
quoted price from mid. Kernels write the items in `quoting.decide`; `close` adds the last one from the price itself.
"""

from typing import Any, Final

import numba as nb

ITEMS: Final = (
    "fair_shift",
    "static_half_spread",
    "fee",
    "adverse_selection",
    "action_price",
    "risk_buffer",
    "own_inventory",
    "other_inventory",
    "target",
    "bound",
    "rounding",
)
"""`fair_shift` fair against mid; `action_price` of the order that follows a fill; `bound` floor, cap, limit of the
skew, or what is given up to reduce; `rounding` the grid and the post-only clamp."""
ITEM_COUNT: Final = len(ITEMS)
FAIR_SHIFT, STATIC, FEE, ADVERSE, ACTION, RISK, OWN, OTHER, TARGET, BOUND, ROUNDING = range(ITEM_COUNT)


@nb.njit(cache=True)
def close(items_bps: Any, side: int, mid_px: float, quoted_px: float) -> float:
    """Set the last item so that the sum is exact; the distance of `quoted_px` from mid, bps outwards."""
    sign = 1.0 - 2.0 * side
    distance_bps = sign * (mid_px - quoted_px) / mid_px * 1e4
    total_bps = 0.0
    for item in range(ROUNDING):
        total_bps += items_bps[item]
    items_bps[ROUNDING] = distance_bps - total_bps
    return distance_bps
