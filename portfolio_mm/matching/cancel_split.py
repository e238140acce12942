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
def probability_behind(model: int, exponent: float, front: float, back: float) -> float:
    """Probability that a cancelled lot stood behind us, in [0, 1].

    >>> round(probability_behind(CancelModel.POWER, 1.0, 30.0, 100.0), 6)
    0.769231
    """
    if front <= 0.0 or model == RISK_AVERSE:
        return 1.0
    if back <= 0.0:
        return 0.0
    if model == POWER:
        # the ratio form keeps large queues from overflowing
        behind: float = 1.0 / (1.0 + (front / back) ** exponent)
    elif model == LOG:
        behind = math.log1p(back) / (math.log1p(back) + math.log1p(front))
    elif model == POWER2:
        behind = (back / (back + front)) ** exponent
    elif model == POWER3:
        behind = 1.0 - (front / (front + back)) ** exponent
    else:
        behind = math.log1p(back) / math.log1p(back + front)
    return behind


@nb.njit(cache=True)
def front_after_depth(  # noqa: PLR0917 - flat arguments
    model: int, exponent: float, front: float, level_before: float, level_after: float, traded: float
) -> float:
    """Lots in front of us after the recorded size of our level changed.

    Args:
        model: a `CancelModel`.
        exponent: n of the power models.
        front: lots before us, already reduced by the trades.
        level_before: recorded lots of the level when last seen.
        level_after: recorded lots now.
        traded: lots traded at the level since it was last seen; they explain that much of a decrease.
    """
    cancelled = level_before - level_after - traded
    moved = front
    if cancelled > 0.0 and model != RISK_AVERSE:
        back = max(level_before - front, 0.0)
        behind = probability_behind(model, exponent, front, back)
        moved = front - (1.0 - behind) * cancelled + min(back - behind * cancelled, 0.0)
    return max(min(moved, level_after), 0.0)
