"""One websocket of combined streams that never gives up.

The streams stand in the address, so we send nothing but a ping a second, far below the ten messages a second that are
allowed. The venue ends every connection after 24 hours, or sooner after a `serverShutdown` event: then, as after any
loss, we connect again, at once the first time and with growing, jittered pauses while it fails.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from portfolio_mm.domain.errors import ConfigurationError, MalformedMessage
from portfolio_mm.reference.parse import AGG_TRADE, BOOK_TICKER, DEPTH, SHUTDOWN, stream_of
from portfolio_mm.reference.symbols import Symbol

LOG: Final = logging.getLogger(__name__)
PING_S: Final = 1.0
STALL_S: Final = 5.0
"""No answer to a ping for so long: the connection is dead, whatever TCP says."""
CONNECT_S: Final = 10.0
BACKOFF_S: Final = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Mean pauses before attempts; 300 connections in five minutes are allowed."""
PROVEN_S: Final = 30.0
"""A connection that lived this long makes the next pause the first one again."""
PUBLIC: Final = "/public"
MARKET: Final = "/market"


class Line(Enum):
    """Markers among the frames."""

    UP = "up"
    DOWN = "down"


Heard = tuple[int, bytes | Line]
"""Monotonic receive time in ns, and a frame or a marker."""


def streams_of(symbols: Sequence[Symbol]) -> dict[str, tuple[str, ...]]:
    """Names of the streams by the path that pushes them: books and trades come from different ones since 2026."""
    books = tuple(f"{symbol.stream}@{kind}" for symbol in symbols for kind in (BOOK_TICKER, DEPTH))
    return {PUBLIC: books, MARKET: tuple(f"{symbol.stream}@{AGG_TRADE}" for symbol in symbols)}


def address(base: str, path: str, streams: Sequence[str]) -> str:
    """Where the combined streams are.

    >>> address("https://host:1/", "/public", ["btcusdt@bookTicker", "ethusdt@bookTicker"])
    'wss://host:1/public/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker'

    Raises:
        ConfigurationError: `base` is not an address.
    """
    parts = urlsplit(base)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        msg = f"reference.url {base!r} is not an address; it must begin with wss://, ws://, https:// or http://"
        raise ConfigurationError(msg)
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{path}/stream?streams={'/'.join(streams)}"


class ReferenceSocket:
    """A persistent connection: read `async for recv_ns, item in socket`; what ends the reading ends the connection."""

    def __init__(
        self,
        url: str,
        *,
        ping_s: float = PING_S,
        stall_s: float = STALL_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self.url: Final = url
        self._ping_s, self._stall_s, self._backoff_s = ping_s, stall_s, tuple(backoff_s)
        self._alive_ns = 0
        self.connects = 0
        self.last_failure = ""
        """Why the last connection ended or could not be made."""

    def alive_s(self) -> float:
        """Seconds since the other end last showed that it lives; infinite while there is no connection."""
        return (time.monotonic_ns() - self._alive_ns) / 1e9 if self._alive_ns else float("inf")

    async def __aiter__(self) -> AsyncIterator[Heard]:
        """Frames and markers, for ever."""
        attempt = 0
        while True:
            began = time.monotonic()
            async with contextlib.aclosing(self.once()) as frames:
                async for heard in frames:
                    yield heard
            if time.monotonic() - began >= PROVEN_S:
                attempt = 0
            mean_s = self._backoff_s[min(attempt, len(self._backoff_s) - 1)]
            pause_s = mean_s * random.uniform(0.5, 1.5)  # noqa: S311 - many clients must not come back at one moment
            attempt += 1
            LOG.info("%s lost (%s); again in %.2f s", self.url.partition("?")[0], self.last_failure, pause_s)
            await asyncio.sleep(pause_s)

    async def once(self) -> AsyncGenerator[Heard]:
        """One connection: UP, its frames, DOWN; nothing when it cannot be made."""
        try:
            async with connect(
                self.url,
                open_timeout=CONNECT_S,
                close_timeout=1.0,
                ping_interval=None,  # our own pings tell us when the other end last lived
                compression=None,
                max_size=1 << 20,
                proxy=None if urlsplit(self.url).hostname in {"127.0.0.1", "localhost", "::1"} else True,
            ) as connection:
                self.connects += 1
                self._alive_ns = time.monotonic_ns()
                pinger = asyncio.create_task(self._ping(connection))
                try:
                    yield self._alive_ns, Line.UP
                    while True:
                        frame = await connection.recv(decode=False)
                        self._alive_ns = time.monotonic_ns()
                        if _says_shutdown(frame):
                            self.last_failure = "the server shuts down"
                            break
                        yield self._alive_ns, frame
                except ConnectionClosed as error:
                    self.last_failure = f"closed: {error}"
                finally:
                    self._alive_ns = 0
                    pinger.cancel()
        except (OSError, WebSocketException, TimeoutError) as error:
            self.last_failure = f"{type(error).__name__}: {error}"
            return
        yield time.monotonic_ns(), Line.DOWN

    async def _ping(self, connection: ClientConnection) -> None:
        """Ask for a sign of life every second, and end a connection that gives none."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(self._ping_s)
                answer = await connection.ping()
                try:
                    async with asyncio.timeout(self._stall_s):
                        await answer
                except TimeoutError:
                    connection.transport.abort()
                    return
                if self._alive_ns:
                    self._alive_ns = time.monotonic_ns()


def _says_shutdown(frame: bytes) -> bool:
    if SHUTDOWN.encode() not in frame:
        return False
    with contextlib.suppress(MalformedMessage):
        return stream_of(frame) == SHUTDOWN
    return False
