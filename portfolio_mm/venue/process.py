"""Starting and stopping a venue: inside a test's loop (`running_venue`), or as a program of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.clearinghouse.accounts import FundedAccount
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.tape import TapeFlow
from portfolio_mm.venue.flows.upstream import live_flow
from portfolio_mm.venue.reference_venue.process import running_reference
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.scenario.file import check
from portfolio_mm.venue.server import VenueServer
from portfolio_mm.venue.settings import VenueSettings, market_params
from portfolio_mm.venue.venue import Venue
from portfolio_mm.venue.warm import warm_market

DEFAULTS: Final = VenueSettings()
PROGRAM: Final = "portfolio_mm.venue"


class RunningVenue(msgspec.Struct, frozen=True):
    """A venue that serves. `venue` is the live object, for tests in the same process."""

    url: str
    ws: str
    accounts: tuple[FundedAccount, ...]
    coins: tuple[str, ...]
    flow: str
    start_ms: int
    venue: Venue
    pulse: "asyncio.Task[None]"
    reference: str | None = None

    def ready_line(self) -> str:
        """The JSON line of the program. The keys in it are test keys of this venue, worth nothing elsewhere."""
        shown = {field: getattr(self, field) for field in ("url", "ws", "accounts", "coins", "flow", "start_ms")}
        if self.reference is not None:
            shown["reference"] = self.reference
        return msgspec.json.encode(shown).decode()


def build_flow(settings: VenueSettings) -> Flow:
    """The flow that drives the markets.

    Raises:
        ConfigurationError: unknown coin; missing or malformed tape.
    """
    flow: Flow
    if settings.tape is not None:
        flow = TapeFlow(settings.tape, settings.coins, loop=settings.loop, fills=settings.fills.model())
    else:
        truth = None if settings.truth_folder is None else Path(settings.truth_folder)
        flow = SyntheticFlow(market_params(settings.synthetic, settings.coins, settings.seed, settings.dexes), truth)
    warm_market(next(iter(flow.markets().values())))
    return flow


@contextlib.asynccontextmanager
async def running_venue(settings: VenueSettings = DEFAULTS) -> AsyncIterator[RunningVenue]:
    """Serve a venue while the context is open.

    Raises:
        ConfigurationError: bad settings or tape, or the port is taken.
    """
    check(settings)
    async with _opened_flow(settings) as flow, _serving(settings, flow) as running:
        if settings.reference is None:
            yield running
            return
        async with _led(settings.reference, flow, running.venue) as url:
            yield msgspec.structs.replace(running, reference=url)


@contextlib.asynccontextmanager
async def _led(reference: ReferenceSettings, flow: Flow, venue: Venue) -> AsyncIterator[str]:
    """Serve the reference venue beside this one, in its time; its URL."""
    assert isinstance(flow, SyntheticFlow)  # `VenueSettings.complaints`
    settings, now_ms = venue.settings, venue.state.now_ms
    async with running_reference(flow, settings.seed, reference, settings.host, now_ms) as running:
        venue.witnesses.append(running.server.step)
        try:
            yield running.url
        finally:
            venue.witnesses.remove(running.server.step)


@contextlib.asynccontextmanager
async def _opened_flow(settings: VenueSettings) -> AsyncIterator[Flow]:
    # reading a tape and compiling take seconds; the loop may have other work
    if settings.upstream is None:
        yield await asyncio.to_thread(build_flow, settings)
        return
    async with live_flow(settings.upstream, settings.coins, settings.fills.model()) as flow:
        await asyncio.to_thread(warm_market, next(iter(flow.markets().values())))
        yield flow


@contextlib.asynccontextmanager
async def _serving(settings: VenueSettings, flow: Flow) -> AsyncIterator[RunningVenue]:
    venue = Venue(settings, flow)
    runner = web.AppRunner(VenueServer(venue).app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    pulse = None
    try:
        port = await _listen(runner, settings)
        pulse = asyncio.get_running_loop().create_task(venue.pulse())
        address = f"{settings.host}:{port}"
        coins = tuple(coin.coin for coin in venue.state.coins)
        kind = "live" if settings.upstream is not None else "tape" if settings.tape is not None else "synthetic"
        yield RunningVenue(
            f"http://{address}", f"ws://{address}/ws", venue.accounts, coins, kind, venue.state.start_ms, venue, pulse
        )
    finally:
        if pulse is not None:
            pulse.cancel()
            await asyncio.wait([pulse])
        await asyncio.gather(*(session.close() for session in venue.hub.sessions))
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: VenueSettings) -> int:
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        msg = f"cannot listen on {settings.host}:{settings.port} ({why}); choose another port, 0 for any free one"
        raise ConfigurationError(msg) from error
    return int(runner.addresses[0][1])


async def serve_until_told(settings: VenueSettings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with running_venue(settings) as running:
        sys.stdout.write(running.ready_line() + "\n")
        sys.stdout.flush()
        stopping = asyncio.get_running_loop().create_task(told.wait())
        await asyncio.wait([stopping, running.pulse], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if running.pulse.done():
            running.pulse.result()
    return 0


def run(settings: VenueSettings) -> int:
    """Serve as a program: 0 after a signal, 4 with a line on standard error for bad settings."""
    try:
        return asyncio.run(serve_until_told(settings))
    except ConfigurationError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return error.exit_code
