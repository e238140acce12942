"""Half requests, wrong kinds of content and broken frames on real sockets: the next client is served all the same."""

import base64
import contextlib
import json
import logging
import os
import random
import socket
import struct
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.venue.process import RunningVenue
from tests.fuzz.mutation import bent, valid, written
from tests.venue.served import WAIT_S, served

BURSTS: Final = 500 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 10
BURST: Final = 10
KINDS: Final = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "",
    "\xff",
)
OPCODES: Final = (0x0, 0x1, 0x1, 0x1, 0x2, 0x8, 0x9, 0xA, 0x3, 0xF)
SEEDS: Final = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with served() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.ERROR, "aiohttp.server"):
        yield
    failed = [record for record in caplog.records if record.name == "aiohttp.server" and record.exc_info]
    assert [record.exc_info for record in failed if "Error handling request" in record.getMessage()] == []


@contextlib.contextmanager
def connected(venue: RunningVenue) -> Iterator[socket.socket]:
    where = urlsplit(venue.url)
    assert where.hostname is not None
    with socket.create_connection((where.hostname, where.port or 0), WAIT_S) as made:
        yield made


def is_served(venue: RunningVenue) -> None:
    reply = requests.post(venue.url + "/info", json={"type": "exchangeStatus"}, timeout=WAIT_S)
    assert reply.status_code == 200
    with connected(venue) as client:
        shake_hands(client)
        client.sendall(frame(0x1, b'{"method":"ping"}'))
        while b'{"channel":"pong"}' not in (got := client.recv(65_536)):
            assert got, "closed"


def shake_hands(client: socket.socket) -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    head = f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    client.sendall((head + "Sec-WebSocket-Version: 13\r\n\r\n").encode())
    assert b"101" in client.recv(65_536)


def frame(opcode: int, payload: bytes, *, last: bool = True, masked: bool = True) -> bytes:
    size = len(payload)
    head = bytes([(0x80 if last else 0) | opcode])
    bit = 0x80 if masked else 0
    long = (
        bytes([bit | 126]) + struct.pack(">H", size) if size < 65_536 else bytes([bit | 127]) + struct.pack(">Q", size)
    )
    head += bytes([bit | size]) if size < 126 else long
    return head + (b"\0\0\0\0" if masked else b"") + payload


@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_any_kind_of_content_is_read_as_json(venue: RunningVenue, seed: int) -> None:
    chance = random.Random(seed)
    with requests.Session() as session:
        for _ in range(BURST):
            endpoint = chance.choice(("info", "exchange"))
            body = written(bent(chance.choice(valid(endpoint)), chance), chance)
            heads = {"Content-Type": chance.choice(KINDS).encode("latin-1")}
            reply = session.post(f"{venue.url}/{endpoint}", data=body, headers=heads, timeout=WAIT_S)
            assert reply.status_code in {200, 422} or (reply.status_code, reply.text, endpoint) == (500, "null", "info")
    is_served(venue)


@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_half_a_request_is_forgotten(venue: RunningVenue, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(BURST):
        body = json.dumps(chance.choice(valid("info"))).encode()
        length = chance.choice((len(body), len(body) + 10, 0, 10**9, -1))
        head = chance.choice((f"Content-Length: {length}", "Transfer-Encoding: chunked", "X: " + "y" * 9_000))
        whole = f"POST /info HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body
        at = chance.randrange(len(whole))
        spoiled = chance.choice((whole[:at], whole, whole[:at] + b"\0\xff" + whole[at:]))
        with connected(venue) as client:
            client.sendall(spoiled)
    is_served(venue)


@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_broken_frames_end_at_most_their_own_connection(venue: RunningVenue, seed: int) -> None:
    chance = random.Random(seed)
    with connected(venue) as client, contextlib.suppress(ConnectionError):
        shake_hands(client)
        for _ in range(BURST):
            client.sendall(_broken(chance))
    is_served(venue)


def _broken(chance: random.Random) -> bytes:
    payload = written(bent(chance.choice(valid("ws")), chance), chance)
    made = frame(chance.choice(OPCODES), payload[:100_000], last=chance.random() < 0.8, masked=chance.random() < 0.9)
    cut: Any = chance.randrange(len(made)) if chance.random() < 0.1 else None
    return made[:cut]
