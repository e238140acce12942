"""Everything that is assumed about fills on flow that never knew our orders, chosen per run."""

from enum import IntEnum
from typing import NamedTuple

from portfolio_mm.matching.queue_refill import Refill
from portfolio_mm.models.cancel_split import CancelModel


class Through(IntEnum):
    """How much of our order fills when the recorded book moves beyond its price."""

    WHOLE = 1
    """all of it: the market was there without us, so it passed us (hftbacktest's exchange models)"""
    SHOWN = 2
    """what the book shows at our price and better, each lot once"""


class FillModel(NamedTuple):
    """The queue model of a market.

    `cancels` with `exponent` n says how cancels are split between ahead and behind (`cancel_split`), `refill` when
    lots we took come back (`queue_refill`), `through` what a book beyond our price fills. Trades need no choice.
    """

    cancels: CancelModel = CancelModel.POWER
    exponent: float = 2.0
    refill: Refill = Refill.EMPTIED
    through: Through = Through.WHOLE
