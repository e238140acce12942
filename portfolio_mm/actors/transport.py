"""How the parts of a run speak: frames over a unix socket on one node, or TLS over TCP between nodes.

Addresses are `unix:/path` (or a bare path) and `tls://host:port`. Each connection opens with `Hello`, which carries the
token of the run; nothing else is read before it. Sending never waits: what a slow peer has not taken stays in a bounded
buffer, and `send_*` says no once it is full. The sender decides what that means: a view is simply not repeated, a coin
gets a full snapshot as soon as it reads again.
"""

import asyncio
import hmac
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.actors import framing
from portfolio_mm.actors.framing import Frame, FrameKind
from portfolio_mm.actors.messages import Hello, Message, Welcome
from portfolio_mm.domain.errors import ConfigurationError, ProtocolError

__all__ = ["Frame", "FrameKind", "Listener", "Peer", "Tls", "connect", "expect_hello", "join", "serve"]

BUFFER_BYTES: Final = 1 << 20
HELLO_TIMEOUT_S: Final = 2.0
UNIX: Final = "unix:"
TLS: Final = "tls://"


class Tls(NamedTuple):
    """Files of the node-to-node transport: the server's certificate and key; clients trust exactly `certificate`."""

    certificate: Path
    key: Path | None = None

    def server(self) -> ssl.SSLContext:
        """Context of a listener."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        """Context of a peer. The certificate is pinned, so it may name any host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.load_verify_locations(self.certificate)
        return context


class Peer:
    """One end of a connection: iterate it for frames, send without waiting."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self._frames()

    async def _frames(self) -> AsyncIterator[Frame]:
        while (frame := await self.receive()) is not None:
            yield frame

    async def receive(self) -> Frame | None:
        """The next frame; None once the other end is gone.

        Raises:
            ProtocolError: the other end broke the framing.
        """
        try:
            length, kind = framing.HEADER.unpack(await self._reader.readexactly(framing.HEADER.size))
            body = await self._reader.readexactly(framing.payload_size(length))
        except (asyncio.IncompleteReadError, OSError):
            return None
        return framing.decode(kind, body)

    @property
    def buffered(self) -> int:
        """Bytes the other end has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    @property
    def closed(self) -> bool:
        """Whether this end was closed or lost."""
        return self._writer.is_closing()

    def send_message(self, message: Message) -> bool:
        """Send one message; False when it was dropped because the other end is slow or gone."""
        return self.send_frame(framing.message_bytes(message))

    def send_records(self, kind: FrameKind, rows: "np.ndarray[Any, np.dtype[Any]]") -> bool:
        """Send records as one frame; False when they were dropped because the other end is slow or gone."""
        return self.send_frame(framing.record_bytes(kind, rows))

    def send_frame(self, frame: bytes) -> bool:
        """Send what is a frame already (the same for several peers); False as above."""
        if self.closed or self.buffered > BUFFER_BYTES:
            return False
        self._writer.write(frame)
        return True

    async def drain(self) -> None:
        """Wait until little is buffered."""
        try:
            await self._writer.drain()
        except OSError:
            self.abort()

    def abort(self) -> None:
        """Drop the connection now, without sending what is buffered."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Send what is buffered, then close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (OSError, asyncio.CancelledError):
            self.abort()


Handler = Callable[[Peer], Awaitable[None]]


class Listener:
    """A listening socket with a handler task per connection."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""

    async def start(self, address: str, tls: Tls | None) -> None:
        """Bind; `tls://host:0` takes a free port, `address` then says which."""
        if address.startswith(TLS):
            if tls is None:
                msg = f"{address} needs a certificate"
                raise ConfigurationError(msg)
            host, port = _host_port(address)
            self._server = await asyncio.start_server(self._accept, host, port, ssl=tls.server())
            self.address = f"{TLS}{host}:{self._server.sockets[0].getsockname()[1]}"
            return
        path = address.removeprefix(UNIX)
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, path)
        os.chmod(path, 0o600)  # noqa: PTH101 - one call before anybody can connect
        self.address = f"{UNIX}{path}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._handle(Peer(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, peer: Peer) -> None:
        try:
            await self._handler(peer)
        except ProtocolError:
            peer.abort()
        finally:
            await peer.close()

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is None:
            return
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None


async def serve(address: str, handler: Handler, tls: Tls | None = None) -> Listener:
    """Listen; `handler` runs once per connection and its end closes it.

    Raises:
        ConfigurationError: the address is none, or TLS lacks its files.
        OSError: the address is taken.
    """
    listener = Listener(handler)
    await listener.start(address, tls)
    return listener


async def connect(address: str, tls: Tls | None = None) -> Peer:
    """Open a connection.

    Raises:
        ConfigurationError: the address is none, or TLS lacks its certificate.
        OSError: nobody listens there.
    """
    if address.startswith(TLS):
        if tls is None:
            msg = f"{address} needs the certificate to trust"
            raise ConfigurationError(msg)
        host, port = _host_port(address)
        return Peer(*await asyncio.open_connection(host, port, ssl=tls.client()))
    return Peer(*await asyncio.open_unix_connection(address.removeprefix(UNIX)))


async def join(address: str, hello: Hello, tls: Tls | None = None) -> tuple[Peer, Welcome]:
    """Connect, say hello, wait for the welcome.

    Raises:
        ProtocolError: the hub hung up or answered something else: wrong token, or it is not ready.
        OSError: nobody listens there.
    """
    peer = await connect(address, tls)
    peer.send_message(hello)
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            answer = await peer.receive()
    except TimeoutError:
        answer = None
    if not isinstance(answer, Welcome):
        peer.abort()
        msg = f"{address} did not welcome {hello.name} ({hello.role})"
        raise ProtocolError(msg)
    return peer, answer


async def expect_hello(peer: Peer, token: str) -> Hello:
    """The greeting of a new connection.

    Raises:
        ProtocolError: none came in time, or its token is not that of this run.
    """
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            hello = await peer.receive()
    except TimeoutError:
        hello = None
    if not isinstance(hello, Hello):
        msg = f"a connection did not open with hello within {HELLO_TIMEOUT_S} s"
        raise ProtocolError(msg)
    if not hmac.compare_digest(hello.token.encode(), token.encode()):
        msg = f"{hello.name} ({hello.role}, process {hello.pid}) does not know the token of this run"
        raise ProtocolError(msg)
    return hello


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix(TLS).rpartition(":")
    if not host or not port.isdigit():
        msg = f"address {address!r} is not {TLS}host:port"
        raise ConfigurationError(msg)
    return host.strip("[]"), int(port)
