"""Is an order reached in time when fair walks, and sweeps become rarer with the distance from it?

Fair is a Brownian motion of sigma bps per sqrt(s). An order x bps from it is filled at rate h(x), and once fair is
beyond its price (x < 0) taken at once, TAKEN_PER_S. S(x, t), the chance that it still rests, solves

    S_t = sigma^2 / 2 S_xx - h(x) S,   S(x, 0) = 1      (Feynman and Kac),

and without sweeps 1 - S is the reflection principle's 2 Phi(-x / (sigma sqrt t)). Solved on a trinomial lattice of
STEPS steps: 1/6, 2/3, 1/6 on nodes sigma sqrt(3 t / STEPS) apart have the moments of the normal law up to the fifth.
What follows is that an order at the touch is filled less surely than by the rate it has now, because fair leaves, and
one far away more likely, because fair comes. Off simulated paths by 0.02 on average, by 0.1 at worst (tests). Sigma of
the next seconds is not that of the last minutes: it is mixed over two values e^(+-sd) apart, of the same mean square.
"""

import math
from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record

STEPS: Final = 5
NODES: Final = 2 * STEPS + 1
TAKEN_PER_S: Final = 5.0
"""Any rate from 2 to 20 says the same within 0.01: it is a matter of seconds whether fair gets there."""
LEAST_SD: Final = 0.1
"""Sigma surer than this is one number."""

WALK = record(
    [
        ("depth_bps", "f4"),
        ("sigma_bps", "f4"),
        ("log_sd", "f4"),
        ("nearer_per_bps", "f4"),
        ("farther_per_bps", "f4"),
        ("most_ratio", "f4"),
    ]
)
"""An order `depth_bps` from fair and what fair does: sigma in bps per sqrt(s), `log_sd` how far ln sigma may be from
it. The rate of sweeps grows by `nearer_per_bps` towards fair, up to `most_ratio` times the order's own, and falls by
`farther_per_bps` beyond it."""


@nb.njit(cache=True)
def stay(walk: Any) -> None:
    """Fair does not move, as far as is known."""
    walk.depth_bps = 0.0
    walk.sigma_bps = 0.0
    walk.log_sd = 0.0
    walk.nearer_per_bps = 0.0
    walk.farther_per_bps = 0.0
    walk.most_ratio = 1.0


@nb.njit(cache=True)
def spacing_bps(sigma_bps: float, seconds: float) -> float:
    """Distance of two nodes."""
    return sigma_bps * math.sqrt(3.0 * seconds / STEPS)


@nb.njit(cache=True)
def mean_ratio(walk: Any, seconds: float) -> float:
    """Mean rate over the walk, as a ratio to that at the order's distance now: three points at half time."""
    away_bps = spacing_bps(walk.sigma_bps, seconds)
    near = min(walk.most_ratio, math.exp(min(50.0, walk.nearer_per_bps * away_bps)))
    return (near + 4.0 + math.exp(-walk.farther_per_bps * away_bps)) / 6.0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def reached(walk: Any, nodes: Any, hit_per_s: float, seconds: float) -> float:
    """P(filled within `seconds`) of an order that sweeps fill at `hit_per_s` where it is now.

    `nodes` is room for the lattice, shape (2, NODES).

    >>> import numpy as np
    >>> walk = np.zeros(1, WALK)[0]
    >>> stay(walk)
    >>> round(reached(walk, np.zeros((2, NODES)), 0.2, 5.0), 12) == round(1.0 - math.exp(-1.0), 12)
    True
    """
    if walk.sigma_bps <= 0.0:
        return 1.0 - math.exp(-hit_per_s * seconds)
    if walk.log_sd < LEAST_SD:
        return 1.0 - _rests(walk, nodes, walk.sigma_bps, hit_per_s, seconds)  # type: ignore[no-any-return]
    factor = math.exp(walk.log_sd)
    scale_bps = walk.sigma_bps / math.sqrt(0.5 * (factor * factor + 1.0 / (factor * factor)))
    wild = _rests(walk, nodes, scale_bps * factor, hit_per_s, seconds)
    return 1.0 - 0.5 * (wild + _rests(walk, nodes, scale_bps / factor, hit_per_s, seconds))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _rests(walk: Any, nodes: Any, sigma_bps: float, hit_per_s: float, seconds: float) -> float:
    """S(depth, seconds): backward over the lattice, whose middle node is the order's distance now."""
    keep, rests = nodes[0], nodes[1]
    step_s, away_bps = seconds / STEPS, spacing_bps(sigma_bps, seconds)
    taken = 1.0 - math.exp(-TAKEN_PER_S * step_s)
    hits, most = hit_per_s * step_s, hit_per_s * step_s * walk.most_ratio
    nearer, farther = math.exp(min(50.0, walk.nearer_per_bps * away_bps)), math.exp(-walk.farther_per_bps * away_bps)
    near = far = hits
    for j in range(STEPS + 1):
        for i in (STEPS - j, STEPS + j):
            x_bps = walk.depth_bps + (i - STEPS) * away_bps
            beyond = min(1.0, max(0.0, 0.5 - x_bps / away_bps))
            keep[i] = math.exp(-(near if i < STEPS else far)) * (1.0 - beyond * taken)
            rests[i] = math.sqrt(keep[i])
        near, far = min(most, near * nearer), far * farther
    for j in range(STEPS):
        before, here = rests[j], rests[j + 1]
        for i in range(j + 1, NODES - 1 - j):
            after = rests[i + 1]
            rests[i] = (before + 4.0 * here + after) / 6.0 * keep[i]
            before, here = here, after
    return rests[STEPS] / max(1e-12, math.sqrt(keep[STEPS]))  # type: ignore[no-any-return]
