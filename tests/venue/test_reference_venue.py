"""The reference venue speaks Binance's market protocol to a plain websocket client, and its prices lead."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.reference_venue.process import RunningReference, running_reference
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.settings import VenueSettings

BOOK = [[{"px": px, "sz": "1.0", "n": 1}] for px in ("99.0", "101.0")]
TAPE = [
    {"recv_us": 1_000 * ms, "msg": {"channel": "l2Book", "data": {"coin": "BTC", "time": ms, "levels": BOOK}}}
    for ms in (1_000, 2_000)
]
NOW_MS = 1_795_000_000_000
WAIT_S = 10.0


class Run:
    """A flow and a reference venue that follows it, moved by hand."""

    def __init__(self, flow: SyntheticFlow, running: RunningReference) -> None:
        self.flow = flow
        self.url = running.url
        self.ws = running.url.replace("http", "ws")
        self._server = running.server

    @property
    def connections(self) -> int:
        """Those whose conversation has not ended."""
        return len(self._server._connections)

    def step(self) -> None:
        self.flow.advance(self.flow.next_ms())
        self._server.step(NOW_MS + self.flow.next_ms() - self.flow.start_ms)


@contextlib.asynccontextmanager
async def run(*coins: str, lead_ms: int = 0, **settings: Any) -> AsyncIterator[Run]:
    params = msgspec.structs.replace(synthetic_params(coins or ("BTC", "ETH"), seed=5), reference_lead_ms=lead_ms)
    flow = SyntheticFlow(params)
    async with running_reference(flow, 5, ReferenceSettings(**settings), "127.0.0.1", NOW_MS) as running:
        yield Run(flow, running)


async def heard(client: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(client.recv(), WAIT_S))


async def ask(client: ClientConnection, **request: Any) -> Any:
    await client.send(json.dumps(request))
    while "e" in (answer := await heard(client)) or "stream" in answer:
        pass
    return answer


async def until(right: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not right():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.01)


async def drained(client: ClientConnection) -> None:
    while True:
        await asyncio.wait_for(client.recv(), WAIT_S)


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def test_raw_and_combined_streams_carry_the_documented_payloads() -> None:
    async with run() as market, connect(f"{market.ws}/ws/btcusdt@bookTicker") as raw:
        books = "ethusdt@depth@100ms/ethusdt@depth20@100ms/ethusdt@bookTicker"
        async with (
            connect(f"{market.ws}/public/stream?streams={books}") as combined,
            connect(f"{market.ws}/market/stream?streams=btcusdt@aggTrade") as trades,
        ):
            await ask(trades, method="LIST_SUBSCRIPTIONS", id=1)
            await ask(combined, method="LIST_SUBSCRIPTIONS", id=1)
            await ask(raw, method="LIST_SUBSCRIPTIONS", id=1)
            for _ in range(30):
                market.step()
            ticker = await heard(raw)
            found: dict[str, Any] = {}
            while len(found) < 3:
                frame = await heard(combined)
                assert set(frame) == {"stream", "data"}
                found[frame["stream"]] = frame["data"]
            found["btcusdt@aggTrade"] = (await heard(trades))["data"]
    assert set(ticker) == {"e", "u", "s", "b", "B", "a", "A", "T", "E"}
    assert ticker["s"] == "BTCUSDT"
    assert float(ticker["b"]) < float(ticker["a"])
    assert len(ticker["b"].partition(".")[2]) == 1
    trade, depth = found["btcusdt@aggTrade"], found["ethusdt@depth@100ms"]
    book = found["ethusdt@depth20@100ms"]
    assert set(book) == set(depth)
    assert len(book["b"]) == len(book["a"]) == 20
    bids, asks = ([float(px) for px, _ in book[side]] for side in "ba")
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert set(trade) == {"e", "E", "a", "s", "p", "q", "f", "l", "T", "m"}
    assert set(depth) == {"e", "E", "T", "s", "U", "u", "pu", "b", "a"}
    assert all(isinstance(text, str) for row in depth["b"] + depth["a"] for text in row)


async def test_streams_of_the_other_path_are_taken_and_never_pushed() -> None:
    both = "btcusdt@aggTrade/btcusdt@bookTicker"
    async with run("BTC", trades_per_s=50.0) as market:
        for path, pushed in (("", "bookTicker"), ("/public", "bookTicker"), ("/market", "aggTrade")):
            async with connect(f"{market.ws}{path}/stream?streams={both}") as client:
                assert len((await ask(client, method="LIST_SUBSCRIPTIONS", id=1))["result"]) == 2
                for _ in range(20):
                    market.step()
                await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
                kinds = set()
                while "stream" in (frame := await heard(client)):
                    kinds.add(frame["data"]["e"])
                assert kinds == {pushed}


async def test_partial_books_are_the_head_of_the_book() -> None:
    async with run("ETH") as market, connect(f"{market.ws}/ws/ethusdt@depth5@100ms") as client:
        await ask(client, method="LIST_SUBSCRIPTIONS", id=1)
        for _ in range(5):
            market.step()
        _, snapshot = await get(f"{market.url}/fapi/v1/depth?symbol=ETHUSDT&limit=5")
        while (book := await heard(client))["u"] < snapshot["lastUpdateId"]:
            pass
    assert (book["b"], book["a"]) == (snapshot["bids"], snapshot["asks"])


async def test_a_thousand_of_a_cheap_coin_has_the_name_it_has_there() -> None:
    params = synthetic_params(("BTC",), seed=5)
    coin = msgspec.structs.replace(params.coins[0], coin="kPEPE", px=0.01)
    flow = SyntheticFlow(msgspec.structs.replace(params, coins=(coin,)))
    async with running_reference(flow, 5, ReferenceSettings(), "127.0.0.1", NOW_MS) as running:
        assert (await get(f"{running.url}/fapi/v1/depth?symbol=1000PEPEUSDT&limit=5"))[0] == 200


async def test_a_local_book_kept_by_the_documented_recipe_is_the_venues_book() -> None:
    async with run("ETH") as market, connect(f"{market.ws}/ws/ethusdt@depth@100ms") as client:
        await ask(client, method="LIST_SUBSCRIPTIONS", id=1)
        for _ in range(5):
            market.step()
        _, snapshot = await get(f"{market.url}/fapi/v1/depth?symbol=ETHUSDT&limit=1000")
        for _ in range(50):
            market.step()
        _, later = await get(f"{market.url}/fapi/v1/depth?symbol=ethusdt&limit=1000")
        sides = [{row[0]: row[1] for row in snapshot[side]} for side in ("bids", "asks")]
        last = None
        while True:
            event = await heard(client)
            if event["u"] < snapshot["lastUpdateId"]:
                continue
            if last is None:
                assert event["U"] <= snapshot["lastUpdateId"] <= event["u"]
            else:
                assert event["pu"] == last
            last = event["u"]
            for side, name in zip(sides, ("b", "a"), strict=True):
                for price, quantity in event[name]:
                    if float(quantity) == 0.0:
                        side.pop(price, None)
                    else:
                        side[price] = quantity
            if last == later["lastUpdateId"]:
                break
        assert sides == [{row[0]: row[1] for row in later[side]} for side in ("bids", "asks")]


async def test_streams_come_at_the_speed_of_their_name() -> None:
    names = ("ethusdt@depth@100ms", "ethusdt@depth", "ethusdt@depth@500ms")
    async with run("ETH") as market, connect(f"{market.ws}/stream?streams={'/'.join(names)}") as client:
        await ask(client, method="LIST_SUBSCRIPTIONS", id=1)
        for _ in range(100):
            market.step()
        await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
        rows: dict[str, list[Any]] = {name: [] for name in names}
        while "stream" in (frame := await heard(client)):
            rows[frame["stream"]].append(frame["data"])
    assert [len(rows[name]) for name in names] == [100, 40, 20]
    for events in rows.values():
        assert all(a["u"] == b["pu"] and b["U"] == a["u"] + 1 for a, b in itertools.pairwise(events))


async def test_subscriptions_are_asked_for_listed_and_given_up() -> None:
    async with run("BTC") as market, connect(f"{market.ws}/public/ws") as client:
        assert await ask(client, method="SUBSCRIBE", params=["btcusdt@bookTicker"], id=7) == {"result": None, "id": 7}
        assert await ask(client, method="LIST_SUBSCRIPTIONS", id=8) == {"result": ["btcusdt@bookTicker"], "id": 8}
        market.step()
        market.step()
        assert (await heard(client))["e"] == "bookTicker"
        assert await ask(client, method="SET_PROPERTY", params=["combined", True], id=9) == {"result": None, "id": 9}
        assert await ask(client, method="GET_PROPERTY", params=["combined"], id=10) == {"result": True, "id": 10}
        await ask(client, method="UNSUBSCRIBE", params=["btcusdt@bookTicker"], id=11)
        assert (await ask(client, method="LIST_SUBSCRIPTIONS", id=12))["result"] == []


async def test_wrong_requests_get_the_documented_words() -> None:
    async with run("BTC", messages_per_s=100) as market, connect(f"{market.ws}/ws") as client:
        assert await ask(client, method="SUBSCRIBE", params=[]) == {
            "code": 2,
            "msg": "Invalid request: request ID must be an unsigned integer",
        }
        assert (await ask(client, method="SUBSCRIBER", params=[], id=1))["msg"].startswith(
            "Invalid request: unknown variant `SUBSCRIBER`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`"
        )
        for params, code, words in (
            (["speed", True], 0, "Unknown property"),
            (["combined", 1], 1, "Invalid value type: expected Boolean"),
            ([], 2, "Invalid request: property name must be a string"),
        ):
            answer = await ask(client, method="SET_PROPERTY", params=params, id=1)
            assert (answer["code"], answer["msg"]) == (code, words)
        for text in ("{", "[]", '{"method": "SUBSCRIBE", "params": {}, "id": 1}', '{"id": true}', '"x"'):
            await client.send(text)
            assert set(await heard(client)) >= {"code", "msg"}
        assert await get(f"{market.url}/fapi/v1/depth?symbol=NOPE") == (400, {"code": -1121, "msg": "Invalid symbol."})
        assert (await get(f"{market.url}/fapi/v1/depth?symbol=BTCUSDT&limit=7"))[1]["code"] == -4021
        assert (await get(f"{market.url}/fapi/v1/depth"))[1]["code"] == -1102


async def test_connections_end_when_too_old_too_loud_or_without_pong() -> None:
    async with run("BTC", life_s=0.2) as market, connect(f"{market.ws}/ws/btcusdt@bookTicker") as client:
        market.step()
        with pytest.raises(ConnectionClosed) as ended:
            await drained(client)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == aiohttp.WSCloseCode.GOING_AWAY
    assert ReferenceSettings().life_s == 24 * 3_600
    async with run("BTC", messages_per_s=3) as market, connect(f"{market.ws}/ws") as client:
        for number in range(4):
            await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        with pytest.raises(ConnectionClosed):
            await drained(client)
    async with run("BTC", ping_s=0.05, pong_s=0.3) as market, aiohttp.ClientSession() as session:
        silent = await session.ws_connect(f"{market.ws}/ws", autoping=False)
        kinds = [(await asyncio.wait_for(silent.receive(), WAIT_S)).type for _ in range(3)]
        assert kinds[0] is aiohttp.WSMsgType.PING
        while (await asyncio.wait_for(silent.receive(), WAIT_S)).type is aiohttp.WSMsgType.PING:
            pass
        assert silent.close_code == aiohttp.WSCloseCode.GOING_AWAY


@contextlib.asynccontextmanager
async def deaf(ws: str, path: str) -> AsyncIterator[asyncio.StreamReader]:
    """A client that shakes hands and then takes nothing from its socket."""
    host, _, port = ws.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_024)
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{head}Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    assert b"101" in await asyncio.wait_for(reader.readline(), WAIT_S)
    try:
        yield reader
    finally:
        writer.transport.abort()


async def test_a_client_that_does_not_read_is_cut_off_and_others_are_not() -> None:
    kinds = ("depth@100ms", "bookTicker", "depth20@100ms", "depth10@100ms")
    names = [f"{coin}usdt@{kind}" for coin in ("btc", "eth") for kind in kinds]
    async with run("BTC", "ETH", trades_per_s=200.0) as market, connect(f"{market.ws}/ws/btcusdt@bookTicker") as other:
        async with deaf(market.ws, f"/stream?streams={'/'.join(names)}") as reader:
            await until(lambda: market.connections == 2)
            last = 0

            async def follow() -> None:
                nonlocal last
                async for text in other:
                    last = json.loads(text)["u"]

            following = asyncio.create_task(follow())
            for steps in itertools.count():
                market.step()
                await asyncio.sleep(0)
                if market.connections == 1:
                    break
                assert steps < 5_000, "it was never cut off"
            before = last
            for _ in range(20):
                market.step()
            await until(lambda: last > before)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1 << 30), WAIT_S)
            following.cancel()
        assert market.connections == 1


async def test_reference_prices_lead_by_the_planted_time() -> None:
    async with run("BTC", lead_ms=700) as market, connect(f"{market.ws}/ws/btcusdt@bookTicker") as client:
        await ask(client, method="LIST_SUBSCRIPTIONS", id=1)
        blocks = 3_000
        mids = []
        for _ in range(blocks):
            market.step()
            best = market.flow.markets()["BTC"].bbo()
            assert best.bid is not None
            assert best.ask is not None
            mids.append(best.bid.px_ticks + best.ask.px_ticks)
        await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
        reference = np.full(blocks, np.nan)
        while "e" in (frame := await heard(client)):
            reference[(frame["E"] - NOW_MS) // 100 - 2] = float(frame["b"]) + float(frame["a"])
    held = np.where(np.isnan(reference), 0, np.arange(blocks))
    reference = reference[np.maximum.accumulate(held)][100:]
    moves = np.diff(np.log(reference)), np.diff(np.log(np.array(mids[100:], float)))
    n = len(moves[0]) - 20
    cross = np.array([np.corrcoef(moves[0][:n], moves[1][lag : n + lag])[0, 1] for lag in range(20)])
    # the book follows the efficient price within a block or two: it is not earlier than the lead
    assert np.argmax(cross) in {7, 8}
    assert np.max(np.abs(cross[:7])) < 4.0 / np.sqrt(n)


async def test_a_taken_port_is_named() -> None:
    async with run("BTC") as market:
        port = int(market.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with run("BTC", port=port):
                pass


async def test_a_venue_serves_its_reference_beside_itself_and_writes_its_truth(tmp_path: Path) -> None:
    settings = VenueSettings(
        coins=("BTC",), block_ms=20, reference=ReferenceSettings(), truth_folder=str(tmp_path / "truth")
    )
    async with running_venue(settings) as venue:
        assert venue.reference is not None
        assert json.loads(venue.ready_line())["reference"] == venue.reference
        async with connect(f"{venue.reference.replace('http', 'ws')}/ws/btcusdt@depth@100ms") as client:
            event = await heard(client)
        assert abs(event["E"] - venue.venue.state.now_ms) < 10_000
    assert not venue.venue.witnesses
    assert json.loads((tmp_path / "truth" / "truth.json").read_text())["coins"] == ["BTC"]


async def test_a_reference_of_a_tape_is_refused(tmp_path: Path) -> None:
    tape = tmp_path / "ws.jsonl"
    tape.write_text("".join(json.dumps(line) + "\n" for line in TAPE))
    with pytest.raises(ConfigurationError, match="synthetic flow only"):
        async with running_venue(VenueSettings(tape=str(tape), reference=ReferenceSettings())):
            pass
