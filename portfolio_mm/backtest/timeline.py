"""What is on its way, in the order it arrives: frames of one connection keep their order, whatever their delay."""

import heapq
import random
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from portfolio_mm.domain.units import NS_PER_MS
from portfolio_mm.venue.delays import Delay


class Arrival(NamedTuple):
    """Something that arrives at `due_ns`; what arrives at one time does so in the order it was sent."""

    due_ns: int
    number: int
    kind: str
    what: Any


class Timeline:
    """A heap of arrivals by session time, ns."""

    def __init__(self) -> None:
        self._heap: list[Arrival] = []
        self._numbers = count()

    def add(self, due_ns: int, kind: str, what: Any) -> None:
        """Let something arrive."""
        heapq.heappush(self._heap, Arrival(due_ns, next(self._numbers), kind, what))

    def until(self, now_ns: int) -> Iterator[Arrival]:
        """Take what has arrived by now, also what is added meanwhile."""
        while self._heap and self._heap[0].due_ns <= now_ns:
            yield heapq.heappop(self._heap)


class Line:
    """One connection, with its delay."""

    def __init__(self, seed: int, name: str, delay: Delay, more_ms: float = 0.0) -> None:
        self._chance = random.Random(f"{name} {seed}")  # noqa: S311 - delays, not secrets
        self._delay, self._more_ms = delay, more_ms
        self._last_ns = 0

    def arrival_ns(self, now_ns: int, *, in_order: bool = True) -> int:
        """When something sent now is there, ns."""
        due_ns = now_ns + round((self._delay.draw_ms(self._chance) + self._more_ms) * NS_PER_MS)
        if in_order:
            due_ns = self._last_ns = max(self._last_ns, due_ns)
        return due_ns
