"""What an action is for, and when it will be possible."""

from enum import IntEnum
from typing import Final, NamedTuple

from portfolio_mm.domain.order import Refusal


class Purpose(IntEnum):
    """What an action is for, most important first."""

    CANCEL = 0
    REDUCE = 1
    """Places or moves an order that can only shrink a position."""
    PLACE = 2
    READ = 3
    """A read that can wait."""


class Next(NamedTuple):
    """When something will be possible: seconds from now (0: now), and what stands against it."""

    wait_s: float
    why: str
    refusal: Refusal = Refusal.NONE


NOW: Final = Next(0.0, "")
