"""Will an order with n before it fill in time?

n units are ahead (any real number not negative), a unit trades at rate mu, each unit ahead is cancelled at rate theta:
stages of rate mu + i theta, i = n .. 0, then the trade that fills us. Their sum T is hypoexponential, and

    e^(-theta T) ~ Beta(mu / theta, n + 1),   P(T <= t) = 1 - I_x(mu / theta, n + 1), x = e^(-theta t)

because E e^(-s T) = prod (mu + i theta) / (mu + i theta + s) is a ratio of gamma functions, that Beta's moment;
theta = 0 is Erlang(n + 1, mu). Source: theory §5.
"""

import math

import numba as nb

STILL_PER_S = 1e-6
"""Cancels rarer than this are none: the closed forms lose their digits."""
FAR = 1e-12


@nb.njit(cache=True)
def incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised I_x(a, b) by its continued fraction (Lentz), a and b positive.

    >>> round(incomplete_beta(0.5, 2.0, 3.0), 12)
    0.6875
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(1.0 - x, b, a)  # type: ignore[no-any-return]
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    total = d
    for m in range(1, 200):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / _away(1.0 + even * d)
        c = _away(1.0 + even / c)
        total *= c * d
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 / _away(1.0 + odd * d)
        c = _away(1.0 + odd / c)
        total *= c * d
        if abs(c * d - 1.0) < FAR:
            break
    return min(1.0, max(0.0, front * total))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _away(x: float) -> float:
    """Not zero."""
    return x if abs(x) > 1e-300 else 1e-300


@nb.njit(cache=True)
def incomplete_gamma(x: float, a: float) -> float:
    """Regularised lower P(a, x), a positive: the series below a + 1, else the continued fraction.

    >>> round(incomplete_gamma(1.0, 1.0), 12) == round(1.0 - math.exp(-1.0), 12)
    True
    """
    if x <= 0.0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = 1.0 / a
        total = term
        for n in range(1, 500):
            term *= x / (a + n)
            total += term
            if term < FAR * total:
                break
        return min(1.0, front * total)
    b, c = x + 1.0 - a, 1e300
    d = 1.0 / _away(b)
    total = d
    for n in range(1, 500):
        b += 2.0
        step = -n * (n - a)
        d = 1.0 / _away(step * d + b)
        c = _away(b + step / c)
        total *= c * d
        if abs(c * d - 1.0) < FAR:
            break
    return min(1.0, max(0.0, 1.0 - front * total))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def fill_probability(ahead_count: float, trade_per_s: float, cancel_per_s: float, seconds: float) -> float:
    """P(filled within `seconds`) with `ahead_count` units before us.

    >>> round(fill_probability(5.0, 0.94, 0.71, 1.0), 8)
    0.02961181
    """
    if seconds <= 0.0 or trade_per_s <= 0.0:
        return 0.0
    if cancel_per_s < STILL_PER_S:
        return incomplete_gamma(trade_per_s * seconds, ahead_count + 1.0)  # type: ignore[no-any-return]
    shape = trade_per_s / cancel_per_s
    return 1.0 - incomplete_beta(math.exp(-cancel_per_s * seconds), shape, ahead_count + 1.0)  # type: ignore[no-any-return]
