"""Flat records: how events, commands and state are laid out.

Rules of this file: a field never has the name of a NumPy method (mean, min, var, sum, ...), because the same code
runs compiled and uncompiled; arrays cross the Python/numba border, single records do not (7 us against 65 us a call).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def record(fields: Sequence[tuple[Any, ...]]) -> np.dtype[Any]:
    """Build an aligned record type whose scalars allow attribute access with and without the compiler.

    Args:
        fields: `(name, type)` or `(name, type, shape)`, as for `numpy.dtype`.

    Raises:
        ValueError: a field is named like an ndarray attribute.
    """
    for field in fields:
        if hasattr(np.ndarray, field[0]):
            msg = f"record field {field[0]!r} is also an ndarray attribute; choose another name"
            raise ValueError(msg)
    return np.dtype((np.record, np.dtype(list(fields), align=True)))
