"""What one input of the guided fuzzer does to a venue: a few requests, a line each."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.fuzz.door import Door

HISTORY: Final = "broken-history"
MOST_LINES: Final = 4
POSTED: Final = 4
"""One input in so many goes through the front door as well: finding its signer takes as long as all the rest."""


def inputs(door: Door, endpoint: str, folder: Path) -> Callable[[bytes], None]:
    """What one input does."""
    heard: list[bytes] = []

    def read(lines: list[bytes]) -> None:
        for line in lines:
            door.post("/info", line)

    def act(lines: list[bytes]) -> None:
        chosen = zlib.crc32(lines[-1])
        if chosen % 2:
            door.act(*lines)
        else:
            for line in lines:
                door.act(line)
        if chosen % POSTED == 0:
            door.post("/exchange", lines[-1])

    def say(lines: list[bytes]) -> None:
        for line in lines:
            door.say(line.decode(errors="replace"))

    every = {"info": read, "exchange": act, "ws": say}[endpoint]

    def each(data: bytes) -> None:
        if door.renew():
            heard.clear()
        heard.append(data)
        try:
            door.stand()
            every(data.split(b"\n")[:MOST_LINES])
        except BaseException:
            (folder / HISTORY).write_text("\n".join(one.hex() for one in heard))
            raise

    return each


def again(each: Callable[[bytes], None], history: Path) -> None:
    """Put in what was written down of a venue that broke."""
    for line in history.read_text().splitlines():
        each(bytes.fromhex(line))
