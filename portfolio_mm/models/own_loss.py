"""What own fills lose from the fill on beyond what sweeps on others lose at their depths, bps.

    r = N / (N + c) (m - a)      m the mean loss of n own fills, a what is said now of sweeps at their depths
    said = max(r, lower)
    lower = n / (n + c0) (m - a) - Z sqrt(sum_blocks (s_b - m n_b)^2 + c0 sd^2) / (n + c0)

r is the Normal-Gamma posterior, its prior worth c fills of sd `sd_bps`, N = n^2 / sum_blocks n_b^2: fills of one block
count once. `lower` is what own fills have shown at the
confidence of Z, their bursts counted once: a loss that is shown is believed at once, however strong the prior, and
fades with time (sums of blocks too: evidence grows old, it does not grow sure). Both sides together: the
drift of one half hour separates them and foretells nothing. Comparing at the fills' depths, and with what is said of
those now, keeps apart what depth explains; nothing is charged twice when sweeps have told it since.
Source: theory §12; Liang-Zeger 1986 (clustered errors).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.models.conjugate import normal_mean
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.depth_grid import DEPTHS, place_of

OWN_LOSS = record(
    [
        ("ns", "i8"),
        ("block_ns", "i8"),
        ("n", "f8"),
        ("s1", "f8"),
        ("s2", "f8"),
        ("at_depth", "f8", (DEPTHS,)),
        ("block_n", "f8"),
        ("block_s1", "f8"),
        ("cluster_nn", "f8"),
        ("cluster_ns", "f8"),
        ("cluster_ss", "f8"),
    ]
)
"""`n`, `s1`, `s2` of losses, `at_depth` how many at each depth of the grid; `block_*` of the running block, which began
at `block_ns`; `cluster_*` sums over closed blocks of n^2, n s1, s1^2."""


@nb.njit(cache=True)
def clear_own(own: Any) -> None:
    """No fill."""
    own.ns = 0
    own.block_ns = 0
    own.n = 0.0
    own.s1 = 0.0
    own.s2 = 0.0
    own.at_depth[:] = 0.0
    own.block_n = 0.0
    own.block_s1 = 0.0
    own.cluster_nn = 0.0
    own.cluster_ns = 0.0
    own.cluster_ss = 0.0


@nb.njit(cache=True)
def _close_block(own: Any) -> None:
    """The running block joins the closed ones."""
    own.cluster_nn += own.block_n * own.block_n
    own.cluster_ns += own.block_n * own.block_s1
    own.cluster_ss += own.block_s1 * own.block_s1
    own.block_n = 0.0
    own.block_s1 = 0.0


@nb.njit(cache=True)
def forget(own: Any, now_ns: int, half_life_s: float, block_s: float) -> None:
    """Time has come to `now_ns`. Without this a loss that ended the quoting, and so the fills, would stand for ever."""
    if own.ns == 0 or now_ns <= own.ns:
        return
    if now_ns - own.block_ns >= block_s * NS_PER_S:
        _close_block(own)
    keep = half_life_factor((now_ns - own.ns) / NS_PER_S, half_life_s)
    own.ns = now_ns
    own.n *= keep
    own.s1 *= keep
    own.s2 *= keep
    own.cluster_nn *= keep
    own.cluster_ns *= keep
    own.cluster_ss *= keep
    for i in range(DEPTHS):
        own.at_depth[i] *= keep


@nb.njit(cache=True)
def take(own: Any, now_ns: int, loss_bps: float, depth_bps: float, half_life_s: float, block_s: float) -> None:  # noqa: PLR0917 - flat arguments
    """The label of an own fill `depth_bps` from fair came due at `now_ns`: forget up to now, then learn."""
    forget(own, now_ns, half_life_s, block_s)
    if own.block_ns == 0 or now_ns - own.block_ns >= block_s * NS_PER_S:
        _close_block(own)
        own.block_ns = now_ns
    own.ns = max(own.ns, now_ns)
    own.n += 1.0
    own.s1 += loss_bps
    own.s2 += loss_bps * loss_bps
    j, part_share = place_of(depth_bps)
    own.at_depth[j] += 1.0 - part_share
    own.at_depth[j + 1] += part_share
    own.block_n += 1.0
    own.block_s1 += loss_bps


@nb.njit(cache=True)
def beyond(  # noqa: PLR0917 - flat arguments
    own: Any, said_bps: Any, prior_count: float, sd_bps: float, proof_count: float, proof_errors: float
) -> tuple[float, float]:
    """What own fills lose more than `said_bps` (DEPTHS,) says of sweeps, and its standard error, bps."""
    n = own.n
    if not n > 0.0:
        return 0.0, normal_mean(0.0, prior_count, sd_bps, 0.0, 0.0, 0.0)[1]
    sweeps_bps = 0.0
    for j in range(DEPTHS):
        sweeps_bps += own.at_depth[j] * said_bps[j] / n
    each_ratio = n / max(n, own.cluster_nn + own.block_n * own.block_n)
    mean_bps, se_bps = normal_mean(
        sweeps_bps, prior_count, sd_bps, n * each_ratio, own.s1 * each_ratio, own.s2 * each_ratio
    )
    own_bps, mass = own.s1 / n, n + proof_count
    squares = own.cluster_ss + own.block_s1 * own.block_s1
    squares -= 2.0 * own_bps * (own.cluster_ns + own.block_n * own.block_s1)
    squares += own_bps * own_bps * (own.cluster_nn + own.block_n * own.block_n)
    error_bps = math.sqrt(max(0.0, squares) + proof_count * sd_bps * sd_bps) / mass
    shown_bps = n * (own_bps - sweeps_bps) / mass - proof_errors * error_bps
    return max(mean_bps - sweeps_bps, shown_bps), se_bps
