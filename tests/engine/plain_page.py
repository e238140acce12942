"""The page in plain Python over compiled parts, with records whose fields are quick to reach.

NumPy looks a record's attribute up anew each time, which for a coin takes ten microseconds and made nine tenths of the
time of a page in plain Python. Nine tenths of what was left was calling with records: numba asks a record for its
`data`, for which NumPy writes the format of every field down, and compares its type field by field with those it knows.
"""

import functools
import types
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from portfolio_mm.engine import coin

Step = Callable[..., int]


KNOWN: dict[Any, Any] = {}


def known(dtype: Any) -> Any:
    """The same type, always the same object: it is known by where it is."""
    return KNOWN.setdefault(dtype, dtype)


class Bare(np.void):  # type: ignore[misc] # final only in the stubs
    """A record as numba takes it; `data` is the memory they share, asked for once."""

    data: Any = None  # instead of the property, which makes it anew


class Quick:
    """A record: what is itself a record or an array is found once (both share its memory), a number each time."""

    def __init__(self, record: Any) -> None:
        bare = record.view((Bare, record.dtype))
        bare.data = memoryview(record)
        self.__dict__.update(record=record, bare=bare, dtype=known(record.dtype))

    def __getattr__(self, name: str) -> Any:
        value = self.bare[name]
        if isinstance(value, np.void):
            value = Quick(value)
        if isinstance(value, Quick | np.ndarray):
            self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self.bare[name] = value


def step_with(**changed: Any) -> Step:
    """The page in plain Python over compiled parts, some names of its globals replaced."""
    room = {name: _bare(each) for name, each in {**vars(coin), **changed}.items()}
    for name, each in vars(coin).items():
        plain = getattr(each, "py_func", each)
        if isinstance(plain, types.FunctionType) and plain.__module__ == coin.__name__:
            room[name] = types.FunctionType(plain.__code__, room)
    page = room["step"]
    kept: list[Any] = [None, None, None, None]

    def step(events: Any, i: int, state: Any, params: Any, commands: Any) -> int:
        if kept[0] is not state or kept[1] is not params:
            kept[:] = state, params, Quick(state[0]), Quick(params[0])
        return int(page({i: Quick(events[i])}, i, (kept[2],), (kept[3],), commands))

    return step


def _bare(each: Any) -> Any:
    """What the page calls, or a module of it, taking records as they are."""
    if isinstance(each, types.ModuleType | types.SimpleNamespace):
        return types.SimpleNamespace(**{name: called(value) for name, value in vars(each).items()})
    return called(each)


def called(each: Any) -> Any:
    """A function or kernel that takes `Quick` for records; other things as they are."""
    if hasattr(each, "py_func"):
        return _compiled(each)
    if isinstance(each, types.FunctionType):
        return lambda *args: each(*(arg.record if type(arg) is Quick else arg for arg in args))
    return each


@functools.cache
def _compiled(kernel: Any) -> Any:
    """A kernel; the second time it is called with arguments of the same types they are not looked at again."""
    entries: dict[tuple[Any, ...], Any] = {}

    def call(*args: Any) -> Any:
        kinds = tuple(map(_kind, args))
        bare = [arg.bare if type(arg) is Quick else arg for arg in args]
        entry = entries.get(kinds)
        if entry is not None:
            return entry(*bare)
        found = kernel(*bare)
        overload = kernel.overloads.get(tuple(map(numba.typeof, bare)))
        entries[kinds] = kernel if overload is None else overload.entry_point
        return found

    return call


def _kind(arg: Any) -> Any:
    """What numba's type of an argument follows from."""
    kind = type(arg)
    if kind is Quick:
        return id(arg.dtype)
    if kind is int:
        return arg.bit_length() < 64
    return (id(known(arg.dtype)), arg.ndim, arg.flags.num) if kind is np.ndarray else kind
