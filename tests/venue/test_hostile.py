"""Nonsense, malice and bad luck on real sockets: the venue answers in its own words and goes on running blocks."""

import asyncio
import base64
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import eth_account
import pytest
import requests
import websockets
from hyperliquid.utils import signing

from portfolio_mm.venue.process import RunningVenue, running_venue
from tests.venue.served import WAIT_S, Client, client, with_settings

UNREADABLE = "Failed to deserialize the JSON body into the target type"
NOBODY = "0x" + "0" * 40
DEEP = b"[" * 100_000
ALO = {"limit": {"tif": "Alo"}}


@pytest.fixture(autouse=True)
def lives_on(venue: RunningVenue, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does: blocks go on, and no handler has failed."""
    with caplog.at_level(logging.ERROR, "aiohttp.server"):
        yield
    before, until = venue.venue.blocks, time.monotonic() + WAIT_S
    while venue.venue.blocks < before + 2:
        assert time.monotonic() < until, "no more blocks"
        time.sleep(0.01)
    assert [record.getMessage() for record in caplog.records if record.name == "aiohttp.server"] == []


async def until(reached: Callable[[], bool], seconds: float = WAIT_S) -> None:
    for _ in range(int(seconds / 0.01)):
        if reached():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came")


def order(**changes: Any) -> dict[str, Any]:
    leg = {"a": 0, "b": True, "p": "50000", "s": "0.01", "r": False, "t": ALO, **changes}
    return {"type": "order", "orders": [leg], "grouping": "na"}


def posted(alice: Client, action: Any, **envelope: Any) -> requests.Response:
    nonce = envelope.pop("nonce", signing.get_timestamp_ms())
    try:
        made = signing.sign_l1_action(
            alice.exchange.wallet,
            action,
            envelope.get("vaultAddress"),
            nonce,
            envelope.get("expiresAfter"),
            is_mainnet=False,
        )
    except (AttributeError, ValueError, OverflowError, TypeError):
        made = {"r": "0x1", "s": "0x1", "v": 27}
    body = {"action": action, "nonce": nonce, "signature": made, **envelope}
    return requests.post(alice.exchange.base_url + "/exchange", data=json.dumps(body), timeout=WAIT_S)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        DEEP,
        b'{"a":' * 100_000,
        b'{"type":"\xff"}',
        b'{"type":["meta"]}',
        b'{"type":"marginTable","id":NaN}',
        b'{"type":"marginTable","id":' + b"9" * 5_000 + b"}",
        b'{"type":"l2Book","coin":null}',
        b'{"type":"l2Book","coin":"BTC","nSigFigs":5.0}',
        b'{"type":"l2Book","coin":"BTC","nSigFigs":5,"mantissa":true}',
        b'{"type":"l2Book","coin":"BTC","nSigFigs":[2]}',
        b'{"type":"openOrders","user":1}',
        b'{"type":"clearinghouseState","user":"0x12"}',
        b'{"type":"userRole","user":"nobody"}',
        b'{"type":"orderStatus","user":"%s","oid":true}' % NOBODY.encode(),
        b'{"type":"orderStatus","user":"%s","oid":1.5}' % NOBODY.encode(),
        b'{"type":"orderStatus","user":"%s","oid":"0xnothex"}' % NOBODY.encode(),
        b'{"type":"userFillsByTime","user":"%s"}' % NOBODY.encode(),
    ],
)
def test_reads_that_do_not_say_what_they_must(venue: RunningVenue, body: bytes) -> None:
    answer = requests.post(venue.url + "/info", data=body, timeout=WAIT_S)
    assert (answer.status_code, answer.text) == (422, UNREADABLE)


@pytest.mark.parametrize(
    "action",
    [
        order(a=-1),
        order(a=2**32),
        order(a=2**70),
        order(p=50_000),
        order(t={}),
        order(t={**ALO, "trigger": {"isMarket": True, "triggerPx": "1", "tpsl": "tp"}}),
        order(t={"limit": {"tif": "Fok"}}),
        order(c=""),
        order(c="0x" + "1" * 33),
        order(c="0x1\n"),
        {**order(), "grouping": "other"},
        {"type": "cancel", "cancels": [{"a": 0, "o": -1}]},
        {"type": "cancel", "cancels": [{"a": 0, "o": 2**70}]},
        {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": "zz"}]},
        {"type": "modify", "oid": "zz", "order": order()["orders"][0]},
        {"type": "scheduleCancel", "time": -1},
        {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": -1},
        {"type": "nothing"},
        [],
    ],
)
def test_actions_of_another_shape(alice: Client, action: Any) -> None:
    answer = posted(alice, action)
    assert (answer.status_code, answer.text) == (422, UNREADABLE)


@pytest.mark.parametrize(
    "envelope",
    [
        {"nonce": -1},
        {"nonce": 2**64},
        {"nonce": 1.5},
        {"vaultAddress": "zz"},
        {"vaultAddress": ""},
        {"vaultAddress": NOBODY + "\n"},
        {"expiresAfter": -1},
        {"signature": {"r": 1, "s": 1, "v": 27}},
    ],
)
def test_envelopes_of_another_shape(alice: Client, envelope: dict[str, Any]) -> None:
    answer = posted(alice, {"type": "noop"}, **envelope)
    assert (answer.status_code, answer.text) == (422, UNREADABLE)


@pytest.mark.parametrize(
    ("px", "sz", "text"),
    [
        ("9" * 4_000, "0.01", "Order has invalid price. asset=0"),
        ("9" * 30, "0.01", "Order has invalid price. asset=0"),
        ("-50000", "0.01", "Order has invalid price. asset=0"),
        ("٥٠٠٠٠", "0.01", "Order has invalid price. asset=0"),
        ("1e4", "0.01", "Order has invalid price. asset=0"),
        ("50000", "9" * 4_000, "Order has invalid size. asset=0"),
        ("50000", "9" * 30, "Order has invalid size. asset=0"),
        ("50000", "NaN", "Order has invalid size. asset=0"),
        ("50000", "-0.01", "Order has invalid size. asset=0"),
    ],
)
def test_numbers_nobody_can_count_with(alice: Client, px: str, sz: str, text: str) -> None:
    reply = posted(alice, order(p=px, s=sz)).json()
    assert reply["response"]["data"]["statuses"] == [{"error": text}]


@pytest.mark.parametrize("orders", [201, 10_000])
def test_a_batch_beyond_the_weight_limit(alice: Client, orders: int) -> None:
    reply = posted(alice, {**order(), "orders": order()["orders"] * orders}).json()
    assert reply == {"status": "err", "response": "Signed action over weight limit of 200."}


@pytest.mark.parametrize("chain_id", ["zz", "-0x1", "0x" + "f" * 100])
def test_a_chain_id_that_is_none(venue: RunningVenue, chain_id: str) -> None:
    with client(venue, key=venue.accounts[0].key) as master:
        nonce = signing.get_timestamp_ms()
        action = {"type": "usdClassTransfer", "amount": "1", "toPerp": False, "nonce": nonce}
        action |= {"signatureChainId": chain_id, "hyperliquidChain": "Testnet"}
        answer = posted(master, action, nonce=nonce)
        assert (answer.status_code, answer.text) == (422, UNREADABLE)


def test_a_user_signed_action_names_its_chain(venue: RunningVenue) -> None:
    with client(venue, key=venue.accounts[0].key) as master:
        nonce = signing.get_timestamp_ms()
        action: dict[str, Any] = {"type": "usdClassTransfer", "amount": "1", "toPerp": False, "nonce": nonce}
        made = signing.sign_usd_class_transfer_action(master.exchange.wallet, action, is_mainnet=False)
        action["hyperliquidChain"] = "Mainnet"
        body = {"action": action, "nonce": nonce, "signature": made}
        reply = master.exchange.post("/exchange", body)["response"]
        assert reply.startswith("Must deposit before performing actions. User: 0x")


@pytest.mark.parametrize("kept", ["0x06c60000000000000000000000003f5a", "0x" + "0" * 31 + "1"])
@pytest.mark.parametrize("write", [str, str.upper, lambda text: text[2:], lambda text: "0x" + text[2:].lstrip("0")])
def test_a_cloid_is_hashed_as_the_venue_writes_it(alice: Client, kept: str, write: Any) -> None:
    """Recorded: `06c6…` without its `0x` recovers to nobody, with it to the user.

    sonirico/go-hyperliquid testdata/Orders_Cloid.yaml @5dbb7462, MIT, testnet, 2025-10-22.
    """
    sent = write(kept).replace("0X", "0x")
    reply = posted(alice, order(c=sent)).json()
    if sent == kept:
        assert reply["response"]["data"]["statuses"][0]["resting"]["cloid"] == kept
    else:
        assert reply["response"].startswith("User or API Wallet 0x")
        assert reply["response"].endswith(" does not exist.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        DEEP.decode(),
        '{"method":5}',
        '{"method":"subscribe"}',
        '{"method":"subscribe","subscription":[1]}',
        '{"method":"subscribe","subscription":{"type":["bbo"]}}',
        '{"method":"post","id":1}',
        '{"method":"post","id":1,"request":{"type":"info"}}',
        '{"method":"post","request":{"type":"info","payload":1}}',
    ],
)
async def test_frames_that_are_none(venue: RunningVenue, text: str) -> None:
    async with websockets.connect(venue.ws) as socket:
        await socket.recv()
        await socket.send(text)
        frame = json.loads(await socket.recv())
        assert frame == {"channel": "error", "data": f"Error parsing JSON into valid websocket request: {text}"}
        await socket.send('{"method":"ping"}')
        assert json.loads(await socket.recv()) == {"channel": "pong"}


@pytest.mark.parametrize(
    "subscription",
    [
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 5.0},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": True},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 3, "mantissa": 2},
        {"type": "l2Book", "coin": "BTC", "mantissa": 2},
        {"type": "bbo", "coin": "NOPE"},
        {"type": "bbo"},
        {"type": "userFills", "user": "0x" + "z" * 40},
        {"type": "orderUpdates", "user": NOBODY + "00"},
    ],
)
async def test_subscriptions_to_nothing(venue: RunningVenue, subscription: Any) -> None:
    async with websockets.connect(venue.ws) as socket:
        await socket.recv()
        await socket.send(json.dumps({"method": "subscribe", "subscription": subscription}))
        shown = json.dumps(subscription, separators=(",", ":"))
        assert json.loads(await socket.recv()) == {"channel": "error", "data": f"Invalid subscription {shown}"}


async def test_a_post_whose_socket_is_gone_is_still_done() -> None:
    """Its outcome is unknown to the client only (HL §4.6): the nonce is used."""
    async with running_venue(with_settings(latency_ms=100)) as running:
        action, nonce = {"type": "noop"}, running.start_ms + 60_000
        wallet = eth_account.Account.from_key(running.accounts[0].agent.key)
        made = signing.sign_l1_action(wallet, action, None, nonce, None, is_mainnet=False)
        payload = {"action": action, "nonce": nonce, "signature": made}
        async with websockets.connect(running.ws) as socket:
            await socket.recv()
            await socket.send(
                json.dumps({"method": "post", "id": 1, "request": {"type": "action", "payload": payload}})
            )
        again = await asyncio.to_thread(requests.post, running.url + "/exchange", json=payload, timeout=WAIT_S)
        assert again.json() == {"status": "err", "response": f"Invalid nonce: duplicate nonce {nonce}"}


async def test_blocks_do_not_wait_for_a_dead_listener() -> None:
    """A silent connection is closed after a minute (HL §4.1); the other end may be gone and never answer."""
    async with running_venue(with_settings(silence_s=0.3)) as running:
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        key = base64.b64encode(b"0123456789abcdef").decode()
        upgrade = f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{upgrade}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        await reader.readuntil(b"established.")
        await until(lambda: not running.venue.hub.sessions)
        before = running.venue.blocks
        await until(lambda: running.venue.blocks >= before + 5, seconds=3.0)
        writer.transport.abort()


async def test_a_reader_too_far_behind_is_cut_off() -> None:
    async with running_venue(with_settings()) as running:
        socket = await websockets.connect(running.ws, max_size=None, max_queue=1)
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(20):
                await socket.send("x" * 1_000_000)  # comes back as an error text, and nobody reads it
            for _ in range(100_000):
                await socket.send('{"method":"ping"}')
        await until(lambda: not running.venue.hub.sessions)
        socket.transport.abort()
