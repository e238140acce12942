"""The regressors of fair value in their fixed order, in groups; NaN is "not known now".

A group is what one feed says. Groups are nested in this order: what a group adds is the forecast with it minus the
forecast of the groups before it, so a group that is silent changes nothing of what the others say.
"""

from typing import Final

ROW: Final = (
    "micro_dev_bps",
    "order_flow",
    "trade_imbalance",
    "reference_move_bps",
    "reference_gap_bps",
    "reference_micro_dev_bps",
    "reference_imbalance",
    "reference_trade_imbalance",
    "leaders_catch_up_bps",
)
"""`reference_gap_bps` ln(reference / own mid) beyond its slow average: minus the basis."""
N_ROW: Final = len(ROW)
MICRO_DEV, ORDER_FLOW, TRADE_IMBALANCE, MOVE, GAP, THERE_DEV, THERE_IMBALANCE, THERE_TRADES, CATCH_UP = range(9)
GROUPS: Final = ("book", "flow", "reference", "leaders")
N_GROUPS: Final = len(GROUPS)
BOOK, FLOW, REFERENCE, LEADERS = range(4)
FIRST: Final = (MICRO_DEV, ORDER_FLOW, MOVE, CATCH_UP, N_ROW)
"""First regressor of each group, and the end."""
