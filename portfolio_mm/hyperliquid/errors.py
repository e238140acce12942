"""The venue's refusal texts, by class (HL §2.3). Suffixes such as ` asset=4` vary: prefixes are matched."""

from typing import Final

from portfolio_mm.domain.order import Refusal

_MODIFY_REFUSED: Final = "Error placing new order during modify: "
_MODIFY_DEAD: Final = "Cannot modify canceled or filled order"
_GONE: Final = "Order was never placed, already canceled, or filled"
_PREFIXES: Final[tuple[tuple[str, Refusal], ...]] = (
    ("Post only order would have immediately matched", Refusal.WOULD_CROSS),
    ("Price must be divisible by tick size", Refusal.TICK_OR_LOT),
    ("Order has invalid price", Refusal.TICK_OR_LOT),
    ("Order has invalid size", Refusal.TICK_OR_LOT),
    ("Order has zero size", Refusal.TICK_OR_LOT),
    ("Order must have minimum value of", Refusal.MIN_NOTIONAL),
    ("Insufficient margin to place order", Refusal.MARGIN),
    ("Insufficient spot balance", Refusal.MARGIN),
    ("(Spot-only) Order has insufficient", Refusal.MARGIN),
    ("Order would cause position to exceed margin tier", Refusal.MARGIN),
    ("Reduce only order would increase position", Refusal.REDUCE_ONLY),
    ("Order would increase open interest", Refusal.VENUE_WINDOW),
    ("Order rejected due to price more aggressive than oracle", Refusal.VENUE_WINDOW),
    ("Only post-only orders allowed", Refusal.VENUE_WINDOW),
    ("Order price too far from oracle", Refusal.VENUE_WINDOW),
    ("Price too far from oracle", Refusal.VENUE_WINDOW),
    ("Order price cannot be more than", Refusal.VENUE_WINDOW),
    ("Trading is halted", Refusal.VENUE_WINDOW),
    ("Too many cumulative requests sent", Refusal.BUDGET),
    ("429", Refusal.RATE_LIMIT),
    ("too many pending post requests", Refusal.RATE_LIMIT),
    ("Action already expired", Refusal.STALE),
    ("Invalid nonce", Refusal.STALE),
    (_MODIFY_DEAD, Refusal.GONE),
    (_GONE, Refusal.GONE),
)
_STATUSES: Final[dict[str, Refusal]] = {
    "badAloPxRejected": Refusal.WOULD_CROSS,
    "tickRejected": Refusal.TICK_OR_LOT,
    "minTradeNtlRejected": Refusal.MIN_NOTIONAL,
    "perpMarginRejected": Refusal.MARGIN,
    "perpMaxPositionRejected": Refusal.MARGIN,
    "insufficientSpotBalanceRejected": Refusal.MARGIN,
    "marginCanceled": Refusal.MARGIN,
    "reduceOnlyRejected": Refusal.REDUCE_ONLY,
    "reduceOnlyCanceled": Refusal.REDUCE_ONLY,
    "oracleRejected": Refusal.VENUE_WINDOW,
    "positionIncreaseAtOpenInterestCapRejected": Refusal.VENUE_WINDOW,
    "positionFlipAtOpenInterestCapRejected": Refusal.VENUE_WINDOW,
    "tooAggressiveAtOpenInterestCapRejected": Refusal.VENUE_WINDOW,
    "openInterestIncreaseRejected": Refusal.VENUE_WINDOW,
    "openInterestCapCanceled": Refusal.VENUE_WINDOW,
    "delistedCanceled": Refusal.VENUE_WINDOW,
}


def classify(text: str) -> Refusal:
    """Class of an error text or of an order status ending in Rejected or Canceled.

    >>> classify("Order must have minimum value of $10. asset=173").name, classify("badAloPxRejected").name
    ('MIN_NOTIONAL', 'WOULD_CROSS')
    """
    reason = text.removeprefix("L1 error: ").removeprefix(_MODIFY_REFUSED)
    status = _STATUSES.get(reason)
    if status is not None:
        return status
    for prefix, refusal in _PREFIXES:
        if reason.startswith(prefix):
            return refusal
    return Refusal.VENUE_OTHER


def is_gone(text: str) -> bool:
    """A cancel or modify failed because its target no longer rests: cancelled, filled or never placed."""
    return text.startswith((_GONE, _MODIFY_DEAD))


def modify_removed_old(text: str) -> bool:
    """A modify failed after its cancel: the old order is gone and no new one exists (HL §2.5)."""
    return text.startswith(_MODIFY_REFUSED)


def is_nonce_used(text: str) -> bool:
    """The nonce was used before: ours are used once, so what it was given to (or a noop instead of it) came through."""
    return text.removeprefix("L1 error: ").startswith("Invalid nonce: duplicate nonce")


def is_signature_unknown(text: str) -> bool:
    """The recovered signer is no known wallet: wrong key, wrong network, expired agent or a wrong hash."""
    body = text.removeprefix("L1 error: ")
    return body.startswith(("User or API Wallet", "Must deposit before performing actions", "Unable to recover signer"))
