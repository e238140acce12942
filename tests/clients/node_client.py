"""The TypeScript SDK in a Node process of its own: calls go in as JSON lines, replies come back as JSON lines."""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import WAIT_S

FOLDER: Final = Path(__file__).parent / "node"
PACKAGES: Final = FOLDER / "node_modules" / "@nktkas" / "hyperliquid"


class Refused(Exception):
    """The SDK threw: by its own reading of the reply, or because the venue refused."""


def node() -> str:
    """The Node program; without it the tests are skipped loudly, and fail where CI runs them."""
    found = shutil.which("node")
    if found and PACKAGES.exists():
        return found
    what = "node is not installed" if not found else f"{FOLDER.name}/node_modules is missing"
    why = (
        f"THE TYPESCRIPT SDK DOES NOT JUDGE: {what}; scripts/setup dev installs it (Debian: apt-get install nodejs npm)"
    )
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


class Node:
    """One process of judge.mjs."""

    def __init__(self, venue: RunningVenue, keys: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [node(), "judge.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._replies: queue.Queue[Any] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._calls = 0
        self._say({"url": venue.url, "ws": venue.ws, "keys": keys})

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._replies.put(json.loads(line))

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ask(self, **what: Any) -> Any:
        """Put one call and wait for its reply.

        Raises:
            Refused: the SDK threw.
        """
        self._calls += 1
        self._say({"id": self._calls, **what})
        reply = self._replies.get(timeout=WAIT_S)
        assert reply["id"] == self._calls, reply
        if "error" in reply:
            raise Refused(reply["error"])
        return reply["value"]

    def call(self, client: str, method: str, *params: Any) -> Any:
        return self.ask(client=client, method=method, params=params)

    def take(self, stream: int, count: int = 1) -> list[Any]:
        return list(self.ask(take=stream, count=count))

    def close(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        code = self._process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        self._process.stdout.close()
        return code


@contextlib.contextmanager
def running(venue: RunningVenue, keys: dict[str, str]) -> Iterator[Node]:
    made = Node(venue, keys)
    try:
        yield made
    finally:
        assert made.close() == 0


def faults(replies: list[tuple[str, Any]]) -> list[str]:
    """What the SDK's types have against replies, each given with the name of its type."""
    said = json.dumps([{"type": kind, "value": value} for kind, value in replies])
    judged = subprocess.run(
        [node(), "types.mjs"], cwd=FOLDER, input=said, capture_output=True, text=True, timeout=60, check=True
    )
    return [f"{fault['type']}: {fault['message']}" for fault in json.loads(judged.stdout)]
