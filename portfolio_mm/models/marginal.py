"""What switching a signal on brings per decision interval, from randomised ablation (C17; predecessor finding 16).

In each interval i the signal is off with a known probability e_i, drawn independently of everything before. With reward
R_i (USD) and inverse-propensity weights, normalised (Hajek):

    effect = sum_on R / (1 - e) / sum_on 1 / (1 - e)  -  sum_off R / e / sum_off 1 / e
    se^2   = G / (G - 1) sum_b psi_b^2,  psi_b = (A_b - mean_on B_b) / B - (C_b - mean_off D_b) / D

A, B the weighted rewards and weights of the on arm, C, D of the off arm, b a block of consecutive intervals: intervals
share the path of the market, blocks are what the error is made of. Under MIN_BLOCKS blocks, or MIN_ARM intervals in the
smaller arm, nothing is claimed.

A verdict that is looked at after every block needs a bound that holds at all times at once: the asymptotic confidence
sequence of Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024 (Annals of Statistics 52, one-sided form):
    radius = se sqrt(2 (1 + 1 / x) ln(1 + sqrt(x + 1) / (2 alpha))),  x = n rho^2
with n blocks and rho tuned to be tightest at TUNED_BLOCKS. With forgetting n is the mass of the blocks remembered, and
the guarantee holds for one memory, not for ever.
Sources: Horvitz & Thompson 1952; Hajek 1971; theory §14 (blocks).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

Z95 = 1.96
MIN_BLOCKS = 30
MIN_ARM = 30
ALPHA = 0.025
"""One side of a 95 % interval."""
TUNED_BLOCKS = 100.0
RHO2 = (-2.0 * math.log(2.0 * ALPHA) + math.log(-2.0 * math.log(2.0 * ALPHA)) + 1.0) / TUNED_BLOCKS

MARGINAL = record(
    [
        ("on_count", "i8"),
        ("off_count", "i8"),
        ("blocks", "i8"),
        ("block_mass", "f8"),
        ("sums", "f8", (4,)),
        ("block", "f8", (4,)),
        ("moments", "f8", (10,)),
        ("effect_usd", "f8"),
        ("effect_se_usd", "f8"),
    ]
)
"""`sums` and `block` are A, B, C, D of everything remembered and of the running block; `moments` sums over closed
blocks of AA, AB, AC, AD, BB, BC, BD, CC, CD, DD; counts are of intervals since the experiment began."""


@nb.njit(cache=True)
def clear_marginal(m: Any) -> None:
    """Begin anew."""
    m.on_count = 0
    m.off_count = 0
    m.blocks = 0
    m.block_mass = 0.0
    m.sums[:] = 0.0
    m.block[:] = 0.0
    m.moments[:] = 0.0
    m.effect_usd = 0.0
    m.effect_se_usd = 0.0


@nb.njit(cache=True)
def add(m: Any, reward_usd: float, is_off: int, off_probability: float) -> None:
    """One matured interval; nothing when there was no experiment (a probability of 0 or 1)."""
    if not (0.0 < off_probability < 1.0 and -1e300 < reward_usd < 1e300):
        return
    weight = 1.0 / off_probability if is_off == 1 else 1.0 / (1.0 - off_probability)
    arm = 2 * is_off
    m.block[arm] += weight * reward_usd
    m.block[arm + 1] += weight
    if is_off == 1:
        m.off_count += 1
    else:
        m.on_count += 1


@nb.njit(cache=True)
def close_block(m: Any, keep: float) -> None:
    """The running block joins the closed ones, all older by one block (`keep` of them remains); effect made anew."""
    k = 0
    for i in range(4):
        m.sums[i] = m.sums[i] * keep + m.block[i]
        for j in range(i, 4):
            m.moments[k] = m.moments[k] * keep + m.block[i] * m.block[j]
            k += 1
    m.block[:] = 0.0
    m.blocks += 1
    m.block_mass = m.block_mass * keep + 1.0
    on, off = m.sums[1], m.sums[3]
    if on > 0.0 and off > 0.0:
        mean_on, mean_off = m.sums[0] / on, m.sums[2] / off
        m.effect_usd = mean_on - mean_off
        aa, ab, ac, ad, bb, bc, bd, cc, cd, dd = m.moments
        squares = (aa - 2.0 * mean_on * ab + mean_on * mean_on * bb) / (on * on)
        squares += (cc - 2.0 * mean_off * cd + mean_off * mean_off * dd) / (off * off)
        squares -= 2.0 * (ac - mean_off * ad - mean_on * bc + mean_on * mean_off * bd) / (on * off)
        few = m.block_mass / max(m.block_mass - 1.0, 1.0)
        m.effect_se_usd = math.sqrt(max(0.0, squares) * few)


@nb.njit(cache=True)
def is_enough(m: Any) -> bool:
    """Whether anything may be claimed."""
    return m.blocks >= MIN_BLOCKS and min(m.on_count, m.off_count) >= MIN_ARM  # type: ignore[no-any-return]


@nb.njit(cache=True)
def radius_usd(m: Any) -> float:
    """Half-width, to one side, of the bound that holds at all times at once."""
    x = max(m.block_mass, 1.0) * RHO2
    return m.effect_se_usd * math.sqrt(2.0 * (1.0 + 1.0 / x) * math.log(1.0 + math.sqrt(x + 1.0) / (2.0 * ALPHA)))  # type: ignore[no-any-return]
