"""The page in plain Python over compiled parts, with records whose fields are quick to reach.

NumPy looks a record's attribute up anew each time, which for a coin takes ten microseconds and made nine tenths of the
time of a page in plain Python.
"""

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from portfolio_mm.engine import coin

Step = Callable[..., int]


class Quick:
    """A record: what is itself a record or an array is found once (both share its memory), a number each time."""

    def __init__(self, record: Any) -> None:
        self.__dict__["record"] = record

    def __getattr__(self, name: str) -> Any:
        value = self.record[name]
        if isinstance(value, np.record):
            value = Quick(value)
        if isinstance(value, Quick | np.ndarray):
            self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self.record[name] = value


def step_with(**changed: Any) -> Step:
    """The page in plain Python over compiled parts, some names of its globals replaced."""
    plain = getattr(coin.step, "py_func", coin.step)
    page = types.FunctionType(
        plain.__code__, {name: _bare(each) for name, each in {**plain.__globals__, **changed}.items()}
    )
    kept: list[Any] = [None, None, None, None]

    def step(events: Any, i: int, state: Any, params: Any, commands: Any) -> int:
        if kept[0] is not state or kept[1] is not params:
            kept[:] = state, params, Quick(state[0]), Quick(params[0])
        return int(page({i: Quick(events[i])}, i, (kept[2],), (kept[3],), commands))

    return step


def _bare(each: Any) -> Any:
    """What the page calls, or a module of it, taking records as they are."""
    if isinstance(each, types.ModuleType | types.SimpleNamespace):
        return types.SimpleNamespace(**{name: _called(value) for name, value in vars(each).items()})
    return _called(each)


def _called(each: Any) -> Any:
    if not (isinstance(each, types.FunctionType) or hasattr(each, "py_func")):
        return each
    return lambda *args: each(*(arg.record if type(arg) is Quick else arg for arg in args))
