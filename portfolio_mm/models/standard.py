"""Distance of a number from its own slow mean, in its own slow standard deviations."""

import math
from typing import Any

import numba as nb

FAR = 5.0
"""What is farther out is taken for this far, so that one number cannot move the mean it is judged by."""


@nb.njit(cache=True)
def standardise(moments: Any, i: int, min_sd: Any, x: float, keep: float) -> float:
    """Standardise `x` by what was known before it, then learn it.

    Args:
        moments: record with `mass`, `centre` and `scatter` (weighted sum of squares) by input.
        i: which input.
        min_sd: smallest standard deviation believed, by input.
        x: the number.
        keep: weight that remains of what is known.

    Returns:
        The distance, 0 for the first number, at most FAR either way.
    """
    z = 0.0
    if moments.mass[i] > 0.0:
        sd = max(min_sd[i], math.sqrt(moments.scatter[i] / moments.mass[i]))
        z = min(FAR, max(-FAR, (x - moments.centre[i]) / sd))
        x = moments.centre[i] + z * sd
    moments.mass[i] = keep * moments.mass[i] + 1.0
    before = x - moments.centre[i]
    moments.centre[i] += before / moments.mass[i]
    moments.scatter[i] = keep * moments.scatter[i] + before * (x - moments.centre[i])
    return z
