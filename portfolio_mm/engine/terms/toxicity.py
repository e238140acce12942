"""Expected adverse selection now beyond its average, bps per fill (C9)."""

from typing import Any

import numba as nb

from portfolio_mm.engine import signals
from portfolio_mm.estimators import toxicity


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int) -> float:
    """E[AS | now] - E[AS] by the weight its skill has earned; bounded (never below -max_relief_bps)."""
    weight = st.toxicity.skill[toxicity.ADVERSE].weight * st.signals.applied[signals.TOXICITY]
    return weight * st.toxicity.extra_bps[side]  # type: ignore[no-any-return]
