"""Numba without what it loads only in case: SciPy for linear algebra, cffi for foreign functions.

No kernel uses either (`models/` does its algebra in NumPy, outside of kernels), and together they are a third of the
processor time a coin's process needs before its first step. Compiled code is the same with and without.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import Final

UNUSED: Final = ("scipy", "cffi")


@contextlib.contextmanager
def lean_numba() -> Iterator[None]:
    """Inside, numba finds neither; what is loaded already stays. The first kernel must be called inside too."""
    hidden = [name for name in UNUSED if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # as the import system has it: not to be found
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
