"""Numba's compiler without what no kernel needs: less than three quarters of the time.

For a process that does nothing but compile. What it compiles is loaded by others as any compiled kernel is; the machine
code of a kernel is the same.
"""

import fcntl
from pathlib import Path
from typing import Any

from numba.core import types
from numba.core.caching import IndexDataCacheFile
from numba.core.typed_passes import BaseNativeLowering


def lean_compiler() -> None:
    """Leave out wrappers for C and descriptions of records."""
    lower = BaseNativeLowering.run_pass

    def lower_without_c(self: Any, state: Any) -> Any:
        state.flags.no_cfunc_wrapper = True  # kernels are called by kernels and by Python, never from C
        return lower(self, state)

    BaseNativeLowering.run_pass = lower_without_c
    # Each of some twenty passes writes down every argument's type in full, which for a coin are thousands of fields.
    types.Record.__repr__ = types.Type.__repr__  # type: ignore[method-assign]


def take_turns(lock: Path) -> None:
    """Let processes add to a kernel's index one after another.

    Numba reads the index, adds a file's name and writes it back: two that compile one kernel for different types at
    once would take the same name.
    """
    save = IndexDataCacheFile.save

    def save_alone(self: Any, key: Any, data: Any) -> None:
        with lock.open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            save(self, key, data)

    IndexDataCacheFile.save = save_alone
