"""Sigma that quotes are made with, and what the volatility of volatility adds (C2, C4, C13)."""

import math
from typing import Any

import numba as nb

from portfolio_mm.engine import signals


@nb.njit(cache=True)
def sigma_bps(st: Any, p: Any) -> float:
    """Sigma for spreads and skews, bps per sqrt(s): robust EWMA and particle filter, blended in logarithms.

    The filter's share is the weight its forecasts have earned against the EWMA, and it may be no more than the EWMA's
    own cap. Risk does not see this: it reads the raw sigma.
    """
    ewma_bps = st.vol.sigma_bps
    share = st.signals.applied[signals.PARTICLE] * st.particles.skill.weight
    if not share > 0.0 or not st.particles.quote_bps > 0.0:
        return ewma_bps  # type: ignore[no-any-return]
    blend_bps = ewma_bps * math.exp(share * math.log(st.particles.quote_bps / ewma_bps))
    ceiling_bps = p.vol.max_bps
    if st.vol.minutes >= p.vol.min_minutes:
        ceiling_bps = min(ceiling_bps, p.vol.cap_ratio * st.vol.median_bps)
    return min(blend_bps, max(ceiling_bps, p.vol.min_bps))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, risk_bps: float) -> float:
    """What vol-of-vol adds to a risk buffer of `risk_bps`, bps: sigma (1 + c vov sqrt(tau)) instead of sigma."""
    weight = st.signals.applied[signals.VOL_OF_VOL] * st.vov.skill.weight
    return weight * st.vov.add_ratio * risk_bps  # type: ignore[no-any-return]
