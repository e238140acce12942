"""Why the best price of a side is what it is: signed bps of mid, outwards positive, one item after the other (D7).

Order, fixed: each item is the quote with it minus the quote without it, and all of them sum to the distance of the
quoted price from mid. Kernels write the items in `quoting.decide`; `close` adds the last one from the price itself.
"""

from typing import Any, Final

import numba as nb

ITEMS: Final = (
    "fair_book",
    "fair_flow",
    "fair_reference",
    "fair_leaders",
    "static_half_spread",
    "fee",
    "adverse_selection",
    "toxicity",
    "jump_premium",
    "impact",
    "action_price",
    "risk_buffer",
    "vol_of_vol",
    "own_inventory",
    "other_inventory",
    "target",
    "exact",
    "funding",
    "cascade",
    "bound",
    "rounding",
)
"""`fair_*` fair against mid, by what moved it; `action_price` of the order that follows a fill; `exact` what walls,
deadlines and drift add to the closed form; `bound` floor, cap, limit of the skew, or what is given up to reduce;
`rounding` the grid and the post-only clamp."""
ITEM_COUNT: Final = len(ITEMS)
FAIR_BOOK, FAIR_FLOW, FAIR_REFERENCE, FAIR_LEADERS, STATIC, FEE, ADVERSE, TOXICITY = range(8)
JUMP, IMPACT, ACTION, RISK, VOL_OF_VOL, OWN, OTHER, TARGET = range(8, 16)
EXACT, FUNDING, CASCADE, BOUND, ROUNDING = range(16, 21)


@nb.njit(cache=True)
def cost_bps(items_bps: Any) -> float:
    """What a fill costs, bps: fee, adverse selection on average and now, jumps, own impact, the order that follows."""
    cost = items_bps[FEE] + items_bps[ADVERSE] + items_bps[TOXICITY]
    return cost + items_bps[JUMP] + items_bps[IMPACT] + items_bps[ACTION]  # type: ignore[no-any-return]


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
