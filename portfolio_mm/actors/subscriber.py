"""One subscriber of the relay: what it wants, and what waits to be sent to it.

Frames that replace each other (bbo, l2Book, activeAssetCtx) are conflated: a slow reader gets the newest one only, in
the order in which streams first had something new. Trades are never conflated; a reader that falls MAX_TRADES behind
is cut off, because it must learn that it missed some.
"""

import asyncio
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from portfolio_mm.actors.frame_key import SNAPSHOT_CHANNELS, FrameKey

MAX_TRADES: Final = 10_000
TOO_SLOW: Final = 1013
"""Websocket close code "try again later"."""


class Subscriber:
    """A connection of the relay. `offer` never blocks; `drain` is the task that writes."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.keys: set[FrameKey] = set()
        self.conflated = 0
        self._waiting: dict[FrameKey | int, bytes] = {}
        self._serial = 0
        self._trades = 0
        self._news = asyncio.Event()
        self._end: tuple[int, str] | None = None

    def offer(self, key: FrameKey, frame: bytes) -> None:
        """Queue one market frame."""
        if self._end is not None:
            return
        if key.channel in SNAPSHOT_CHANNELS:
            if key in self._waiting:
                self.conflated += 1
            self._waiting[key] = frame
            self._news.set()
        else:
            self._trades += 1
            if self._trades > MAX_TRADES:
                self.cut(TOO_SLOW, "too slow for trades")
                return
            self.say(frame)

    def say(self, frame: bytes) -> None:
        """Queue one frame that nothing may replace: a trade, an acknowledgement, a pong, an error."""
        self._serial += 1
        self._waiting[self._serial] = frame
        self._news.set()

    def cut(self, code: int, reason: str) -> None:
        """End the connection; what waits is dropped, because it is no longer current."""
        self._end = (code, reason)
        self._waiting.clear()
        self._news.set()

    async def drain(self) -> None:
        """Write until the connection is gone."""
        try:
            while self._end is None:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    key = next(iter(self._waiting))
                    frame = self._waiting.pop(key)
                    if isinstance(key, int):
                        self._trades = max(0, self._trades - 1)
                    await self.connection.send(frame, text=True)
            await self.connection.close(*self._end)
        except ConnectionClosed:
            return
