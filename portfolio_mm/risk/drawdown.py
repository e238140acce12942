"""The one definition of loss and drawdown (feature G4): every monitor, page and report reads these numbers.

Equity is collateral plus unrealised profit as the account's mode defines it; transfers are no profit. Two measures:

- *earned* money, equity minus net transfers, in USD: loss of the day, and the absolute minimum of a drawdown; transfers
  are counted from one durable moment on, so that their count never begins anew;
- the *index*, the value of one unit of a fund that issues units for deposits and redeems them for withdrawals
  (time-weighted return): the drawdown fraction. A transfer moves neither, before or after a loss.

The high-water mark is kept since the start and since the beginning of the UTC day. Equity and transfers must come from
the same reading of the account: a deposit counted in one and not yet in the other looks like profit, then like loss.
"""

from math import isfinite
from typing import Final

import msgspec

MS_PER_DAY: Final = 86_400_000


class Marks(msgspec.Struct, frozen=True):
    """High-water marks: all that must survive a restart. USD, index in units of its start (1.0).

    `day` counts UTC days since 1970; `*_earned_usd` are equity minus net transfers.
    """

    day: int
    equity_usd: float
    transfers_usd: float
    index: float
    peak_index: float
    day_peak_index: float
    peak_earned_usd: float
    day_peak_earned_usd: float
    day_open_earned_usd: float

    @property
    def earned_usd(self) -> float:
        """Equity with transfers removed."""
        return self.equity_usd - self.transfers_usd

    @property
    def day_loss_usd(self) -> float:
        """Loss since the start of the UTC day; negative for a profit."""
        return self.day_open_earned_usd - self.earned_usd

    @property
    def drawdown_usd(self) -> float:
        """Money lost since the high-water mark of all time."""
        return self.peak_earned_usd - self.earned_usd

    @property
    def day_drawdown_usd(self) -> float:
        """Money lost since the high-water mark of the day."""
        return self.day_peak_earned_usd - self.earned_usd

    @property
    def drawdown_fraction(self) -> float:
        """Share lost since the high-water mark of all time, 0 to 1."""
        return 1.0 - self.index / self.peak_index

    @property
    def day_drawdown_fraction(self) -> float:
        """Share lost since the high-water mark of the day, 0 to 1."""
        return 1.0 - self.index / self.day_peak_index


def utc_day(now_ms: int) -> int:
    """UTC days since 1970 of a Unix time in milliseconds."""
    return now_ms // MS_PER_DAY


def first_marks(now_ms: int, equity_usd: float, transfers_usd: float) -> Marks:
    """Marks of an account seen for the first time."""
    earned = equity_usd - transfers_usd
    return Marks(utc_day(now_ms), equity_usd, transfers_usd, 1.0, 1.0, 1.0, earned, earned, earned)


def next_marks(marks: Marks, now_ms: int, equity_usd: float, transfers_usd: float) -> Marks:
    """Marks after one more reading. The index follows equity with the transfer between the readings taken out.

    A day that goes backwards (a corrected clock) does not restart the day; what is not a number is not a reading.
    """
    if not (isfinite(equity_usd) and isfinite(transfers_usd)):
        return marks
    transferred = transfers_usd - marks.transfers_usd
    grown = (equity_usd - transferred) / marks.equity_usd if marks.equity_usd > 0 else 1.0
    index = marks.index * max(grown, 0.0)
    earned = equity_usd - transfers_usd
    day = utc_day(now_ms)
    fresh = day > marks.day
    return Marks(
        day=max(day, marks.day),
        equity_usd=equity_usd,
        transfers_usd=transfers_usd,
        index=index,
        peak_index=max(marks.peak_index, index),
        day_peak_index=max(marks.index, index) if fresh else max(marks.day_peak_index, index),
        peak_earned_usd=max(marks.peak_earned_usd, earned),
        day_peak_earned_usd=max(marks.earned_usd, earned) if fresh else max(marks.day_peak_earned_usd, earned),
        day_open_earned_usd=marks.earned_usd if fresh else marks.day_open_earned_usd,
    )


def accepted(marks: Marks) -> Marks:
    """Marks after a person accepted the loss and resumed: what is left is the new beginning."""
    index = marks.index if marks.index > 0 else 1.0
    earned = marks.earned_usd
    return msgspec.structs.replace(
        marks,
        index=index,
        peak_index=index,
        day_peak_index=index,
        peak_earned_usd=earned,
        day_peak_earned_usd=earned,
        day_open_earned_usd=earned,
    )
