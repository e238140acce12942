"""Permanent move of the price by our own fill, as bps of the quote (C10).

A fill moves the price by zeta for good, so both quotes widen by zeta / 2 (theory §2.2; GLFT 2013 §5.2), with zeta the
part that is certain: lower 95 % bounds of Kyle's lambda and of own fills, times the clip. Expected adverse selection is
measured on fills and so already holds the impact of the orders that made them: only what zeta / 2 exceeds it by is
added. Neither the echo of own fills, which goes back by itself, nor what fair did before them is impact. While markouts
say nothing yet, that is all of zeta / 2; a lambda they have seen is not paid for twice.
"""

from typing import Any

import numba as nb

from portfolio_mm.engine import signals
from portfolio_mm.estimators import impact


@nb.njit(cache=True)
def own_bps(st: Any, p: Any, side: int) -> float:
    """Zeta / 2 beyond the adverse selection that is already charged on `side`."""
    zeta_bps = impact.permanent_bps(st.impact, p.clip_usd, st.impact.skill.weight)
    if zeta_bps <= 0.0:
        return 0.0
    echo_bps = impact.echo_bps(st.impact, p.clip_usd, p.markouts.horizon_ns[p.markouts.learn] * 1e-9)
    charged_bps = max(0.0, st.quote.adverse_bps[side] - st.viability.approach_bps[side] - echo_bps)
    return max(0.0, 0.5 * zeta_bps - charged_bps) * st.signals.applied[signals.IMPACT]  # type: ignore[no-any-return]
