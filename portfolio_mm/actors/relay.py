"""The relay: few upstream public websockets, re-served on loopback in the same Hyperliquid protocol.

Frames pass unparsed. A new subscriber first gets the last frame of each snapshot stream. When the upstream is lost,
every subscriber is cut off and none is let in until it is back, so that a coin knows its feed is down at once
(docs/failures.md); last frames are forgotten, because they may be old by then.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response as HttpResponse

from portfolio_mm.actors.frame_key import FrameKey, Request, key_of, request_of, subscription_key, subscription_of
from portfolio_mm.actors.recorder import Recorder
from portfolio_mm.actors.reference_relay import ROUTE, ReferenceRelay
from portfolio_mm.actors.subscriber import Subscriber
from portfolio_mm.actors.topology import RELAY, Address
from portfolio_mm.hyperliquid.websocket import SocketState, VenueSocket

LOG: Final = logging.getLogger(__name__)
GOING_AWAY: Final = 1012
"""Websocket close code "service restart"."""
COINS_PER_SOCKET: Final = 64
"""Four streams a coin; the venue allows 1000 subscriptions and ten connections per address (HL §5.3)."""


def streams_of(coins: Sequence[str], *, fast: bool) -> tuple[FrameKey, ...]:
    """Every stream the coins of a run live on."""
    return tuple(
        FrameKey(channel, coin, fast and channel == "l2Book")
        for coin in coins
        for channel in ("bbo", "l2Book", "trades", "activeAssetCtx")
    )


class Relay:
    """One per egress address. `run` serves until `stop`."""

    def __init__(
        self,
        streams: Sequence[FrameKey],
        connect: Callable[[Sequence[Mapping[str, Any]]], VenueSocket],
        *,
        host: str,
        port: int,
        announce: Callable[[str, Address], None],
        recorder: Recorder | None = None,
        reference: ReferenceRelay | None = None,
    ) -> None:
        self._streams = frozenset(streams)
        self._connect = connect
        self._host = host
        self._port = port
        self._announce = announce
        self._recorder = recorder
        self._reference = reference
        self._subscribers: set[Subscriber] = set()
        self._last: dict[FrameKey, bytes] = {}
        self._up: dict[int, bool] = {}
        self._frames = 0
        self._malformed = 0
        self._last_ns = 0
        self._stopping = asyncio.Event()
        self.url = ""

    async def run(self) -> None:
        """Serve until stopped."""
        async with serve(
            self._serve_one,
            self._host,
            self._port,
            compression=None,
            process_request=self._admit,
            ping_interval=None,
            max_size=1 << 16,
        ) as server:
            self.url = _url(server)
            self._announce(RELAY, Address(self.url, os.getpid()))
            groups = _groups(sorted(self._streams))
            pumps = [asyncio.create_task(self._pump(number, group)) for number, group in enumerate(groups)]
            self._up = dict.fromkeys(range(len(groups)), False)
            if self._reference is not None:
                pumps.append(asyncio.create_task(self._reference.run()))
            try:
                stopped = asyncio.create_task(self._stopping.wait())
                await asyncio.wait([*pumps, stopped], return_when=asyncio.FIRST_COMPLETED)
                for pump in pumps:
                    if pump.done():
                        pump.result()
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                self._cut_all()
        if self._recorder is not None:
            self._recorder.close()

    async def stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    def status(self) -> dict[str, float | int | bool | str]:
        """Counters for people."""
        return {
            "url": self.url,
            "up": all(self._up.values()) and bool(self._up),
            "subscribers": len(self._subscribers),
            "frames": self._frames,
            "malformed": self._malformed,
            "conflated": sum(subscriber.conflated for subscriber in self._subscribers),
            "age_s": (time.monotonic_ns() - self._last_ns) / 1e9 if self._last_ns else float("inf"),
            **({} if self._reference is None else self._reference.status()),
        }

    async def _pump(self, number: int, streams: Sequence[FrameKey]) -> None:
        """Forward one upstream connection for ever."""
        upstream = self._connect([subscription_of(stream) for stream in streams])
        try:
            async for recv_ns, item in upstream:
                if isinstance(item, bytes):
                    self._forward(recv_ns, item)
                    continue
                self._up[number] = item is SocketState.CONNECTED
                if not self._up[number]:
                    self._cut_all()
        finally:
            await upstream.close()

    def _forward(self, recv_ns: int, frame: bytes) -> None:
        self._frames += 1
        self._last_ns = recv_ns
        try:
            key = key_of(frame)
        except msgspec.DecodeError:
            self._malformed += 1
            if self._malformed == 1:
                LOG.warning("upstream frame is not one of the venue's: %.80r", frame)
            return
        if key is None:
            return
        if self._recorder is not None:
            self._recorder.write(time.time_ns() // 1_000, frame)
        self._last[key] = frame
        for subscriber in self._subscribers:
            if key in subscriber.keys:
                subscriber.offer(key, frame)

    def _cut_all(self) -> None:
        """The upstream is gone: say so by ending every connection."""
        self._last.clear()
        for subscriber in self._subscribers:
            subscriber.cut(GOING_AWAY, "upstream lost")

    def _admit(self, connection: ServerConnection, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith(f"{ROUTE}/"):
            if self._reference is None:
                return connection.respond(HTTPStatus.NOT_FOUND, "this run has no reference venue\n")
            return self._reference.admit(connection, request)
        if all(self._up.values()) and self._up:
            return None
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "the venue's stream is down\n")

    async def _serve_one(self, connection: ServerConnection) -> None:
        path = "" if connection.request is None else connection.request.path
        if self._reference is not None and path.startswith(f"{ROUTE}/"):
            await self._reference.serve_one(connection, path)
            return
        subscriber = Subscriber(connection)
        self._subscribers.add(subscriber)
        writer = asyncio.create_task(subscriber.drain())
        try:
            with contextlib.suppress(ConnectionClosed):
                async for frame in connection:
                    self._answer(subscriber, frame)
        finally:
            self._subscribers.discard(subscriber)
            writer.cancel()

    def _answer(self, subscriber: Subscriber, frame: str | bytes) -> None:
        """One request of a subscriber (HL §4.1)."""
        try:
            request = request_of(frame)
        except msgspec.DecodeError:
            subscriber.say(_frame("error", f"Error parsing JSON into valid websocket request: {_text(frame)}"))
            return
        if request.method == "ping":
            subscriber.say(b'{"channel":"pong"}')
        elif request.method in {"subscribe", "unsubscribe"} and request.subscription is not None:
            self._subscribe(subscriber, request)
        else:
            subscriber.say(_frame("error", f"Error parsing JSON into valid websocket request: {_text(frame)}"))

    def _subscribe(self, subscriber: Subscriber, request: Request) -> None:
        assert request.subscription is not None
        key = subscription_key(request.subscription)
        wire = subscription_of(key)
        text = msgspec.json.encode(wire).decode()
        if key not in self._streams:
            subscriber.say(_frame("error", f"Invalid subscription {text}"))
            return
        wanted = request.method == "subscribe"
        if wanted == (key in subscriber.keys):
            subscriber.say(_frame("error", f"Already {request.method}d: {text}"))
            return
        subscriber.say(_frame("subscriptionResponse", {"method": request.method, "subscription": wire}))
        if not wanted:
            subscriber.keys.discard(key)
            return
        subscriber.keys.add(key)
        if key.channel != "trades" and key in self._last:
            subscriber.offer(key, self._last[key])


def _groups(streams: Sequence[FrameKey]) -> list[list[FrameKey]]:
    """Streams split over connections, a coin's streams together."""
    coins = sorted({stream.coin for stream in streams})
    chunks = [coins[start : start + COINS_PER_SOCKET] for start in range(0, len(coins), COINS_PER_SOCKET)]
    return [[stream for stream in streams if stream.coin in chunk] for chunk in chunks]


def _frame(channel: str, data: object) -> bytes:
    return msgspec.json.encode({"channel": channel, "data": data})


def _text(frame: str | bytes) -> str:
    return (frame if isinstance(frame, str) else frame.decode(errors="replace"))[:200]


def _url(server: Server) -> str:
    host, port = next(iter(server.sockets)).getsockname()[:2]
    return f"ws://{host}:{port}/ws"
