"""Draws without randomness: the same counter gives the same number, compiled or not.

32-bit arithmetic only, so that plain integers and compiled ones agree bit by bit.
Source: "lowbias32" mixing (Wellons 2018); inverse normal by Acklam's rational approximation (relative error 1.2e-9).
"""

import math

import numba as nb

MASK = 0xFFFFFFFF


@nb.njit(cache=True)
def mix(n: int) -> int:
    """32 well mixed bits of the low 32 of `n`."""
    n &= MASK
    n ^= n >> 16
    n = _times(n, 0x7FEB352D)
    n ^= n >> 15
    n = _times(n, 0x846CA68B)
    return n ^ (n >> 16)


@nb.njit(cache=True)
def _times(n: int, by: int) -> int:
    """The low 32 bits of a product, without ever passing 63."""
    return ((n & 0xFFFF) * by + ((((n >> 16) * by) & 0xFFFF) << 16)) & MASK


@nb.njit(cache=True)
def uniform(stream: int, index: int) -> float:
    """A number in (0, 1): of draw `index` of the numbered stream."""
    return (mix(mix(stream) + 0x9E3779B9 * (index + 1)) + 0.5) / 4294967296.0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def inverse_normal(p: float) -> float:
    """The standard normal quantile of 0 < p < 1."""
    if p < 0.02425:
        return _tail(math.sqrt(-2.0 * math.log(p)))  # type: ignore[no-any-return]
    if p > 0.97575:
        return -_tail(math.sqrt(-2.0 * math.log(1.0 - p)))  # type: ignore[no-any-return]
    q = p - 0.5
    r = q * q
    top = -3.969683028665376e01 * r + 2.209460984245205e02
    top = ((top * r - 2.759285104469687e02) * r + 1.383577518672690e02) * r - 3.066479806614716e01
    low = -5.447609879822406e01 * r + 1.615858368580409e02
    low = ((low * r - 1.556989798598866e02) * r + 6.680131188771972e01) * r - 1.328068155288572e01
    return (top * r + 2.506628277459239) * q / (low * r + 1.0)


@nb.njit(cache=True)
def _tail(q: float) -> float:
    """The quantile of the lower tail, q = sqrt(-2 ln p)."""
    top = (-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838
    top = ((top * q - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783
    low = (7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996
    return top / ((low * q + 3.754408661907416) * q + 1.0)


@nb.njit(cache=True)
def normal(stream: int, index: int) -> float:
    """A standard normal number."""
    return inverse_normal(uniform(stream, index))  # type: ignore[no-any-return]
