"""Covariance of coins from synchronous returns: exponentially weighted, shrunk, positive definite.

Units: mids in USD, returns in bps, covariance in bps^2/s. A return over dt seconds adds r_i r_j to a decayed sum and dt
to a decayed time; their quotient is unbiased for a Brownian motion at any spacing and needs no start-up correction.
A coin without a mid at either end of an interval is left out of that interval, pair by pair.

Volatilities are not shrunk; correlations are, towards their common mean, by the intensity that minimises expected
squared error when Var(r_ij) = (1 - r_ij^2)^2 / n_eff (Schaefer and Strimmer 2005, theory §7). Eigenvalues are then
clipped, and a share of every variance is kept that no other coin explains: without it the model builds unbounded pairs
(theory §3.4). Not guaranteed: 1 s returns carry bid-ask bounce and the Epps effect, so correlations are biased low.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EIGEN_FLOOR: Final = 1e-6
LONGEST_S: Final = 60.0
"""A longer interval is a gap in the data, not a return."""


class Covariance:
    """Streaming estimate for `n` coins.

    The prior counts like `prior_s` seconds of data with `prior_sigma_bps` (bps per sqrt(second)) for every coin and
    `prior_correlation` for every pair, and fades with the half-life.
    """

    def __init__(
        self,
        n: int,
        half_life_s: float,
        *,
        prior_sigma_bps: float = 1.0,
        prior_correlation: float = 0.5,
        prior_s: float = 30.0,
        idiosyncratic_fraction: float = 0.05,
    ) -> None:
        """Args: see the class. `idiosyncratic_fraction` is the least unexplained share of variance, 0 to 1."""
        self._half_life_s = half_life_s
        self._idiosyncratic = idiosyncratic_fraction
        correlation = np.full((n, n), prior_correlation)
        np.fill_diagonal(correlation, 1.0)
        self._products: Array = correlation * prior_sigma_bps**2 * prior_s
        self._time_s: Array = np.full((n, n), prior_s)
        self._weight: Array = np.ones((n, n))
        self._weight2: Array = np.ones((n, n))
        self._mids: Array = np.full(n, np.nan)
        self._last_ns = 0
        self.samples = 0

    @property
    def effective_n(self) -> float:
        """Returns the estimate rests on, of the coin with the fewest; a decayed return counts less."""
        return float(np.min(np.diag(self._weight) ** 2 / np.diag(self._weight2)))

    def observe(self, now_ns: int, mids: Array) -> None:
        """Take the mids of all coins at one moment; NaN, zero or negative means none.

        Args:
            now_ns: monotonic time of the sample; one not after the last is ignored.
            mids: shape (n,), USD.
        """
        dt_s = (now_ns - self._last_ns) / 1e9
        if self._last_ns and dt_s <= 0.0:
            return
        now_mids = np.where(np.isfinite(mids) & (mids > 0.0), mids, np.nan)
        if self._last_ns and dt_s <= LONGEST_S:
            returns_bps = 1e4 * np.log(now_mids / self._mids)
            self._learn(returns_bps, dt_s)
        self._mids, self._last_ns = now_mids, now_ns

    def _learn(self, returns_bps: Array, dt_s: float) -> None:
        seen = np.isfinite(returns_bps)
        pairs = np.outer(seen, seen)
        filled = np.where(seen, returns_bps, 0.0)
        decay = np.where(pairs, 0.5 ** (dt_s / self._half_life_s), 1.0)
        self._products = decay * self._products + np.outer(filled, filled)
        self._time_s = decay * self._time_s + pairs * dt_s
        self._weight = decay * self._weight + pairs
        self._weight2 = decay**2 * self._weight2 + pairs
        self.samples += 1

    def correlation(self) -> Array:
        """Shrunk, positive definite correlations, shape (n, n)."""
        raw = self._products / self._time_s
        sigma = np.sqrt(np.maximum(np.diag(raw), 1e-12))
        sample = np.clip(raw / np.outer(sigma, sigma), -1.0, 1.0)
        np.fill_diagonal(sample, 1.0)
        counts = self._weight**2 / self._weight2
        damped = (1.0 - self._idiosyncratic) * positive_definite(shrunk(sample, counts))
        np.fill_diagonal(damped, 1.0)
        return damped

    def sigma_bps(self) -> Array:
        """Volatility per coin, bps per sqrt(second), shape (n,)."""
        variances: Array = np.maximum(np.diag(self._products / self._time_s), 1e-12)
        return np.sqrt(variances)

    def matrix_bps2_per_s(self, sigma_bps: Array | None = None) -> Array:
        """Covariance, shape (n, n).

        Args:
            sigma_bps: volatilities to use instead of the own ones where positive and finite (a coin's own estimator
                sees every tick and knows noise from movement).
        """
        sigma = self.sigma_bps()
        if sigma_bps is not None:
            sigma = np.where(np.isfinite(sigma_bps) & (sigma_bps > 0.0), sigma_bps, sigma)
        matrix: Array = self.correlation() * np.outer(sigma, sigma)
        return matrix


def shrunk(sample: Array, counts: Array) -> Array:
    """Correlations pulled towards their common mean: (1 - d) r_ij + d mean, d from the noise that counts imply.

    Args:
        sample: correlations, shape (n, n).
        counts: effective number of returns behind each, shape (n, n).
    """
    off = ~np.eye(len(sample), dtype=bool)
    if not off.any():
        return sample.copy()
    mean = float(np.mean(sample[off]))
    noise = float(np.sum((1.0 - sample[off] ** 2) ** 2 / counts[off]))
    spread = float(np.sum((sample[off] - mean) ** 2))
    intensity = 1.0 if spread <= noise else noise / spread
    result: Array = np.where(off, (1.0 - intensity) * sample + intensity * mean, 1.0)
    return result


def positive_definite(correlation: Array, floor: float = EIGEN_FLOOR) -> Array:
    """Clip eigenvalues at `floor` and restore the unit diagonal; a matrix that needs none is returned as it is."""
    values, vectors = np.linalg.eigh(0.5 * (correlation + correlation.T))
    if values[0] >= floor:
        return correlation.copy()
    clipped = (vectors * np.maximum(values, floor)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(clipped))
    result: Array = clipped * np.outer(scale, scale)
    np.fill_diagonal(result, 1.0)
    return result
