"""How far fair comes to orders between their placement and their fill, bps: of fills, and of the time orders wait.

An order kept while fair comes nearer fills more often than one that fair leaves. Of fills, the mean, shrunk; it grows
with the distance we choose. Of waiting, by how much likelier a fill was then, k the decay of fills (1/bps):
    E[x e^(k x)] / E[e^(k x)],   x how far fair has come, over the time orders rest
All sums are forgotten at one half-life. Source: models/upkeep.py (what the band an order is kept in makes of it).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.models.conjugate import normal_mean
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.sweep import penetration_bps
from portfolio_mm.models.upkeep import NEVER_BEYOND

APPROACH = record(
    [("ns", "i8"), ("n", "f8"), ("s1", "f8"), ("s2", "f8"), ("waited_s", "f8"), ("waited_bps", "f8")],
)
"""`n`, `s1`, `s2` those of fills, both sides together, the newest at `ns`; `waited_*` the weighted time of orders and
its sum of approach."""


@nb.njit(cache=True)
def clear_approach(ap: Any) -> None:
    """No fill, no order."""
    ap.ns = 0
    ap.n = 0.0
    ap.s1 = 0.0
    ap.s2 = 0.0
    ap.waited_s = 0.0
    ap.waited_bps = 0.0


@nb.njit(cache=True)
def take(ap: Any, now_ns: int, approach_bps: float, half_life_s: float) -> None:
    """An own fill at `now_ns`, before which fair had come so far."""
    keep = half_life_factor((now_ns - ap.ns) / NS_PER_S, half_life_s) if 0 < ap.ns < now_ns else 1.0
    ap.ns = now_ns
    ap.n = keep * ap.n + 1.0
    ap.s1 = keep * ap.s1 + approach_bps
    ap.s2 = keep * ap.s2 + approach_bps * approach_bps


@nb.njit(cache=True)
def of_fills(ap: Any, prior_bps: float, prior_count: float, sd_bps: float) -> float:
    """Mean approach of fills, bps, shrunk to `prior_bps`, which is worth `prior_count` of them of sd `sd_bps`."""
    return normal_mean(prior_bps, prior_count, sd_bps, ap.n, ap.s1, ap.s2)[0]  # type: ignore[no-any-return]


@nb.njit(cache=True)
def wait(ap: Any, seconds: float, half_life_s: float) -> None:
    """Time passed for all orders that rest: what they saw is forgotten by so much."""
    keep = half_life_factor(seconds, half_life_s)
    ap.waited_s *= keep
    ap.waited_bps *= keep


@nb.njit(cache=True)
def rest(ap: Any, side: int, placed_fair_px: float, fair_px: float, k_per_bps: float, seconds: float) -> None:  # noqa: PLR0917 - flat arguments
    """An order rested for `seconds` while fair stood where it does now: it counts by how much likelier a fill was."""
    if not (0.0 < placed_fair_px < 1e300 and 0.0 < fair_px < 1e300):
        return
    x_bps = penetration_bps(side, fair_px, placed_fair_px)
    weight = math.exp(min(NEVER_BEYOND, max(-NEVER_BEYOND, k_per_bps * x_bps)))
    ap.waited_s += weight * seconds
    ap.waited_bps += weight * seconds * min(NEVER_BEYOND / k_per_bps, max(-NEVER_BEYOND / k_per_bps, x_bps))


@nb.njit(cache=True)
def of_waiting(ap: Any, prior_bps: float, prior_s: float) -> float:
    """Mean approach of the time orders rest, weighted by e^(k x), bps; `prior_bps` is worth `prior_s` seconds."""
    return (ap.waited_bps + prior_s * prior_bps) / (ap.waited_s + prior_s)  # type: ignore[no-any-return]
