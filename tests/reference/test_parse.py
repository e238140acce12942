"""Frames as Binance's documentation shows them become events of our coin; impossible numbers are refused."""

import json
from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.reference.events import ReferenceBook
from portfolio_mm.reference.parse import SHUTDOWN, AggTrade, BookTicker, Depth, parse, stream_of
from portfolio_mm.reference.symbols import Symbol

# Examples of "Individual Symbol Book Ticker Streams", "Partial Book Depth Streams" and "Aggregate Trade Streams" of the
# USD-M futures documentation (developers.binance.com), the depth one cut to two levels a side.
TICKER = (
    '{"stream":"bnbusdt@bookTicker","data":{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,'
    '"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}}'
)
DEPTH = (
    '{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT",'
    '"U":390497796,"u":390497878,"pu":390497794,"b":[["7403.89","0.002"],["7403.90","3.906"]],'
    '"a":[["7405.96","3.340"],["7406.63","4.525"]]}}'
)
TRADE = (
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"0.001","q":"100",'
    '"nq":"100","f":100,"l":105,"T":123456785,"m":true}}'
)


def depth(**changes: Any) -> bytes:
    """The example, whose bids have the worst first; with changes."""
    frame = json.loads(DEPTH)
    frame["data"].update(changes)
    return json.dumps(frame).encode()


def ticker(**changes: Any) -> bytes:
    frame = json.loads(TICKER)
    frame["data"].update(changes)
    return json.dumps(frame).encode()


def test_the_documented_examples_are_read() -> None:
    said = parse(TICKER.encode())
    assert said == BookTicker(400900217, "BNBUSDT", 25.3519, 31.21, 25.3652, 40.66, 1568014460891)
    book = parse(depth())
    assert isinstance(book, Depth)
    assert (book.b[0], book.a[1], book.u) == ((7403.90, 3.906), (7406.63, 4.525), 390497878)
    assert parse(TRADE.encode()) == AggTrade(5933014, "BTCUSDT", 0.001, 100.0, 123456785, m=True)


def test_what_is_not_ours_says_nothing_and_shutdown_is_known_in_either_form() -> None:
    assert parse(b'{"result":null,"id":7}') is None
    assert parse(b'{"stream":"btcusdt@markPrice","data":{"e":"markPriceUpdate"}}') is None
    assert stream_of(b'{"e":"serverShutdown","E":1770123456789}') == SHUTDOWN
    assert stream_of(b'{"stream":"","data":{"e":"serverShutdown","E":1770123456789}}') == SHUTDOWN


@pytest.mark.parametrize(
    "frame",
    [
        ticker(b="0"),
        ticker(B="0.0"),
        ticker(b="nan"),
        ticker(a="inf"),
        ticker(b="25.37"),
        ticker(T=0),
        ticker(u="x"),
        ticker(b=None),
        b'{"stream":"bnbusdt@bookTicker","data":{}}',
        depth(a=[["7405.96", "0"]]),
        depth(a=[["7405.96"]]),
        TRADE.replace('"100"', '"-1"').encode(),
        TRADE.replace("true", '"maybe"').encode(),
        b"\xff\xfe",
        b"[1]",
    ],
)
def test_impossible_frames_are_malformed(frame: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(frame)


def said(frame: bytes) -> Any:
    found = parse(frame)
    assert found is not None
    return found


def test_a_book_in_units_of_our_coin() -> None:
    book = ReferenceBook(Symbol("BTCUSDT", 1000.0), 3)
    row = book.hear(said(depth()), 77)
    assert row is not None
    assert (row["kind"][0], row["coin"][0], row["recv_ns"][0]) == (EventKind.REFERENCE, 3, 77)
    assert row["venue_ms"][0] == 1571889248276
    np.testing.assert_allclose(row["bid_px"][0], [7.4039, 7.40389, 0, 0, 0])
    np.testing.assert_allclose(row["bid_sz"][0], [3906.0, 2.0, 0, 0, 0])
    np.testing.assert_allclose([row["sz"][0], row["sz2"][0]], [3908.0, 7865.0])
    assert book.mid == pytest.approx((7.4039 + 7.40596) / 2)


def test_newer_best_prices_stand_before_the_last_levels_and_older_ones_are_dropped() -> None:
    book = ReferenceBook(Symbol("BTCUSDT"), 0)
    book.hear(said(depth()), 1)
    head = {"s": "BTCUSDT", "T": 1571889248300, "B": "1", "A": "2"}
    row = book.hear(said(ticker(**head, u=390497900, b="7403.895", a="7404.00")), 2)
    assert row is not None
    np.testing.assert_allclose(row["bid_px"][0], [7403.895, 7403.89, 0, 0, 0])
    np.testing.assert_allclose(row["ask_px"][0], [7404.00, 7405.96, 7406.63, 0, 0])
    np.testing.assert_allclose(row["sz"][0], 1.002)
    assert book.hear(said(ticker(**head, u=390497880, b="7000", a="7001")), 3) is None
    assert book.hear(said(depth()), 4) is None
    book.forget()
    assert book.mid == 0.0
    assert book.hear(said(depth()), 5) is not None


def test_levels_told_long_before_the_best_price_are_not_known_any_more() -> None:
    book = ReferenceBook(Symbol("BTCUSDT"), 0)
    book.hear(said(depth()), 1)
    late = {"s": "BTCUSDT", "T": 1571889248276 + 6_000, "u": 390497900, "b": "7403.95", "a": "7404.00"}
    row = book.hear(said(ticker(**late)), 2)
    assert row is not None
    assert (row["bid_px"][0, 1], row["sz"][0], row["sz2"][0]) == (0.0, 0.0, 0.0)


def test_the_aggressor_of_a_trade_is_not_its_maker() -> None:
    book = ReferenceBook(Symbol("BTCUSDT", 10.0), 1)
    row = book.hear(said(TRADE.encode()), 9)
    assert row is not None
    assert (row["kind"][0], row["side"][0], row["tid"][0]) == (EventKind.REFERENCE_TRADE, SELL, 5933014)
    np.testing.assert_allclose([row["px"][0], row["sz"][0]], [0.0001, 1000.0])
    bought = book.hear(said(TRADE.replace("true", "false").encode()), 9)
    assert bought is not None
    assert bought["side"][0] == BUY
