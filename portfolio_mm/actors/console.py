"""The console actor: keeps the latest view and serves the pages of `portfolio_mm.console` on loopback."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from portfolio_mm.actors.hub_link import HubLink
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.persevere import first_of, persevere
from portfolio_mm.actors.topology import CONSOLE, Address, Directory
from portfolio_mm.console import app

LOG: Final = logging.getLogger(__name__)


class Console:
    """Shows what the gateway says; nothing stops when it dies."""

    def __init__(
        self, directory: Directory, token_file: str, host: str, port: int, announce: Callable[[str, Address], None]
    ) -> None:
        self._link = HubLink(directory, Path(token_file), role="console", name=CONSOLE)
        self._host = host
        self._port = port
        self._announce = announce
        self._view: dict[str, Any] | None = None
        self._heard_s = float("-inf")
        self._stopping = asyncio.Event()
        self.url = ""

    async def run(self) -> None:
        """Serve until stopped; a taken port is tried again."""
        await persevere(CONSOLE, self._once, self._stopping)

    async def _once(self) -> None:
        runner, port = await app.start(self._host, self._port, self)
        self.url = f"http://{self._host}:{port}"
        self._announce(CONSOLE, Address(self.url, os.getpid()))
        try:
            await first_of(self._stopping, self._listen())
        finally:
            await self._link.close()
            await runner.cleanup()

    async def stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    def status(self) -> dict[str, str | int | float | bool]:
        """Where it serves."""
        return {"url": self.url, "hub": self._link.connected, "view_age_s": self.age_s()}

    def view(self) -> dict[str, Any] | None:
        """The newest view as plain dictionaries (see `console.source.Source`)."""
        return self._view

    def age_s(self) -> float:
        """Seconds since it arrived."""
        return time.monotonic() - self._heard_s

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._link.frames()) as frames:
            async for frame in frames:
                if isinstance(frame, View):
                    self._view = msgspec.to_builtins(frame)
                    self._heard_s = time.monotonic()
