"""The relay: same protocol downstream, last frames replayed, loss of the upstream said at once."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portfolio_mm.actors.frame_key import FrameKey
from portfolio_mm.actors.recorder import Recorder
from portfolio_mm.actors.relay import Relay, streams_of
from portfolio_mm.actors.topology import Address
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.storage.tape import read_tape
from tests.actors.public_feed import PublicFeed, bbo, trade
from tests.actors.waiting import until

COINS = ("BTC", "ETH")


def ignore_address(name: str, address: Address) -> None:
    """The tests read `relay.url`."""


@contextlib.asynccontextmanager
async def running(feed: PublicFeed, recorder: Recorder | None = None) -> AsyncIterator[Relay]:
    url = await feed.start()
    relay = Relay(
        streams_of(COINS, fast=True),
        lambda subscriptions: VenueSocket(url, subscriptions, backoff_s=(0.02,)),
        host="127.0.0.1",
        port=0,
        announce=ignore_address,
        recorder=recorder,
    )
    task = asyncio.create_task(relay.run())
    try:
        await until(lambda: bool(relay.status()["up"]) and len(feed.subscribed) == 8, "relay up")
        yield relay
    finally:
        await relay.stop()
        await task
        await feed.stop()


async def subscribe(connection: ClientConnection, **subscription: Any) -> None:
    await connection.send(json.dumps({"method": "subscribe", "subscription": subscription}))


async def hear(connection: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await asyncio.wait_for(connection.recv(), 5))
    return found


async def test_forwards_frames_byte_for_byte_to_those_who_subscribed() -> None:
    feed = PublicFeed()
    async with running(feed) as relay, connect(relay.url) as btc, connect(relay.url) as eth:
        await subscribe(btc, type="bbo", coin="BTC")
        await subscribe(eth, type="bbo", coin="ETH")
        assert (await hear(btc))["channel"] == (await hear(eth))["channel"] == "subscriptionResponse"
        await feed.say(bbo("BTC", 100.0, 101.0, 1))
        await feed.say(bbo("ETH", 10.0, 11.0, 2))
        assert await btc.recv() == bbo("BTC", 100.0, 101.0, 1)
        assert await eth.recv() == bbo("ETH", 10.0, 11.0, 2)


async def test_last_frame_of_a_snapshot_channel_is_replayed_and_trades_are_not() -> None:
    feed = PublicFeed()
    async with running(feed) as relay:
        await feed.say(bbo("BTC", 100.0, 101.0, 1))
        await feed.say(trade("BTC", 100.5, 7, 1))
        await until(lambda: relay.status()["frames"] == 2, "both frames")
        async with connect(relay.url) as late:
            await subscribe(late, type="trades", coin="BTC")
            await subscribe(late, type="bbo", coin="BTC")
            channels = [(await hear(late))["channel"] for _ in range(3)]
            assert channels == ["subscriptionResponse", "subscriptionResponse", "bbo"]


async def test_loss_of_the_upstream_cuts_everyone_off_until_it_is_back() -> None:
    feed = PublicFeed()
    async with running(feed) as relay:
        async with connect(relay.url) as one:
            await subscribe(one, type="bbo", coin="BTC")
            await hear(one)
            await feed.drop()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(one.recv(), 5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        with pytest.raises(InvalidStatus) as refused:
            await connect(relay.url, proxy=None).__aenter__()
        assert refused.value.response.status_code == 503
        await feed.start()
        await until(lambda: bool(relay.status()["up"]), "relay up again")
        async with connect(relay.url) as again:
            await subscribe(again, type="bbo", coin="BTC")
            await hear(again)


async def test_answers_ping_and_refuses_what_it_does_not_carry_in_the_venues_words() -> None:
    feed = PublicFeed()
    async with running(feed) as relay, connect(relay.url) as one:
        await one.send('{"method":"ping"}')
        assert await hear(one) == {"channel": "pong"}
        await subscribe(one, type="bbo", coin="PEPE")
        assert (await hear(one))["data"].startswith("Invalid subscription")
        await one.send("nonsense")
        assert (await hear(one))["data"].startswith("Error parsing JSON")
        await subscribe(one, type="bbo", coin="BTC")
        await hear(one)
        await subscribe(one, type="bbo", coin="BTC")
        assert (await hear(one))["data"].startswith("Already subscribed")


async def test_a_slow_reader_gets_the_newest_quote_and_every_trade() -> None:
    feed = PublicFeed()
    async with running(feed) as relay, connect(relay.url, max_queue=1) as slow:
        await subscribe(slow, type="bbo", coin="BTC")
        await subscribe(slow, type="trades", coin="BTC")
        frames = 4_000
        padding = "0" * 2_000
        for n in range(frames):
            await feed.say(bbo("BTC", 100.0, 101.0, n).replace('"n":1', f'"n":1,"pad":"{padding}"'))
            if n % 100 == 0:
                await feed.say(trade("BTC", 100.5, n, n))
        await until(lambda: relay.status()["frames"] == frames + frames // 100, "all frames in", 30)
        quotes, trades, last = 0, 0, -1
        while last != frames - 1:
            frame = await hear(slow)
            if frame["channel"] == "bbo":
                quotes, last = quotes + 1, frame["data"]["time"]
            elif frame["channel"] == "trades":
                trades += 1
        assert trades == frames // 100
        assert quotes < frames
        assert relay.status()["conflated"] == frames - quotes


async def test_raw_frames_are_recorded_as_a_tape(tmp_path: Path) -> None:
    feed = PublicFeed()
    recorder = Recorder(tmp_path)
    async with running(feed, recorder) as relay:
        await feed.say(bbo("BTC", 100.0, 101.0, 1))
        await feed.say("not json")
        await until(lambda: relay.status()["frames"] == 2, "both frames")
        assert relay.status()["malformed"] == 1
    assert [frame for _, frame in read_tape(recorder.path)] == [bbo("BTC", 100.0, 101.0, 1).encode()]


def test_streams_name_the_fast_book() -> None:
    assert FrameKey("l2Book", "BTC", fast=True) in streams_of(["BTC"], fast=True)
    assert FrameKey("l2Book", "BTC") in streams_of(["BTC"], fast=False)


def test_a_recording_reads_back_as_a_tape(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write(5, b'{"channel":"pong"}')
    recorder.close()
    assert list(read_tape(recorder.path)) == [(5, b'{"channel":"pong"}')]
