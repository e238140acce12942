"""When events happen."""

import heapq
import random
from collections.abc import Iterable
from itertools import count

from portfolio_mm.venue.faults.events import EventKind

HOUR_MS = 3_600_000


class Schedule:
    """Events by their next time, venue ms since the start."""

    def __init__(self, seed: int, events: Iterable[EventKind]) -> None:
        self._chance = random.Random(f"events {seed}")  # noqa: S311 - moments, not secrets
        self._numbers = count()
        self._heap: list[tuple[float, int, EventKind, int]] = []
        for event in events:
            self.add(event, 0.0)

    def add(self, event: EventKind, now_ms: float) -> None:
        """Let an event come, counted from now."""
        self._push(now_ms + event.at_s * 1e3 + (self._pause_ms(event) if event.per_hour else 0.0), event, event.times)

    def _push(self, due_ms: float, event: EventKind, left: int) -> None:
        heapq.heappush(self._heap, (due_ms, next(self._numbers), event, left))

    def _pause_ms(self, event: EventKind) -> float:
        return self._chance.expovariate(event.per_hour / HOUR_MS) if event.per_hour else event.every_s * 1e3

    def due(self, now_ms: float) -> list[EventKind]:
        """Events whose time has come, in order; each is put back for its next time."""
        found: list[EventKind] = []
        while self._heap and self._heap[0][0] <= now_ms:
            due_ms, _, event, left = heapq.heappop(self._heap)
            found.append(event)
            if event.per_hour or left > 1:
                self._push(due_ms + self._pause_ms(event), event, left - 1)
        return found

    def clear(self) -> int:
        """Let nothing more happen; how many events were to come."""
        left = len(self._heap)
        self._heap.clear()
        return left

    def __len__(self) -> int:
        return len(self._heap)
