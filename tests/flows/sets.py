"""Small recordings in the venue's wire layout."""

import json
from pathlib import Path
from typing import Any

import zstandard

START = 1_757_015_216_000
Message = dict[str, Any]


def level(px: str, sz: str, n: int = 1) -> dict[str, object]:
    return {"px": px, "sz": sz, "n": n}


def book(coin: str, ms: int, bid: tuple[str, str], ask: tuple[str, str]) -> Message:
    return {"channel": "l2Book", "data": {"coin": coin, "time": START + ms, "levels": [[level(*bid)], [level(*ask)]]}}


def best(coin: str, ms: int, bid: tuple[str, str] | None, ask: tuple[str, str]) -> Message:
    sides = [level(*bid) if bid else None, level(*ask)]
    return {"channel": "bbo", "data": {"coin": coin, "time": START + ms, "bbo": sides}}


def trade(coin: str, ms: int, side: str, px: str, sz: str, tid: int) -> Message:  # noqa: PLR0917 - one row of a tape
    row = {"coin": coin, "side": side, "px": px, "sz": sz, "time": START + ms, "tid": tid, "hash": "0x00", "users": []}
    return {"channel": "trades", "data": [row]}


def write(path: Path, lines: list[str]) -> Path:
    path.write_bytes(zstandard.ZstdCompressor().compress("".join(line + "\n" for line in lines).encode()))
    return path


def lines(messages: list[Message], after_ms: list[int] | None = None) -> list[str]:
    """One message a millisecond, or received at the times given."""
    times = after_ms or list(range(len(messages)))
    return [
        json.dumps({"recv_us": (START + ms) * 1000, "msg": message})
        for ms, message in zip(times, messages, strict=True)
    ]
