"""An actor's own websocket to the relay, found anew before each connection because a restart moves it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from portfolio_mm.actors.topology import RELAY, Directory
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.hyperliquid.websocket import Heard, SocketState, VenueSocket

LOG: Final = logging.getLogger(__name__)
PATIENCE_S: Final = 3.0
"""A relay that does not let us in within this time may have moved: look it up again."""
BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)


class Feed:
    """Frames of the relay, with a marker at each gain and loss of the connection."""

    def __init__(self, directory: Directory, subscriptions: Sequence[Mapping[str, Any]]) -> None:
        self._directory = directory
        self._subscriptions = subscriptions
        self.connects = 0

    async def frames(self) -> AsyncGenerator[Heard]:
        """Receive time (monotonic ns) and frame or marker, for ever."""
        attempt = 0
        while True:
            url = await self._url()
            if url:
                async for heard in self._one(url):
                    attempt = 0 if heard[1] is SocketState.CONNECTED else attempt
                    yield heard
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            attempt += 1

    async def _url(self) -> str:
        try:
            return (await self._directory.find(RELAY)).url
        except ProtocolError as error:
            LOG.info("no market feed: %s", error)
            return ""

    async def _one(self, url: str) -> AsyncGenerator[Heard]:
        """One connection, or PATIENCE_S of attempts at it."""
        socket = VenueSocket(url, self._subscriptions, backoff_s=BACKOFF_S)
        try:
            socket.start()
            frames = aiter(socket)
            first = asyncio.ensure_future(anext(frames))
            done, _ = await asyncio.wait([first], timeout=PATIENCE_S)
            if not done:
                first.cancel()
                return
            yield first.result()
            self.connects += 1
            async for heard in frames:
                yield heard
                if heard[1] is SocketState.DISCONNECTED:
                    return
        finally:
            await socket.close()
