"""Websocket channels through the official SDK's manager, and the raw protocol where the SDK hides it."""

import asyncio
import json
from typing import Any

import pytest
import requests
import websockets
from hyperliquid.utils import signing

from portfolio_mm.venue.process import RunningVenue, running_venue
from tests.venue.served import WAIT_S, Client, listener, with_settings
from tests.venue.test_sdk_reads import CONTEXT, FILL, conforms

ALO: Any = {"limit": {"tif": "Alo"}}
LEVEL = {"px": "str", "sz": "str", "n": "int"}
TRADE = {
    "coin": "str",
    "side": "str",
    "px": "str",
    "sz": "str",
    "time": "int",
    "hash": "str",
    "tid": "int",
    "users": ["str"],
}
UPDATED = {
    "coin": "str",
    "side": "str",
    "limitPx": "str",
    "sz": "str",
    "oid": "int",
    "timestamp": "int",
    "origSz": "str",
}


def test_market_channels(venue: RunningVenue) -> None:
    with listener(venue) as heard:
        for kind in ("bbo", "trades", "l2Book", "activeAssetCtx"):
            heard.subscribe(type=kind, coin="BTC")
        heard.subscribe(type="allMids")
        wanted = {"bbo", "trades", "l2Book", "activeAssetCtx", "allMids"}
        while wanted:
            wanted.discard(heard.wait(lambda _: True)["channel"])
        first = {frame["channel"]: frame["data"] for frame in reversed(heard.seen)}
        conforms(first["bbo"], {"coin": "str", "time": "int", "bbo": [LEVEL]})
        conforms(first["trades"], [TRADE])
        conforms(first["l2Book"], {"coin": "str", "time": "int", "levels": [[LEVEL]]})
        deep = heard.wait(lambda frame: frame["channel"] == "l2Book" and max(map(len, frame["data"]["levels"])) > 5)
        assert max(map(len, deep["data"]["levels"])) <= 20  # a side may have been sold out just before
        conforms(first["activeAssetCtx"], {"coin": "str", "ctx": CONTEXT})
        assert set(first["allMids"]) == {"mids"}


def test_order_updates_and_fills(venue: RunningVenue, alice: Client) -> None:
    with listener(venue) as heard:
        heard.subscribe(type="orderUpdates", user=alice.address)
        heard.subscribe(type="userFills", user=alice.address)
        heard.subscribe(type="userEvents", user=alice.address)
        snapshot = heard.wait(lambda frame: frame["channel"] == "userFills")
        assert list(snapshot["data"]) == ["isSnapshot", "user", "fills"]
        (status,) = alice.statuses(alice.buy("ETH", 0.1, float(f"{alice.touch('ETH')[0] * 0.9:.4g}"), ALO))
        opened = heard.wait(lambda frame: frame["channel"] == "orderUpdates")["data"][0]
        conforms(opened, {"order": UPDATED, "status": "str", "statusTimestamp": "int"})
        assert (opened["order"]["oid"], opened["status"]) == (status["resting"]["oid"], "open")
        alice.exchange.cancel("ETH", status["resting"]["oid"])
        cancelled = heard.wait(lambda frame: frame["channel"] == "orderUpdates")["data"][0]
        assert cancelled["status"] == "canceled"
        alice.statuses(alice.exchange.market_open("ETH", is_buy=True, sz=0.1))
        wanted = {"orderUpdates", "userFills", "user"}
        at = len(heard.seen)
        while wanted:
            wanted.discard(heard.wait(lambda _: True)["channel"])
        told = {frame["channel"]: frame["data"] for frame in heard.seen[at:]}
        conforms(told["userFills"], {"user": "str", "fills": [FILL]})
        assert told["user"]["fills"] == told["userFills"]["fills"]
        assert told["orderUpdates"][0]["status"] == "filled"


async def test_the_protocol_around_the_channels(venue: RunningVenue) -> None:
    async with websockets.connect(venue.ws) as socket:

        async def ask(text: str) -> Any:
            await socket.send(text)
            return json.loads(await socket.recv())

        assert await socket.recv() == "Websocket connection established."
        assert await ask('{"method":"ping"}') == {"channel": "pong"}
        book = {"type": "l2Book", "coin": "SOL", "unknown": 1, "fast": True}
        echo = await ask(json.dumps({"method": "subscribe", "subscription": book}))
        shown = {"type": "l2Book", "coin": "SOL", "nSigFigs": None, "mantissa": None, "fast": True}
        assert echo == {"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": shown}}
        first = json.loads(await socket.recv())["data"]
        second = json.loads(await socket.recv())["data"]
        for frame in (first, second):
            assert frame["fast"] is True
            assert [len(side) for side in frame["levels"]] == [5, 5]
        assert 400 <= second["time"] - first["time"] <= 900
        again = await ask(json.dumps({"method": "subscribe", "subscription": shown}))
        assert again["channel"] == "error"
        assert again["data"].startswith("Already subscribed: {")
        gone = await ask(json.dumps({"method": "unsubscribe", "subscription": shown}))
        assert gone["data"]["method"] == "unsubscribe"
        twice = await ask(json.dumps({"method": "unsubscribe", "subscription": shown}))
        assert twice["data"].startswith("Already unsubscribed: {")
        unknown = await ask('{"method":"subscribe","subscription":{"type":"nothing"}}')
        assert unknown["data"].startswith("Invalid subscription {")
        for text in ("x", "{}", '{"method":"dance"}'):
            unread = await ask(text)
            assert unread["data"] == f"Error parsing JSON into valid websocket request: {text}"


async def test_posts_over_the_websocket(venue: RunningVenue, alice: Client) -> None:
    async with websockets.connect(venue.ws) as socket:

        async def post(number: int, request: Any) -> Any:
            await socket.send(json.dumps({"method": "post", "id": number, "request": request}))
            frame = json.loads(await socket.recv())
            assert (frame["channel"], frame["data"]["id"]) == ("post", number)
            return frame["data"]["response"]

        await socket.recv()
        read = await post(1, {"type": "info", "payload": {"type": "l2Book", "coin": "BTC"}})
        assert read["type"] == "info"
        assert (read["payload"]["type"], read["payload"]["data"]["coin"]) == ("l2Book", "BTC")
        nonce = signing.get_timestamp_ms()
        action = {"type": "noop"}
        signature = signing.sign_l1_action(alice.exchange.wallet, action, None, nonce, None, is_mainnet=False)
        done = await post(2, {"type": "action", "payload": {"action": action, "nonce": nonce, "signature": signature}})
        assert done == {"type": "action", "payload": {"status": "ok", "response": {"type": "default"}}}
        bad = await post(3, {"type": "info", "payload": {"type": "nope"}})
        assert bad["type"] == "error"


async def test_trades_begin_with_recent_ones_and_bbo_with_the_next_change(venue: RunningVenue, alice: Client) -> None:
    async with websockets.connect(venue.ws) as socket:
        await socket.recv()
        for kind in ("trades", "bbo"):
            await socket.send(json.dumps({"method": "subscribe", "subscription": {"type": kind, "coin": "ETH"}}))
        frames = [json.loads(await socket.recv()) for _ in range(4)]
    recent = alice.info.post("/info", {"type": "recentTrades", "coin": "ETH"})
    assert [frame["channel"] for frame in frames].count("subscriptionResponse") == 2
    assert recent
    times = [frame["data"]["time"] for frame in frames if frame["channel"] == "bbo"]
    assert times == sorted(times)


async def test_the_admin_door_breaks_and_silences(venue: RunningVenue) -> None:
    def admin(**request: Any) -> Any:
        return requests.post(venue.url + "/admin", json=request, timeout=WAIT_S).json()

    assert {user["address"] for user in admin(op="state")["users"]} == {a.address for a in venue.accounts}
    assert admin(op="pause_channel", channel="bbo") == {"paused": ["bbo"]}
    assert admin(op="resume_channel", channel="bbo") == {"paused": []}
    async with websockets.connect(venue.ws) as socket:
        await socket.recv()
        assert (await asyncio.to_thread(admin, op="drop_connections"))["dropped"] >= 1
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


async def test_a_connection_to_which_nothing_is_sent_is_closed() -> None:
    async with running_venue(with_settings(silence_s=0.2)) as running, websockets.connect(running.ws) as quiet:
        await quiet.recv()
        await quiet.send('{"method":"ping"}')
        assert await quiet.recv() == '{"channel":"pong"}'
        with pytest.raises(websockets.ConnectionClosed):
            await quiet.recv()
