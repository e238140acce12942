"""Each fault, seen over a real socket; and that none of them is there unless it was asked for."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hyperliquid.utils.error import ServerError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portfolio_mm.venue.delays import Latency, Quantiles
from portfolio_mm.venue.faults.kinds import Drop
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.venue.bare_wire import Wire, admin, event, fault, info, on, wire
from tests.venue.served import Client, client, served

ALO = {"limit": {"tif": "Alo"}}
PERIOD_MS = 20


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningVenue]:
    settings = VenueSettings(coins=("BTC", "ETH"), block_ms=PERIOD_MS, ip_limit=False, admin=True, seed=11)
    with served(settings) as running:
        yield running


@pytest.fixture
def venue(shared: RunningVenue) -> Iterator[RunningVenue]:
    yield shared
    admin(shared, "clear_faults")


@pytest.fixture
def line(venue: RunningVenue) -> Iterator[Wire]:
    with wire(venue) as made:
        yield made


@pytest.fixture
def alice(venue: RunningVenue) -> Iterator[Client]:
    with client(venue) as made:
        yield made
        admin(venue, "clear_faults")
        for order in made.info.open_orders(made.address):
            made.exchange.cancel(order["coin"], order["oid"])


def pings(line: Wire, n: int) -> None:
    """Frames whose answers show what the line does: `pong`, one for each."""
    for _ in range(n):
        line.say(method="ping")


def order(sdk: Client, coin: str = "ETH", *, away: float = 0.9) -> Any:
    px = round(sdk.touch(coin)[0] * away, 1)
    return sdk.buy(coin, 0.01, px, ALO)


def legs(sdk: Client, n: int) -> Any:
    px = round(sdk.touch("ETH")[0] * 0.9, 1)
    return sdk.exchange.bulk_orders(
        [
            {"coin": "ETH", "is_buy": True, "sz": 0.01, "limit_px": px, "order_type": ALO, "reduce_only": False}
            for _ in range(n)
        ]
    )


def test_without_faults_every_frame_comes_once_and_in_order(venue: RunningVenue, line: Wire) -> None:
    assert admin(venue, "state")["faults"] == []
    for number in range(50):
        line.say(method="post", id=number, request={"type": "info", "payload": {"type": "exchangeStatus"}})
    assert [json.loads(line.text())["data"]["id"] for _ in range(50)] == list(range(50))


def test_a_dropped_channel_is_missing_and_others_are_not(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "drop", channel="pong")
    pings(line, 3)
    line.subscribe("allMids")
    assert "pong" not in line.channels(2)


def test_a_share_of_frames_is_dropped_by_the_seed_of_the_run(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "drop", channel="pong", rate=0.5)
    pings(line, 400)
    line.subscribe("allMids")
    line.until(on("subscriptionResponse"))
    assert 140 < sum(map(on("pong"), line.seen)) < 260


def test_a_delayed_frame_holds_up_those_behind_it(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "delay", channel="pong", by={"kind": "constant", "ms": 300})
    asked_s = time.monotonic()
    pings(line, 1)
    line.subscribe("bbo", coin="BTC")
    assert line.channels(2) == ["pong", "subscriptionResponse"]
    assert time.monotonic() - asked_s >= 0.3


def test_a_doubled_frame_comes_twice(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "duplicate", channel="pong")
    pings(line, 2)
    assert line.channels(4) == ["pong"] * 4


def test_a_reordered_frame_comes_after_those_behind_it(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "reorder", channel="subscriptionResponse", behind=2)
    line.subscribe("bbo", coin="BTC")
    line.until(on("bbo"))
    assert "subscriptionResponse" not in map(channel_of, line.seen)
    line.until(on("subscriptionResponse"))


def channel_of(text: str) -> str:
    return str(json.loads(text).get("channel")) if text.startswith("{") else ""


def test_a_truncated_frame_is_no_json(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "truncate", channel="pong", keep=0.5)
    pings(line, 1)
    assert line.text() == '{"channel'


def test_frames_take_the_time_of_the_feed_and_keep_their_order() -> None:
    feed = Quantiles((0.0, 20.0, 120.0))
    settings = VenueSettings(coins=("BTC",), block_ms=20, ip_limit=False, latency=Latency(feed=feed))
    with served(settings) as running, wire(running) as line:
        asked_s = time.monotonic()
        for number in range(60):
            line.say(method="post", id=number, request={"type": "info", "payload": {"type": "exchangeStatus"}})
        assert [json.loads(line.text())["data"]["id"] for _ in range(60)] == list(range(60))
        assert time.monotonic() - asked_s > 0.06


def test_a_stalled_channel_is_silent_while_others_go_on(venue: RunningVenue, line: Wire) -> None:
    line.subscribe("bbo", coin="BTC")
    line.subscribe("bbo", coin="ETH")
    line.until(on("bbo"))
    fault(venue, "stall", channel="bbo")
    pings(line, 1)
    line.until(on("pong"))
    blocks = admin(venue, "state")["blocks"]
    while admin(venue, "state")["blocks"] < blocks + 20:
        pings(line, 1)
        assert line.text() == '{"channel":"pong"}'
    admin(venue, "clear_faults")
    line.until(on("bbo"))


def test_a_fault_may_hit_one_connection_only(venue: RunningVenue, line: Wire) -> None:
    with wire(venue) as other:
        number = max(session.number for session in list(venue.venue.hub.sessions))
        fault(venue, "drop", session=number)
        pings(line, 1)
        assert line.text() == '{"channel":"pong"}'
        pings(other, 1)
        with pytest.raises(TimeoutError):
            other.text(0.2)


def test_unknown_fields_and_channels_come_with_what_is_known(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "unknown_channel", channel="subscriptionResponse", name="later")
    fault(venue, "unknown_field", channel="subscriptionResponse", field="new")
    line.subscribe("allMids")
    assert json.loads(line.text())["channel"] == "later"
    said = json.loads(line.until(on("subscriptionResponse")))
    assert (said["new"], said["data"]["new"], said["data"]["method"]) == ({"since": "later"},) * 2 + ("subscribe",)


def test_a_half_open_connection_is_up_and_dead_and_then_cut(venue: RunningVenue, line: Wire) -> None:
    pings(line, 1)
    line.text()
    fault(venue, "half_open", for_s=0.5)
    while not any(session.frozen for session in list(venue.venue.hub.sessions)):
        admin(venue, "state")
    pings(line, 1)
    with pytest.raises(TimeoutError):
        line.text(0.2)
    assert line.is_cut()


def test_a_storm_cuts_each_new_connection(venue: RunningVenue, line: Wire) -> None:
    admin(venue, "event", event={"kind": "disconnect", "times": 1_000, "every_s": 0.1})
    assert line.is_cut()
    for _ in range(2):
        with contextlib.suppress(ConnectionClosed), wire(venue) as again:  # some are cut before the greeting
            assert again.is_cut()
    assert admin(venue, "clear_faults")["cleared"] >= 1


@pytest.mark.parametrize("status", [429, 500, 502])
def test_an_http_error_instead_of_an_answer(venue: RunningVenue, line: Wire, status: int) -> None:
    fault(venue, "http_error", status=status, requests=["allMids"])
    reply = requests.post(venue.url + "/info", json={"type": "allMids"}, timeout=10)
    assert reply.status_code == status
    assert ("Retry-After" in reply.headers) == (status == 429)
    assert info(venue, "meta")["universe"]
    line.say(method="post", id=1, request={"type": "info", "payload": {"type": "allMids"}})
    response = json.loads(line.until(on("post")))["data"]["response"]
    assert response["type"] == "error"
    assert response["payload"].startswith(f"{status} ")


def test_an_action_that_failed_was_not_done(venue: RunningVenue, alice: Client) -> None:
    fault(venue, "http_error", status=502, endpoint="exchange")
    with pytest.raises(ServerError):
        order(alice)
    admin(venue, "clear_faults")
    assert alice.info.open_orders(alice.address) == []


@pytest.mark.parametrize("landed", [True, False])
def test_a_timeout_says_nothing_whether_or_not_the_action_landed(
    venue: RunningVenue,
    alice: Client,
    landed: bool,  # noqa: FBT001
) -> None:
    fault(venue, "timeout", landed=landed, hold_s=0.1)
    with pytest.raises(requests.exceptions.ConnectionError):
        order(alice)
    admin(venue, "clear_faults")
    assert len(alice.info.open_orders(alice.address)) == landed


def test_a_post_that_times_out_is_never_answered(venue: RunningVenue, line: Wire) -> None:
    fault(venue, "timeout", endpoint="info", hold_s=0.1)
    line.say(method="post", id=1, request={"type": "info", "payload": {"type": "allMids"}})
    with pytest.raises(TimeoutError):
        line.text(0.3)


def test_a_stale_answer_does_not_know_a_fresh_order(venue: RunningVenue, alice: Client) -> None:
    fault(venue, "info_answer", answer="stale", age_s=0.4, requests=["orderStatus", "exchangeStatus"])
    blocks = admin(venue, "state")["blocks"]
    while admin(venue, "state")["blocks"] < blocks + 30:
        pass
    oid = order(alice)["response"]["data"]["statuses"][0]["resting"]["oid"]
    assert alice.info.query_order_by_oid(alice.address, oid)["status"] == "unknownOid"
    assert alice.info.open_orders(alice.address)[0]["oid"] == oid
    behind = admin(venue, "state")["time"] - info(venue, "exchangeStatus")["time"]
    assert 300 < behind < 2_000
    deadline = time.monotonic() + 10
    while alice.info.query_order_by_oid(alice.address, oid)["status"] != "order":
        assert time.monotonic() < deadline


def test_an_empty_answer_does_not_know_the_user(venue: RunningVenue, alice: Client) -> None:
    order(alice)
    fault(venue, "info_answer", answer="empty", requests=["openOrders"])
    assert alice.info.open_orders(alice.address) == []
    assert len(alice.info.frontend_open_orders(alice.address)) == 1
    fault(venue, "info_answer", answer="null", requests=["frontendOpenOrders"])
    assert alice.info.frontend_open_orders(alice.address) is None


def test_a_batch_may_be_answered_with_fewer_entries(venue: RunningVenue, alice: Client) -> None:
    fault(venue, "partial_answer", form="fewer", keep=1)
    assert len(legs(alice, 3)["response"]["data"]["statuses"]) == 1
    assert len(alice.info.open_orders(alice.address)) == 3


def test_a_batch_may_be_refused_with_one_error(venue: RunningVenue, alice: Client) -> None:
    fault(venue, "partial_answer", form="one_error")
    assert legs(alice, 3)["response"]["data"]["statuses"] == [{"error": "Batch refused."}]
    assert alice.info.open_orders(alice.address) == []


def test_an_upgrade_cuts_refuses_and_then_says_post_only(venue: RunningVenue, line: Wire) -> None:
    event(venue, "upgrade", down_s=0.4, post_only_s=60)
    assert line.is_cut()
    assert requests.post(venue.url + "/info", json={"type": "allMids"}, timeout=10).status_code == 502
    with pytest.raises(InvalidStatus), wire(venue):
        pass
    while requests.post(venue.url + "/info", json={"type": "allMids"}, timeout=10).status_code == 502:
        pass
    assert info(venue, "exchangeStatus")["specialStatuses"] == "postOnly"
    with client(venue) as sdk:
        taker = sdk.buy("ETH", 0.01, round(sdk.touch("ETH")[1] * 1.01, 1), {"limit": {"tif": "Ioc"}})
        assert "Only post-only orders allowed immediately after a network upgrade" in json.dumps(taker)
        assert "resting" in json.dumps(order(sdk))
        sdk.exchange.cancel("ETH", sdk.info.open_orders(sdk.address)[0]["oid"])
    venue.venue.state.post_only_until_ms = 0
    assert info(venue, "exchangeStatus")["specialStatuses"] is None


def test_a_clock_step_moves_block_time_and_not_the_market(venue: RunningVenue) -> None:
    before = info(venue, "exchangeStatus")["time"]
    trades = len(info(venue, "recentTrades", coin="BTC"))
    event(venue, "clock_step", ms=3_600_000)
    assert info(venue, "exchangeStatus")["time"] - before > 3_600_000
    assert len(info(venue, "recentTrades", coin="BTC")) - trades < 30
    event(venue, "clock_step", ms=-3_600_000)
    assert abs(info(venue, "exchangeStatus")["time"] - before) < 60_000


def test_a_mode_flips_while_running(venue: RunningVenue) -> None:
    bob = venue.accounts[1].address
    assert event(venue, "mode_flip", account=2, mode="unified")["refused"] is None
    assert info(venue, "userAbstraction", user=bob) == "unifiedAccount"
    event(venue, "mode_flip", account=2, mode="standard")
    assert info(venue, "userAbstraction", user=bob) == "disabled"


def test_a_sweep_goes_through_the_book(venue: RunningVenue, alice: Client) -> None:
    bid = alice.touch("BTC")[0]
    oid = alice.buy("BTC", 0.01, round(bid * 0.995), ALO)["response"]["data"]["statuses"][0]["resting"]["oid"]
    event(venue, "sweep", coin="BTC", side="sell", usd=1e9)
    assert alice.info.query_order_by_oid(alice.address, oid)["order"]["status"] == "filled"
    event(venue, "sweep", coin="BTC", side="buy", usd=1_000)
    assert alice.exchange.market_close("BTC")["status"] == "ok"


def test_a_deposit_comes_in(venue: RunningVenue) -> None:
    before = float(admin(venue, "state")["users"][1]["equity"])
    event(venue, "deposit", account=2, usd=5)
    while float(admin(venue, "state")["users"][1]["equity"]) != before + 5:
        pass


def test_a_delisted_coin_settles_cancels_and_stays_in_meta() -> None:
    settings = VenueSettings(coins=("BTC", "ETH"), block_ms=20, ip_limit=False, admin=True)
    with served(settings) as running, client(running) as sdk, wire(running) as line:
        sdk.exchange.market_open("ETH", is_buy=True, sz=0.1)
        oid = order(sdk)["response"]["data"]["statuses"][0]["resting"]["oid"]
        stop = {"trigger": {"triggerPx": 1_000.0, "isMarket": True, "tpsl": "sl"}}
        sdk.exchange.order("ETH", is_buy=False, sz=0.1, limit_px=900.0, order_type=stop, reduce_only=True)
        line.subscribe("orderUpdates", user=sdk.address)
        line.until(on("subscriptionResponse"))
        held = float(admin(running, "state")["users"][0]["equity"])
        assert event(running, "delist", coin="ETH")["refused"] is None
        said = json.loads(line.until(on("orderUpdates")))["data"]
        assert said[0]["order"]["oid"] == oid
        assert [row["status"] for row in said] == ["delistedCanceled"] * 2  # the resting order and the stop
        last = sdk.info.user_fills(sdk.address)[0]
        assert (last["dir"], last["sz"], last["side"], last["fee"]) == ("Settlement", "0.1", "A", "0.0")
        assert sdk.info.user_state(sdk.address)["assetPositions"] == []
        assert abs(float(admin(running, "state")["users"][0]["equity"]) - held) < 5.0
        rows = {row["name"]: (number, row) for number, row in enumerate(info(running, "meta")["universe"])}
        assert rows["ETH"][1]["isDelisted"] is True
        assert rows["ETH"][0] == sdk.info.name_to_asset("ETH")
        assert sdk.info.l2_snapshot("ETH")["levels"] == [[], []]
        assert "error" in json.dumps(sdk.buy("ETH", 0.01, 2_000.0, ALO))
        assert event(running, "delist", coin="ETH")["refused"] == "ETH is not listed"


def test_admin_says_what_is_wrong_with_a_request(venue: RunningVenue) -> None:
    def asked(body: str) -> Any:
        reply = requests.post(venue.url + "/admin", data=body, timeout=10)
        assert reply.status_code == 400
        return reply.json()["error"]

    assert asked("{")[0].startswith("not JSON")
    assert asked('{"op": "break"}')[0].startswith("op is 'break', must be one of")
    assert asked('{"op": "fault"}') == ["fault is missing"]
    assert "fault.rate is 2" in asked('{"op": "fault", "fault": {"kind": "drop", "rate": 2}}')[0]


def test_a_fault_of_the_scenario_has_its_time() -> None:
    with (
        served(
            VenueSettings(coins=("BTC",), block_ms=20, admin=True, faults=(Drop(channel="pong", for_s=0.5),))
        ) as run,
        wire(run) as line,
    ):
        pings(line, 1)
        with pytest.raises(TimeoutError):
            line.text(0.1)
        while admin(run, "state")["faults"]:
            pass
        pings(line, 1)
        assert line.text() == '{"channel":"pong"}'


def test_admin_is_shut_unless_it_was_opened() -> None:
    with served(VenueSettings(coins=("BTC",), block_ms=20)) as running:
        assert requests.post(running.url + "/admin", json={"op": "state"}, timeout=10).status_code == 404


@pytest.mark.parametrize("chosen", ["reply_first", "events_first"])
def test_the_reply_comes_before_or_after_the_events(chosen: Any) -> None:
    settings = VenueSettings(coins=("BTC",), block_ms=20, ip_limit=False, reply_order=chosen)
    with served(settings) as running, wire(running) as line, client(running) as sdk:
        line.subscribe("orderUpdates", user=sdk.address)
        line.until(on("subscriptionResponse"))
        sdk.exchange.post = lambda _path, payload: line.say(
            method="post", id=1, request={"type": "action", "payload": payload}
        )
        order(sdk, "BTC", away=0.99)
        line.until(on("post" if chosen == "reply_first" else "orderUpdates"))
        assert [channel_of(text) for text in line.seen].count("post") == (chosen == "reply_first")
