"""What was known when an order was placed, as numbers in a fixed order: the same for every learner and every journal.

NaN is "not known then"; no default stands in for it. Features are those of the market, signs as in the market (buying
pressure positive); a learner turns them to the order's side.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

FEATURES: Final = (
    "micro_dev_bps",
    "order_flow",
    "trade_imbalance",
    "buy_pressure_z",
    "vpin_excess",
    "reference_move_bps",
    "basis_bps",
    "sigma_ratio",
    "jump_z",
    "storm_probability",
    "excitation_buy",
    "excitation_sell",
    "ahead_share",
    "informed_probability",
    "kyle_bps",
    "spread_bps",
    "carry_bps",
    "cascade_probability",
)
"""`sigma_ratio` ln(sigma / its hour's median); `excitation_*` ln(intensity / its long-run value) of aggressors;
`ahead_share` of the level's lots before ours; `carry_bps` expected funding of the next hour."""
N_FEATURES: Final = len(FEATURES)
MICRO_DEV, ORDER_FLOW, TRADE_IMBALANCE, BUY_PRESSURE, VPIN, REFERENCE_MOVE, BASIS = range(7)
SIGMA_RATIO, JUMP_Z, STORM, EXCITATION_BUY, EXCITATION_SELL, AHEAD = range(7, 13)
INFORMED, KYLE, SPREAD, CARRY, CASCADE = range(13, 18)


def collapsed(rows: npt.NDArray[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the features that are one and the same number in all rows, and of those that are known in none.

    Either says nothing to a learner, and mostly means that a wire is missing (predecessor finding 4).

    Args:
        rows: (decisions, N_FEATURES).
    """
    known = ~np.isnan(rows)
    first = np.take_along_axis(rows, known.argmax(axis=0)[None, :], axis=0)
    same = known.any(axis=0) & (~known | (rows == first)).all(axis=0)
    constant = tuple(name for name, is_one in zip(FEATURES, same, strict=True) if is_one)
    unknown = tuple(name for name, is_known in zip(FEATURES, known.any(axis=0), strict=True) if not is_known)
    return constant, unknown
