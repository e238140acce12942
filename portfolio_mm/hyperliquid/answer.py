"""What the venue said about one action, leg by leg (HL §2.1, §2.2)."""

from enum import IntEnum
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import OutcomeUnknown
from portfolio_mm.domain.order import Refusal
from portfolio_mm.hyperliquid.errors import classify

OF_A_LEG: Final = frozenset(
    {Refusal.WOULD_CROSS, Refusal.MARGIN, Refusal.REDUCE_ONLY, Refusal.GONE, Refusal.VENUE_WINDOW}
)
"""Refusals that pre-validation of a batch cannot have made."""


class LegState(IntEnum):
    """What became of one leg."""

    RESTING = 1
    """On the book under `oid`, nothing filled yet."""
    FILLED = 2
    """Something filled at placement; `total_sz` may be less than asked (a GTC's rest then rests under `oid`)."""
    SUCCESS = 3
    """A cancel took, or an action without legs of its own was done."""
    WAITING = 4
    """A trigger or child order waits."""
    ERROR = 5
    """Refused; `error` says why."""


class Leg(msgspec.Struct, frozen=True):
    """One leg's fate. Sizes and prices are the venue's text, empty when there is none; `oid` 0 means none."""

    state: LegState
    oid: int = 0
    total_sz: str = ""
    avg_px: str = ""
    error: str = ""

    @property
    def refusal(self) -> Refusal:
        """Class of the error, NONE without one."""
        return classify(self.error) if self.state is LegState.ERROR else Refusal.NONE


class ActionAnswer(msgspec.Struct, frozen=True):
    """The venue's answer to an action it processed or refused.

    `legs` always has one entry per leg sent; `error` is set when the whole action was refused (then every leg is that
    error). `sent_ns` and `answered_ns` are monotonic.
    """

    legs: tuple[Leg, ...]
    error: str
    nonce: int
    sent_ns: int
    answered_ns: int

    @property
    def accepted(self) -> bool:
        """The action was executed; single legs may still have failed."""
        return not self.error


def read_legs(payload: Any, count: int) -> tuple[tuple[Leg, ...], str]:
    """Legs and whole-action error of a venue reply to an action of `count` legs.

    A single error for a longer batch is every leg's when it speaks of the payload (HL §2.1); one that depends on market
    or account belongs to the leg it was given for, and the fate of the others is unknown.

    Raises:
        OutcomeUnknown: a reply that fits no known shape: something may have happened.
    """
    match payload:
        case {"status": "err", "response": reason}:
            text = reason if isinstance(reason, str) else str(reason)
            return (Leg(LegState.ERROR, error=text),) * count, text
        case {"status": "ok", "response": {"data": {"statuses": list(statuses)}}}:
            return _statuses(statuses, count, payload)
        case {"status": "ok", "response": {"type": _}}:
            return (Leg(LegState.SUCCESS),) * count, ""
    msg = f"the venue answered in a shape we do not know: {str(payload)[:300]}"
    raise OutcomeUnknown(msg)


def _statuses(statuses: list[Any], count: int, payload: Any) -> tuple[tuple[Leg, ...], str]:
    legs = tuple(_leg(status) for status in statuses)
    if len(legs) == count:
        return legs, ""
    if len(legs) == 1 and legs[0].state is LegState.ERROR and legs[0].refusal not in OF_A_LEG:
        return legs * count, legs[0].error
    msg = f"{len(legs)} statuses for {count} legs: {str(payload)[:300]}"
    raise OutcomeUnknown(msg)


def _leg(status: Any) -> Leg:
    match status:
        case {"resting": {"oid": int(oid)}}:
            return Leg(LegState.RESTING, oid=oid)
        case {"filled": {"oid": int(oid), "totalSz": size, "avgPx": px}}:
            return Leg(LegState.FILLED, oid=oid, total_sz=str(size), avg_px=str(px))
        case {"error": reason}:
            return Leg(LegState.ERROR, error=str(reason))
        case "success":
            return Leg(LegState.SUCCESS)
        case "waitingForFill" | "waitingForTrigger":
            return Leg(LegState.WAITING)
    msg = f"leg status in a shape we do not know: {str(status)[:200]}"
    raise OutcomeUnknown(msg)
