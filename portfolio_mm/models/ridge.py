"""Ridge regression with intercept from packed normal equations, for small problems that learn one row at a time.

    w = (G + ridge I_0)^-1 c,   G = sum v x x',  c = sum v x y,   x_0 = 1, the intercept is not shrunk.

One sweep of coordinate descent per row follows the exact solution closely, as one row moves G and c little, and holds
a sign of a coefficient where one is known. G is kept as its lower triangle, row by row: G_ij at i (i + 1) / 2 + j.
"""

from typing import Any

import numba as nb


@nb.njit(cache=True)
def add_row(gram: Any, cross: Any, x: Any, y: float, weight_ratio: float, keep: float) -> None:  # noqa: PLR0917 - flat arguments
    """Forget by `keep`, add one row that weighs so much: `x` of shape (n,), `gram` (n (n + 1) / 2,), `cross` (n,)."""
    at = 0
    for i in range(len(x)):
        cross[i] = keep * cross[i] + weight_ratio * x[i] * y
        for j in range(i + 1):
            gram[at] = keep * gram[at] + weight_ratio * x[i] * x[j]
            at += 1


@nb.njit(cache=True)
def descend(gram: Any, cross: Any, w: Any, ridge_count: float, positive: int) -> None:
    """One sweep over the coefficients `w`; the one at `positive` (-1: none) stays at or above 0."""
    n = len(w)
    for i in range(n):
        diagonal = gram[i * (i + 1) // 2 + i]
        rest = cross[i]
        for j in range(n):
            if j != i:
                low, high = min(i, j), max(i, j)
                rest -= gram[high * (high + 1) // 2 + low] * w[j]
        scale = diagonal + (ridge_count if i > 0 else 0.0)
        w[i] = rest / scale if scale > 0.0 else 0.0
        if i == positive:
            w[i] = max(0.0, w[i])
