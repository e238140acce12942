"""Virtual time: an event loop that never waits, and a process whose clocks follow it.

A time-out of three seconds costs as much as a callback. Only what this loop runs may be trusted to be in virtual time;
nothing here reads a file descriptor, so there are no sockets in such a world.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Iterator
from typing import Any

START_S = 1_000.0
EPOCH_S = 1_790_002_800.0 - START_S - 20.0
"""An hour begins twenty seconds after the world does: funding is paid."""


class Clock:
    """Seconds since somewhere."""

    def __init__(self) -> None:
        self.s = START_S

    def ns(self) -> int:
        return round(self.s * 1e9)


class _NoDescriptors(selectors.SelectSelector):
    """Waiting is moving the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "every task of the world waits for something that never comes"
        self._clock.s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs on its clock; what would go to a thread runs at once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_NoDescriptors(clock))
        self._virtual = clock

    def time(self) -> float:
        return self._virtual.s

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever a thread would have raised
            future.set_exception(error)
        return future


@contextlib.contextmanager
def virtual_time(clock: Clock) -> Iterator[None]:
    """Let the module `time` tell this clock."""
    real = {name: getattr(time, name) for name in ("monotonic", "monotonic_ns", "time", "time_ns")}
    fakes = {
        "monotonic": lambda: clock.s,
        "monotonic_ns": clock.ns,
        "time": lambda: EPOCH_S + clock.s,
        "time_ns": lambda: round((EPOCH_S + clock.s) * 1e9),
    }
    for name, fake in fakes.items():
        setattr(time, name, fake)
    try:
        yield
    finally:
        for name, one in real.items():
            setattr(time, name, one)
