"""Calibration of predictions against what happened: a line for values, Platt's map for probabilities.

Line: realised = a + b predicted by least squares on predictions made before their outcome; b is in force where its
interval excludes 1, else 1. Platt: P = 1 / (1 + e^-(a + b s)) of the raw score s, followed by Newton steps on the log
loss with a prior at (0, 1), which stays when outcomes are forgotten. Source: Mincer-Zarnowitz 1969; Platt 1999;
predecessor finding 9 (adjust if b's interval excludes 1).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

LINE = record([("line_n", "f8"), ("sx", "f8"), ("sy", "f8"), ("sxx", "f8"), ("sxy", "f8"), ("syy", "f8")])
PLATT = record([("a", "f8"), ("b", "f8"), ("haa", "f8"), ("hab", "f8"), ("hbb", "f8")])
"""`h**` is the curvature of the log loss, the prior's included."""


@nb.njit(cache=True)
def clear_line(line: Any) -> None:
    """Nothing compared."""
    line.line_n = 0.0
    line.sx = 0.0
    line.sy = 0.0
    line.sxx = 0.0
    line.sxy = 0.0
    line.syy = 0.0


@nb.njit(cache=True)
def compare(line: Any, predicted_bps: float, realised_bps: float, weight_ratio: float, keep: float) -> None:
    """Forget by `keep`, take one pair."""
    x, y, v = predicted_bps, realised_bps, weight_ratio
    line.line_n = keep * line.line_n + v
    line.sx = keep * line.sx + v * x
    line.sy = keep * line.sy + v * y
    line.sxx = keep * line.sxx + v * x * x
    line.sxy = keep * line.sxy + v * x * y
    line.syy = keep * line.syy + v * y * y


@nb.njit(cache=True)
def slope(line: Any) -> tuple[float, float]:
    """Slope b and its standard error; (1, inf) while nothing is known."""
    n = line.line_n
    if n < 3.0:
        return 1.0, math.inf
    sxx = line.sxx - line.sx * line.sx / n
    if not sxx > 1e-12 * max(line.sxx, 1e-300):
        return 1.0, math.inf
    sxy = line.sxy - line.sx * line.sy / n
    b = sxy / sxx
    rest = max(0.0, line.syy - line.sy * line.sy / n - b * sxy)
    return b, math.sqrt(rest / (n - 2.0) / sxx)


@nb.njit(cache=True)
def slope_in_force(line: Any) -> float:
    """Slope b where its 95 % interval excludes 1, else 1; within 0 and 2."""
    b, se = slope(line)
    return min(2.0, max(0.0, b)) if abs(b - 1.0) > 1.96 * se else 1.0


@nb.njit(cache=True)
def clear_platt(platt: Any, prior_count: float) -> None:
    """The raw score is taken at its word; the prior weighs as `prior_count` outcomes at score 0 and +-1."""
    platt.a = 0.0
    platt.b = 1.0
    platt.haa = 0.25 * prior_count
    platt.hab = 0.0
    platt.hbb = 0.25 * prior_count


@nb.njit(cache=True)
def logistic(x: float) -> float:
    """1 / (1 + e^-x), safe for any x."""
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, x))))


@nb.njit(cache=True)
def calibrated(platt: Any, score_z: float) -> float:
    """Probability that raw score `score_z` (log odds) stands for."""
    return logistic(platt.a + platt.b * score_z)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def teach(platt: Any, score_z: float, came: int, weight_ratio: float, keep: float, prior_count: float) -> None:  # noqa: PLR0917 - flat arguments
    """Forget by `keep`, take one outcome (`came` 1 or 0) of a prediction with raw score `score_z`: one Newton step.

    At the mode of what was known the slopes of data and prior cancel: what is forgotten of the one, the other gains.
    """
    p = calibrated(platt, score_z)
    v = weight_ratio * p * (1.0 - p)
    prior = 0.25 * prior_count
    platt.haa = prior + keep * (platt.haa - prior) + v
    platt.hab = keep * platt.hab + v * score_z
    platt.hbb = prior + keep * (platt.hbb - prior) + v * score_z * score_z
    surprise = weight_ratio * (came - p)
    ga = surprise - (1.0 - keep) * prior * platt.a
    gb = surprise * score_z - (1.0 - keep) * prior * (platt.b - 1.0)
    det = platt.haa * platt.hbb - platt.hab * platt.hab
    if det > 0.0:
        platt.a += (platt.hbb * ga - platt.hab * gb) / det
        platt.b = max(0.0, platt.b + (platt.haa * gb - platt.hab * ga) / det)


@nb.njit(cache=True)
def log_loss(said_probability: float, came: int) -> float:
    """-ln of the probability given to what happened."""
    q = min(1.0 - 1e-9, max(1e-9, said_probability))
    return -math.log(q) if came == 1 else -math.log(1.0 - q)
