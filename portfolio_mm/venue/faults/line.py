"""The way of frames to one websocket client: feed latency, and whatever is wrong with the wire."""

import asyncio
import json
import random
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from portfolio_mm.venue.delays import Constant, Delay
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.faults.desk import FaultDesk

CHANNEL: Final = re.compile(r'\{"channel":"(\w+)"')


class Line:
    """One connection's line. Frames go through it only while it is `busy`."""

    def __init__(self, desk: FaultDesk, number: int, feed: Delay, put: Callable[[str], None]) -> None:
        self._desk = desk
        self._number = number
        self._feed = None if feed == Constant() else feed
        self._feed_chance = random.Random(f"feed {number}")  # noqa: S311 - a delay, not a secret
        self._put = put
        self._late: deque[tuple[float, str]] = deque()
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._held: list[list[Any]] = []

    @property
    def busy(self) -> bool:
        """Whether anything may happen to a frame here."""
        return bool(self._desk.wire or self._late or self._held) or self._feed is not None

    def carry(self, text: str) -> None:
        """Take one frame to the client, or do to it what is wrong now."""
        late_ms = 0.0 if self._feed is None else self._feed.draw_ms(self._feed_chance)
        named = CHANNEL.match(text)
        channel, frames = named[1] if named else "", [text]
        for fault in self._desk.wire:
            if fault.session not in (0, self._number) or fault.channel not in ("", channel):
                continue
            if not self._desk.strikes(fault.rate):
                continue
            if isinstance(fault, kinds.Drop | kinds.Stall):
                return
            if isinstance(fault, kinds.Reorder):
                self._held.append([fault.behind, frames])
                return
            if isinstance(fault, kinds.Hold):
                late_ms += fault.by.draw_ms(self._desk.chance)
            frames = changed(fault, frames)
        self._send(frames, late_ms)
        for held in self._held:
            held[0] -= 1
        for held in [held for held in self._held if held[0] <= 0]:
            self._held.remove(held)
            self._send(held[1], 0.0)

    def _send(self, frames: list[str], late_ms: float) -> None:
        """Hand over now, or in `late_ms`, never before what was handed over earlier: TCP keeps the order."""
        if not late_ms and not self._late:
            for frame in frames:
                self._put(frame)
            return
        loop = asyncio.get_running_loop()
        self._due_s = max(self._due_s, loop.time() + late_ms / 1e3)
        self._late.extend((self._due_s, frame) for frame in frames)
        if self._timer is None:
            self._timer = loop.call_at(self._late[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._late and self._late[0][0] <= loop.time():
            self._put(self._late.popleft()[1])
        if self._late:
            self._timer = loop.call_at(self._late[0][0], self._deliver)

    def hang_up(self) -> None:
        """The connection is gone, and what was under way with it."""
        self._late.clear()
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def changed(fault: kinds.WireKind, frames: list[str]) -> list[str]:
    """Frames with a fault in them."""
    match fault:
        case kinds.Duplicate():
            return [frame for frame in frames for _ in range(2)]
        case kinds.Truncate():
            return [frame[: int(len(frame) * fault.keep)] for frame in frames]
        case kinds.UnknownField():
            return [with_field(frame, fault.field) for frame in frames]
        case kinds.UnknownChannel():
            return [json.dumps({"channel": fault.name, "data": {}}, separators=(",", ":")), *frames]
        case _:
            return frames


def with_field(frame: str, field: str) -> str:
    """A frame whose outermost object, its `data` and the rows in it carry one more field; others stay as they are."""
    if not frame.startswith("{"):
        return frame
    said = json.loads(frame)
    data = said.get("data")
    rows = data if isinstance(data, list) else [data]
    for row in [said, *rows]:
        if isinstance(row, dict):
            row[field] = {"since": "later"}
    return json.dumps(said, separators=(",", ":"))
