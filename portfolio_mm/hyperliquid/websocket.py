"""One websocket to the venue that never gives up (HL §4): reconnects, subscribes again, pings, carries posts.

Reading runs in its own task, so a consumer may `await post(...)` from inside its own loop over the frames.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from portfolio_mm.domain.errors import ConfigurationError, MalformedMessage, OutcomeUnknown, VenueUnreachable
from portfolio_mm.hyperliquid.parse import channel_of
from portfolio_mm.hyperliquid.posts import Posts
from portfolio_mm.hyperliquid.socket_limits import SocketBudget

logger = logging.getLogger(__name__)

PING_S: Final = 20.0
SILENCE_S: Final = 30.0
"""No frame at all for this long, though pings ask for one: the connection is dead."""
CONNECT_S: Final = 10.0
BACKOFF_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before attempts; the sum keeps far below the venue's 30 new connections a minute."""
PROVEN_S: Final = 30.0
"""A connection that lived this long makes the next pause the first one again."""
MUTE_S: Final = 2.0
"""No frame for this long while a post waits in vain: half open, and cancels cannot wait for pings to find out."""
TRUSTED_NS: Final = 1_000_000_000
"""A connection that still speaks so long after it was made is not like the silent one before it."""
ROOM: Final = 8192
"""Frames kept for a slow consumer before reading itself waits."""


class SocketState(Enum):
    """Markers among the frames: after CONNECTED all subscriptions are sent, after DISCONNECTED nothing is current."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


Heard = tuple[int, bytes | SocketState]
"""Monotonic receive time in ns, and a frame or a marker."""


class VenueSocket:
    """A persistent connection.

    Use `start()` (or iterate, which starts it), read `async for recv_ns, item in socket`, `await close()` at the end.
    Post answers do not appear among the frames.
    """

    def __init__(
        self,
        url: str,
        subscriptions: Sequence[Mapping[str, Any]],
        *,
        ping_s: float = PING_S,
        silence_s: float = SILENCE_S,
        backoff_s: Sequence[float] = BACKOFF_S,
        budget: SocketBudget | None = None,
    ) -> None:
        self.budget: Final = SocketBudget() if budget is None else budget
        """Shared with the other sockets of this process."""
        broken = self.budget.plan(id(self), subscriptions)
        if broken:
            msg = f"{url}: {broken}"
            raise ConfigurationError(msg)
        if urlsplit(url).scheme not in {"ws", "wss"}:
            msg = f"{url!r} is not a websocket address; it must begin with ws:// or wss://"
            raise ConfigurationError(msg)
        self.url: Final = url
        self.subscriptions: Final = tuple(dict(s) for s in subscriptions)
        self._ping_s, self._silence_s, self._backoff_s = ping_s, silence_s, tuple(backoff_s)
        self._frames: asyncio.Queue[Heard | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(ROOM)
        self._posts = Posts(self.budget)
        self._connection: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._heard_ns: dict[str, int] = {}
        self._last_ns = 0
        self._made_ns = 0
        self._gave_up = ""
        self._doubted = False
        """The last connection fell silent: until this one has spoken for a while, what must arrive goes another way."""
        self.connects = 0
        """Connections made so far."""
        self.refusals = 0
        """Frames of channel `error`."""
        self.last_refusal = ""
        self.last_failure = ""
        """Why the last connection ended or could not be made."""

    @property
    def connected(self) -> bool:
        """Whether posts can be sent now."""
        return self._up.is_set()

    def start(self) -> None:
        """Begin connecting in the background; harmless when running."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"venue-socket {self.url}")
            self._task.add_done_callback(lambda _: self._frames.put_nowait(None))

    async def wait_connected(self, timeout_s: float) -> None:
        """Wait until subscriptions are sent.

        Raises:
            VenueUnreachable: not within `timeout_s`.
        """
        self.start()
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            msg = f"{self.url} not connected within {timeout_s} s: {self.last_failure or 'no answer yet'}"
            raise VenueUnreachable(msg) from None

    async def close(self) -> None:
        """Stop for good; pending posts fail, iteration ends."""
        self.budget.forget(id(self))
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        else:
            self._frames.put_nowait(None)

    def renew(self, reason: str) -> None:
        """End this connection at once; the next one subscribes anew. Harmless while there is none."""
        if self._connection is not None:
            logger.warning("%s: connecting anew: %s", self.url, reason)
            self.last_failure = reason
            self._connection.transport.abort()

    def age_s(self, channel: str) -> float:
        """Seconds since the last frame of a channel; infinite when there never was one."""
        heard = self._heard_ns.get(channel)
        return float("inf") if heard is None else (time.monotonic_ns() - heard) / 1e9

    async def __aiter__(self) -> AsyncIterator[Heard]:
        """Frames and markers in the order they came, until `close()`."""
        self.start()
        while (item := await self._frames.get()) is not None:
            if isinstance(item[1], bytes):
                self._room.release()
            yield item
        if self._task is not None and not self._task.cancelled():
            self._task.result()  # a fault of ours must not look like a quiet market

    async def post(
        self,
        request: Mapping[str, Any],
        timeout_s: float = 5.0,
        written: Callable[[], None] | None = None,
        *,
        cancel: bool = False,
    ) -> Any:
        """Send one request (`{"type": "info"|"action", "payload": ...}`) and give the response's payload.

        `written` is called as soon as the connection has taken the bytes. A `cancel` may use what is kept for cancels.

        Raises:
            VenueUnreachable: not connected, or a limit of ours was reached: nothing was sent.
            VenueRefused: the venue refused to process it.
            OutcomeUnknown: sent, and the answer never came.
        """
        connection = self._connection
        if connection is None or not self._up.is_set() or self._doubted:
            msg = f"{self.url} is not connected: {self.last_failure or 'no connection yet'}"
            raise VenueUnreachable(msg)
        sent_ns = time.monotonic_ns()
        try:
            return await self._posts.exchange(connection, request, timeout_s, written, cancel=cancel)
        except OutcomeUnknown:
            silent_s = (time.monotonic_ns() - self._last_ns) / 1e9
            if self._connection is connection and self._last_ns < sent_ns and silent_s >= MUTE_S:
                self._give_up(connection, f"no answer to a post, and not a word for {silent_s:.1f} s")
            raise

    def _give_up(self, connection: ClientConnection, why: str) -> None:
        """End a connection that is up and says nothing."""
        self.last_failure = self._gave_up = why
        self._doubted = True
        connection.transport.abort()

    async def _run(self) -> None:
        """Connect, serve, pause, for ever."""
        attempt = 0
        while True:
            wait_s = self.budget.connect_wait_s(time.monotonic())
            if wait_s > 0.0:
                logger.warning("%s: too many connections this minute; the next one in %.1f s", self.url, wait_s)
                await asyncio.sleep(wait_s)
            began = time.monotonic()
            self.budget.connecting(began)
            try:
                await self._serve()
            except (OSError, WebSocketException, TimeoutError) as error:
                self.last_failure = f"{type(error).__name__}: {error}"
            if time.monotonic() - began >= PROVEN_S:
                attempt = 0
            pause = self._backoff_s[min(attempt, len(self._backoff_s) - 1)]
            attempt += 1
            logger.info("%s lost (%s); again in %.2f s", self.url, self.last_failure, pause)
            await asyncio.sleep(pause)

    async def _serve(self) -> None:
        """One connection from greeting to loss."""
        loopback = urlsplit(self.url).hostname in {"127.0.0.1", "localhost", "::1"}
        async with connect(
            self.url,
            open_timeout=CONNECT_S,
            close_timeout=1.0,
            ping_interval=None,  # the venue counts only its own messages: the application ping below (HL §12.1)
            compression=None,
            max_size=None,
            proxy=None if loopback else True,
        ) as connection:
            self._last_ns = self._made_ns = time.monotonic_ns()
            self._gave_up = ""
            for subscription in self.subscriptions:
                self.budget.sent(time.monotonic())
                await connection.send(json.dumps({"method": "subscribe", "subscription": subscription}))
            self._connection = connection
            self.connects += 1
            self.budget.connections += 1
            self._frames.put_nowait((time.monotonic_ns(), SocketState.CONNECTED))
            self._up.set()
            pinger = asyncio.create_task(self._ping(connection))
            try:
                await self._read(connection)
            finally:
                self._up.clear()
                self._connection = None
                self.budget.connections -= 1
                self._posts.lose(f"{self.url} was lost")
                pinger.cancel()
                self._frames.put_nowait((time.monotonic_ns(), SocketState.DISCONNECTED))

    async def _read(self, connection: ClientConnection) -> None:
        """Hand on frames until the connection ends."""
        try:
            while True:
                text = await connection.recv(decode=False)
                recv_ns = time.monotonic_ns()
                self._last_ns = recv_ns
                self._doubted = self._doubted and recv_ns - self._made_ns < TRUSTED_NS
                channel = self._note(text, recv_ns)
                if channel == "post":
                    self._posts.answer(text)
                else:
                    await self._room.acquire()
                    self._frames.put_nowait((recv_ns, text))
        except ConnectionClosed as error:
            self.last_failure = self._gave_up or f"closed: {error}"

    def _note(self, raw: bytes, recv_ns: int) -> str:
        """Remember when a channel spoke; malformed frames are the consumer's to count."""
        try:
            channel = channel_of(raw)
        except MalformedMessage:
            return "?"
        self._heard_ns[channel] = recv_ns
        if channel == "error":
            said = raw[:300].decode("utf-8", "replace")
            if said != self.last_refusal:  # the same words again are only counted
                logger.warning("%s says: %s", self.url, said)
            self.refusals += 1
            self.last_refusal = said
            self._posts.refuse(said)
        return channel

    async def _ping(self, connection: ClientConnection) -> None:
        """Ask for a sign of life, and end a connection that gives none."""
        while True:
            await asyncio.sleep(self._ping_s)
            silent_s = (time.monotonic_ns() - self._last_ns) / 1e9
            if silent_s >= self._silence_s:
                self._give_up(connection, f"silent for {silent_s:.0f} s")
                return
            with contextlib.suppress(ConnectionClosed):
                self.budget.sent(time.monotonic())
                await connection.send('{"method":"ping"}')
