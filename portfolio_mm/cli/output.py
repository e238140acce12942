"""Where words go: results to standard output, everything else to standard error."""

import os
import select
import sys
import time
from typing import Any, Final

import msgspec
from rich.console import Console

DEAD: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL


def hush() -> None:
    """Drop what goes to a closed terminal or pipe: writing there fails, and words must not stop an orderly end."""
    poll = select.poll()
    for fd in (1, 2):
        poll.register(fd, 0)
    for fd, seen in poll.poll(0):
        if seen & DEAD:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, fd)
            os.close(nowhere)


def out() -> Console:
    """Results."""
    hush()
    return Console(soft_wrap=True, highlight=False)


def err() -> Console:
    """Progress, warnings and errors."""
    hush()
    return Console(stderr=True, soft_wrap=True, highlight=False)


def as_json(value: Any) -> str:
    """JSON for programs; infinities become null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


class Progress:
    """Lines of progress with the seconds since the start, on standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._start = time.monotonic()
        self._quiet = quiet
        self._console = err()

    def __call__(self, text: str) -> None:
        """Say what is being done now."""
        if not self._quiet:
            self._console.print(f"[dim]{time.monotonic() - self._start:5.1f} s[/dim]  {text}")
            sys.stderr.flush()
