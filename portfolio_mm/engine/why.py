"""Why a side is not quoting: one reason per side with the numbers its words need (D8)."""

from collections.abc import Sequence
from enum import IntEnum

from portfolio_mm.domain.order import Refusal


class Reason(IntEnum):
    """QUOTING means it does; else what would have to change."""

    QUOTING = 0
    NOT_CONNECTED = 1
    FEED_DOWN = 2
    NO_BOOK = 3
    STALE_BOOK = 4
    NO_PERMIT = 5
    KILLED = 6
    RISK_CANCEL_ONLY = 7
    MODE_CANCEL_ONLY = 8
    WARMING_UP = 9
    RISK_REDUCE_ONLY = 10
    MODE_REDUCE_ONLY = 11
    NO_ALLOCATION = 12
    CANNOT_PAY = 13
    AT_LIMIT = 14
    BELOW_MINIMUM = 15
    NO_COLLATERAL = 16
    TOO_WIDE = 17
    BACKING_OFF = 18
    IN_FLIGHT = 19
    PRICED_OUT = 20
    OI_CAPPED = 21
    DELISTED = 22
    HALTED = 23
    ORACLE_SILENT = 24
    MONEY_ELSEWHERE = 25


TEXTS: dict[Reason, str] = {
    Reason.QUOTING: "quoting",
    Reason.NOT_CONNECTED: "no account stream from the gateway yet",
    Reason.FEED_DOWN: "the market feed is down",
    Reason.NO_BOOK: "no two-sided book of others",
    Reason.STALE_BOOK: "no fresh book for {0:.1f} s (at most {1:.1f} s)",
    Reason.NO_PERMIT: "no permit to trade (the last one ended {0:.1f} s ago)",
    Reason.KILLED: "the kill switch is latched",
    Reason.RISK_CANCEL_ONLY: "risk allows cancels only",
    Reason.MODE_CANCEL_ONLY: "asked to cancel only",
    Reason.WARMING_UP: "listening for {0:.1f} s more before the first quote",
    Reason.RISK_REDUCE_ONLY: "risk allows reducing only; position {0:.2f} USD",
    Reason.MODE_REDUCE_ONLY: "asked to reduce only; position {0:.2f} USD",
    Reason.NO_ALLOCATION: "no valid allocation, reducing only; position {0:.2f} USD",
    Reason.CANNOT_PAY: "no quote can pay: spread {0:.2f} bps, maker fee {1:.2f} bps, "
    "expected adverse selection {2:.2f} bps, break-even half-spread {3:.2f} bps, best net {4:.2f} bps per fill: "
    "at most {5:.4f} USD an hour against {6:.4f} USD for the actions",
    Reason.AT_LIMIT: "at the limit: position {0:.2f} USD, limit {1:.2f} USD, "
    "orders that may still fill before they are gone {2:.2f} USD",
    Reason.BELOW_MINIMUM: "{0:.2f} USD left to quote, the venue takes no order under {1:.2f} USD",
    Reason.NO_COLLATERAL: "free collateral {0:.2f} USD allows no order",
    Reason.TOO_WIDE: "would need {0:.1f} bps from fair, the cap is {1:.1f} bps",
    Reason.BACKING_OFF: "waiting {0:.1f} s: {refusal}",
    Reason.IN_FLIGHT: "waiting for the venue's answer",
    Reason.PRICED_OUT: "the gain of {0:.6f} USD does not beat the action price of {1:.6f} USD",
    Reason.OI_CAPPED: "the coin's open interest is at the venue's cap: reducing only until it is lifted; "
    "position {0:.2f} USD",
    Reason.DELISTED: "the venue has delisted the coin: it is closed for this run",
    Reason.HALTED: "its deployer has halted the coin: waiting until it is resumed",
    Reason.ORACLE_SILENT: "its deployer sets no oracle price: reducing only until it does; position {0:.2f} USD",
    Reason.MONEY_ELSEWHERE: "no collateral where this coin trades: the money lies in another wallet or dex, see the "
    "notices; position {0:.2f} USD",
}
"""Words of each reason; `{i}` is the i-th number."""


REFUSALS: dict[Refusal, str] = {
    Refusal.NONE: "the last order was refused without a reason",
    Refusal.NO_PERMIT: "there was no permit for the last order",
    Refusal.LIMIT: "the last order could have broken a limit",
    Refusal.MARGIN: "the venue had too little margin for the last order",
    Refusal.WOULD_CROSS: "the last order would have crossed the book",
    Refusal.TICK_OR_LOT: "the last order was off the venue's grid",
    Refusal.MIN_NOTIONAL: "the last order was under the venue's minimum",
    Refusal.REDUCE_ONLY: "only reducing was allowed",
    Refusal.BUDGET: "the venue's budget of actions is used up",
    Refusal.PRICED_OUT: "the last order did not beat the action price",
    Refusal.RECONCILING: "the gateway was reading the account anew",
    Refusal.STALE: "the last order came too late",
    Refusal.VENUE_WINDOW: "the venue takes no such order now (post-only window, open-interest cap or halt)",
    Refusal.RATE_LIMIT: "the venue throttles us",
    Refusal.VENUE_OTHER: "the venue refused the last order (its words are in the gateway's log)",
    Refusal.DUPLICATE: "the last order's number was used before",
    Refusal.GONE: "the order to be moved had just been filled or cancelled",
}
"""Words of each refusal a side may be waiting after."""


def text(reason: int, numbers: Sequence[float]) -> str:
    """Plain words for a reason and its numbers.

    >>> text(Reason.STALE_BOOK, (6.25, 5.0))
    'no fresh book for 6.2 s (at most 5.0 s)'
    """
    waits = reason == Reason.BACKING_OFF
    refusal = REFUSALS[Refusal(int(numbers[1]))] if waits else ""
    return TEXTS[Reason(reason)].format(*numbers, refusal=refusal)
