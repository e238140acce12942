"""How far a queue moves up when its level shrinks: the split of cancels between orders ahead of ours and behind.

With aggregated levels only, a decrease that no trade explains is a cancel of unknown place. Each model states the
probability p that it was behind us, from the lots in front and the lots at the back (hftbacktest's queue models after
Rigtorp 2013; theory §5). All keep p(front = 0) = 1 and p(back = 0) = 0. Not guaranteed: p is an assumption until
order-level data measure it; RISK_AVERSE is the pessimistic end (no cancel is ever ahead of us).
"""

import math
from enum import IntEnum
from typing import Final

import numba as nb


class CancelModel(IntEnum):
    """Probability that a cancel is behind us; f and b are the lots in front and at the back, n the exponent."""

    POWER = 1
    """b^n / (b^n + f^n)"""
    LOG = 2
    """ln(1+b) / (ln(1+b) + ln(1+f))"""
    RISK_AVERSE = 3
    """1: the front moves by trades only"""
    POWER2 = 4
    """b^n / (b+f)^n"""
    POWER3 = 5
    """1 - (f / (f+b))^n"""
    LOG2 = 6
    """ln(1+b) / ln(1+b+f)"""


POWER: Final = int(CancelModel.POWER)
LOG: Final = int(CancelModel.LOG)
RISK_AVERSE: Final = int(CancelModel.RISK_AVERSE)
POWER2: Final = int(CancelModel.POWER2)
POWER3: Final = int(CancelModel.POWER3)


@nb.njit(cache=True)
def probability_behind(model: int, exponent: float, front_lots: float, back_lots: float) -> float:
    """Probability that a cancelled lot stood behind us, in [0, 1].

    >>> round(probability_behind(CancelModel.POWER, 1.0, 30.0, 100.0), 6)
    0.769231
    """
    if front_lots <= 0.0 or model == RISK_AVERSE:
        return 1.0
    if back_lots <= 0.0:
        return 0.0
    if model == POWER:
        # the ratio form keeps large queues from overflowing
        behind: float = 1.0 / (1.0 + (front_lots / back_lots) ** exponent)
    elif model == LOG:
        behind = math.log1p(back_lots) / (math.log1p(back_lots) + math.log1p(front_lots))
    elif model == POWER2:
        behind = (back_lots / (back_lots + front_lots)) ** exponent
    elif model == POWER3:
        behind = 1.0 - (front_lots / (front_lots + back_lots)) ** exponent
    else:
        behind = math.log1p(back_lots) / math.log1p(back_lots + front_lots)
    return behind


@nb.njit(cache=True)
def front_after_depth(  # noqa: PLR0917 - flat arguments
    model: int, exponent: float, front_lots: float, before_lots: float, after_lots: float, traded_lots: float
) -> float:
    """Lots in front of us after the recorded size of our level changed.

    Args:
        model: a `CancelModel`.
        exponent: n of the power models.
        front_lots: lots before us, already reduced by the trades.
        before_lots: recorded lots of the level when last seen.
        after_lots: recorded lots now.
        traded_lots: lots traded at the level since it was last seen; they explain that much of a decrease.
    """
    cancelled = before_lots - after_lots - traded_lots
    moved = front_lots
    if cancelled > 0.0 and model != RISK_AVERSE:
        back_lots = max(before_lots - front_lots, 0.0)
        behind = probability_behind(model, exponent, front_lots, back_lots)
        moved = front_lots - (1.0 - behind) * cancelled + min(back_lots - behind * cancelled, 0.0)
    return max(min(moved, after_lots), 0.0)
