"""Limits of one IP address over websockets, on a clock the test turns (HL §5.3)."""

import asyncio
import json
from typing import Any

import pytest
import websockets

from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.streams.subscriptions import Topic
from tests.venue.served import with_settings

LIMITED = with_settings(ip_limit=True)


async def frames(socket: Any, count: int) -> list[Any]:
    return [json.loads(await socket.recv()) for _ in range(count)]


async def ask(socket: Any, **said: Any) -> Any:
    await socket.send(json.dumps(said))
    return json.loads(await socket.recv())


def refusal(text: str) -> Any:
    return {"channel": "error", "data": text}


@pytest.mark.parametrize(("places", "count"), [("documented", 10), ("observed", 15)])
async def test_one_address_has_so_many_connections_and_users(places: Any, count: int) -> None:
    settings = with_settings(ip_limit=True, socket_limits=places, greeting=False)
    async with running_venue(settings) as running, asyncio.timeout(30):
        sockets = [await websockets.connect(running.ws) for _ in range(count)]
        assert await ask(sockets[-1], method="ping") == {"channel": "pong"}, "nothing is greeted"
        one_more = await websockets.connect(running.ws)
        assert json.loads(await one_more.recv()) == refusal(f"Cannot open more than {count} connections.")
        with pytest.raises(websockets.ConnectionClosed):
            await one_more.recv()
        for number in range(count):
            wanted = {"type": "orderUpdates", "user": f"0x{number:040x}"}
            told = await ask(sockets[number % 3], method="subscribe", subscription=wanted)
            assert told["channel"] == "subscriptionResponse"
        last = {"type": "orderUpdates", "user": f"0x{count:040x}"}
        assert await ask(sockets[0], method="subscribe", subscription=last) == refusal(
            f"Cannot track more than {count} total users."
        )
        again = {"type": "userEvents", "user": f"0x{0:040x}"}
        assert (await ask(sockets[5], method="subscribe", subscription=again))["channel"] == "subscriptionResponse"
        for socket in sockets:
            await socket.close()


async def test_connections_and_messages_are_counted_by_the_minute() -> None:
    async with running_venue(LIMITED) as running, asyncio.timeout(60):
        now_s = [1_000.0]
        running.venue.hub.now_s = lambda: now_s[0]
        for _ in range(30):
            await (await websockets.connect(running.ws)).close()
        refused = await websockets.connect(running.ws)
        assert json.loads(await refused.recv()) == refusal("Cannot open more than 30 connections per minute.")
        await refused.close()
        now_s[0] += 60
        async with websockets.connect(running.ws) as socket:
            assert await socket.recv() == "Websocket connection established."
            for _ in range(2000):
                await socket.send('{"method":"ping"}')
            assert await frames(socket, 2000) == [{"channel": "pong"}] * 2000
            told = await ask(socket, method="ping")
            assert told == refusal("Cannot send more than 2000 messages per minute.")
            now_s[0] += 60
            assert await ask(socket, method="ping") == {"channel": "pong"}


async def test_one_address_has_a_thousand_subscriptions() -> None:
    async with (
        running_venue(LIMITED) as running,
        asyncio.timeout(30),
        websockets.connect(running.ws) as first,
        websockets.connect(running.ws) as second,
    ):
        for socket in (first, second):
            await socket.recv()
        session = next(iter(running.venue.hub.sessions))
        session.topics |= {Topic("bbo", str(number)) for number in range(999)}
        trades = [{"type": "trades", "coin": coin} for coin in running.coins]
        assert (await ask(first, method="subscribe", subscription=trades[0]))["channel"] == "subscriptionResponse"
        told = await ask(second, method="subscribe", subscription=trades[1])
        assert told == refusal("Cannot have more than 1000 subscriptions.")
