"""Starting and stopping the reference venue beside a venue."""

import contextlib
import os
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiohttp import web

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.reference_venue.exchange import Leading, ReferenceExchange
from portfolio_mm.venue.reference_venue.server import ReferenceServer
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings


class RunningReference(NamedTuple):
    """A reference venue that serves; `server.step` moves it on."""

    url: str
    server: ReferenceServer


@contextlib.asynccontextmanager
async def running_reference(
    flow: Leading, seed: int, settings: ReferenceSettings, host: str, now_ms: int
) -> AsyncIterator[RunningReference]:
    """Serve while the context is open.

    Raises:
        ConfigurationError: the port is taken.
    """
    server = ReferenceServer(ReferenceExchange(flow, seed, settings, now_ms), settings)
    runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, settings.port).start()
        except OSError as error:
            why = os.strerror(error.errno or 0)
            msg = f"reference venue: cannot listen on {host}:{settings.port} ({why}); choose another port, 0 for any"
            raise ConfigurationError(msg) from error
        yield RunningReference(f"http://{host}:{runner.addresses[0][1]}", server)
    finally:
        await server.close()
        await runner.cleanup()
