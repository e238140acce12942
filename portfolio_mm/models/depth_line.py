"""What a sweep's depth says of the loss after it: a line through all sweeps, believed as far as blocks bear it out.

    E[L | X = x] = mu + b (x - xbar)               x how far the sweep reached beyond fair, bps; L the loss 5 s on, bps
    E[L | X >= d] = mu + b (E[X | X >= d] - xbar)  what a quote d bps from fair loses: the upper-tail expectation

b is the share of a sweep's reach that stays: 0 where depth is chance, 1 where it is all news. Least squares with
`prior_count` sweeps that lost `prior_bps` on average and nothing by depth. Errors are sums over blocks,
    var(b) = sum_blocks (sum_i (x_i - xbar) r_i)^2 / Sxx^2,   r the residual,
because one burst is one observation; what few blocks made has a wide one. With b ~ N(0, t^2) and t^2 estimated by
b^2 - var(b), the posterior mean is b (1 - var(b) / b^2)+: empirical Bayes, James-Stein's positive part.
Source: Glosten 1994 (the price of a marginal share is an upper-tail expectation), linear as in Kyle 1985; Liang-Zeger
1986 (clustered errors); Efron-Morris 1973. Not guaranteed: that losses grow in a straight line (`estimators/
depth_profile.py` departs from it where a depth's own blocks say so).
"""

from typing import Any

import numba as nb

SUMS = 5
"""n, x, xx, l, xl of labelled sweeps."""
SQUARES = SUMS * (SUMS + 1) // 2


@nb.njit(cache=True)
def add(sums: Any, x_bps: float, loss_bps: float) -> None:
    """Take one labelled sweep into `sums` (SUMS,)."""
    sums[0] += 1.0
    sums[1] += x_bps
    sums[2] += x_bps * x_bps
    sums[3] += loss_bps
    sums[4] += x_bps * loss_bps


@nb.njit(cache=True)
def close_block(squares: Any, block: Any) -> None:
    """A block is over: its products join `squares` (SQUARES,), `block` (SUMS,) starts anew."""
    at = 0
    for i in range(SUMS):
        for j in range(i + 1):
            squares[at] += block[i] * block[j]
            at += 1
    block[:] = 0.0


@nb.njit(cache=True)
def _over_blocks(squares: Any, block: Any, u: Any, v: Any) -> float:
    """Sum over blocks of (u . z)(v . z), z a block's sums, the running one's too."""
    total, at, mine, other = 0.0, 0, 0.0, 0.0
    for i in range(SUMS):
        mine += u[i] * block[i]
        other += v[i] * block[i]
        for j in range(i + 1):
            both = u[i] * v[j] + u[j] * v[i] if j < i else u[i] * v[i]
            total += both * squares[at]
            at += 1
    return total + mine * other


@nb.njit(cache=True)
def fit(  # noqa: PLR0917 - flat arguments
    sums: Any, block: Any, squares: Any, prior_bps: float, prior_count: float, prior_sd_bps: float
) -> tuple[float, float, float, float, float, float]:
    """The line of all sweeps; `sums` hold the running block, `squares` do not. `prior_count` must be positive.

    Returns:
        mu (bps), slope b (-), xbar (bps), var(mu) (bps^2), cov(mu, b) (bps), var(b) (-).
    """
    n = sums[0]
    prior_var = prior_sd_bps * prior_sd_bps
    if not n > 0.0:
        return prior_bps, 0.0, 0.0, prior_var / prior_count, 0.0, 0.0
    mass, centre, own_bps = n + prior_count, sums[1] / n, sums[3] / n
    mu_bps = (sums[3] + prior_count * prior_bps) / mass
    spread = sums[2] / n - centre * centre
    u = (-own_bps, 0.0, 0.0, 1.0, 0.0)
    if not spread > 1e-9:
        var_mu = (max(0.0, _over_blocks(squares, block, u, u)) + prior_count * prior_var) / (mass * mass)
        return mu_bps, 0.0, centre, var_mu, 0.0, 0.0
    together = sums[4] - centre * sums[3]
    b = together / (n * spread)
    u = (-own_bps + b * centre, -b, 0.0, 1.0, 0.0)
    v = (own_bps * centre - b * centre * centre, -own_bps + 2.0 * b * centre, -b, -centre, 1.0)
    uu = max(0.0, _over_blocks(squares, block, u, u)) + prior_count * prior_var
    vv = max(0.0, _over_blocks(squares, block, v, v)) + prior_count * prior_var * spread
    sxx = mass * spread
    uv = _over_blocks(squares, block, u, v)
    return mu_bps, together / sxx, centre, uu / (mass * mass), uv / (mass * sxx), vv / (sxx * sxx)


@nb.njit(cache=True)
def earned(x_bps: float, noise_bps2: float) -> float:
    """Share of an estimate (bps, or any unit) of such a variance that is kept, its prior being 0: James-Stein's.

    >>> [round(earned(x_bps, 1.0), 4) for x_bps in (0.5, 1.0, 2.0, -4.0)]
    [0.0, 0.0, 0.75, 0.9375]
    """
    square = x_bps * x_bps
    return 1.0 - noise_bps2 / square if square > noise_bps2 else 0.0
