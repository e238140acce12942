"""The reference venue in a whole run: from its socket to each coin's journal, and what happens when it is not right."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zstandard
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from portfolio_mm.actors.coin import Coin
from portfolio_mm.actors.recorder import Recorder
from portfolio_mm.actors.reference_feed import ReferenceFeed
from portfolio_mm.actors.reference_relay import LIVES_S, REPEAT_S, ReferenceRelay
from portfolio_mm.actors.relay import Relay, streams_of
from portfolio_mm.actors.topology import RELAY, Address, FolderDirectory
from portfolio_mm.actors.view_rows import ReferenceView
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.reference.client import ReferenceSocket, address
from portfolio_mm.reference.symbols import Symbol
from portfolio_mm.storage.journal_reader import JournalReader
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.forwarder import Forwarder
from tests.actors.harness import Run, run_on
from tests.actors.public_feed import PublicFeed
from tests.actors.test_relay import ignore_address
from tests.actors.waiting import until

COINS = ("BTC", "ETH", "SOL", "XRP")
MAPS = {"ETH": {"symbol": "BTCUSDT"}, "SOL": {"symbol": None}, "XRP": {"symbol": "NOSUCHUSDT"}}
"""Another coin's symbol, none at all, and one that is not listed."""


def journal(run: Run, coin: str) -> npt.NDArray[Any]:
    """Every input of a coin, as far as it is on disk."""
    return np.concatenate(list(JournalReader(run.spec.files.journals, f"coin-{coin}", EVENT)))


def reference(run: Run, coin: str) -> ReferenceView:
    return run.coin(coin).reference


def heard(run: Run, coin: str, kind: EventKind) -> tuple[int, float]:
    """How many events of a kind a coin's state has heard, and how old the newest is, seconds."""
    part = run.parts[f"coin:{coin}"]
    assert isinstance(part, Coin)
    counters = part._state["counters"]
    age_s = (time.monotonic_ns() - int(counters["kind_ns"][0, kind])) / 1e9
    return int(counters["heard"][0, kind]), age_s


async def test_a_coin_hears_its_symbol_while_it_is_there_and_its_own(tmp_path: Path) -> None:
    venue = VenueSettings(coins=COINS, block_ms=100, ip_limit=False, reference=ReferenceSettings())
    async with running_venue(venue) as running:
        assert running.reference is not None
        front = Forwarder(running.reference)
        await front.open()
        settings = {"reference.url": front.url, "reference.symbols": MAPS, "portfolio.leaders": ["ETH", "BTC"]}
        async with run_on(running, tmp_path, COINS, without=("portfolio",), settings=settings) as run:
            await run.until(lambda: run.view is not None and len(run.view.coins) == len(COINS), "all coins", 60)
            await run.until(lambda: reference(run, "BTC").state == "ok", "a reference", 20)
            assert reference(run, "BTC").symbol == "BTCUSDT"
            assert 0.99 < reference(run, "BTC").ratio < 1.01

            await run.until(lambda: reference(run, "ETH").state == "wrong map", "a map called wrong", 20)
            assert "BTCUSDT trades at" in reference(run, "ETH").text
            assert (reference(run, "SOL").state, reference(run, "XRP").state) == ("no symbol", "waiting")
            assert "NOSUCHUSDT" in reference(run, "XRP").text
            for coin in ("ETH", "SOL", "XRP"):
                assert heard(run, coin, EventKind.REFERENCE)[0] == 0
            assert not any("reference" in side.reason_text for c in run.view.coins for side in c.sides)  # type: ignore[union-attr]

            await front.cut()
            await run.until(lambda: reference(run, "BTC").state == "down", "the loss", 5)
            lost = heard(run, "BTC", EventKind.REFERENCE)[0]
            await run.until(lambda: heard(run, "BTC", EventKind.REFERENCE)[1] > 1.0, "an old reference", 5)
            assert heard(run, "BTC", EventKind.REFERENCE)[0] == lost
            assert reference(run, "BTC").age_s > 0.5
            await front.open()
            await run.until(lambda: heard(run, "BTC", EventKind.REFERENCE)[0] > lost, "books again", 20)
            await run.until(lambda: reference(run, "BTC").age_s < 1.0, "a fresh one", 5)
            await front.cut()
        rows = journal(run, "BTC")
        books = rows[rows["kind"] == EventKind.REFERENCE]
        assert (rows["kind"] == EventKind.REFERENCE_TRADE).any()
        assert (books["coin"] == 0).all()
        assert (books["bid_px"][:, 0] < books["ask_px"][:, 0]).all()
        assert (books["sz"][1:] > 0.0).any()
        leaders = {coin: journal(run, coin) for coin in ("BTC", "ETH", "SOL")}
        told = {
            coin: {COINS[int(j)] for j in rows["coin"][rows["kind"] == EventKind.LEADER]}
            for coin, rows in leaders.items()
        }
        assert told == {"BTC": {"ETH"}, "ETH": {"BTC"}, "SOL": {"ETH", "BTC"}}
        eth = leaders["SOL"][(leaders["SOL"]["kind"] == EventKind.LEADER) & (leaders["SOL"]["coin"] == 1)]
        own = leaders["ETH"][leaders["ETH"]["kind"] == EventKind.BBO]
        mids = {(int(row["venue_ms"]), 0.5 * (row["bid_px"][0] + row["ask_px"][0])) for row in own}
        assert len({(int(row["venue_ms"]), row["px"]) for row in eth} & mids) > 10


class Leading:
    """A reference venue under the test's thumb, on Binance's paths."""

    def __init__(self) -> None:
        self.feed = PublicFeed()
        self.url = ""

    async def say(self, u: int, symbol: str = "BTCUSDT") -> None:
        data = {"e": "bookTicker", "u": u, "s": symbol, "b": "100.0", "B": "1", "a": "100.1", "A": "2", "T": 1_000 + u}
        await self.feed.say(json.dumps({"stream": f"{symbol.lower()}@bookTicker", "data": data}, separators=(",", ":")))


@contextlib.asynccontextmanager
async def relayed(books_s: float = 0.1, recorder: Recorder | None = None) -> AsyncIterator[tuple[Leading, Relay, str]]:
    """A relay of a fake venue and of a fake reference; the address of its BTCUSDT streams."""
    feed, leading = PublicFeed(), Leading()
    url = await feed.start()
    leading.url = (await leading.feed.start()).removesuffix("/ws")
    hub = ReferenceRelay(
        [Symbol("BTCUSDT"), Symbol("ETHUSDT")],
        lambda path, names: ReferenceSocket(address(leading.url, path, names), ping_s=0.1, backoff_s=(0.02,)),
        books_s=books_s,
        recorder=recorder,
    )
    relay = Relay(
        streams_of(["BTC"], fast=True),
        lambda subscriptions: VenueSocket(url, subscriptions, backoff_s=(0.02,)),
        host="127.0.0.1",
        port=0,
        announce=ignore_address,
        reference=hub,
    )
    task = asyncio.create_task(relay.run())
    try:
        await until(lambda: len(leading.feed.connections) == 2, "books and trades connected")
        await until(lambda: bool(relay.status()["reference_up"]), "relay up")
        yield leading, relay, address(relay.url.removesuffix("/ws"), "/reference", ["btcusdt@bookTicker", "nope@x"])
    finally:
        await relay.stop()
        await task
        await feed.stop()
        await leading.feed.stop()


async def test_books_are_conflated_repeated_while_the_venue_lives_and_never_after() -> None:
    async with relayed() as (leading, _, url), connect(url) as coin:
        for u in range(1, 21):
            await leading.say(u)
            await leading.say(u, "ETHUSDT")  # not asked for
        seen = [json.loads(await asyncio.wait_for(coin.recv(), 5))["data"]["u"]]
        while seen[-1] != 20:
            seen.append(json.loads(await asyncio.wait_for(coin.recv(), 5))["data"]["u"])
        assert seen[0] == 1
        assert len(seen) < 6
        began_s = time.monotonic()
        assert [json.loads(await asyncio.wait_for(coin.recv(), 5))["data"]["u"] for _ in range(3)] == [20, 20, 20]
        assert 2.5 * REPEAT_S < time.monotonic() - began_s < 6 * REPEAT_S
        for connection in leading.feed.connections:
            connection.transport.pause_reading()  # half open: no pong comes any more
        last_s = time.monotonic()
        with contextlib.suppress(TimeoutError):
            while time.monotonic() - last_s < LIVES_S + 2 * REPEAT_S + 1.0:
                await asyncio.wait_for(coin.recv(), LIVES_S + 1.0)
                heard_s = time.monotonic()
        assert heard_s - last_s < LIVES_S + 2 * REPEAT_S
        for connection in leading.feed.connections:
            connection.transport.resume_reading()


async def test_loss_of_the_books_cuts_subscribers_off_until_they_are_back() -> None:
    async with relayed() as (leading, relay, url):
        async with connect(url) as coin:
            await leading.say(1)
            await asyncio.wait_for(coin.recv(), 5)
            await leading.feed.drop()
            await asyncio.wait_for(coin.wait_closed(), 5)
            assert coin.close_code == 1012
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, proxy=None).__aenter__()
        assert refused.value.response.status_code == 503
        await leading.feed.start()
        await until(lambda: bool(relay.status()["reference_up"]), "up again")
        async with connect(url) as coin:
            await leading.say(1)  # numbers begin anew with a connection
            assert json.loads(await asyncio.wait_for(coin.recv(), 5))["data"]["u"] == 1


async def test_raw_frames_are_kept_in_a_file_of_their_own(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "reference")
    async with relayed(recorder=recorder) as (leading, relay, _):
        await leading.say(7)
        await leading.feed.say("{")
        await until(lambda: relay.status()["reference_malformed"] == 2, "nonsense counted on both paths")
    assert recorder.path.name.startswith("reference-")
    with recorder.path.open("rb") as file:
        lines = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read().splitlines()
    assert [json.loads(line)["msg"]["data"]["u"] for line in lines] == [7, 7]


async def test_a_run_without_a_reference_refuses_its_path() -> None:
    feed = PublicFeed()
    url = await feed.start()
    relay = Relay(
        streams_of(["BTC"], fast=True),
        lambda subscriptions: VenueSocket(url, subscriptions, backoff_s=(0.02,)),
        host="127.0.0.1",
        port=0,
        announce=ignore_address,
    )
    task = asyncio.create_task(relay.run())
    await until(lambda: bool(relay.status()["up"]), "relay up")
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(relay.url.removesuffix("/ws"), "/reference", ["btcusdt@bookTicker"])).__aenter__()
    assert refused.value.response.status_code == 404
    await relay.stop()
    await task
    await feed.stop()


async def test_a_malformed_reference_frame_is_counted_in_the_report(tmp_path: Path) -> None:
    """Through the relay, which passes it unread, to the coin that says so."""
    async with relayed() as (leading, relay, _):
        directory = FolderDirectory(tmp_path)
        directory.announce(RELAY, Address(relay.url, 0))
        feed = ReferenceFeed(directory, Symbol("BTCUSDT"), 0, lambda: 100.05, "")
        heard: list[float] = []

        async def listen() -> None:
            async for rows in feed.events():
                heard.append(float(rows["bid_px"][0, 0]))  # noqa: PERF401 - one by one, while it goes on

        listening = asyncio.create_task(listen())
        await leading.say(1)
        await until(lambda: bool(heard), "a book")
        await leading.feed.say('{"stream":"btcusdt@bookTicker","data":{"b":"-5"}}')
        await until(lambda: feed.malformed > 0, "a malformed one")
        await leading.say(2)
        await until(lambda: len(heard) > 1, "the next book")
        assert feed.view().state == "ok"
        assert feed.view().ratio == pytest.approx(1.0)
        listening.cancel()
