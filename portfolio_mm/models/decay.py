"""Exponential forgetting in time, so that message rate never changes a half-life."""

import math

import numba as nb

NS_PER_S = 1e9


@nb.njit(cache=True)
def half_life_factor(seconds: float, half_life_s: float) -> float:
    """Weight that remains of an observation `seconds` old; 1 when there is no forgetting (half-life 0).

    >>> half_life_factor(600.0, 600.0)
    0.5
    """
    if half_life_s <= 0.0 or seconds <= 0.0:
        return 1.0
    return math.exp(-math.log(2.0) * seconds / half_life_s)


@nb.njit(cache=True)
def time_constant_factor(seconds: float, tau_s: float) -> float:
    """e^(-seconds/tau): EWMA factor at irregular times (theory §6)."""
    if tau_s <= 0.0 or seconds <= 0.0:
        return 1.0
    return math.exp(-seconds / tau_s)
