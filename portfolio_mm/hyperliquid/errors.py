"""The venue's refusal texts, by class (HL §2.3). Suffixes such as ` asset=4` vary: prefixes are matched."""

from enum import IntEnum
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


def is_expired(text: str) -> bool:
    """The action reached the venue after its `expiresAfter`."""
    return text.removeprefix("L1 error: ").startswith("Action already expired")


class Trouble(IntEnum):
    """Why the venue did not take an action as a whole; decides how long the gateway waits before the next one."""

    NONE = 0
    OTHER = 1
    BROKEN = 2
    """5xx, a lost answer, nothing listening."""
    CONGESTED = 3
    """The venue has too much to do."""
    THROTTLED = 4
    """429: the weight of this internet address is used up."""
    NONCE = 5
    """The nonce was used before, or a hundred newer ones were: somebody else signs with this key."""
    BUDGET = 6
    """The address has no requests left."""
    EXPIRED = 7
    SIGNER = 8
    """The venue does not know the signature's address: no order can come through."""


WORDS: Final[dict[Trouble, str]] = {
    Trouble.NONE: "",
    Trouble.OTHER: "the venue refuses actions as a whole; its words are in the log",
    Trouble.BROKEN: "the venue does not answer, or answers with errors of its own",
    Trouble.CONGESTED: "the venue is congested",
    Trouble.THROTTLED: "the venue throttles this internet address (429): are other programs using it?",
    Trouble.NONCE: "the venue refuses our nonces: another program signs with this key; give each its own API wallet",
    Trouble.BUDGET: "the address has no requests left: one per 10 s until trading, or buying requests, earns new ones",
    Trouble.EXPIRED: "actions reach the venue too late",
    Trouble.SIGNER: "the venue does not know our signing key: approve the agent for this account on this network, or "
    "replace it if it has expired, then start again; nothing is traded meanwhile",
}
"""What to tell a person."""


def trouble_of(text: str) -> Trouble:
    """Class of a whole-action refusal, or of a failed request in our own words.

    >>> trouble_of("L1 error: User or API Wallet 0x01 does not exist.").name
    'SIGNER'
    >>> trouble_of("Invalid nonce: duplicate nonce 17").name, trouble_of("https://x: HTTP 429: b''").name
    ('NONCE', 'THROTTLED')
    """
    body = text.removeprefix("L1 error: ")
    for trouble, found in (
        (Trouble.SIGNER, is_signature_unknown(body)),
        (Trouble.NONCE, body.startswith("Invalid nonce")),
        (Trouble.BUDGET, body.startswith("Too many cumulative requests sent")),
        (Trouble.EXPIRED, is_expired(body)),
        (Trouble.CONGESTED, "too many pending post requests" in body or "ongest" in body),
        (Trouble.THROTTLED, body.startswith("429") or "HTTP 429" in body or ": 429" in body),
    ):
        if found:
            return trouble
    return Trouble.OTHER
