"""Counts in a stretch of time."""

import math

import numba as nb


@nb.njit(cache=True)
def log_loss(count: float, expected_count: float) -> float:
    """-ln P(count) of a Poisson variable: lower is better, never negative.

    >>> round(log_loss(2.0, 3.0), 6)
    1.495923
    """
    mean = max(expected_count, 1e-9)
    return mean - count * math.log(mean) + math.lgamma(count + 1.0)
