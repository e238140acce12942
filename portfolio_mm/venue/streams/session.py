"""One websocket connection of the venue."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from aiohttp import WSMsgType, web

from portfolio_mm.venue.faults.line import Line
from portfolio_mm.venue.streams.subscriptions import Topic

MAX_BACKLOG: Final = 10_000
"""Frames a slow reader may be behind before it is cut off."""


class Session:
    """One websocket connection: what it listens to and what waits to be sent."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = request.remote or ""
        self._now_s = now_s
        self.topics: set[Topic] = set()
        self.posts_pending = 0
        self.last_sent_s = now_s()
        self._socket = socket
        self._transport = request.transport
        self.number = 0
        self.line: Line | None = None
        self.frozen = False
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MAX_BACKLOG)

    def send(self, message: bytes | str) -> None:
        """Queue a text frame; a reader too far behind loses its connection."""
        self.last_sent_s = self._now_s()
        if self.line is not None and self.line.busy:
            self.line.carry(message if isinstance(message, str) else message.decode())
        else:
            self.put(message)

    def put(self, message: bytes | str) -> None:
        """Queue a frame as it is, whatever is wrong with the line."""
        if self.frozen:
            return
        try:
            self._waiting.put_nowait(message.encode() if isinstance(message, str) else message)
        except asyncio.QueueFull:
            self.abort()  # a close frame would wait behind all the others

    async def write(self) -> None:
        """Send what waits, for as long as the connection lives."""
        with contextlib.suppress(ConnectionError):  # the reader is gone: the receiving side notices and leaves the hub
            while not self._socket.closed:
                await self._socket.send_frame(await self._waiting.get(), WSMsgType.TEXT)

    async def close(self) -> None:
        """End the connection without announcement."""
        await self._socket.close()

    def freeze(self) -> None:
        """Neither send nor read any more while TCP stays up: a half-open connection."""
        self.frozen = True
        if isinstance(self._transport, asyncio.ReadTransport):
            self._transport.pause_reading()

    def abort(self) -> None:
        """Cut the connection as a network failure would."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()
