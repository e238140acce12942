"""Expected adverse selection now beyond its average, bps per fill (C9).

    w r + w_p (h - w r)

r the ridge's forecast by the weight w it has earned; h what P(adverse) makes of the losses of both outcomes, by w_p.
What is said of P(adverse) of an own fill is its level L, moved to P by the weight that P has earned against the share s
of all labels, with the odds of P times those of L over those of s:
    L = (own adverse + c s) / (own fills + c)        partial pooling: sweeps on others are worth c own fills
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.engine import signals
from portfolio_mm.estimators import toxicity


@nb.njit(cache=True)
def may_speak(st: Any) -> bool:
    """Whether either forecast has earned a weight."""
    return st.toxicity.skill[toxicity.ADVERSE].weight > 0.0 or toxicity.share_of_probability(st.toxicity) > 0.0  # type: ignore[no-any-return]


LEVEL_COUNT: Final = 10.0
"""c: shares of own fills and of sweeps differ by 0.15 or so, and an outcome has a variance of 0.25."""


@nb.njit(cache=True)
def say(st: Any, is_asked: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """Set P(adverse) of both sides to what is said of an own fill; `is_asked`: it holds what P says of this moment."""
    tox, own = st.toxicity, st.evidence
    share = (tox.label_yes + 1.0) / (tox.label_n + 2.0)
    own_yes, own_n = own.adverse_n[0] + own.adverse_n[1], own.label_n[0] + own.label_n[1]
    level = (own_yes + LEVEL_COUNT * share) / (own_n + LEVEL_COUNT)
    weight = tox.skill[toxicity.PROBABILITY].weight if is_asked else 0.0
    ratio = level * (1.0 - share) / ((1.0 - level) * share)
    for side in range(2):
        said = level
        if weight > 0.0:
            yes = ratio * tox.adverse_probability[side]
            said += weight * (yes / (yes + 1.0 - tox.adverse_probability[side]) - level)
        tox.adverse_probability[side] = said


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int) -> float:
    """E[AS | now] - E[AS] by the weights its forecasts have earned; bounded (never below -max_relief_bps)."""
    tox = st.toxicity
    by_ridge_bps = tox.skill[toxicity.ADVERSE].weight * tox.extra_bps[side]
    said_bps = by_ridge_bps + toxicity.share_of_probability(tox) * (tox.outcome_bps[side] - by_ridge_bps)
    return st.signals.applied[signals.TOXICITY] * said_bps  # type: ignore[no-any-return]
