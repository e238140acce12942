"""A client of the local venue as the gateway has one, and a bare websocket server that misbehaves on request."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.server import ServerConnection, serve

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.user import UserMessage, parse_user
from portfolio_mm.hyperliquid.websocket import SocketState, VenueSocket
from portfolio_mm.venue.process import RunningVenue, running_venue
from portfolio_mm.venue.settings import VenueSettings

Reaction = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


class Heard:
    """Everything a socket says, kept, with a way to wait for something among it."""

    def __init__(self, socket: VenueSocket) -> None:
        self.frames: list[bytes] = []
        self.states: list[SocketState] = []
        self.user: list[UserMessage] = []
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._listen(socket))

    async def _listen(self, socket: VenueSocket) -> None:
        async for _, item in socket:
            async with self._news:
                if isinstance(item, SocketState):
                    self.states.append(item)
                else:
                    self.frames.append(item)
                    self.user.extend(parse_user(item))
                self._news.notify_all()

    async def until(self, true: Callable[[], bool], timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(true)

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class Rig(msgspec.Struct):
    """A venue, and a connected client of its first account."""

    venue: RunningVenue
    info: InfoClient
    socket: VenueSocket
    heard: Heard
    exchange: ExchangeClient
    session: aiohttp.ClientSession
    coin: Instrument
    user: str
    signer: Signer
    nonce: int

    def next_nonce(self) -> int:
        self.nonce += 1
        return self.nonce

    async def mid(self) -> float:
        ctxs = (await self.info.meta_and_ctxs())[1]
        return float(ctxs[self.coin.asset]["midPx"])


@contextlib.asynccontextmanager
async def rig(settings: VenueSettings | None = None) -> AsyncIterator[Rig]:
    """The whole client side against a fresh venue."""
    async with (
        running_venue(settings or VenueSettings(coins=("BTC", "ETH"))) as venue,
        aiohttp.ClientSession() as session,
    ):
        account = venue.accounts[0]
        user = account.address
        signer = Signer.from_hex(account.agent.key)
        info = InfoClient(venue.url, session, IpBudget())
        streams = [{"type": kind, "user": user} for kind in ("orderUpdates", "userFills", "userEvents")]
        socket = VenueSocket(venue.ws, streams, backoff_s=(0.01,))
        heard = Heard(socket)
        await socket.wait_connected(10.0)
        exchange = ExchangeClient(socket, session, signer, venue.url, mainnet=False)
        (coin,) = await load_instruments(info, ["ETH"])
        try:
            yield Rig(venue, info, socket, heard, exchange, session, coin, user, signer, venue.venue.state.now_ms)
        finally:
            await heard.stop()
            await socket.close()


@contextlib.asynccontextmanager
async def odd_server(react: Reaction) -> AsyncIterator[str]:
    """A websocket server that does what `react` says with each request."""

    async def one(connection: ServerConnection) -> None:
        async for text in connection:
            await react(connection, json.loads(text))

    async with serve(one, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws"
