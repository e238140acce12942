"""Expected edge of a coin as a concave function of its inventory limit, and how averse to inventory it must be.

An exact fact about GLFT with a hard limit of Q clips and no risk aversion: the coin earns the share
cos(pi / (2 Q + 2)) of what it would earn without a limit (theory §2.3, fact 5). The allocation uses tangents of that
curve: a concave piecewise-linear function, exact at the points of contact and never below the curve.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from portfolio_mm.models.multiasset import liquidities, skew_matrix
from portfolio_mm.models.risk_aversion import kelly_floor, rule
from portfolio_mm.portfolio.inputs import AllocationRules, CoinInput

Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0
CONTACTS: Final = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 40.0, 80.0)
"""Limits in clips where the tangents touch the curve."""
LEAST_INTENSITY_PER_S: Final = 1e-5
"""One fill a day or less is as good as none, and a liquidity of zero has no inverse."""


class Curve(msgspec.Struct, frozen=True):
    """Concave piecewise-linear function min_m (intercept_m + slope_m x), for x >= 0 in units of a coin's scale."""

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]


def glft_curve(contacts: tuple[float, ...] = CONTACTS) -> Curve:
    """Tangents of cos(pi / (2 x + 2)), x in clips: 0 at 0, 0.7071 at 1, tending to 1."""
    x = np.array(contacts)
    angle = np.pi / (2.0 * (x + 1.0))
    return _tangents(x, np.cos(angle), np.sin(angle) * angle / (x + 1.0))


def saturating_curve(contacts: tuple[float, ...]) -> Curve:
    """Tangents of 1 - e^-x: the usual shape of a capacity measured from fills (theory §10.2, T11)."""
    x = np.array(contacts)
    return _tangents(x, 1.0 - np.exp(-x), np.exp(-x))


def _tangents(x: Array, value: Array, slope: Array) -> Curve:
    return Curve(tuple(map(float, slope)), tuple(map(float, value - slope * x)))


def coin_liquidities(coins: tuple[CoinInput, ...]) -> Array:
    """D_plus per coin, USD per (s bps), thinned by fee, adverse selection and the price of an action, shape (n,)."""
    a = np.array([max(coin.intensity_per_s, LEAST_INTENSITY_PER_S) for coin in coins])
    k = np.array([coin.kappa_per_bps for coin in coins])
    clip = np.array([coin.clip_usd for coin in coins])
    cost = np.array([coin.fee_bps + coin.adverse_bps + coin.action_bps for coin in coins])
    most = np.log(a / LEAST_INTENSITY_PER_S) / k  # the cost at which the thinned intensity reaches its floor
    return liquidities(a, k, clip, 0.0, np.minimum(cost, most))


def worth_usd_per_h(coins: tuple[CoinInput, ...]) -> Array:
    """Edge per hour of both sides at the optimal distance and without a limit: 2 A_eff C clip / k = D_plus / k^2."""
    k = np.array([coin.kappa_per_bps for coin in coins])
    worth: Array = coin_liquidities(coins) / k**2 * 1e-4 * SECONDS_PER_HOUR
    return worth


def kelly_gamma_per_usd(equity_usd: float, kelly_fraction: float) -> float:
    """Risk aversion of a bettor of this share of the Kelly bet: 1 / (fraction x equity), 1/USD (theory §11)."""
    return 1e4 * kelly_floor(equity_usd, kelly_fraction)  # type: ignore[no-any-return]


def gammas_per_bps_usd(
    coins: tuple[CoinInput, ...], limits_usd: Array, sigma_bps: Array, floor_per_usd: float, rules: AllocationRules
) -> Array:
    """Gamma per coin, 1/(bps USD), shape (n,) (models/risk_aversion.py): the budget is `std_fraction` of the limit."""
    rows = zip(coins, limits_usd.tolist(), sigma_bps.tolist(), coin_liquidities(coins).tolist(), strict=True)
    return np.array(
        [
            rule(sigma, coin.kappa_per_bps, coin.clip_usd, rules.std_fraction * limit, d_plus, floor_per_usd / 1e4)
            for coin, limit, sigma, d_plus in rows
        ]
    )


def skew_rows(covariance_bps2_per_s: Array, d_plus: Array, gammas: Array) -> Array:
    """Skew matrix in bps per USD, shape (n, n): row i is what inventory of every coin does to the quotes of coin i.

    Coins may differ in gamma: the penalty matrix is sqrt(gamma_i gamma_j) Sigma_ij, and the matrix below is the exact
    closed form for it. With one gamma for all it is sqrt(gamma) Gamma (theory §3.1).
    """
    root = np.sqrt(gammas)
    return skew_matrix(covariance_bps2_per_s * np.outer(root, root), d_plus, 1.0)
