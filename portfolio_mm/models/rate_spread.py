"""How much more than a Poisson process events scatter, and how much of that is a rate that moves.

Counts n_b of equal blocks of time, with forgetting. With mean m, variance v and covariance c of neighbouring blocks

    lasting = max(0, c - v / sqrt(pairs)) / m^2      squared relative sd of the rate from block to block
    burst   = max(1, (v - lasting m^2) / m)          what the variance of a count is over its mean (Fano)

A rate that outlives a block moves neighbours together (Cox process), bursts shorter than a block do not; c of blocks
that have nothing to do with each other has the standard error v / sqrt(pairs), and only what is beyond it counts. The
error of the rate in force now is then sqrt(burst / count + lasting) of it. Not guaranteed: a rate that moves faster
than a block, or one that has moved once only.
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

SPREAD = record(
    [
        ("now_n", "f4"),
        ("before_n", "f4"),
        ("blocks", "f4"),
        ("pairs", "f4"),
        ("sum_n", "f8"),
        ("sum_nn", "f8"),
        ("sum_pair", "f8"),
    ]
)
"""Counts of the running block and of the one before it (-1: not known), then sums over closed blocks and over pairs."""
LEAST_BLOCKS = 6.0
"""Under half a minute's worth of blocks there is nothing to say."""


@nb.njit(cache=True)
def clear_spread(sp: Any) -> None:
    """Nothing counted."""
    restart(sp)
    sp.blocks = 0.0
    sp.pairs = 0.0
    sp.sum_n = 0.0
    sp.sum_nn = 0.0
    sp.sum_pair = 0.0


@nb.njit(cache=True)
def restart(sp: Any) -> None:
    """A new block that follows none."""
    sp.now_n = 0.0
    sp.before_n = -1.0


@nb.njit(cache=True)
def close_block(sp: Any) -> None:
    """The running block is over."""
    n, before = float(sp.now_n), float(sp.before_n)
    sp.blocks += 1.0
    sp.sum_n += n
    sp.sum_nn += n * n
    if before >= 0.0:
        sp.pairs += 1.0
        sp.sum_pair += n * before
    sp.before_n = n
    sp.now_n = 0.0


@nb.njit(cache=True)
def end_blocks(spreads: Any, end_ns: int, now_ns: int, block_ns: int) -> int:
    """Close the blocks of all `spreads` that are over at `now_ns`; when the running one will be."""
    while now_ns >= end_ns:
        for i in range(len(spreads)):
            close_block(spreads[i])
        end_ns += block_ns
    return end_ns


@nb.njit(cache=True)
def forget_blocks(sp: Any, keep: float) -> None:
    """Closed blocks count `keep` of what they did."""
    sp.blocks = float(sp.blocks) * keep
    sp.pairs = float(sp.pairs) * keep
    sp.sum_n *= keep
    sp.sum_nn *= keep
    sp.sum_pair *= keep


@nb.njit(cache=True)
def variance(sp: Any) -> tuple[float, float]:
    """(burst, lasting) as above; (1, 0), a Poisson process, while little is known."""
    blocks, pairs = float(sp.blocks), float(sp.pairs)
    if blocks < LEAST_BLOCKS or pairs < LEAST_BLOCKS - 1.0 or sp.sum_n <= 0.0:
        return 1.0, 0.0
    m = sp.sum_n / blocks
    v = max(0.0, sp.sum_nn / blocks - m * m)
    lasting = max(0.0, sp.sum_pair / pairs - m * m - v / math.sqrt(pairs))
    return max(1.0, (v - lasting) / m), lasting / (m * m)
