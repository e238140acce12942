"""What the market channels and the coarse books show, and when (HL §1.5, §4.5)."""

import asyncio
import itertools
import json
from typing import Any

import pytest
import websockets

from portfolio_mm.domain.units import SIDES
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.info.views_market import coarse_book
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.state import CoinState
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import topic
from tests.venue.bench_chain import Bench, leg
from tests.venue.served import with_settings
from tests.venue.still_flow import BTC, SOL

Rows = list[tuple[str, str, int]]
# Recorded BTC book of one moment at three precisions.
# Eugene2710/hyperliquid_marketmicro_mcp tests/fixtures/l2book_btc_nsf5.json, _nsf4, _nsf5_m5 @99338830, MIT.
FINE: tuple[Rows, Rows] = (
    [
        ("64900.0", "12.40866", 34),
        ("64899.0", "1.38938", 5),
        ("64898.0", "4.61546", 7),
        ("64897.0", "1.28591", 5),
        ("64896.0", "1.17934", 4),
        ("64895.0", "0.04531", 2),
        ("64894.0", "5.75793", 15),
        ("64893.0", "0.34244", 5),
        ("64892.0", "2.09281", 8),
        ("64891.0", "1.63936", 12),
        ("64890.0", "4.08509", 9),
    ],
    [
        ("64901.0", "3.90559", 21),
        ("64902.0", "0.00033", 2),
        ("64903.0", "0.10033", 10),
        ("64904.0", "0.65552", 6),
        ("64905.0", "1.27743", 2),
        ("64906.0", "4.46724", 10),
        ("64907.0", "7.46986", 9),
        ("64908.0", "8.08333", 12),
        ("64909.0", "4.00823", 13),
        ("64910.0", "5.73013", 11),
    ],
)
COARSE: dict[tuple[int, int], tuple[Rows, Rows]] = {
    (5, 1): FINE,
    (4, 1): ([("64900.0", "12.40866", 34), ("64890.0", "22.43303", 72)], [("64910.0", "35.69799", 96)]),
    (5, 5): (
        [("64900.0", "12.40866", 34), ("64895.0", "8.5154", 23), ("64890.0", "13.91763", 49)],
        [("64905.0", "5.9392", 41), ("64910.0", "29.75879", 55)],
    ),
}


def recorded_book() -> CoinState:
    book, number = OrderBook(), 0
    for side in SIDES:
        for px, sz, n in FINE[side]:
            lots = BTC.lots(sz)
            for part in [1] * (n - 1) + [lots - n + 1]:
                number += 1
                book.place(NewOrder(-number, 0, side, BTC.ticks(px), part, Tif.GTC))
    bench = Bench()
    return CoinState(BTC, book, bench.state.books[0].context, 0.0, bench.state.now_ms)


@pytest.mark.parametrize(("figures", "mantissa"), COARSE)
def test_a_coarse_book_is_the_recorded_one(figures: int, mantissa: int) -> None:
    shown = coarse_book(Bench().state, recorded_book(), figures, mantissa)
    assert list(shown) == ["coin", "time", "levels", "spread"]
    rows = tuple([(row["px"], row["sz"], row["n"]) for row in side] for side in shown["levels"])
    assert rows == COARSE[figures, mantissa]
    assert shown["spread"] == "1.0"


def test_a_fast_coarse_book_has_five_levels() -> None:
    bench = Bench()
    for side, sign in ((0, -1), (1, 1)):
        bench.flow.rest(SOL, side, SOL.ticks(200 + sign * 0.5), SOL.lots(5))
    asked = {"type": "l2Book", "coin": "SOL", "nSigFigs": 5, "fast": True}
    found = topic(asked, frozenset({"SOL"}))
    assert found is not None
    ((_, message),) = BlockFrames(bench.state).after_block(bench.state, [found])
    data = json.loads(message)["data"]
    assert ([len(side) for side in data["levels"]], data["fast"]) == ([5, 5], True)


def test_best_prices_are_told_when_they_change_and_only_then() -> None:
    bench, found = Bench(), topic({"type": "bbo", "coin": "BTC"}, frozenset({"BTC"}))
    assert found is not None
    frames = BlockFrames(bench.state)

    def told() -> list[Any]:
        return [json.loads(message)["data"]["bbo"][0] for _, message in frames.after_block(bench.state, [found])]

    bench.place(leg("BTC", "B", "99000", "0.01"))
    assert told() == [], "behind the best"
    oid = bench.place(leg("BTC", "B", "99999", "0.005"))[0]["resting"]["oid"]
    assert told() == [{"px": "99999.0", "sz": "0.015", "n": 2}], "our own size is in the public book"
    bench.block()
    assert told() == []
    bench.cancel("BTC", oid)
    assert told() == [{"px": "99999.0", "sz": "0.01", "n": 1}]


async def test_a_book_subscribed_to_again_keeps_its_cadence() -> None:
    async with running_venue(with_settings()) as running, websockets.connect(running.ws) as socket:
        book = {"type": "l2Book", "coin": "SOL", "fast": True}
        for method in ("subscribe", "unsubscribe"):
            await socket.send(json.dumps({"method": method, "subscription": book}))
        await asyncio.sleep(1.0)  # so that the rhythm of the first subscription is past
        await socket.send(json.dumps({"method": "subscribe", "subscription": book}))
        times: list[int] = []
        while len(times) < 4:
            text = await socket.recv()
            if str(text).startswith('{"channel":"l2Book"'):
                times.append(json.loads(text)["data"]["time"])
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[1:])]
    assert min(gaps) >= 500
