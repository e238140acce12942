"""Public frames to events: fields, tolerance, and what makes a frame malformed."""

import contextlib
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import EVENT, LAST, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.event_layout import NO_LEVELS, ORDER, pack_event
from portfolio_mm.hyperliquid.parse import MAX_EVENTS, MarketParser

BTC = Instrument("BTC", 0, 0, 5, 40)
WLFI = Instrument("WLFI", 187, 1, 0, 5)
PARSER = MarketParser([BTC, WLFI])


def frame(channel: str, data: Any) -> bytes:
    return json.dumps({"channel": channel, "data": data}, separators=(",", ":")).encode()


def parse(raw: bytes, room: int = 16) -> Any:
    out = np.zeros(room, EVENT)
    return out[: PARSER.parse(raw, 77, out)]


def level(px: Any, sz: Any) -> dict[str, Any]:
    return {"px": px, "sz": sz, "n": 1}


def test_every_field_of_an_event_lands_where_numpy_reads_it() -> None:
    out = np.zeros(2, EVENT)
    values = list(range(1, len(ORDER) - 3))
    pack_event(out, EVENT.itemsize, *values[: len(ORDER) - 4], *(float(n) for n in range(100, 120)))
    assert not np.frombuffer(out[:1].tobytes(), np.uint8).any()
    for name, value in zip(ORDER[:-4], values, strict=False):
        assert out[name][1] == value, name
    assert out["bid_px"][1].tolist() == [100, 101, 102, 103, 104]
    assert out["ask_sz"][1].tolist() == [115, 116, 117, 118, 119]
    assert len(NO_LEVELS) == 20


def test_bbo_gives_floats_and_exact_ticks() -> None:
    (event,) = parse(
        frame(
            "bbo", {"coin": "BTC", "time": 1790358617881, "bbo": [level("83757.0", "22.61305"), level(83758, 0.00016)]}
        )
    )
    assert (event.kind, event.coin, event.bits) == (EventKind.BBO, 0, LAST)
    assert (event.venue_ms, event.recv_ns) == (1790358617881, 77)
    assert (event.bid_px[0], event.bid_sz[0], event.ask_px[0], event.ask_sz[0]) == (83757.0, 22.61305, 83758.0, 0.00016)
    assert (event.bid_ticks, event.ask_ticks) == (837_570, 837_580)


def test_a_missing_side_is_zero() -> None:
    (event,) = parse(frame("bbo", {"coin": "WLFI", "time": 1, "bbo": [None, level("0.18648", "10")]}))
    assert (event.coin, event.bid_ticks, event.bid_px[0], event.ask_ticks) == (1, 0, 0.0, 186_480)
    (event,) = parse(frame("bbo", {"coin": "WLFI", "time": 1, "bbo": [level("0.18648", "10")]}))
    assert (event.bid_ticks, event.ask_ticks) == (186_480, 0)
    (event,) = parse(frame("l2Book", {"coin": "WLFI", "time": 1, "levels": [[], []]}))
    assert (event.bid_ticks, event.ask_ticks) == (0, 0)


@pytest.mark.parametrize("extra", [{}, {"fast": True}, {"spread": "1.0"}])
def test_books_fast_and_slow_fill_the_first_levels(extra: dict[str, Any]) -> None:
    count = 5 if "fast" in extra else 20
    bids = [level(f"{83767 - n}.0", f"{n + 1}.5") for n in range(count)]
    asks = [level(f"{83768 + n}.0", f"{n + 2}.5") for n in range(count)]
    (event,) = parse(frame("l2Book", {"coin": "BTC", "time": 5, "levels": [bids, asks], **extra}))
    assert (event.kind, event.bits, event.bid_ticks, event.ask_ticks) == (EventKind.BOOK, LAST, 837_670, 837_680)
    assert event.bid_px.tolist() == [83767.0, 83766.0, 83765.0, 83764.0, 83763.0]
    assert event.ask_sz.tolist() == [2.5, 3.5, 4.5, 5.5, 6.5]


def test_trades_become_events_and_the_last_one_is_marked() -> None:
    row = {"coin": "BTC", "px": "83770.0", "sz": "0.00819", "time": 9, "hash": "0x00", "users": ["0x1", "0x2"]}
    events = parse(frame("trades", [{**row, "side": "B", "tid": 437413095582311}, {**row, "side": "A", "tid": 2}]))
    assert events["kind"].tolist() == [EventKind.TRADE] * 2
    assert events["side"].tolist() == [BUY, SELL]
    assert events["tid"].tolist() == [437413095582311, 2]
    assert events["bits"].tolist() == [0, LAST]
    assert (events["px"][0], events["sz"][0], events["venue_ms"][0]) == (83770.0, 0.00819, 9)


def test_context_carries_mark_oracle_funding_and_open_interest() -> None:
    ctx = {
        "funding": "-0.0000125",
        "openInterest": "39338.76246",
        "oraclePx": "83778.1",
        "markPx": "83757.0",
        "midPx": None,
        "impactPxs": None,
        "premium": None,
    }
    (event,) = parse(frame("activeAssetCtx", {"coin": "BTC", "ctx": ctx}))
    assert (event.kind, event.px, event.px2, event.sz, event.sz2) == (
        EventKind.CONTEXT,
        83757.0,
        83778.1,
        -0.0000125,
        39338.76246,
    )
    assert event.px_ticks == 837_570


@pytest.mark.parametrize(
    "raw",
    [
        b"Websocket connection established.",
        b'{"channel":"pong"}',
        frame("subscriptionResponse", {"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}}),
        frame("error", "Invalid subscription {}"),
        frame("somethingNew", {"x": 1}),
        frame("bbo", {"coin": "UNKNOWN", "time": 1, "bbo": [None, None]}),
        frame("trades", []),
    ],
)
def test_frames_about_something_else_give_no_event(raw: bytes) -> None:
    assert len(parse(raw)) == 0


def test_key_order_and_white_space_do_not_matter() -> None:
    data = {"bbo": [level("1", "2"), None], "time": 3, "coin": "WLFI"}
    (event,) = parse(json.dumps({"data": data, "channel": "bbo"}, indent=1).encode())
    assert (event.bid_ticks, event.venue_ms) == (1_000_000, 3)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "channel"),
        (b"[]", "channel"),
        (b'{"channel":"bbo","data":', "bbo"),
        (frame("bbo", {"coin": "BTC", "time": 1}), "bbo"),
        (frame("bbo", {"coin": "BTC", "time": -1, "bbo": [None, None]}), "time"),
        (frame("bbo", {"coin": "BTC", "time": 2**70, "bbo": [None, None]}), "bbo"),
        (frame("bbo", {"coin": "BTC", "time": 1, "bbo": [level("nan", "1"), None]}), "nan"),
        (frame("bbo", {"coin": "BTC", "time": 1, "bbo": [level("inf", "1"), None]}), "inf"),
        (frame("bbo", {"coin": "BTC", "time": 1, "bbo": [level("-5", "1"), None]}), "-5"),
        (frame("bbo", {"coin": "BTC", "time": 1, "bbo": [level("5", "-1"), None]}), "-1"),
        (frame("bbo", {"coin": "BTC", "time": 1, "bbo": [level("1e300", "1"), None]}), "bbo"),
        (frame("l2Book", {"coin": "BTC", "time": 1, "levels": [[]]}), "l2Book"),
        (frame("trades", [{"coin": "BTC", "side": "X", "px": "1", "sz": "1", "time": 1, "tid": 1}]), "side 'X'"),
        (frame("trades", [{"coin": "BTC", "side": "B", "px": "0", "sz": "1", "time": 1, "tid": 1}]), "px is 0"),
        (frame("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "1", "oraclePx": "1"}}), "funding"),
    ],
)
def test_a_malformed_frame_names_its_channel_and_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        parse(raw)


def test_more_trades_than_room_are_refused_not_cut() -> None:
    row = {"coin": "BTC", "side": "B", "px": "1", "sz": "1", "time": 1, "tid": 1}
    with pytest.raises(MalformedMessage, match="17 trades, room for 16"):
        parse(frame("trades", [row] * 17))
    assert len(parse(frame("trades", [row] * MAX_EVENTS), MAX_EVENTS)) == MAX_EVENTS


@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda s: f'{{"channel":"bbo","data":{s}'.encode()))
def test_no_bytes_do_more_than_count_as_malformed(raw: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        assert len(parse(raw)) == 0


@given(st.integers(1, 10**13), st.integers(0, 5))
def test_ticks_of_the_wire_text_are_exact(px_ticks: int, sz_decimals: int) -> None:
    coin = Instrument("X", 0, 0, sz_decimals, 10)
    out = np.zeros(1, EVENT)
    raw = frame("bbo", {"coin": "X", "time": 1, "bbo": [level(coin.px_text(px_ticks), "1"), None]})
    MarketParser([coin]).parse(raw, 0, out)
    assert out["bid_ticks"][0] == px_ticks


def test_a_null_rate_or_open_interest_is_not_a_number_and_the_mark_still_comes() -> None:
    ctx = {"funding": None, "openInterest": None, "oraclePx": "83778.1", "markPx": "83757.0"}
    (event,) = parse(frame("activeAssetCtx", {"coin": "BTC", "ctx": ctx}))
    assert (event.px, event.px_ticks) == (83757.0, 837_570)
    assert math.isnan(event.sz)
    assert math.isnan(event.sz2)
