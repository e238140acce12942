"""TWAP orders: slices on the venue's clock, replies, histories, streams (HL §1.12, §2.9)."""

from typing import Any

import pytest
from hyperliquid.utils import signing

from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.protocol.actions import Order
from portfolio_mm.venue.protocol.twaps import TwapCancel, TwapDetails, TwapOrder, TwapStart, TwapWire
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import Topic
from tests.venue.bench_chain import Bench, leg
from tests.venue.served import Client
from tests.venue.still_flow import BTC

BUY_011 = TwapWire(a=0, b=True, s="0.011", r=False, m=5, t=False)
ZERO_HASH = "0x" + "0" * 64


def start(bench: Bench, wire: TwapWire = BUY_011, details: TwapDetails | None = None) -> Any:
    reply = bench.do(TwapOrder(wire, details))
    assert reply["status"] == "ok", reply
    assert reply["response"]["type"] == "twapOrder"
    return reply["response"]["data"]["status"]


def test_neither_side_of_a_slice_nor_its_print_has_a_hash() -> None:
    """As node outputs and public trades have it; any other trade of the block has the block's (HL §1.12)."""
    bench = Bench()
    bench.place(leg("BTC", "A", "100000", "0.01"), user=bench.bob)
    orders = Order((leg("BTC", "B", "100001", "0.001", "Ioc"),), "na")
    bench.block(bench.signed(orders), bench.signed(TwapOrder(BUY_011)))
    rows = bench.state.outbox.trades["BTC"]
    hashes = [[row["hash"] for row in told] for told in (rows, *(bench.state.outbox.fills[user] for user in (1, 2)))]
    assert hashes == [[bench.state.block_hash(), ZERO_HASH]] * 3
    assert [row["twapId"] for row in bench.state.outbox.fills[2]] == [None, None]


def refill(bench: Bench) -> None:
    """A thousand dollars more at the best ask."""
    bench.flow.rest(BTC, 1, BTC.ticks(100_001), BTC.lots(0.01))


def test_a_twap_trades_equal_slices_every_thirty_seconds() -> None:
    bench = Bench()
    number = start(bench)["running"]["twapId"]
    (first,) = bench.state.outbox.fills[1]
    assert (first["sz"], first["twapId"], first["hash"], first["crossed"]) == ("0.001", number, ZERO_HASH, True)
    bench.block(after_ms=29_900)
    assert not bench.state.outbox.fills[1]
    for _ in range(9):
        bench.block(after_ms=30_000)
    assert [row["sz"] for row in bench.read("userFills")] == ["0.001"] * 10
    assert [row["status"] for row in bench.read("twapHistory")] == [{"status": "activated"}]
    bench.block(after_ms=30_000)
    finished, activated = bench.read("twapHistory")
    assert finished == {
        "time": bench.state.now_ms // 1000,
        "state": {
            "coin": "BTC",
            "user": bench.alice.address,
            "side": "B",
            "sz": "0.011",
            "executedSz": "0.011",
            "executedNtl": "1100.012",
            "minutes": 5,
            "reduceOnly": False,
            "randomize": False,
            "timestamp": activated["state"]["timestamp"],
        },
        "status": {"status": "finished"},
        "twapId": number,
    }
    assert bench.alice.szi(0) == BTC.lots(0.011)
    rows = bench.read("userTwapSliceFills")
    assert [row["twapId"] for row in rows] == [number] * len(rows)
    assert rows == bench.read("userTwapSliceFillsByTime", startTime=0)[::-1]
    assert bench.read("orderStatus", oid=first["oid"])["order"]["order"]["orderType"] == "Twap Slice"


def test_what_a_slice_could_not_trade_later_ones_make_up_for_three_at_a_time() -> None:
    bench = Bench()
    bench.mark("BTC", 90_000)
    start(bench)
    for _ in range(4):
        bench.block(after_ms=30_000)
    assert not bench.read("userFills"), "the book is more than three percent above the mark"
    bench.mark("BTC", 100_000)
    bench.block(after_ms=30_000)
    bench.block(after_ms=30_000)
    sizes = [row["sz"] for row in reversed(bench.read("userFills"))]
    assert sizes == ["0.003", "0.003"]


def test_randomised_slices_differ_and_add_up() -> None:
    bench = Bench()
    start(bench, TwapWire(a=0, b=True, s="0.011", r=False, m=5, t=True))
    for _ in range(10):
        refill(bench)
        bench.block(after_ms=30_000)
    sizes = [BTC.lots(row["sz"]) for row in bench.read("userFills")]
    assert sum(sizes) == bench.alice.szi(0) == BTC.lots(0.011)
    assert len(set(sizes)) > 1


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (TwapWire(0, True, "0.011", False, 4, False), "Invalid TWAP duration: 4 min(s)"),  # noqa: FBT003
        (TwapWire(0, True, "0.011", False, 10_081, False), "Invalid TWAP duration: 10081 min(s)"),  # noqa: FBT003
        (TwapWire(0, True, "0.0009", False, 5, False), "Order must have minimum value of $100. asset=0"),  # noqa: FBT003
        (TwapWire(0, True, "0.0000001", False, 5, False), "Order has invalid size. asset=0"),  # noqa: FBT003
        (TwapWire(99, True, "1", False, 5, False), "Unknown asset. asset=99"),  # noqa: FBT003
        (TwapWire(0, True, "0.011", True, 5, False), "Reduce only order would increase position. asset=0"),  # noqa: FBT003
    ],
)
def test_refusals_of_twaps(wire: TwapWire, text: str) -> None:
    bench = Bench()
    assert start(bench, wire) == {"error": text}
    assert not bench.alice.twaps
    assert not bench.read("twapHistory")


def test_a_cancelled_twap_stops_and_is_gone() -> None:
    bench = Bench()
    number = start(bench)["running"]["twapId"]

    def cancel(asset: int) -> Any:
        return bench.do(TwapCancel(asset, number))["response"]["data"]["status"]

    gone = {"error": "TWAP was never placed, already canceled, or filled."}
    assert cancel(1) == gone
    assert cancel(0) == "success"
    assert cancel(0) == gone
    bench.block(after_ms=60_000)
    assert len(bench.read("userFills")) == 1
    assert bench.read("twapHistory")[0]["status"] == {"status": "terminated"}


def test_a_refused_slice_ends_the_twap_with_its_words() -> None:
    bench = Bench()
    bench.place(leg("BTC", "A", "99999", "0.001", "Ioc"))
    start(bench, TwapWire(a=0, b=True, s="0.011", r=True, m=5, t=False))
    bench.block(after_ms=30_000)
    text = "Reduce only order would increase position. asset=0"
    assert bench.read("twapHistory")[0]["status"] == {"status": "error", "description": text}
    assert not bench.alice.twaps


def test_a_twap_begins_and_stops_at_prices() -> None:
    bench = Bench()
    start(bench, details=TwapDetails(TwapStart("100500", True), "102000"))  # noqa: FBT003
    bench.block(after_ms=30_000)
    assert not bench.read("userFills")
    bench.mark("BTC", 101_000)
    assert len(bench.read("userFills")) == 1
    bench.mark("BTC", 102_000)
    assert bench.read("twapHistory")[0]["status"] == {"status": "terminated"}


def test_slices_do_not_trade_after_an_upgrade() -> None:
    bench = Bench(post_only_s=40.0)
    start(bench)
    bench.block(after_ms=30_000)
    assert not bench.read("userFills")
    bench.block(after_ms=30_000)
    assert [row["sz"] for row in bench.read("userFills")] == ["0.003"]


def test_streams_tell_a_twap_from_snapshot_to_end() -> None:
    bench = Bench()
    user = bench.alice.address
    start(bench)
    topics = [Topic(kind, user=user) for kind in ("userTwapHistory", "userTwapSliceFills", "twapStates", "userEvents")]
    frames = BlockFrames(bench.state)
    told = frames.after_block(bench.state, topics)
    heard = sorted(topic.kind for topic, _ in told)
    assert heard == ["twapStates", *["userEvents"] * 3, "userTwapHistory", "userTwapSliceFills"]
    assert any(b'"states":[[1500001,{' in message for _, message in told)
    assert any(b'{"channel":"user","data":{"twapSliceFills":[' in message for _, message in told)
    for topic, field in zip(topics, (b'"history":[', b'"twapSliceFills":['), strict=False):
        snapshot = frames.first(bench.state, topic, alone=True)[0]
        assert b'"isSnapshot":true' in snapshot
        assert field in snapshot


def test_a_signed_twap_runs_behind_the_socket(venue: RunningVenue, alice: Client) -> None:
    """The SDK has no method for it; its signing and its read of slice fills judge."""
    px = alice.touch("BTC")[1]
    action = {"type": "twapOrder", "twap": {"a": 0, "b": True, "s": f"{200 / px:.5f}", "r": False, "m": 5, "t": False}}

    def post(action: dict[str, Any]) -> Any:
        nonce = signing.get_timestamp_ms()
        wallet = alice.exchange.wallet
        signature = signing.sign_l1_action(wallet, action, None, nonce, None, is_mainnet=False)
        reply = alice.exchange.post("/exchange", {"action": action, "nonce": nonce, "signature": signature})
        return reply["response"]["data"]["status"]

    number = post(action)["running"]["twapId"]
    (row,) = alice.info.user_twap_slice_fills(alice.address)
    assert (row["twapId"], row["fill"]["hash"]) == (number, ZERO_HASH)
    assert post({"type": "twapCancel", "a": 0, "t": number}) == "success"
    with_details = {**action, "details": {"t": {"p": "1", "a": False}, "s": None}}
    waiting = post(with_details)["running"]["twapId"]
    assert post({"type": "twapCancel", "a": 0, "t": waiting}) == "success"
