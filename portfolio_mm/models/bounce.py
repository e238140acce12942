"""Noise of the mid that comes and goes: what a short squared return holds beyond a long one's share of variance.

E r_h^2 = sigma^2 h + nu, so of returns over h and over q h: nu = (q V_h - V_qh) / (q - 1), floored at 0.
Source: theory §6 (two scales).
"""

from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

BOUNCE = record([("bounce_mass", "f8"), ("short_bps2", "f8"), ("long_bps2", "f8")])
"""Weighted sums over one slow clock: mass, squared returns over h and over q h."""


@nb.njit(cache=True)
def clear_bounce(bounce: Any) -> None:
    """Nothing seen."""
    bounce.bounce_mass = 0.0
    bounce.short_bps2 = 0.0
    bounce.long_bps2 = 0.0


@nb.njit(cache=True)
def take_returns(bounce: Any, short_bps: float, long_bps: float, keep: float) -> None:
    """Forget by `keep`, take the newest return of each length."""
    bounce.bounce_mass = keep * bounce.bounce_mass + 1.0
    bounce.short_bps2 = keep * bounce.short_bps2 + short_bps * short_bps
    bounce.long_bps2 = keep * bounce.long_bps2 + long_bps * long_bps


@nb.njit(cache=True)
def noise_bps2(bounce: Any, span_ratio: float) -> float:
    """nu, bps^2, of a long return `span_ratio` times as long as the short one; 0 before anything is seen."""
    if bounce.bounce_mass <= 0.0:
        return 0.0
    return max(0.0, (span_ratio * bounce.short_bps2 - bounce.long_bps2) / (span_ratio - 1.0) / bounce.bounce_mass)  # type: ignore[no-any-return]
