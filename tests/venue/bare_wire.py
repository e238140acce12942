"""A bare websocket client: every frame as it came, whatever is wrong with it."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from portfolio_mm.venue.process import RunningVenue

WAIT_S = 10.0


class Wire:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.seen: list[str] = []

    def say(self, **frame: Any) -> None:
        self._socket.send(json.dumps(frame))

    def subscribe(self, kind: str, **more: Any) -> None:
        self.say(method="subscribe", subscription={"type": kind, **more})

    def text(self, wait_s: float = WAIT_S) -> str:
        """The next frame; TimeoutError when none comes."""
        heard = self._socket.recv(wait_s)
        assert isinstance(heard, str)
        self.seen.append(heard)
        return heard

    def until(self, right: Callable[[str], bool]) -> str:
        """The next frame that is right."""
        deadline = time.monotonic() + WAIT_S
        while True:
            text = self.text(max(0.01, deadline - time.monotonic()))
            if right(text):
                return text

    def channels(self, n: int) -> list[str]:
        """Channels of the next frames."""
        return [channel(self.text()) for _ in range(n)]

    def is_cut(self) -> bool:
        """Whether the connection ends; frames before its end are read."""
        with contextlib.suppress(TimeoutError):
            while True:
                try:
                    self.text()
                except ConnectionClosed:
                    return True
        return False


def channel(text: str) -> str:
    """Channel of a frame; empty for one that cannot be read."""
    try:
        return str(json.loads(text)["channel"])
    except ValueError:
        return ""


def on(name: str) -> Callable[[str], bool]:
    """Whether a frame is of a channel."""
    return lambda text: channel(text) == name


@contextlib.contextmanager
def wire(running: RunningVenue) -> Iterator[Wire]:
    # Without pings of its own: a half-open connection is to be noticed by the test, not by the library.
    with connect(running.ws, ping_interval=None, close_timeout=0.2) as socket:
        made = Wire(socket)
        assert made.text() == "Websocket connection established."
        yield made


def admin(running: RunningVenue, op: str, **more: Any) -> dict[str, Any]:
    """One request to `/admin`."""
    reply = requests.post(running.url + "/admin", json={"op": op, **more}, timeout=WAIT_S)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def fault(running: RunningVenue, kind: str, **more: Any) -> None:
    """Arm a fault now."""
    admin(running, "fault", fault={"kind": kind, **more})


def event(running: RunningVenue, kind: str, **more: Any) -> dict[str, Any]:
    """Let an event happen, and wait until it has: what came of it."""
    before = admin(running, "state")["happened"]
    admin(running, "event", event={"kind": kind, **more})
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        state = admin(running, "state")
        if len(state["happened"]) > len(before) and state["blocks"] > 0:
            return dict(state["happened"][-1])
    msg = f"{kind} did not happen"
    raise AssertionError(msg)


def info(running: RunningVenue, kind: str, **more: Any) -> Any:
    """One info request."""
    return requests.post(running.url + "/info", json={"type": kind, **more}, timeout=WAIT_S).json()
