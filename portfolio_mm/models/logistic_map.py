"""Platt's map of a score to a probability, q = 1 / (1 + e^-(a + b x)), fitted online by Newton steps with forgetting.

The prior of (a, b) is normal around (0, 1): a score that is the logit of a probability is taken at its word until
outcomes say otherwise. Source: Platt 1999; recursive logistic regression as in theory §12 (Laplace).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor

MAP = record([("last_ns", "i8"), ("offset", "f8"), ("slope", "f8"), ("info", "f8", (3,))])
"""`info` is the information of (1, x, x^2) remembered, without the prior's."""


@nb.njit(cache=True)
def clear_map(curve: Any) -> None:
    """The identity on logits."""
    curve.last_ns = 0
    curve.offset = 0.0
    curve.slope = 1.0
    curve.info[:] = 0.0


@nb.njit(cache=True)
def logit(hit_probability: float) -> float:
    """ln(p / (1 - p)), within +-7: surer a model cannot be."""
    return min(7.0, max(-7.0, math.log(max(hit_probability, 1e-9) / max(1.0 - hit_probability, 1e-9))))


@nb.njit(cache=True)
def apply_map(curve: Any, x: float) -> float:
    """The probability that belongs to score `x`."""
    return 1.0 / (1.0 + math.exp(-(curve.offset + curve.slope * x)))


@nb.njit(cache=True)
def learn_map(  # noqa: PLR0917 - flat arguments
    curve: Any, now_ns: int, x: float, outcome_share: float, half_life_s: float, precision_count: float
) -> None:
    """One outcome (1 it happened, 0 not) of score `x`; `precision_count` is the prior's, in information."""
    keep = half_life_factor((now_ns - curve.last_ns) / NS_PER_S, half_life_s) if curve.last_ns > 0 else 1.0
    curve.last_ns = now_ns
    q = apply_map(curve, x)
    weight = max(q * (1.0 - q), 1e-3)
    for j, by in ((0, 1.0), (1, x), (2, x * x)):
        curve.info[j] = keep * curve.info[j] + weight * by
    a, b, c = curve.info[0] + precision_count, curve.info[1], curve.info[2] + precision_count
    off = outcome_share - q
    g0 = off - (1.0 - keep) * precision_count * curve.offset
    g1 = off * x - (1.0 - keep) * precision_count * (curve.slope - 1.0)
    det = a * c - b * b
    curve.offset += min(0.5, max(-0.5, (c * g0 - b * g1) / det))
    curve.slope = max(0.05, curve.slope + min(0.5, max(-0.5, (a * g1 - b * g0) / det)))
