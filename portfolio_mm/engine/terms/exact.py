"""What walls, deadlines and drift add to the own term of the closed form, bps (D3).

The aim of the closed form is where OWN, TARGET and FUNDING sum to nothing: a drift moves it, and near a wall or before
a deadline the exact solution for that aim replaces all three and the risk buffer; the cross term stays closed-form.
Fair value leans by its whole forecast: what of it is too much, next to a wall above all, is taken back here.
"""

from typing import Any

import numba as nb

from portfolio_mm.engine.terms import funding
from portfolio_mm.estimators import walls


@nb.njit(cache=True)
def aim_usd(st: Any, p: Any) -> float:
    """Inventory at which the closed form of this coin has no skew, USD."""
    own = max(st.quote.own_skew_bps_per_usd, 1e-12)
    return st.quote.target_usd - funding.shift_bps(st, p, 0) / own  # type: ignore[no-any-return]


@nb.njit(cache=True)
def look(st: Any, p: Any) -> None:
    """Ask for the exact solution if it matters at the position, limit and aim of the last decision."""
    quote, viability = st.quote, st.viability
    if quote.ready == 0 or not quote.own_skew_bps_per_usd > 0.0:
        return
    k_per_bps = 0.5 * (viability.k_per_bps[0] + viability.k_per_bps[1])
    exit_bps = st.account.taker_fee_bps + 0.5e4 * (st.book.px[1] - st.book.px[0]) / quote.mid_px
    walls.update(
        st.walls,
        p.walls,
        st.clock.recv_ns,
        quote.position_usd,
        quote.own_skew_bps_per_usd,
        k_per_bps,
        p.clip_usd,
        quote.limit_usd,
        aim_usd(st, p),
        viability.liquidity,
        exit_bps,
    )


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, side: int) -> float:
    """Exact minus closed form on one side, bps outwards; 0 where neither wall, deadline nor fair's drift is felt."""
    forecast_bps = 0.0
    for group in range(len(st.fair.parts_bps)):
        forecast_bps += st.fair.parts_bps[group]
    drift_bps = walls.drift_bps(st.walls, p.walls, side, st.quote.position_usd, forecast_bps, p.clip_usd)
    return walls.extra_bps(st.walls, p.walls, side, st.quote.position_usd) + drift_bps  # type: ignore[no-any-return]
