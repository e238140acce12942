"""HTTP and websocket face of the reference venue, on a port of its own."""

from functools import partial
from typing import Any, Final

import msgspec
from aiohttp import web

from portfolio_mm.venue.reference_venue.connection import MARKET, PUBLIC, Connection
from portfolio_mm.venue.reference_venue.control import Wishes
from portfolio_mm.venue.reference_venue.exchange import ReferenceExchange
from portfolio_mm.venue.reference_venue.messages import depth_snapshot
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings

LIMITS: Final = (5, 10, 20, 50, 100, 500, 1_000)
DEFAULT_LIMIT: Final = 500
ROUTES: Final = {"": PUBLIC, PUBLIC: PUBLIC, MARKET: MARKET}
"""What each path pushes: since April 2026 the host's root pushes the books alone, whatever is asked for there."""


class ReferenceServer:
    """Routes of one reference venue."""

    def __init__(self, exchange: ReferenceExchange, settings: ReferenceSettings) -> None:
        self._exchange = exchange
        self._settings = settings
        self._connections: set[Connection] = set()
        self.app = web.Application()
        for path, route in ROUTES.items():
            raw, combined = partial(self._raw, route), partial(self._combined, route)
            self.app.router.add_get(f"{path}/ws", raw)
            self.app.router.add_get(f"{path}/ws/{{streams:.+}}", raw)
            self.app.router.add_get(f"{path}/stream", combined)
        self.app.router.add_get("/fapi/v1/depth", self._depth)
        self.app.router.add_get("/fapi/v1/time", self._time)
        self.app.router.add_get("/fapi/v1/ping", self._pong)

    def step(self, now_ms: int) -> None:
        """Move the exchange on and tell everybody who listens."""
        said = self._exchange.step(now_ms)
        encoded: dict[int, bytes] = {}
        for connection in self._connections:
            connection.tell(said, encoded)

    async def close(self) -> None:
        """End every connection."""
        for connection in list(self._connections):
            await connection.close()

    async def _raw(self, route: str, request: web.Request) -> web.WebSocketResponse:
        streams = request.match_info.get("streams", "")
        return await self._converse(request, route, streams, combined=False)

    async def _combined(self, route: str, request: web.Request) -> web.WebSocketResponse:
        return await self._converse(request, route, request.query.get("streams", ""), combined=True)

    async def _converse(
        self, request: web.Request, route: str, streams: str, *, combined: bool
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False, compress=False)
        await socket.prepare(request)
        names = [name for name in streams.split("/") if name]
        wishes = Wishes(names, combined=combined, max_streams=self._settings.max_streams)
        connection = Connection(socket, wishes, self._settings, route)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket

    async def _depth(self, request: web.Request) -> web.Response:
        market = self._exchange.markets.get(request.query.get("symbol", "").upper())
        if "symbol" not in request.query:
            return _refused(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if market is None:
            return _refused(-1121, "Invalid symbol.")
        limit = request.query.get("limit", str(DEFAULT_LIMIT))
        if not limit.isdigit() or int(limit) not in LIMITS:
            return _refused(-4021, f"{limit} is not valid depth limit")  # wording ours
        return _json(depth_snapshot(market, int(limit), self._exchange.now_ms))

    async def _time(self, _: web.Request) -> web.Response:
        return _json({"serverTime": self._exchange.now_ms})

    async def _pong(self, _: web.Request) -> web.Response:
        return _json({})


def _refused(code: int, words: str) -> web.Response:
    return _json({"code": code, "msg": words}, 400)


def _json(reply: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(reply), status=status, content_type="application/json")
