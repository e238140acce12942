"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import time
from collections.abc import Callable


async def until(true: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
    """Return as soon as `true()`; fail naming `what` after `within_s`."""
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.01)
