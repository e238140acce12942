"""Losses of sweeps at every depth of the grid, pooled along depth: a line through all, and departures from it.

    line       l_j = mu + s b (e_j - xbar)      models/depth_line.py; s = (1 - var(b) / b^2)+, 0 where b <= 0
               e_j = E[X | X >= d_j]            of those that came; few of them: it continues the depth before
    departure  g_j = n_j (m_j - l_j) / (n_j + c)   m_j the mean loss of the n_j that reached d_j, l_j without prior
    said       l_j + (1 - var(g_j) / g_j^2)+ g_j
Both shrinkages are also times B / (B + 10), B blocks.

c pseudo-sweeps of the prior. var(g_j) is summed over blocks, because sweeps come in bursts that share one mid. The
standard error of what is said is the line's, moved to the depth's own as far as it departs, beside what c sweeps leave
open where nobody came. Source: as models/depth_line.py (partial pooling by empirical Bayes).
"""

import math
from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.models.depth_grid import DEPTH_BPS, DEPTHS
from portfolio_mm.models.depth_line import SQUARES, SUMS, add, close_block, earned, fit

REACH_COUNT: Final = 4.0
"""Sweeps that what reaches a depth, goes as far beyond it as what reached the one before, is worth."""
BLOCK_COUNT: Final = 10.0
"""Blocks that "all depths lose the same" is worth beside the error of what differs: that of few blocks is too small."""
POOL = record(
    [
        ("labels", "f8", (DEPTHS,)),
        ("reach_bps", "f8", (DEPTHS,)),
        ("loss", "f8", (DEPTHS,)),
        ("block_n", "f8", (DEPTHS,)),
        ("block_loss", "f8", (DEPTHS,)),
        ("cluster_nn", "f8", (DEPTHS,)),
        ("cluster_nl", "f8", (DEPTHS,)),
        ("cluster_ll", "f8", (DEPTHS,)),
        ("sums", "f8", (SUMS,)),
        ("block", "f8", (SUMS,)),
        ("squares", "f8", (SQUARES,)),
        ("adverse_bps", "f8", (DEPTHS,)),
        ("adverse_se_bps", "f8", (DEPTHS,)),
    ]
)
"""`labels` counts sweeps that reached a depth, `reach_bps` and `loss` how far they went and what they lost, summed;
`block_*` the running block, `cluster_*` sums over closed blocks of n^2, n loss, loss^2; `sums`, `block`, `squares`
those of the line; `adverse_bps` what is said."""


@nb.njit(cache=True)
def clear_pool(pool: Any, prior_bps: float, prior_count: float, prior_sd_bps: float) -> None:
    """No sweep; the prior is said."""
    for each in (pool.labels, pool.reach_bps, pool.loss, pool.block_n, pool.block_loss, pool.cluster_nn):
        each[:] = 0.0
    for each in (pool.cluster_nl, pool.cluster_ll):
        each[:] = 0.0
    pool.sums[:] = 0.0
    pool.block[:] = 0.0
    pool.squares[:] = 0.0
    pool.adverse_bps[:] = prior_bps
    pool.adverse_se_bps[:] = prior_sd_bps / math.sqrt(max(prior_count, 1e-9))


@nb.njit(cache=True)
def take(pool: Any, reach: int, reach_bps: float, loss_bps: float) -> None:
    """A sweep went `reach_bps` far, to grid depth `reach`, and lost the maker `loss_bps`."""
    for j in range(reach + 1):
        pool.labels[j] += 1.0
        pool.reach_bps[j] += reach_bps
        pool.loss[j] += loss_bps
        pool.block_n[j] += 1.0
        pool.block_loss[j] += loss_bps
    add(pool.sums, reach_bps, loss_bps)
    add(pool.block, reach_bps, loss_bps)


@nb.njit(cache=True)
def forget(pool: Any, keep: float) -> None:
    """Multiply every sum but the running block's."""
    for j in range(DEPTHS):
        pool.labels[j] *= keep
        pool.reach_bps[j] *= keep
        pool.loss[j] *= keep
        pool.cluster_nn[j] *= keep
        pool.cluster_nl[j] *= keep
        pool.cluster_ll[j] *= keep
    pool.sums[:] *= keep
    pool.squares[:] *= keep


@nb.njit(cache=True)
def close_blocks(pool: Any) -> None:
    """The running block is over."""
    for j in range(DEPTHS):
        n, loss = pool.block_n[j], pool.block_loss[j]
        pool.cluster_nn[j] += n * n
        pool.cluster_nl[j] += n * loss
        pool.cluster_ll[j] += loss * loss
        pool.block_n[j] = 0.0
        pool.block_loss[j] = 0.0
    close_block(pool.squares, pool.block)


@nb.njit(cache=True)
def pooled(pool: Any, prior_bps: float, prior_count: float, prior_sd_bps: float) -> None:
    """Set what is said of every depth, and its error."""
    prior_var = prior_count * prior_sd_bps * prior_sd_bps
    mu, b, centre, var_mu, cov, var_b = fit(pool.sums, pool.block, pool.squares, prior_bps, prior_count, prior_sd_bps)
    share, reach_bps = 0.0, centre
    if b > 0.0:
        share = earned(b, var_b) * _grown(pool, 0)
    bare_bps = pool.loss[0] / pool.labels[0] - mu if pool.labels[0] > 0.0 else 0.0  # what the prior took from the mean
    for j in range(DEPTHS):
        n = pool.labels[j]
        mass = n + prior_count
        if j > 0:
            further_bps = reach_bps + DEPTH_BPS[j] - DEPTH_BPS[j - 1]
            reach_bps = max(reach_bps, (pool.reach_bps[j] + REACH_COUNT * further_bps) / (n + REACH_COUNT))
        away_bps = reach_bps - centre
        line_bps = mu + share * b * away_bps
        line_var = max(0.0, var_mu + share * away_bps * (2.0 * cov + var_b * away_bps))
        own_bps = pool.loss[j] / n if n > 0.0 else line_bps + bare_bps
        gap_bps = n * (own_bps - line_bps - bare_bps) / mass
        gap_var = (_scatter(pool, j, own_bps) + prior_var) / (mass * mass)
        departs = earned(gap_bps, gap_var) * _grown(pool, j) if j > 0 else 0.0
        pool.adverse_bps[j] = line_bps + departs * gap_bps
        unseen_var = (1.0 - departs) * prior_var / (mass * mass)
        pool.adverse_se_bps[j] = math.sqrt(line_var + departs * max(0.0, gap_var - line_var) + unseen_var)


@nb.njit(cache=True)
def _grown(pool: Any, j: int) -> float:
    """B / (B + BLOCK_COUNT), B the number of equal blocks that depth `j` was seen in: n^2 / sum_b n_b^2."""
    n, squares = pool.labels[j], pool.cluster_nn[j] + pool.block_n[j] * pool.block_n[j]
    blocks = n * n / squares if squares > 0.0 else 0.0
    return blocks / (blocks + BLOCK_COUNT)


@nb.njit(cache=True)
def _scatter(pool: Any, j: int, own_bps: float) -> float:
    """Sum over blocks of the squared sum of losses about `own_bps` at depth `j`, bps^2."""
    n, loss = pool.block_n[j], pool.block_loss[j]
    squares = pool.cluster_ll[j] + loss * loss - 2.0 * own_bps * (pool.cluster_nl[j] + n * loss)
    return max(0.0, squares + own_bps * own_bps * (pool.cluster_nn[j] + n * n))  # type: ignore[no-any-return]
