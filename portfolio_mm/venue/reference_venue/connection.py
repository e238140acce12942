"""One websocket connection to the reference venue."""

import asyncio
import time
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from portfolio_mm.venue.reference_venue.control import Wishes
from portfolio_mm.venue.reference_venue.exchange import Said
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings

MAX_WAITING: Final = 20_000
"""Frames for a client that does not read; then it is cut off."""
PUBLIC: Final = "/public"
MARKET: Final = "/market"


def route_of(stream: str) -> str:
    """The path a stream is pushed on since April 2026: books on one, everything else on the other, silently.

    >>> route_of("btcusdt@depth20@100ms"), route_of("btcusdt@aggTrade")
    ('/public', '/market')
    """
    kind = stream.partition("@")[2]
    return PUBLIC if kind == "bookTicker" or kind.startswith("depth") else MARKET


class Connection:
    """Answers requests, sends what was asked for, pings, and ends when it is too old, too silent or too loud."""

    def __init__(self, socket: web.WebSocketResponse, wishes: Wishes, settings: ReferenceSettings, route: str) -> None:
        self._socket = socket
        self._wishes = wishes
        self._settings = settings
        self._route = route
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._behind = asyncio.Event()
        self._pong_s = time.monotonic()
        self._heard: list[float] = []

    def tell(self, said: Said, encoded: dict[int, bytes]) -> None:
        """Queue what this connection wants of it; `encoded` holds payloads already encoded for others, by place."""
        for at, (stream, payload) in enumerate(said):
            if stream in self._wishes.streams and route_of(stream) == self._route:
                if at not in encoded:
                    encoded[at] = msgspec.json.encode(payload())
                raw = encoded[at]
                self._send(b'{"stream":"%b","data":%b}' % (stream.encode(), raw) if self._wishes.combined else raw)

    async def run(self) -> None:
        """Serve until the connection ends."""
        tasks = [asyncio.create_task(part()) for part in (self._write, self._ping, self._hear, self._behind.wait)]
        try:
            _, _ = await asyncio.wait(tasks, timeout=self._settings.life_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """End it."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    def _send(self, frame: bytes) -> None:
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            self._behind.set()

    async def _write(self) -> None:
        while not self._socket.closed:
            await self._socket.send_str((await self._waiting.get()).decode())

    async def _ping(self) -> None:
        """Ends when no pong came for too long."""
        while time.monotonic() - self._pong_s < self._settings.pong_s:
            await asyncio.sleep(min(self._settings.ping_s, self._settings.pong_s))
            await self._socket.ping()

    async def _hear(self) -> None:
        """Ends when the client does, or says too much."""
        async for message in self._socket:
            if self._too_loud():
                return
            match message.type:
                case WSMsgType.PONG:
                    self._pong_s = time.monotonic()
                case WSMsgType.PING:
                    await self._socket.pong(message.data)
                case WSMsgType.TEXT:
                    self._answer(message.data)
                case _:
                    return

    def _answer(self, text: str) -> None:
        answer: dict[str, Any] = self._wishes.ask(text)
        self._send(msgspec.json.encode(answer))

    def _too_loud(self) -> bool:
        """Pings, pongs and requests all count."""
        now_s = time.monotonic()
        self._heard = [s for s in self._heard if now_s - s < 1.0]
        self._heard.append(now_s)
        return len(self._heard) > self._settings.messages_per_s
