"""What follows from the parameters: long-run correlation, delays in blocks, branching, the worth of being informed.

Source: theory §4 (stationary rates of a Hawkes process), §7 (leads).
"""

from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.venue.flows.synthetic.params import Lead, Regime, SyntheticParams

Array = np.ndarray[Any, Any]
PLAIN: Final = (Regime(1.0, 3_600.0),)


class LateShare(NamedTuple):
    """Move of `follower` that repeats the leader's innovation `lag` blocks late, per unit of it."""

    leader: int
    follower: int
    lag: int
    weight: float


def regimes(params: SyntheticParams) -> tuple[Regime, ...]:
    """The states of the market, at least one."""
    return params.regimes or PLAIN


def regime_shares(params: SyntheticParams) -> Array:
    """Stationary share of time of every regime: the next one is any other with the same chance."""
    dwell = np.array([row.dwell_s for row in regimes(params)])
    share: Array = dwell / dwell.sum()
    return share


def correlation(params: SyntheticParams) -> Array:
    """Correlation of the coins' moves at horizons much longer than any delay."""
    if params.correlation is not None:
        return np.array(params.correlation, np.float64)
    loading = np.array([row.loading for row in params.coins])
    rho: Array = np.outer(loading, loading)
    np.fill_diagonal(rho, 1.0)
    return rho


def leads(params: SyntheticParams) -> tuple[Lead, ...]:
    """Who leads whom."""
    if params.leads is not None:
        return params.leads
    first = params.coins[0].coin
    return tuple(Lead(first, row.coin, params.lead_ms, params.lead_weight) for row in params.coins[1:])


def late_shares(params: SyntheticParams) -> tuple[LateShare, ...]:
    """The leads by index; a share is of the common part of the move, so its weight is share times correlation."""
    index = {row.coin: i for i, row in enumerate(params.coins)}
    rho = correlation(params)
    return tuple(
        LateShare(i, j, row.delay_ms // params.block_ms, row.share * float(rho[i, j]))
        for row in leads(params)
        for i, j in [(index[row.leader], index[row.follower])]
    )


def ahead_sd_bps(params: SyntheticParams, horizon_ms: int) -> Array:
    """Standard deviation of every coin's move over a horizon in the plain regime, jumps and cascades aside.

    Exact: the weights of all innovations in the move, through their correlation.
    """
    n, h = len(params.coins), horizon_ms // params.block_ms
    late = late_shares(params)
    longest = max((row.lag for row in late), default=0)
    rho = correlation(params)
    sd = np.zeros(n)
    for j in range(n):
        weights = np.zeros((longest + h, n))
        weights[longest:, j] = 1.0
        for row in late:
            if row.follower == j:
                weights[longest:, row.leader] -= row.weight
                weights[longest - row.lag : longest - row.lag + h, row.leader] += row.weight
        sd[j] = np.sqrt(np.einsum("ti,ij,tj->", weights, rho, weights))
    block_s = params.block_ms / 1e3
    answer: Array = sd * np.sqrt(block_s) * np.array([row.sigma_bps for row in params.coins])
    return answer


def certain_alpha_bps(params: SyntheticParams) -> Array:
    """Mean move in favour of an order that knows the direction for certain: E|move|, by regime and coin."""
    plain = np.sqrt(2.0 / np.pi) * ahead_sd_bps(params, params.informed_ms)
    return np.array([row.sigma_factor * plain for row in regimes(params)])


def informed_accuracy(params: SyntheticParams) -> Array:
    """By regime and coin: chance of an informed order to be right, minus that to be wrong."""
    certain = certain_alpha_bps(params)
    for i, row in enumerate(params.coins):
        if row.informed_alpha_bps is None:
            certain[:, i] = 1.0
        else:
            certain[:, i] = row.informed_alpha_bps / np.maximum(certain[:, i], 1e-12)
    return certain


def branching(params: SyntheticParams) -> Array:
    """Mean number of children of type i of an order of type j; type = 2 x coin + side."""
    n = len(params.coins)
    matrix = np.zeros((2 * n, 2 * n))
    for j, row in enumerate(params.coins):
        for side in range(2):
            matrix[2 * j + side, 2 * j + side] += row.self_excitation
            matrix[2 * j + 1 - side, 2 * j + side] += row.cross_excitation
            for i in range(n):
                if i != j:
                    matrix[2 * i + side, 2 * j + side] += params.contagion / (n - 1)
    return matrix


def radius(matrix: Array) -> float:
    """Spectral radius: below one the process is stationary."""
    return float(np.max(np.abs(np.linalg.eigvals(matrix))))


def base_rates(params: SyntheticParams) -> Array:
    """Rate per second of orders without a parent by type: mu = (1 - N) A (theory §4)."""
    rates = np.repeat([row.market_rate for row in params.coins], 2)
    base: Array = rates - branching(params) @ rates
    return base


def informed_births(params: SyntheticParams) -> Array:
    """By coin: share of the orders without a parent that are informed, so that `informed_share` of all orders are."""
    rates = np.array([row.market_rate for row in params.coins])
    base = base_rates(params).reshape(-1, 2).mean(axis=1)
    shares: Array = params.informed_share * rates / np.maximum(base, 1e-12)
    return np.where(rates > 0.0, shares, 0.0)
