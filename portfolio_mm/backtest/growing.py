"""An array of records that grows."""

from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]
FIRST: Final = 256


class Growing:
    """Rows of one dtype; doubling, so that a row costs the same however many there are."""

    def __init__(self, dtype: "np.dtype[Any]") -> None:
        self._rows: Array = np.zeros(FIRST, dtype)
        self._count = 0

    def more(self) -> Any:
        """One more row, zeroed, to be filled by the caller before the next call."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._count += 1
        return self._rows[self._count - 1]

    @property
    def rows(self) -> Array:
        """What there is."""
        return self._rows[: self._count]
