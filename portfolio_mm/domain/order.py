"""Own orders: states and what can happen to them. The transition table itself is engine/orders.py."""

from enum import IntEnum


class OrderState(IntEnum):
    """Where an order is in its life."""

    NONE = 0
    PENDING = 1
    """Sent (or about to be), not yet answered: counts in the worst case."""
    LIVE = 2
    CANCELLING = 3
    """Cancel sent; still counts until the venue says it is gone."""
    MODIFYING = 4
    """Replacement sent; old and new count as the larger (architecture §2)."""
    UNKNOWN = 5
    """The answer was lost; counts until closed by rule (architecture §2, cloid)."""
    DONE = 6


class OrderEvent(IntEnum):
    """What the gateway tells a coin about one of its orders (EVENT.status of kind ORDER)."""

    ACCEPTED = 1
    """Resting at the venue (oid known)."""
    REFUSED = 2
    """Never existed: the gateway or the venue said no; EVENT.oid holds the `Refusal`."""
    CANCELLED = 3
    """Gone, by us, the venue or a clock."""
    FILLED = 4
    """Gone, filled completely (fills themselves come as FILL)."""
    UNCERTAIN = 5
    """Its answer was lost; hands off until a terminal event."""
    CANCEL_FAILED = 6
    """The cancel did not take, the order may live on."""
    REPLACED = 7
    """MODIFY took: the old order is gone, the new one (its cloid in this event) is live."""
    MODIFY_FAILED = 8
    """MODIFY did not take and the old order still lives."""
    SHRUNK = 9
    """Still live with sz_lots remaining (partial fill or reduce-only trim)."""


VENUE_ENDED = frozenset({"delistedCanceled", "openInterestCapCanceled"})
"""Words of a cancel that only a mood of the venue explains (HL §1.11, §7.5)."""


class Refusal(IntEnum):
    """Why an order was refused, by class: decides the back-off, never a blind retry."""

    NONE = 0
    NO_PERMIT = 1
    LIMIT = 2
    MARGIN = 3
    WOULD_CROSS = 4
    TICK_OR_LOT = 5
    MIN_NOTIONAL = 6
    REDUCE_ONLY = 7
    BUDGET = 8
    PRICED_OUT = 9
    """The expected gain did not beat the action price at the gateway."""
    RECONCILING = 10
    STALE = 11
    """Older than the gateway accepts, or from an older epoch."""
    VENUE_WINDOW = 12
    """Post-only window, OI cap, halted or delisted coin."""
    RATE_LIMIT = 13
    VENUE_OTHER = 14
    DUPLICATE = 15
    GONE = 16
    """What was to be moved no longer rests: filled or cancelled meanwhile, an ordinary race and nobody's fault."""
