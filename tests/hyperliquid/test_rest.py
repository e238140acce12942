"""HTTP: what is retried, what is refused, and what each failure of an action means."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from portfolio_mm.domain.errors import MalformedMessage, OutcomeUnknown, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid import encode, rest
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket

SIGNER = Signer.from_hex("0x0123456789012345678901234567890123456789012345678901234567890123")


SILENT = -1


@contextlib.asynccontextmanager
async def answering(*replies: tuple[int, str]) -> AsyncIterator[str]:
    """A server that gives these (status, body) in turn, the last one for ever; 0 hangs up, SILENT waits."""
    left = list(replies)

    async def handle(request: web.Request) -> web.Response:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        await request.read()
        if status == SILENT:
            await asyncio.sleep(0.3)
            status = 200
        if status == 0:
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=status or 200, text=body)

    app = web.Application()
    app.router.add_post("/{name}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "FIRST_BACKOFF_S", 0.001)


async def test_a_read_is_tried_again_after_429_5xx_and_a_lost_connection() -> None:
    async with (
        answering((429, ""), (502, "bad gateway"), (0, ""), (200, '{"time": 5}')) as url,
        InfoClient(url, None, IpBudget()) as info,
    ):
        assert await info.exchange_status() == {"time": 5}


async def test_a_429_makes_ordinary_reads_wait_for_the_minute() -> None:
    budget = IpBudget(cap=100, reserve=50)
    async with answering((429, "")) as url, InfoClient(url, None, budget, max_wait_s=1.0) as info:
        with pytest.raises(VenueUnreachable, match=r"IP budget: 45 of 100 weight used .* 20 more must wait"):
            await info.user_fees("0x1")


async def test_a_read_that_keeps_failing_is_unreachable() -> None:
    async with answering((500, "null")) as url, InfoClient(url, None, IpBudget()) as info:
        with pytest.raises(VenueUnreachable, match="HTTP 500, 5 times"):
            await info.exchange_status()
    async with InfoClient(f"http://127.0.0.1:{unused_port()}", None, IpBudget()) as info:
        with pytest.raises(VenueUnreachable, match="ClientConnectorError"):
            await info.exchange_status()


async def test_a_read_nobody_answers_is_tried_again() -> None:
    """The connection stands, and nothing comes."""
    async with answering((SILENT, "")) as url, InfoClient(url, None, IpBudget(), timeout_s=0.05) as info:
        with pytest.raises(VenueUnreachable, match=r"no answer from .* 5 times"):
            await info.exchange_status()


async def test_a_refused_read_is_not_repeated() -> None:
    async with (
        answering((422, "Failed to deserialize the JSON body into the target type"), (200, "{}")) as url,
        InfoClient(url, None, IpBudget()) as info,
    ):
        with pytest.raises(VenueRefused, match="HTTP 422: b'Failed to deserialize"):
            await info.post({"type": "nonsense"})


@pytest.mark.parametrize("body", ["<html>", "[1]", '"word"'])
async def test_another_shape_is_malformed(body: str) -> None:
    async with answering((200, body)) as url, InfoClient(url, None, IpBudget()) as info:
        with pytest.raises(MalformedMessage):
            await info.exchange_status()


async def test_weight_is_spent_by_request_and_by_rows() -> None:
    budget = IpBudget()
    rows = "[" + ",".join(["{}"] * 45) + "]"
    async with answering((200, rows)) as url, InfoClient(url, None, budget) as info:
        await info.user_fills_by_time("0x1", 0)
        assert budget.used(time.monotonic()) == 20 + 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((429, "slow down"), VenueRefused),
        ((422, "not an action"), VenueRefused),
        ((502, "bad gateway"), OutcomeUnknown),
        ((200, "<html>"), OutcomeUnknown),
        ((200, '{"status":"new"}'), OutcomeUnknown),
        ((0, ""), OutcomeUnknown),
    ],
)
async def test_a_failed_action_says_whether_it_may_have_happened(reply: tuple[int, str], kind: type[Exception]) -> None:
    socket = VenueSocket("ws://127.0.0.1:9/ws", [])
    async with answering(reply) as url, aiohttp.ClientSession() as session:
        with pytest.raises(kind):
            await ExchangeClient(socket, session, SIGNER, url, mainnet=False).send(encode.noop_action(), 1)


async def test_an_action_nobody_could_hear_was_not_sent() -> None:
    socket = VenueSocket("ws://127.0.0.1:9/ws", [])
    async with aiohttp.ClientSession() as session:
        client = ExchangeClient(socket, session, SIGNER, f"http://127.0.0.1:{unused_port()}", mainnet=False)
        with pytest.raises(VenueUnreachable, match="nothing was sent"):
            await client.send(encode.noop_action(), 1)
