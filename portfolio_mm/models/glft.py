"""Optimal quotes of one asset in closed form: Guéant-Lehalle-Fernandez-Tapia 2013, Guéant 2017 (eqs 4.6-4.7).

Units are any consistent set; the engine's: distances and costs in bps, sigma bps per sqrt(s), a 1/s, k 1/bps,
inventory q and clip in USD, gamma and xi in 1/(bps USD). The clip is part of the formula: gamma alone has the unit of
1/money, gamma * clip that of 1/distance (theory §0). xi = gamma is CARA utility, xi = 0 a running penalty on q^2.
A maker fee and an expected adverse move per fill (`cost`, bps, loss positive) shift both quotes by their sum *and*
thin the intensity: A_eff = A e^(-k cost); adding the cost without that under-skews (theory §2.2).
"""

import math

import numba as nb


@nb.njit(cache=True)
def risk_ratio(k: float, xi: float, clip: float) -> float:
    """Return x = xi clip / k, dimensionless: risk aversion over one fill's distance scale."""
    return xi * clip / k


@nb.njit(cache=True)
def log1p_over(x: float) -> float:
    """ln(1 + x) / x, continuous at 0: below 1e-3 by its series, to rounding, where the quotient loses digits.

    >>> [round(log1p_over(x) * x / math.log1p(x), 14) for x in (-9.99e-4, 9.99e-4, 1.01e-3)]
    [1.0, 1.0, 1.0]
    """
    if abs(x) < 1e-3:
        return 1.0 - x * (1.0 / 2 - x * (1.0 / 3 - x * (1.0 / 4 - x * (1.0 / 5 - x / 6.0))))
    return math.log1p(x) / x


@nb.njit(cache=True)
def static_half_spread(k: float, xi: float, clip: float) -> float:
    """c_1 = ln(1 + xi clip / k) / (xi clip), tending to 1/k: what remains of the spread without inventory risk.

    >>> round(static_half_spread(0.3, 0.01, 1.0), 8)
    3.27898228
    """
    half_spread: float = log1p_over(risk_ratio(k, xi, clip)) / k
    return half_spread


@nb.njit(cache=True)
def hamiltonian_constant(k: float, xi: float, clip: float) -> float:
    """C = (1 + x)^-(1 + 1/x), tending to 1/e: share of the intensity left at the optimal distance."""
    x = risk_ratio(k, xi, clip)
    return math.exp(-(math.log1p(x) + log1p_over(x)))


@nb.njit(cache=True)
def liquidity(a: float, k: float, xi: float, clip: float) -> float:
    """D_plus = 2 A C k clip: how fast inventory can be traded out, USD per (s bps) in the engine's units."""
    d_plus: float = 2.0 * a * hamiltonian_constant(k, xi, clip) * k * clip
    return d_plus


@nb.njit(cache=True)
def skew_coefficient(sigma: float, a: float, k: float, gamma: float, xi: float, clip: float) -> float:  # noqa: PLR0917 - flat arguments
    """Sigma c_2 = sigma sqrt(gamma / D_plus): quote shift per unit of inventory.

    >>> round(skew_coefficient(0.3, 0.9, 0.3, 0.01, 0.01, 1.0), 8)
    0.06786583
    """
    return sigma * math.sqrt(gamma / liquidity(a, k, xi, clip))


@nb.njit(cache=True)
def effective_intensity(a: float, k: float, cost: float) -> float:
    """A e^(-k cost): the intensity in terms of the distance beyond the cost of a fill."""
    return a * math.exp(-k * cost)


@nb.njit(cache=True)
def quotes(  # noqa: PLR0917 - flat arguments
    q: float,
    sigma: float,
    a: float,
    k: float,
    gamma: float,
    xi: float,
    clip: float,
    drift: float,
    impact: float,
    cost: float,
) -> tuple[float, float]:
    """Distances of bid and ask from fair at inventory q (may be negative: through fair).

    `drift` of the price per second moves the inventory aimed at by drift / (gamma sigma^2) (needs gamma sigma > 0 when
    not 0); `impact` is the permanent price move of an own fill (derived for clip 1); `cost` as in the module text.
    """
    skew = skew_coefficient(sigma, effective_intensity(a, k, cost), k, gamma, xi, clip)
    skew *= math.exp(0.25 * k * impact)
    if drift != 0.0:
        q -= drift / (gamma * sigma * sigma)
    middle = static_half_spread(k, xi, clip) + 0.5 * impact + cost
    return middle + (q + 0.5 * clip) * skew, middle - (q - 0.5 * clip) * skew


@nb.njit(cache=True)
def inventory_sd(k: float, skew: float, clip: float) -> float:
    """Stationary standard deviation of inventory under these quotes, sqrt(clip / (2 k skew)), Gaussian approximation.

    >>> round(inventory_sd(0.3, 0.0678658325, 1.0), 4)
    4.9556
    """
    return math.sqrt(clip / (2.0 * k * skew))


@nb.njit(cache=True)
def relaxation_rate(sigma: float, a: float, k: float, gamma: float, xi: float, clip: float) -> float:  # noqa: PLR0917 - flat arguments
    """Rate 1/s at which inventory returns to its aim, sigma sqrt(gamma D_plus).

    >>> round(relaxation_rate(0.3, 0.9, 0.3, 0.01, 0.01, 1.0), 6)
    0.013262
    """
    return sigma * math.sqrt(gamma * liquidity(a, k, xi, clip))
