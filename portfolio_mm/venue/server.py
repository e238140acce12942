"""HTTP and websocket face of the venue, all on one port."""

import asyncio
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web

from portfolio_mm.venue import admin
from portfolio_mm.venue.faults.desk import Failed, Unanswered
from portfolio_mm.venue.info.request import BadRequest, NoAnswer
from portfolio_mm.venue.protocol.reading import Unreadable, read_json
from portfolio_mm.venue.streams.conversation import GREETING, UNREADABLE, hear
from portfolio_mm.venue.streams.frames import frame
from portfolio_mm.venue.streams.session import Session
from portfolio_mm.venue.venue import RateLimited, Venue

MAX_FRAME: Final = 4_000_000
RETRY_AFTER_S: Final = "10"
HTTP_TOO_MANY: Final = 429
HTTP_BAD_GATEWAY: Final = 502
BAD_GATEWAY: Final = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


class VenueServer:
    """Routes of one venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.app = web.Application(client_max_size=MAX_FRAME)
        self.app.router.add_post("/info", self._info)
        self.app.router.add_post("/exchange", self._exchange)
        self.app.router.add_get("/ws", self._websocket)
        if venue.settings.admin:
            self.app.router.add_post("/admin", self._admin)

    async def _info(self, request: web.Request) -> web.Response:
        try:
            self._venue.trouble.desk.gate()
            wanted = read_json(await request.read(), dict[str, Any])
            return _json(await self._venue.answer(_address(request), wanted))
        except (Unreadable, BadRequest):
            return _unreadable()
        except NoAnswer:
            return _json(None, 500)
        except RateLimited:
            return _too_many()
        except Failed as error:
            return _failed(error.status)
        except Unanswered as silence:
            return await _silence(request, silence.hold_s)

    async def _exchange(self, request: web.Request) -> web.Response:
        try:
            self._venue.trouble.desk.gate()
            return _json(await self._venue.act(_address(request), await request.read()))
        except Unreadable:
            return _unreadable()
        except RateLimited:
            return _too_many()
        except Failed as error:
            return _failed(error.status)
        except Unanswered as silence:
            return await _silence(request, silence.hold_s)

    async def _admin(self, request: web.Request) -> web.Response:
        return _json(*admin.answer(self._venue, await request.read()))

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if self._venue.trouble.desk.down:
            return _failed(502)
        socket = web.WebSocketResponse(max_msg_size=MAX_FRAME, compress=False)
        await socket.prepare(request)
        hub = self._venue.hub
        session = Session(socket, request, hub.now_s)
        refusal = hub.limits.connect(session.address, hub.of_address(session.address))
        if refusal is not None:
            await socket.send_str(frame("error", refusal).decode())
            await socket.close()
            return socket
        await self._converse(socket, session)
        return socket

    async def _converse(self, socket: web.WebSocketResponse, session: Session) -> None:
        hub = self._venue.hub
        hub.join(session)
        session.line = self._venue.trouble.line(session)
        if self._venue.settings.greeting:
            session.send(GREETING)
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(session.write())
            try:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        # Posts wait for their block; the next frame must not wait for them.
                        tasks.create_task(hear(self._venue, session, message.data))
            finally:
                hub.leave(session)
                writer.cancel()


def _address(request: web.Request) -> str:
    return request.remote or ""


def _json(reply: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(reply), status=status, content_type="application/json")


def _unreadable() -> web.Response:
    return web.Response(text=UNREADABLE, status=422)


def _failed(status: int) -> web.Response:
    """What the real venue's proxy says when nothing answers behind it; 429 and 500 as the venue."""
    if status == HTTP_TOO_MANY:
        return _too_many()
    if status == HTTP_BAD_GATEWAY:
        return web.Response(text=BAD_GATEWAY, status=status, content_type="text/html")
    return _json(None, status)


async def _silence(request: web.Request, hold_s: float) -> web.Response:
    """Say nothing for a while, then cut the connection."""
    await asyncio.sleep(hold_s)
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _too_many() -> web.Response:
    return web.Response(text="null", status=429, headers={"Retry-After": RETRY_AFTER_S})
