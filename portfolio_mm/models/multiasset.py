"""Quotes of a book of correlated assets in closed form (Guéant 2017; Bergault, Evangelista, Guéant, Vieira 2021).

Units as in `glft`, per asset: Sigma in bps^2/s, a 1/s, k 1/bps, clip and q USD, gamma 1/(bps USD). The skew of asset i
is sqrt(gamma) (Gamma q)_i with Gamma = D^-1/2 (D^1/2 Sigma D^1/2)^1/2 D^-1/2, D = diag(2 A C k clip): covariance
weighed by how fast each asset can be traded out, not gamma Sigma q times a horizon (theory §3.1).
Plain NumPy: the matrix is computed off the path of a tick and sent to the coins as numbers.
"""

import numpy as np
from numpy.typing import NDArray

from portfolio_mm.models.glft import effective_intensity, liquidity, static_half_spread

Array = NDArray[np.float64]


def liquidities(a: Array, k: Array, clip: Array, xi: float, cost: Array) -> Array:
    """D_plus per asset, shape (n,), with the intensity thinned by `cost` (fee plus adverse selection, bps)."""
    rows = zip(a, k, clip, cost, strict=True)
    return np.array([liquidity(effective_intensity(a_i, k_i, c_i), k_i, xi, z_i) for a_i, k_i, z_i, c_i in rows])


def symmetric_root(matrix: Array) -> Array:
    """Square root of a symmetric positive semidefinite matrix; eigenvalues below 0 by rounding count as 0."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def gamma_matrix(covariance: Array, d_plus: Array) -> Array:
    """Gamma, shape (n, n), the solution of Gamma D Gamma = Sigma; symmetric, positive semidefinite.

    Args:
        covariance: Sigma, shape (n, n), bps^2/s; made symmetric, negative eigenvalues clipped.
        d_plus: shape (n,), positive.

    Raises:
        ValueError: a liquidity is not a positive finite number, or the covariance is not finite.
    """
    if not (np.all(np.isfinite(d_plus)) and np.all(d_plus > 0.0)):
        msg = f"liquidities must be positive and finite, got {d_plus}"
        raise ValueError(msg)
    if not np.all(np.isfinite(covariance)):
        msg = "the covariance has an entry that is not finite"
        raise ValueError(msg)
    width = np.sqrt(d_plus)
    inner = symmetric_root(covariance * np.outer(width, width))
    matrix: Array = inner / np.outer(width, width)
    return matrix


def skew_matrix(covariance: Array, d_plus: Array, gamma: float) -> Array:
    """Sqrt(gamma) Gamma, bps of price per USD: entry (i, j) is what a dollar of inventory in j does to quotes of i."""
    matrix: Array = np.sqrt(gamma) * gamma_matrix(covariance, d_plus)
    return matrix


def drift_shift(covariance: Array, d_plus: Array, gamma: float, drift: Array, life_s: float = np.inf) -> Array:
    """Shift B of the quotes in bps for expected drifts (bps/s) that die with time constant `life_s`.

    B = -(sqrt(gamma) Gamma D + I / life)^-1 drift; it adds to bid distances and takes from ask distances. A signal
    that dies at once moves fair by drift times life (theory §3.1).
    """
    speed = skew_matrix(covariance, d_plus, gamma) * d_plus
    if np.isfinite(life_s):
        speed = speed + np.eye(len(d_plus)) / life_s
    shift: Array = -np.linalg.solve(speed, drift).astype(np.float64)
    return shift


def quotes(  # noqa: PLR0917 - flat arguments
    q: Array,
    covariance: Array,
    a: Array,
    k: Array,
    clip: Array,
    gamma: float,
    xi: float,
    drift: Array,
    cost: Array,
) -> tuple[Array, Array]:
    """Distances of bids and asks from fair, bps, each of shape (n,), at inventories `q` in USD."""
    d_plus = liquidities(a, k, clip, xi, cost)
    matrix = skew_matrix(covariance, d_plus, gamma)
    shift = matrix @ q
    if np.any(drift != 0.0):
        shift = shift + drift_shift(covariance, d_plus, gamma, drift)
    static = np.array([static_half_spread(k_i, xi, z_i) for k_i, z_i in zip(k, clip, strict=True)])
    middle = static + cost + 0.5 * clip * np.diag(matrix)
    return middle + shift, middle - shift
