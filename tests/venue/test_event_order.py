"""What the venue leaves undefined really varies, and what it defines never does (HL §4.4, §13)."""

import asyncio
import json
from typing import Any

import websockets
from hyperliquid.utils import signing

from portfolio_mm.domain.units import SELL
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import Topic
from tests.venue.bench_chain import Bench, leg
from tests.venue.served import Client
from tests.venue.still_flow import BTC

SEEDS = 60


def heard(bench: Bench, *kinds: str) -> tuple[BlockFrames, list[Topic]]:
    return BlockFrames(bench.state), [Topic(kind, user=bench.alice.address) for kind in kinds]


def told(frames: BlockFrames, bench: Bench, topics: list[Topic]) -> list[str]:
    """What came, in order: the fill, and each status of the order updates, one frame a word."""
    words = []
    for topic, message in frames.after_block(bench.state, topics):
        data = json.loads(message)["data"]
        if topic.kind == "orderUpdates":
            words.append("+".join(row["status"] for row in data))
        else:
            words += ["fill" if topic.kind == "userFills" or "fills" in data else "event"]
    return words


def test_an_order_is_told_open_before_and_after_its_own_fill() -> None:
    """A GTC order that crosses in part is open and filled in the same block."""
    seen = set()
    for seed in range(SEEDS):
        bench = Bench(seed=seed)
        frames, topics = heard(bench, "orderUpdates", "userFills")
        bench.place(leg("BTC", "B", "100001", "0.02", "Gtc"))
        seen.add(tuple(told(frames, bench, topics)))
    assert seen == {("open", "fill"), ("fill", "open")}


def test_filled_is_told_before_and_after_the_fill_but_never_before_open() -> None:
    seen = set()
    for seed in range(SEEDS):
        bench = Bench(seed=seed)
        frames, topics = heard(bench, "orderUpdates", "userFills", "userEvents")
        bench.place(leg("BTC", "B", "100000", "0.01"))
        assert told(frames, bench, topics) == ["open"], "an order that rests has no fill yet"
        bench.flow.hit(BTC, SELL, BTC.ticks(100_000), BTC.lots(0.01))
        bench.block()
        seen.add(tuple(told(frames, bench, topics)))
    assert seen == {("filled", "fill", "fill"), ("fill", "filled", "fill"), ("fill", "fill", "filled")}


def test_frames_of_one_channel_keep_their_order() -> None:
    for seed in range(SEEDS):
        bench = Bench(seed=seed)
        topics = [Topic("userEvents", user=bench.alice.address), Topic("trades", "BTC"), Topic("bbo", "BTC")]
        frames = BlockFrames(bench.state)
        bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
        bench.state.outbox.fundings[bench.alice.number].append({"coin": "BTC"})
        bench.state.outbox.non_user_cancels[bench.alice.number].append({"coin": "BTC", "oid": 1})
        mine = [json.loads(text)["data"] for topic, text in frames.after_block(bench.state, topics) if topic.user]
        assert [next(iter(data)) for data in mine] == ["fills", "funding", "nonUserCancel"]


def test_a_new_listener_may_hear_the_last_rows_twice() -> None:
    counts = set()
    for seed in range(SEEDS):
        bench = Bench(seed=seed)
        bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
        frames, (topic,) = heard(bench, "userFills")
        first, *again = [json.loads(text)["data"] for text in frames.first(bench.state, topic, alone=True)]
        assert first["isSnapshot"] is True
        assert [data["fills"] for data in again] in ([], [first["fills"]])
        assert not any("isSnapshot" in data for data in again)
        counts.add(len(again))
    assert counts == {0, 1}


def test_nothing_is_told_at_first_of_orders_and_events() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Gtc"))
    frames, topics = heard(bench, "orderUpdates", "userEvents")
    assert [frames.first(bench.state, topic, alone=True) for topic in topics] == [[], []]


async def test_a_reply_leaves_before_and_after_the_frames_of_its_block(venue: RunningVenue, alice: Client) -> None:
    """On one socket, where the order can be seen: over many orders both happen, and each is told once."""
    px = round(alice.touch("BTC")[0] * 0.9)
    async with asyncio.timeout(60), websockets.connect(venue.ws) as socket:
        await socket.recv()
        wanted = {"type": "orderUpdates", "user": alice.address}
        await socket.send(json.dumps({"method": "subscribe", "subscription": wanted}))
        assert json.loads(await socket.recv())["channel"] == "subscriptionResponse"
        orders = [await placed(socket, alice, number, px) for number in range(24)]
    assert set(orders) == {("post", "orderUpdates"), ("orderUpdates", "post")}


async def placed(socket: Any, alice: Client, number: int, px: int) -> tuple[str, ...]:
    """Channels of the two frames that tell of one order, in the order they came; both name the same order."""
    wire = {"a": 0, "b": True, "p": str(px), "s": "0.001", "r": False, "t": {"limit": {"tif": "Alo"}}}
    action, nonce = {"type": "order", "orders": [wire], "grouping": "na"}, signing.get_timestamp_ms() + number
    signature = signing.sign_l1_action(alice.exchange.wallet, action, None, nonce, None, is_mainnet=False)
    payload = {"action": action, "nonce": nonce, "signature": signature}
    request = {"method": "post", "id": number, "request": {"type": "action", "payload": payload}}
    await socket.send(json.dumps(request))
    frames = [json.loads(await socket.recv()) for _ in range(2)]
    found = {frame["channel"]: frame["data"] for frame in frames}
    (status,) = found["post"]["response"]["payload"]["response"]["data"]["statuses"]
    (update,) = found["orderUpdates"]
    assert (update["order"]["oid"], update["status"]) == (status["resting"]["oid"], "open")
    return tuple(frame["channel"] for frame in frames)
