"""What each channel says at first and after each block, without sockets (HL §4.2-§4.5)."""

import base64
import itertools
import json
import random
import zlib
from typing import Any

import pytest

from portfolio_mm.venue.info import reads
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import PARAMETERS, Topic, topic
from tests.venue.bench_chain import Bench, leg
from tests.venue.populated import populated
from tests.venue.still_flow import BTC

COINS = frozenset({"BTC", "ETH"})
# HL §4.5: a payload the documentation decodes.
PAYLOAD = "q1ZyCnFWsqpWyk0syg6oULJSsjQ3NTDQM1Wq1VFyDfFAkTI2MzXQMwJLVVRWWfmFuTiiyBuamOoZKdXWAgA="


def unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text), wbits=-15))


class Heard:
    """One listener to one channel."""

    def __init__(self, bench: Bench, **subscription: Any) -> None:
        found = topic(subscription, COINS)
        assert found is not None, subscription
        self.topic: Topic = found
        self.bench, self.frames = bench, BlockFrames(bench.state)
        self.first = [json.loads(text) for text in self.frames.first(bench.state, found, alone=True)]

    def now(self) -> list[Any]:
        """Frames of the block that has just run, from its channel."""
        return [json.loads(text) for _, text in self.frames.after_block(self.bench.state, [self.topic])]

    def data(self) -> list[Any]:
        return [frame["data"] for frame in self.now()]


def of_user(bench: Bench, kind: str, **more: Any) -> Heard:
    return Heard(bench, type=kind, user=bench.alice.address, **more)


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_every_kind_of_subscription_is_served(kind: str) -> None:
    bench = populated()
    given = {"coin": "BTC", "c": "BTC", "user": bench.alice.address, "interval": "1m"}
    wanted = {"type": kind, **{name: given[name] for name in PARAMETERS[kind]}}
    heard = Heard(bench, **wanted, unknown=1)
    assert {name: value for name, value in heard.topic.echo().items() if value} == wanted
    assert [name for name in heard.topic.echo() if name in wanted] == list(wanted)
    channel = "user" if kind == "userEvents" else kind
    assert {frame["channel"] for frame in [*heard.first, *heard.now()]} <= {channel}
    assert bool(heard.first) == (
        kind not in {"bbo", "candle", "orderUpdates", "userEvents", "notification", "outcomeMetaUpdates"}
    )
    for name in PARAMETERS[kind]:
        assert topic({**wanted, name: None}, COINS) is None
        assert topic({**wanted, name: "nonsense"}, COINS) is None
    assert topic({**wanted, "dex": "xyz"}, COINS) is None


def test_web_data_of_the_second_kind_is_retired() -> None:
    assert topic({"type": "webData2", "user": "0x" + "1" * 40}, COINS) is None


def test_changes_of_a_book_add_up_to_the_book() -> None:
    """HL §4.5: remove by place on the side as it stood, then set by price, then sort."""
    bench, roll = Bench(), random.Random(3)
    heard = Heard(bench, type="l2", c="BTC")
    sides = [[(row["px"], row["sz"]) for row in side] for side in heard.first[0]["data"]["s"]["levels"]]
    wrong = changes = 0
    for _ in range(120):
        if bench.alice.open and roll.random() < 0.5:
            bench.cancel("BTC", roll.choice(list(bench.alice.open)))
        side = roll.choice("BA")
        px = 100_000 + (-1 if side == "B" else 1) * roll.randrange(6, 20)
        bench.place(leg("BTC", side, str(px), f"0.{roll.randrange(10, 99)}"))
        bench.block(after_ms=500)
        for told in heard.data():
            delta = unpacked(told["c"])
            assert (delta["c"], delta["t"]) == ("BTC", bench.state.now_ms)
            wrong += applied(sides, delta, upsert_first=True) != applied(sides, delta)
            sides = applied(sides, delta)
            changes += 1
        levels = reads.answer(bench.state, {"type": "l2Book", "coin": "BTC"})["levels"]
        assert sides == [[(row["px"], row["sz"]) for row in side] for side in levels]
    assert changes > 60
    assert wrong, "setting before removing goes wrong somewhere"


def applied(
    sides: list[list[tuple[str, str]]], delta: Any, *, upsert_first: bool = False
) -> list[list[tuple[str, str]]]:
    found = []
    for number, side in enumerate(sides):
        new = {row["p"]: row["s"] for row in delta["l"][number]}
        sign = -1 if number == 0 else 1
        if upsert_first:
            side = sorted((dict(side) | new).items(), key=lambda row: sign * float(row[0]))  # noqa: PLW2901
            new = {}
        kept = [row for place, row in enumerate(side) if place not in delta["r"][number]]
        found.append(sorted((dict(kept) | new).items(), key=lambda row: sign * float(row[0])))
    return found


def test_a_later_listener_begins_where_the_others_stand() -> None:
    bench = Bench()
    heard = Heard(bench, type="l2", c="BTC")
    bench.place(leg("BTC", "B", "99998", "0.5"))
    (later,) = heard.frames.first(bench.state, heard.topic, alone=False)
    assert json.loads(later) == heard.first[0]


def test_fast_contexts_tell_fields_that_changed() -> None:
    assert unpacked(PAYLOAD)["ETH"] == {"markPx": "3650.25"}
    bench = Bench()
    heard = Heard(bench, type="fastAssetCtxs")
    assert unpacked(heard.first[0]["data"])["BTC"] == {"markPx": "100000.0", "midPx": "100000.0"}
    assert heard.now() == []
    bench.flow.mark(BTC, 100_001.0)
    bench.block()
    assert [unpacked(text) for text in heard.data()] == [{"BTC": {"markPx": "100001.0"}}]


def test_a_candle_is_told_when_its_coin_trades() -> None:
    bench = Bench()
    heard = Heard(bench, type="candle", coin="BTC", interval="1h")
    bench.block()
    assert heard.now() == []
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    wanted = {"coin": "BTC", "interval": "1h", "startTime": 0}
    assert heard.data() == reads.answer(bench.state, {"type": "candleSnapshot", "req": wanted})


@pytest.mark.parametrize(
    ("feed", "plain_ms", "fast_ms"), [("2026-05", 500, 500), ("2026-06", 2000, 500), ("2026-07", 5000, 500)]
)
def test_books_come_as_often_as_in_their_month(feed: Any, plain_ms: int, fast_ms: int) -> None:
    bench = Bench(feed=feed)
    for fast, every_ms in ((False, plain_ms), (True, fast_ms)):
        heard = Heard(bench, type="l2Book", coin="BTC", fast=fast)
        gaps = []
        for _ in range(2 * every_ms // 100):
            bench.block()
            gaps += [frame["data"]["time"] for frame in heard.now()]
        assert [late - early for early, late in itertools.pairwise(gaps)] == [every_ms]


def test_states_are_told_when_something_happened_to_their_user() -> None:
    bench = Bench()
    heard = [of_user(bench, kind) for kind in ("openOrders", "spotState")]
    heard.append(of_user(bench, "activeAssetData", coin="BTC"))
    bench.block(after_ms=1)
    assert [one.now() for one in heard] == [[], [], []]
    bench.place(leg("BTC", "B", "99990", "0.05"))
    ((orders,), spot, _) = (one.data() for one in heard)
    assert [row["sz"] for row in orders["orders"]] == ["0.05"]
    assert spot == [], "nothing changed there"
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert [len(one.data()) for one in heard] == [1, 0, 1]


def test_history_of_orders_is_told_with_all_fields() -> None:
    bench = Bench()
    oid = bench.place(leg("BTC", "B", "99990", "0.05"))[0]["resting"]["oid"]
    heard = of_user(bench, "userHistoricalOrders")
    (row,) = heard.first[0]["data"]["orderHistory"]
    assert (heard.first[0]["data"]["isSnapshot"], row["order"]["oid"], row["status"]) == (True, oid, "open")
    bench.cancel("BTC", oid)
    (told,) = heard.data()
    assert list(told) == ["user", "orderHistory"]
    assert told["orderHistory"][0]["order"]["tif"] == "Alo"
    assert told["orderHistory"][0]["status"] == "canceled"


def test_aggregated_fills_have_a_channel_of_their_own() -> None:
    bench = Bench()
    plain, gathered = of_user(bench, "userFills"), of_user(bench, "userFills", aggregateByTime=True)
    bench.place(leg("BTC", "A", "99990", "0.025", "Ioc"))
    assert [len(one.data()[0]["fills"]) for one in (plain, gathered)] == [3, 1]
    assert gathered.topic.echo()["aggregateByTime"] is True


def test_web_data_shows_the_mode_and_what_was_paid_in() -> None:
    shown = of_user(Bench(mode="unified"), "webData3").first[0]["data"]["userState"]
    assert (shown["abstraction"], shown["cumLedger"], shown["agentAddress"]) == ("unifiedAccount", "10000.0", None)
    assert "abstraction" not in of_user(Bench(), "webData3").first[0]["data"]["userState"]


def test_a_spot_pair_has_a_channel_of_another_name() -> None:
    (first,) = Heard(Bench(), type="activeAssetCtx", coin="PURR/USDC").first
    assert (first["channel"], first["data"]["coin"]) == ("activeSpotAssetCtx", "PURR/USDC")


def test_order_status_may_lag_behind_a_placement() -> None:
    bench = Bench(read_lag_ms=150)
    oid = bench.place(leg("BTC", "B", "99990", "0.05"))[0]["resting"]["oid"]
    wanted = {"type": "orderStatus", "user": bench.alice.address, "oid": oid}
    assert reads.answer(bench.state, wanted) == {"status": "unknownOid"}
    bench.block(after_ms=200)
    assert reads.answer(bench.state, wanted)["status"] == "order"
