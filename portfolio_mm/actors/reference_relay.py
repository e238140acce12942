"""The reference venue's part of the relay: one upstream a path, re-served in the same protocol under `/reference`.

Frames pass unparsed. A book that changes faster than every `books_s` is told as of the end of that time; one that does
not change is told again every REPEAT_S for as long as the upstream shows that it lives, so that a quiet symbol does
not look like a lost one. When the books' upstream is lost, every subscriber is cut off and none is let in until it is
back.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response as HttpResponse

from portfolio_mm.actors.frame_key import FrameKey
from portfolio_mm.actors.recorder import Recorder
from portfolio_mm.actors.subscriber import Subscriber
from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.reference.client import PUBLIC, Line, ReferenceSocket, streams_of
from portfolio_mm.reference.parse import AGG_TRADE, stream_of
from portfolio_mm.reference.symbols import Symbol

LOG: Final = logging.getLogger(__name__)
ROUTE: Final = "/reference"
GOING_AWAY: Final = 1012
REPEAT_S: Final = 0.5
LIVES_S: Final = 1.5
"""A sign of life this old is none: pings are answered within the second."""


class _Book(msgspec.Struct):
    """The last frame of a stream of books, when it was told last, and whether that was before it came."""

    frame: bytes
    told_ns: int = 0
    owed: bool = True


class ReferenceRelay:
    """Owned by the relay, whose server lends it connections.

    Args:
        symbols: of all coins of the run.
        connect: makes the socket of one path and its streams.
        books_s: least time between two frames of one stream of books.
        recorder: keeps raw frames.
    """

    def __init__(
        self,
        symbols: Sequence[Symbol],
        connect: Callable[[str, Sequence[str]], ReferenceSocket],
        *,
        books_s: float,
        recorder: Recorder | None = None,
    ) -> None:
        self._streams = streams_of(symbols)
        self._known = frozenset(name for names in self._streams.values() for name in names)
        self._connect = connect
        self._books_ns = round(books_s * 1e9)
        self._recorder = recorder
        self._books: dict[FrameKey, _Book] = {}
        self._subscribers: set[Subscriber] = set()
        self._upstream: ReferenceSocket | None = None
        self._up = False
        self._connects = self._frames = self._malformed = 0

    async def run(self) -> None:
        """Forward for ever."""
        pumps = [self._pump(path, names) for path, names in self._streams.items() if names]
        tasks = [asyncio.create_task(work) for work in (*pumps, self._pace())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._cut_all()
            if self._recorder is not None:
                self._recorder.close()

    def status(self) -> dict[str, float | int | bool | str]:
        """Counters for people."""
        return {
            "reference_up": self._up,
            "reference_connects": self._connects,
            "reference_frames": self._frames,
            "reference_malformed": self._malformed,
        }

    def admit(self, connection: ServerConnection, _: HttpRequest) -> HttpResponse | None:
        """Nobody is let in while there are no books."""
        if self._up:
            return None
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "the reference venue's stream is down\n")

    async def serve_one(self, connection: ServerConnection, path: str) -> None:
        """One subscriber; its streams stand in the address, and what is not ours is never pushed."""
        wanted = parse_qs(urlsplit(path).query).get("streams", [""])[0].split("/")
        subscriber = Subscriber(connection)
        subscriber.keys.update(_key(name) for name in wanted if name in self._known)
        for key, book in self._books.items():
            if key in subscriber.keys:
                subscriber.offer(key, book.frame)
        self._subscribers.add(subscriber)
        writer = asyncio.create_task(subscriber.drain())
        try:
            with contextlib.suppress(ConnectionClosed):
                async for _ in connection:  # whatever it says: streams are chosen by the address
                    pass
        finally:
            self._subscribers.discard(subscriber)
            writer.cancel()

    async def _pump(self, path: str, names: Sequence[str]) -> None:
        """Forward one upstream connection for ever."""
        upstream = self._connect(path, names)
        async for recv_ns, item in upstream:
            if isinstance(item, bytes):
                self._hear(recv_ns, item)
                continue
            self._connects += item is Line.UP
            if path == PUBLIC:
                self._upstream, self._up = upstream, item is Line.UP
                if not self._up:
                    self._cut_all()

    def _hear(self, recv_ns: int, frame: bytes) -> None:
        self._frames += 1
        try:
            name = stream_of(frame)
        except MalformedMessage:
            self._malformed += 1
            if self._malformed == 1:
                LOG.warning("reference frame is not one of the venue's: %.80r", frame)
            return
        if name not in self._known:
            return
        if self._recorder is not None:
            self._recorder.write(time.time_ns() // 1_000, frame)
        key = _key(name)
        if key.channel == AGG_TRADE:
            self._offer(key, frame)
            return
        book = self._books.setdefault(key, _Book(frame))
        book.frame, book.owed = frame, True
        if recv_ns - book.told_ns >= self._books_ns:
            self._tell(key, book, recv_ns)

    async def _pace(self) -> None:
        """Books that were held back, and books that stayed as they were."""
        while True:
            await asyncio.sleep(self._books_ns / 1e9)
            now_ns = time.monotonic_ns()
            lives = self._upstream is not None and self._upstream.alive_s() < LIVES_S
            for key, book in self._books.items():
                due_ns = self._books_ns if book.owed else round(REPEAT_S * 1e9)
                if now_ns - book.told_ns >= due_ns and (book.owed or lives):
                    self._tell(key, book, now_ns)

    def _tell(self, key: FrameKey, book: _Book, now_ns: int) -> None:
        book.told_ns, book.owed = now_ns, False
        self._offer(key, book.frame)

    def _offer(self, key: FrameKey, frame: bytes) -> None:
        for subscriber in self._subscribers:
            if key in subscriber.keys:
                subscriber.offer(key, frame)

    def _cut_all(self) -> None:
        """The books are gone: say so by ending every connection."""
        self._books.clear()
        for subscriber in self._subscribers:
            subscriber.cut(GOING_AWAY, "upstream lost")


def _key(name: str) -> FrameKey:
    symbol, _, channel = name.partition("@")
    return FrameKey(channel, symbol)
