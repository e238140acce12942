"""The error of a rate in force now: where it is constant, comes in bursts, or changes by regimes."""

import math
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models.decay import half_life_factor
from portfolio_mm.models.rate_spread import SPREAD, clear_spread, close_block, forget_blocks, variance

BLOCK_S, HALF_LIFE_S = 5.0, 600.0


@nb.njit
def _covered(counts: Any, truth: Any, sp: Any, held: Any) -> None:
    """Share of blocks from the 60th on in which the 95 % interval of the rate held it: honest, and Poisson's."""
    clear_spread(sp)
    keep, mass, blocks = half_life_factor(BLOCK_S, HALF_LIFE_S), 0.0, 0.0
    for i in range(len(counts)):
        sp.now_n = counts[i]
        close_block(sp)
        forget_blocks(sp, keep)
        mass, blocks = (mass + counts[i]) * keep, (blocks + 1.0) * keep
        if i >= 60:
            rate = mass / blocks
            burst, lasting = variance(sp)
            held[0] += abs(rate - truth[i]) < 1.96 * rate * math.sqrt(burst / mass + lasting)
            held[1] += abs(rate - truth[i]) < 1.96 * rate / math.sqrt(mass)
            held[2] += math.sqrt(burst / mass + lasting) * math.sqrt(mass)
            held[3] += 1.0


def covered(make: Any, seeds: int = 100, blocks: int = 360) -> Any:
    """(honest, Poisson's, ratio of the errors) over `seeds` half hours of `make(rng, blocks)` -> counts, truth."""
    sp, held = np.zeros(1, SPREAD), np.zeros(4)
    for seed in range(seeds):
        counts, truth = make(np.random.default_rng(seed), blocks)
        _covered(counts.astype(np.float64), truth.astype(np.float64), sp[0], held)
    return held[:3] / held[3]


def constant(rng: Any, n: int) -> Any:
    return rng.poisson(5.0, n), np.full(n, 5.0)


def bursts(rng: Any, n: int) -> Any:
    """Families of four orders on average, all within a block: Fano factor of a geometric number, 7."""
    return np.array([rng.geometric(0.25, k).sum() for k in rng.poisson(1.25, n)]), np.full(n, 5.0)


def regimes(rng: Any, n: int) -> Any:
    """Three times as many for half a minute every two, as in a storm."""
    storm, rate = False, np.empty(n)
    for i in range(n):
        storm ^= rng.random() < BLOCK_S / (30.0 if storm else 90.0)
        rate[i] = 15.0 if storm else 5.0
    return rng.poisson(rate), rate


def test_a_constant_rate_is_covered_at_little_cost() -> None:
    honest, poisson, ratio = covered(constant)
    assert honest > 0.93
    assert poisson > 0.9
    assert ratio < 1.4


def test_bursts_are_covered_where_poissons_error_is_half() -> None:
    honest, poisson, _ = covered(bursts)
    assert honest > 0.9
    assert poisson < 0.7


def test_a_rate_that_changes_is_covered_where_poissons_error_is_not() -> None:
    honest, poisson, _ = covered(regimes)
    assert honest > 0.8
    assert poisson < 0.2


def test_little_known_is_a_poisson_process() -> None:
    sp = np.zeros(1, SPREAD)
    clear_spread(sp[0])
    assert variance(sp[0]) == (1.0, 0.0)


def test_the_scatter_of_known_blocks() -> None:
    """Eight blocks of 3, then eight of 9: m 6, v 9, and c from the fifteen pairs."""
    sp = np.zeros(1, SPREAD)
    clear_spread(sp[0])
    counts = np.array([3.0] * 8 + [9.0] * 8)
    for count in counts:
        sp[0]["now_n"] = count
        close_block(sp[0])
    c = float(np.mean(counts[1:] * counts[:-1])) - 36.0
    lasting = c - 9.0 / math.sqrt(15.0)
    assert variance(sp[0]) == pytest.approx((max(1.0, (9.0 - lasting) / 6.0), lasting / 36.0))
