"""The client against our own endpoint of Binance's protocol: it comes back after every way a connection can end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.reference.client import MARKET, PUBLIC, Line, ReferenceSocket, address, streams_of
from portfolio_mm.reference.parse import AggTrade, BookTicker, Depth, Said, parse
from portfolio_mm.reference.symbols import symbol_of
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from portfolio_mm.venue.reference_venue.process import running_reference
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings

NOW_MS = 1_795_000_000_000
WAIT_S = 10.0
SYMBOLS = [symbol for coin in ("BTC", "ETH") if (symbol := symbol_of(coin)) is not None]


@contextlib.asynccontextmanager
async def venue(**settings: Any) -> AsyncIterator[str]:
    """A reference venue that goes on by itself, 20 blocks a second."""
    flow = SyntheticFlow(synthetic_params(("BTC", "ETH"), seed=5))
    async with running_reference(flow, 5, ReferenceSettings(**settings), "127.0.0.1", NOW_MS) as running:

        async def go() -> None:
            while True:
                flow.advance(flow.next_ms())
                running.server.step(NOW_MS + flow.next_ms() - flow.start_ms)
                await asyncio.sleep(0.05)

        going = asyncio.create_task(go())
        try:
            yield running.url
        finally:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)


def socket(url: str, path: str = PUBLIC, **more: Any) -> ReferenceSocket:
    return ReferenceSocket(address(url, path, streams_of(SYMBOLS)[path]), backoff_s=(0.05,), **more)


async def collected(line: ReferenceSocket, enough: Callable[[list[Said], list[Line]], bool]) -> list[Line]:
    """Read until there is enough."""
    said: list[Said] = []
    marks: list[Line] = []
    async with asyncio.timeout(WAIT_S):
        async for _, item in line:
            if isinstance(item, Line):
                marks.append(item)
            elif (found := parse(item)) is not None:
                said.append(found)
            if enough(said, marks):
                return marks
    raise AssertionError(line.last_failure)


async def test_every_stream_of_every_symbol_comes_from_its_path() -> None:
    async with venue(trades_per_s=20.0) as url:
        await collected(
            socket(url), lambda said, _: {(type(one), one.s) for one in said} == {
                (kind, name) for kind in (BookTicker, Depth) for name in ("BTCUSDT", "ETHUSDT")
            }
        )  # fmt: skip
        await collected(
            socket(url, MARKET),
            lambda said, _: {(type(one), one.s) for one in said} == {(AggTrade, "BTCUSDT"), (AggTrade, "ETHUSDT")},
        )


async def test_a_close_after_its_life_is_followed_by_the_next_connection() -> None:
    async with venue(life_s=0.4) as url:
        line = socket(url)
        marks = await collected(line, lambda said, marks: marks.count(Line.UP) == 3 and len(said) > 0)
    assert marks == [Line.UP, Line.DOWN, Line.UP, Line.DOWN, Line.UP]
    assert line.connects == 3


async def test_our_pings_stay_far_below_the_limit_of_messages() -> None:
    async with venue(messages_per_s=2) as url:
        line = socket(url)
        began = time.monotonic()
        marks = await collected(line, lambda _, __: time.monotonic() - began > 2.5)
    assert marks == [Line.UP]
    assert line.connects == 1


async def test_a_venue_that_is_not_there_yet_is_waited_for() -> None:
    async with venue() as url:
        port = int(url.rpartition(":")[2])
    line = socket(url)
    reading = asyncio.create_task(collected(line, lambda said, _: len(said) > 0))
    await asyncio.sleep(0.3)
    assert line.last_failure
    assert line.alive_s() == float("inf")
    async with venue(port=port):
        assert await reading == [Line.UP]
        assert line.alive_s() < WAIT_S


@contextlib.asynccontextmanager
async def endpoint(talk: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    async with serve(talk, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def test_a_server_that_announces_its_end_is_left_at_once() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send('{"e":"serverShutdown","E":1795000000000}')
        await connection.wait_closed()

    async with endpoint(talk) as url:
        marks = await collected(socket(url), lambda _, marks: marks.count(Line.UP) == 2)
    assert marks == [Line.UP, Line.DOWN, Line.UP]


async def test_a_half_open_connection_is_given_up() -> None:
    """The handshake succeeds, then nothing is read or said any more, not even a pong."""
    done = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await done.wait()

    async with endpoint(talk) as url:
        line = socket(url, ping_s=0.05, stall_s=0.3)
        marks = await collected(line, lambda _, marks: marks.count(Line.UP) == 2)
        done.set()
    assert marks == [Line.UP, Line.DOWN, Line.UP]


def test_an_address_that_is_none_is_refused_by_name() -> None:
    for base in ("fstream.binance.com", "ftp://host", "wss://"):
        with pytest.raises(ConfigurationError, match=r"reference\.url"):
            address(base, PUBLIC, ())
    assert (
        msgspec.json.encode(address("wss://h/x/", MARKET, ["a@aggTrade"]))
        == b'"wss://h/x/market/stream?streams=a@aggTrade"'
    )
