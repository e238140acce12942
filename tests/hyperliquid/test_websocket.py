"""The socket that never gives up: reconnects, subscribes again, tells, and loses no question about a post."""

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from portfolio_mm.domain.errors import ConfigurationError, OutcomeUnknown, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid import websocket
from portfolio_mm.hyperliquid.limits import MAX_POSTS_IN_FLIGHT
from portfolio_mm.hyperliquid.socket_limits import CANCEL_POSTS, pauses_s
from portfolio_mm.hyperliquid.websocket import SocketState, VenueSocket
from portfolio_mm.venue.faults.kinds import HalfOpen
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.hyperliquid.rig import Heard, odd_server

UP, DOWN = SocketState.CONNECTED, SocketState.DISCONNECTED
REQUEST = {"type": "info", "payload": {"type": "exchangeStatus"}}


def test_pauses_double_from_the_first_to_the_longest() -> None:
    assert pauses_s(0.5, 3.0) == (0.5, 1.0, 2.0, 3.0)
    assert pauses_s(2.0, 2.0) == (2.0,)


async def test_after_a_drop_it_comes_back_with_its_subscriptions() -> None:
    async with running_venue(VenueSettings(coins=("BTC",))) as venue:
        socket = VenueSocket(venue.ws, [{"type": "bbo", "coin": "BTC"}], backoff_s=(0.01,))
        heard = Heard(socket)
        await heard.until(lambda: any(b'"bbo"' in f[:20] for f in heard.frames))
        assert socket.age_s("bbo") < 5
        assert socket.age_s("trades") == float("inf")
        for session in tuple(venue.venue.hub.sessions):
            await session.close()
        await heard.until(lambda: heard.states == [UP, DOWN, UP])
        heard.frames.clear()
        await heard.until(lambda: any(b'"bbo"' in f[:20] for f in heard.frames))
        assert socket.connects == 2
        await heard.stop()
        await socket.close()
        assert not socket.connected


async def test_a_post_is_answered_while_the_consumer_works() -> None:
    async with running_venue(VenueSettings(coins=("BTC",))) as venue:
        socket = VenueSocket(venue.ws, [])
        async for _, item in socket:
            if item is UP:
                reply = await socket.post(REQUEST)  # from inside the loop over the frames
                break
        assert reply["data"]["time"] > 0
        await socket.close()


async def silent(connection: ServerConnection, request: dict[str, Any]) -> None:
    """Answer nothing at all."""


async def test_a_post_without_answer_has_an_unknown_outcome() -> None:
    async with odd_server(silent) as url:
        socket = VenueSocket(url, [])
        await socket.wait_connected(5)
        with pytest.raises(OutcomeUnknown, match=r"no answer within 0\.05 s"):
            await socket.post(REQUEST, timeout_s=0.05)
        await socket.close()


async def test_a_connection_that_lets_a_post_wait_in_vain_is_left_and_the_next_must_speak_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A half-open connection takes cancels and does nothing; the way by HTTP is open meanwhile."""
    monkeypatch.setattr(websocket, "MUTE_S", 0.05)
    monkeypatch.setattr(websocket, "TRUSTED_NS", 300_000_000)

    async def pong(connection: ServerConnection, request: dict[str, Any]) -> None:
        if request["method"] == "ping":
            await connection.send('{"channel":"pong"}')
        elif socket.connects > 1:
            response = {"type": "info", "payload": "done"}
            await connection.send(json.dumps({"channel": "post", "data": {"id": request["id"], "response": response}}))

    async with odd_server(pong) as url:
        socket = VenueSocket(url, [], ping_s=0.2, backoff_s=(0.01,))
        await socket.wait_connected(5)
        with pytest.raises(OutcomeUnknown):
            await socket.post(REQUEST, timeout_s=0.1)
        assert "not a word" in socket.last_failure
        while socket.connects < 2 or not socket.connected:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        with pytest.raises(VenueUnreachable, match="not a word"):
            await socket.post(REQUEST)
        await asyncio.sleep(0.5)
        assert await socket.post(REQUEST) == "done"
        await socket.close()


async def test_posts_in_flight_when_the_connection_is_lost_have_an_unknown_outcome() -> None:
    async def hang_up(connection: ServerConnection, request: dict[str, Any]) -> None:
        if request["id"] == 3:
            connection.transport.abort()

    async with odd_server(hang_up) as url:
        socket = VenueSocket(url, [])
        heard = Heard(socket)
        await socket.wait_connected(5)
        results = await asyncio.gather(*(socket.post(REQUEST) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [OutcomeUnknown] * 3
        await heard.until(lambda: DOWN in heard.states)
        await heard.stop()
        await socket.close()


async def test_refusals_are_told_from_failures() -> None:
    async def answer(connection: ServerConnection, request: dict[str, Any]) -> None:
        number = request["id"]
        if number == 3:
            await connection.send(
                json.dumps({"channel": "error", "data": f"too many pending post requests id={number}"})
            )
            return
        text = {1: "429 Too Many Requests: x", 2: "500 Internal"}[number]
        response = {"type": "error", "payload": text}
        await connection.send(json.dumps({"channel": "post", "data": {"id": number, "response": response}}))

    async with odd_server(answer) as url:
        socket = VenueSocket(url, [])
        await socket.wait_connected(5)
        for kind in (VenueRefused, OutcomeUnknown, VenueRefused):
            with pytest.raises(kind):
                await socket.post(REQUEST)
        assert (socket.refusals, "too many pending" in socket.last_refusal) == (1, True)
        await socket.close()


async def test_a_late_answer_is_not_given_to_another_post() -> None:
    async def late(connection: ServerConnection, request: dict[str, Any]) -> None:
        if request["id"] == 2:
            for number in (1, 99, 2):
                response = {"type": "info", "payload": number}
                await connection.send(json.dumps({"channel": "post", "data": {"id": number, "response": response}}))

    async with odd_server(late) as url:
        socket = VenueSocket(url, [])
        await socket.wait_connected(5)
        with pytest.raises(OutcomeUnknown):
            await socket.post(REQUEST, timeout_s=0.02)
        assert await socket.post(REQUEST) == 2
        await socket.close()


async def test_an_answer_nobody_can_read_is_passed_over() -> None:
    async def odd(connection: ServerConnection, request: dict[str, Any]) -> None:
        response = {"type": "info", "payload": "done"}
        await connection.send('{"channel":"post","data":7}')
        await connection.send(b'{"channel":"post","data":\xff\xfe}')
        await connection.send(json.dumps({"channel": "post", "data": {"id": request["id"], "response": response}}))

    async with odd_server(odd) as url:
        socket = VenueSocket(url, [])
        await socket.wait_connected(5)
        assert await socket.post(REQUEST) == "done"
        assert socket.connects == 1
        await socket.close()


async def test_no_more_posts_than_the_venue_allows_are_in_flight_and_the_last_of_them_are_for_cancels() -> None:
    async with odd_server(silent) as url:
        socket = VenueSocket(url, [])
        await socket.wait_connected(5)
        posts = [asyncio.create_task(socket.post(REQUEST)) for _ in range(MAX_POSTS_IN_FLIGHT - CANCEL_POSTS)]
        await asyncio.sleep(0)
        with pytest.raises(VenueUnreachable, match="the venue allows 100"):
            await socket.post(REQUEST)
        posts += [asyncio.create_task(socket.post(REQUEST, cancel=True)) for _ in range(CANCEL_POSTS)]
        await asyncio.sleep(0)
        with pytest.raises(VenueUnreachable, match="100 posts await answers"):
            await socket.post(REQUEST, cancel=True)
        await socket.close()
        assert {type(r) for r in await asyncio.gather(*posts, return_exceptions=True)} == {OutcomeUnknown}


async def test_silence_ends_a_connection_that_pings_do_not_wake() -> None:
    async with odd_server(silent) as url:
        socket = VenueSocket(url, [], ping_s=0.02, silence_s=0.05, backoff_s=(0.01,))
        heard = Heard(socket)
        await heard.until(lambda: heard.states[:3] == [UP, DOWN, UP])
        await heard.stop()
        await socket.close()


async def test_pongs_keep_a_quiet_connection() -> None:
    pings = 0

    async def pong(connection: ServerConnection, request: dict[str, Any]) -> None:
        nonlocal pings
        pings += request == {"method": "ping"}
        await connection.send('{"channel":"pong"}')

    async with odd_server(pong) as url:
        socket = VenueSocket(url, [], ping_s=0.02, silence_s=0.3)
        heard = Heard(socket)
        await heard.until(lambda: pings >= 20)
        assert heard.states == [UP]
        assert socket.age_s("pong") < 1
        await heard.stop()
        await socket.close()


async def test_nobody_there_is_unreachable_with_the_reason() -> None:
    socket = VenueSocket("ws://127.0.0.1:9/ws", [], backoff_s=(0.01,))
    with pytest.raises(VenueUnreachable, match="not connected"):
        await socket.post(REQUEST)
    began = time.monotonic()
    with pytest.raises(VenueUnreachable, match="ConnectionRefused"):
        await socket.wait_connected(0.2)
    assert time.monotonic() - began < 5
    await socket.close()


def test_what_cannot_be_a_websocket_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ws://"):
        VenueSocket("http://127.0.0.1", [])
    with pytest.raises(ConfigurationError, match="allows 1000"):
        VenueSocket("ws://127.0.0.1", [{"type": "bbo", "coin": str(n)} for n in range(1001)])


async def test_a_half_open_connection_is_given_up_and_made_again() -> None:
    async with running_venue(VenueSettings(coins=("BTC",), block_ms=20)) as venue:
        socket = VenueSocket(venue.ws, [{"type": "bbo", "coin": "BTC"}], ping_s=0.05, silence_s=0.3, backoff_s=(0.01,))
        heard = Heard(socket)
        await heard.until(lambda: bool(heard.frames))
        venue.venue.trouble.desk.arm(HalfOpen(for_s=0.2))
        await heard.until(lambda: SocketState.DISCONNECTED in heard.states)
        await heard.until(lambda: heard.states.count(SocketState.CONNECTED) == 2 and socket.age_s("bbo") < 0.1)
        await heard.stop()
        await socket.close()
