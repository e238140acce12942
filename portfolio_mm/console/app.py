"""The HTTP application: `/`, `/healthz`, `/readyz`, `/metrics`, `/api/status`, `/api/stream`."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from portfolio_mm.console.metrics import exposition
from portfolio_mm.console.readiness import assess
from portfolio_mm.console.source import Source
from portfolio_mm.domain.errors import ConfigurationError

PAGE: Final = Path(__file__).parent / "page"
STREAM_PERIOD_S: Final = 0.25
SOURCE: Final = web.AppKey("source", Source)
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


async def start(host: str, port: int, source: Source) -> tuple[web.AppRunner, int]:
    """Serve on `host:port` (port 0 takes a free one) and return the runner with the port really taken.

    Raises:
        ConfigurationError: the port is taken or the host is not an address of this machine.
    """
    app = web.Application(middlewares=[_safe_headers])
    app[SOURCE] = source
    app.router.add_get("/", _page)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/api/status", _status)
    app.router.add_get("/api/stream", _stream)
    app.router.add_static("/page/", PAGE)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        msg = f"the console cannot listen on {host}:{port}: {error.strerror}; choose another port (0 takes a free one)"
        raise ConfigurationError(msg) from error
    return runner, int(runner.addresses[0][1])


@web.middleware
async def _safe_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _readyz(request: web.Request) -> web.Response:
    source = request.app[SOURCE]
    readiness = assess(source.view(), source.age_s())
    return web.json_response(readiness._asdict(), status=200 if readiness.ready else 503)


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=exposition(request.app[SOURCE]), headers={"Content-Type": "text/plain; version=0.0.4"})


async def _status(request: web.Request) -> web.Response:
    source = request.app[SOURCE]
    view = source.view()
    if view is None:
        return web.json_response({"error": "the gateway has not been heard yet"}, status=503)
    body = {"age_s": source.age_s(), "readiness": assess(view, source.age_s())._asdict(), "view": view}
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


async def _stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: one status object per change of view."""
    source = request.app[SOURCE]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
    await response.prepare(request)
    last: object = None
    with contextlib.suppress(ConnectionResetError):
        while True:
            view = source.view()
            if view is not None and view is not last:
                last = view
                body = {"readiness": assess(view, source.age_s())._asdict(), "view": view}
                await response.write(b"data: " + msgspec.json.encode(body) + b"\n\n")
            await asyncio.sleep(STREAM_PERIOD_S)
    return response
