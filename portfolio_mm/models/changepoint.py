"""Bayesian online change-point detection on numbers of unit scale: how long ago did the level last change?

Each run length r has a probability and a Normal-Gamma belief (level, beta; kappa = kappa0 + r, alpha = alpha0 + r/2)
about the numbers since; a number is predicted by a Student t, then every run grows by one or ends with probability
`hazard`. P(run = 0) is the hazard itself and says nothing: read `newer_than`. The longest run kept absorbs the rest.
Source: Adams and MacKay 2007; theory §12 (Normal-Gamma).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

RUNS = 40
KAPPA, ALPHA, BETA = 0.2, 2.0, 1.0
"""The prior of a run: level ~ N(0, (sd/0.45)^2), variance about 1."""
CHANGE = record([("run", "f8", (RUNS,)), ("level", "f8", (RUNS,)), ("beta", "f8", (RUNS,)), ("gammas", "f8", (RUNS,))])
"""By run length; `gammas` is ln Gamma(alpha + 1/2) - ln Gamma(alpha)."""


@nb.njit(cache=True)
def clear_change(change: Any) -> None:
    """A run begins."""
    for r in range(RUNS):
        change.run[r] = 1.0 if r == 0 else 0.0
        change.level[r] = 0.0
        change.beta[r] = BETA
        change.gammas[r] = math.lgamma(ALPHA + 0.5 * r + 0.5) - math.lgamma(ALPHA + 0.5 * r)


@nb.njit(cache=True)
def hear(change: Any, x: float, hazard_share: float) -> None:
    """Take one number, from the longest run down so that each moves up one place."""
    ended, total = 0.0, 0.0
    absorbed, absorbed_mean, absorbed_beta = 0.0, 0.0, BETA
    for r in range(RUNS - 1, -1, -1):
        kappa = KAPPA + r
        miss = x - change.level[r]
        like = change.run[r] * _student(change, r, x)
        mean = change.level[r] + miss / (kappa + 1.0)
        beta = change.beta[r] + 0.5 * kappa * miss * miss / (kappa + 1.0)
        if r == RUNS - 1:
            # the longest run stays where it is: its belief forgets at the rate at which it learns
            absorbed, absorbed_mean = like, mean
            absorbed_beta = beta * (ALPHA + 0.5 * r) / (ALPHA + 0.5 * r + 0.5)
        else:
            change.level[r + 1], change.beta[r + 1] = mean, beta
            change.run[r + 1] = like * (1.0 - hazard_share)
        ended += like * hazard_share
        total += like
    _absorb(change, absorbed * (1.0 - hazard_share), absorbed_mean, absorbed_beta)
    change.run[0], change.level[0], change.beta[0] = ended, 0.0, BETA
    for r in range(RUNS):
        change.run[r] = change.run[r] / total if total > 0.0 else (1.0 if r == 0 else 0.0)


@nb.njit(cache=True)
def _absorb(change: Any, run_probability: float, x: float, b: float) -> None:
    """Join the longest run that stayed with the one that has just become as long, by their probabilities."""
    last = RUNS - 1
    both = run_probability + change.run[last]
    if both > 0.0:
        share = run_probability / both
        change.level[last] += share * (x - change.level[last])
        change.beta[last] += share * (b - change.beta[last])
    change.run[last] = both


@nb.njit(cache=True)
def _student(change: Any, r: int, x: float) -> float:
    """Density of `x` after run `r`: a Student t with 2 alpha degrees, scale^2 = beta (kappa + 1) / (alpha kappa)."""
    kappa, alpha = KAPPA + r, ALPHA + 0.5 * r
    spread = change.beta[r] * (kappa + 1.0) / kappa
    tail = (alpha + 0.5) * math.log1p(0.5 * (x - change.level[r]) ** 2 / spread)
    return math.exp(change.gammas[r] - tail) / math.sqrt(2.0 * math.pi * spread)


@nb.njit(cache=True)
def newer_than(change: Any, runs: int) -> float:
    """P(the last change was fewer than `runs` numbers ago)."""
    total = 0.0
    for r in range(min(runs, RUNS)):
        total += change.run[r]
    return total
