"""The generic part of a particle filter: weights in logarithms, their effective number, systematic resampling.

N particles stand for a distribution, `w` their weights (sum 1). A step moves them, adds the log likelihood of what was
seen to the log weights, and resamples when fewer than half are effective. The likelihood estimate is unbiased, its
logarithm is low by half its variance. Source: theory §12; Gordon, Salmond and Smith 1993; Kitagawa 1996.
"""

import math
from typing import Any

import numba as nb


@nb.njit(cache=True)
def reweigh(w: Any, log_like: Any) -> float:
    """Multiply the weights by the likelihoods and normalise; ln of the mean likelihood (weights before must sum to 1).

    When no particle explains the observation the weights are kept and the result is -inf.
    """
    top = -math.inf
    for i in range(len(w)):
        if w[i] > 0.0 and log_like[i] > top:
            top = log_like[i]
    if not top > -math.inf:
        return -math.inf
    total = 0.0
    for i in range(len(w)):
        if w[i] > 0.0:
            w[i] *= math.exp(log_like[i] - top)
            total += w[i]
    for i in range(len(w)):
        w[i] /= total
    return top + math.log(total)


@nb.njit(cache=True)
def effective(w: Any) -> float:
    """1 / sum w^2: N for equal weights, 1 when one particle has it all."""
    squares = 0.0
    for i in range(len(w)):
        squares += w[i] * w[i]
    return 1.0 / squares


@nb.njit(cache=True)
def resample(x: Any, w: Any, copy: Any, at_share: float) -> None:
    """Systematic: particle i is copied floor or ceil of N w_i times, N w_i on average; weights become equal.

    Args:
        x: particles, replaced.
        w: weights, replaced.
        copy: room for as many particles.
        at_share: one uniform number in (0, 1), shared by all.
    """
    n, j, reached = len(x), 0, w[0]
    for i in range(n):
        copy[i] = x[i]
    for i in range(n):
        mark = (i + at_share) / n
        while mark > reached and j < n - 1:
            j += 1
            reached += w[j]
        x[i] = copy[j]
    for i in range(n):
        w[i] = 1.0 / n
