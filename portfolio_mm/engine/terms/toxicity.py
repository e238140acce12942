"""Expected adverse selection now beyond its average, bps per fill (C9).

    w r + w_p (h - w r)

r the ridge's forecast by the weight w it has earned; h what P(adverse) makes of the losses of both outcomes, by w_p.
"""

from typing import Any

import numba as nb

from portfolio_mm.engine import signals
from portfolio_mm.estimators import toxicity


@nb.njit(cache=True)
def may_speak(st: Any) -> bool:
    """Whether either forecast has earned a weight."""
    return st.toxicity.skill[toxicity.ADVERSE].weight > 0.0 or toxicity.share_of_probability(st.toxicity) > 0.0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int) -> float:
    """E[AS | now] - E[AS] by the weights its forecasts have earned; bounded (never below -max_relief_bps)."""
    tox = st.toxicity
    by_ridge_bps = tox.skill[toxicity.ADVERSE].weight * tox.extra_bps[side]
    said_bps = by_ridge_bps + toxicity.share_of_probability(tox) * (tox.outcome_bps[side] - by_ridge_bps)
    return st.signals.applied[signals.TOXICITY] * said_bps  # type: ignore[no-any-return]
