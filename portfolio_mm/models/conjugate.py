"""Conjugate posteriors in closed form, from a prior and sufficient statistics (C18).

Statistics are sums, so order does not matter and batch equals one by one; forgetting multiplies the sums by a factor
and leaves the prior alone. Source: theory §12; Gelman et al., Bayesian Data Analysis, ch. 2-3.
"""

import math

import numba as nb


@nb.njit(cache=True)
def normal_gamma(  # noqa: PLR0917 - flat arguments
    m_bps: float, kappa_count: float, a: float, b: float, n_count: float, sum_bps: float, square_bps: float
) -> tuple[float, float, float, float]:
    """(m, kappa, a, b) after `n_count` values with that sum and sum of squares; mean and variance unknown.

    mu | tau ~ N(m, 1/(kappa tau)), tau ~ Gamma(shape a, rate b).
    """
    if n_count <= 0.0:
        return m_bps, kappa_count, a, b
    own = sum_bps / n_count
    scatter = max(0.0, square_bps - sum_bps * own)
    kappa = kappa_count + n_count
    pull = kappa_count * n_count * (own - m_bps) * (own - m_bps) / kappa
    return (kappa_count * m_bps + sum_bps) / kappa, kappa, a + 0.5 * n_count, b + 0.5 * (scatter + pull)


@nb.njit(cache=True)
def normal_mean(  # noqa: PLR0917 - flat arguments
    m_bps: float, prior_count: float, sd_bps: float, n_count: float, sum_bps: float, square_bps: float
) -> tuple[float, float]:
    """Mean of the mean and its standard deviation, bps, when the prior is worth `prior_count` values of sd `sd_bps`.

    A Normal-Gamma with kappa = c, a = 1 + c/2, b = c sd^2 / 2: E[sigma^2] starts at sd^2, and
    sd(mu) = sqrt(b / (kappa (a - 1))). `prior_count` must be positive.
    """
    half = 0.5 * prior_count
    m, kappa, a, b = normal_gamma(m_bps, prior_count, 1.0 + half, half * sd_bps * sd_bps, n_count, sum_bps, square_bps)
    return m, math.sqrt(b / (kappa * (a - 1.0)))
