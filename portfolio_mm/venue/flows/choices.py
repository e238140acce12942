"""What a run chooses about recorded and live flow, by the words of settings and scenario files."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.matching.fill_model import FillModel, Through
from portfolio_mm.matching.queue_refill import Refill
from portfolio_mm.models.cancel_split import CancelModel

Cancels = Literal["power", "log", "risk_averse", "power2", "power3", "log2"]
Refills = Literal["next_record", "emptied"]
Throughs = Literal["whole", "shown"]


class FillChoice(msgspec.Struct, frozen=True):
    """How our orders fill on flow that never knew them: a tape, a live upstream.

    Attributes:
        cancels: how cancels of a level are split between ahead of us and behind; `risk_averse`: none is ahead.
        exponent: n of the power models.
        refill: when lots our takers used up are back: with the next recorded size of their level, or not before the
            recording shows their price empty.
        through: what a book beyond our price fills: the whole order, or what the book shows there.
    """

    cancels: Cancels = "power"
    exponent: Annotated[float, Meta(gt=0, le=100)] = 2.0
    refill: Refills = "emptied"
    through: Throughs = "whole"

    def model(self) -> FillModel:
        """The choice as the kernels read it."""
        return FillModel(
            CancelModel[self.cancels.upper()],
            self.exponent,
            Refill[self.refill.upper()],
            Through[self.through.upper()],
        )
