"""What others did to the account: persons, the venue, a second instance. Recognised on every row, from any source."""

from enum import IntEnum
from typing import Final

from portfolio_mm.domain import cloid as cloids
from portfolio_mm.hyperliquid.user import Fill


class Cause(IntEnum):
    """Who did it; OURS is what we asked for."""

    OURS = 0
    MANUAL_ORDER = 1
    MANUAL_FILL = 2
    LIQUIDATION = 3
    DELEVERAGING = 4
    SETTLEMENT = 5
    LIQUIDATION_CANCEL = 6
    MARGIN_CANCEL = 7
    SELF_TRADE_CANCEL = 8
    DELISTING_CANCEL = 9
    SCHEDULED_CANCEL = 10
    INTEREST_CANCEL = 11
    INSTANCE_ORDER = 12


WORDS: Final[dict[Cause, str]] = {
    Cause.OURS: "",
    Cause.MANUAL_ORDER: "an order of nobody here rests on a coin of this run (a person, or another program)",
    Cause.MANUAL_FILL: "a position changed by an order of nobody here (a person, or another program)",
    Cause.LIQUIDATION: "the venue liquidated a position of ours: margin ran out",
    Cause.DELEVERAGING: "the venue closed a profitable position of ours (auto-deleveraging: another account failed)",
    Cause.SETTLEMENT: "the venue settled a position of ours (the coin is delisted)",
    Cause.LIQUIDATION_CANCEL: "the venue cancelled an order of ours before it liquidated us",
    Cause.MARGIN_CANCEL: "the venue cancelled an order of ours for want of margin",
    Cause.SELF_TRADE_CANCEL: "the venue cancelled a resting order that would have traded with another order of ours",
    Cause.DELISTING_CANCEL: "the venue cancelled an order of ours (the coin is delisted)",
    Cause.SCHEDULED_CANCEL: "the venue's dead man's switch cancelled an order of ours",
    Cause.INTEREST_CANCEL: "the venue cancelled an order of ours (open interest is capped)",
    Cause.INSTANCE_ORDER: "another instance of this program trades on this account",
}
FORCED: Final = frozenset({Cause.LIQUIDATION, Cause.DELEVERAGING, Cause.SETTLEMENT})
"""Positions changed without an order of ours: everything is read again before anything new."""
_STATUSES: Final = {
    "liquidatedCanceled": Cause.LIQUIDATION_CANCEL,
    "marginCanceled": Cause.MARGIN_CANCEL,
    "selfTradeCanceled": Cause.SELF_TRADE_CANCEL,
    "delistedCanceled": Cause.DELISTING_CANCEL,
    "scheduledCancel": Cause.SCHEDULED_CANCEL,
    "openInterestCapCanceled": Cause.INTEREST_CANCEL,
}


def of_status(status: str) -> Cause:
    """Cause of an order's end (HL §1.11)."""
    return _STATUSES.get(status, Cause.OURS)


def of_fill(fill: Fill, user: str, key: tuple[int, int], *, known: bool) -> Cause:
    """Cause of a fill (HL §8.3, §8.4, §13).

    The other side of somebody's liquidation carries the same mark, with his address in it.

    Args:
        fill: the row.
        user: our address, lower case.
        key: its cloid, zero without one.
        known: whether it belongs to an order the ledger carries.
    """
    if fill.direction == "Auto-Deleveraging":
        return Cause.DELEVERAGING
    if fill.direction == "Settlement":
        return Cause.SETTLEMENT
    mark = fill.liquidation
    whose = "" if mark is None or mark.liquidated_user is None else mark.liquidated_user.lower()
    if fill.direction.startswith("Liquidated") or (whose and whose == user):
        return Cause.LIQUIDATION
    return Cause.OURS if known or cloids.is_ours(key[0]) else Cause.MANUAL_FILL
