"""Sigma that quotes are made with, and what the volatility of volatility adds (C2, C4, C13)."""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def sigma_bps(st: Any, p: Any) -> float:
    """Sigma for spreads and skews, bps per sqrt(s)."""
    return st.vol.sigma_bps  # type: ignore[no-any-return]


@nb.njit(cache=True)
def extra_bps(st: Any, p: Any, risk_bps: float) -> float:
    """What vol-of-vol adds to a risk buffer of `risk_bps`, bps."""
    return 0.0
