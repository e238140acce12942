"""Trigger orders: how they wait, what fires them, what comes of it (HL §1.9, §2.2, §7.7)."""

from typing import Any

import pytest

from portfolio_mm.venue.protocol.actions import BatchModify, Cancel, CancelLeg, Modify, ModifyLeg
from tests.venue.bench_chain import Bench, leg, stop
from tests.venue.still_flow import BTC

LONG = leg("BTC", "B", "100001", "0.01", "Ioc")


def resting_oid(entry: Any) -> int:
    return int(entry["resting"]["oid"])


def test_a_trigger_order_waits_in_no_book_and_reserves_no_margin() -> None:
    bench = Bench()
    before = bench.state.books[0].market.levels(10)
    free = bench.read("clearinghouseState")["withdrawable"]
    (entry,) = bench.place(stop("BTC", "A", "98000", "5", "99000", market=False, reduce_only=False))
    oid = resting_oid(entry)
    assert bench.updates() == [(oid, "open")]
    assert bench.state.books[0].market.levels(10) == before
    assert bench.read("clearinghouseState")["withdrawable"] == free
    assert bench.read("orderStatus", oid=oid)["order"]["status"] == "open"


def test_open_orders_hide_what_makes_a_trigger_order_one() -> None:
    """As recorded from the venue (HL §1.9): price texts without a trailing zero in the condition, and no tif."""
    bench = Bench()
    bench.place(LONG)
    (entry,) = bench.place(stop("BTC", "A", "92000", "0.01", "99500"))
    plain, full = bench.read("openOrders")[0], bench.read("frontendOpenOrders")[0]
    assert plain == {
        "coin": "BTC",
        "side": "A",
        "limitPx": "92000.0",
        "sz": "0.01",
        "oid": resting_oid(entry),
        "timestamp": bench.state.now_ms,
        "origSz": "0.01",
        "reduceOnly": True,
    }
    shown = {
        "triggerCondition": "Price below 99500",
        "isTrigger": True,
        "triggerPx": "99500.0",
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": True,
        "orderType": "Stop Market",
        "tif": None,
        "cloid": None,
    }
    assert {field: full[field] for field in shown} == shown


@pytest.mark.parametrize(
    ("side", "tpsl", "market", "shown"),
    [
        ("A", "sl", False, ("Stop Limit", "Price below 101000")),
        ("A", "tp", True, ("Take Profit Market", "Price above 101000")),
        ("B", "tp", False, ("Take Profit Limit", "Price below 101000")),
        ("B", "sl", True, ("Stop Market", "Price above 101000")),
    ],
)
def test_side_and_kind_say_which_way_the_price_must_go(side: str, tpsl: str, market: bool, shown: Any) -> None:  # noqa: FBT001
    bench = Bench()
    above = shown[1].startswith("Price above")
    bench.mark("BTC", 100_000 if above else 102_000)
    (entry,) = bench.place(stop("BTC", side, "101000", "0.01", "101000", tpsl, market=market, reduce_only=False))
    row = bench.read("frontendOpenOrders")[0]
    assert (row["orderType"], row["triggerCondition"]) == shown
    bench.mark("BTC", 100_990 if above else 101_010)
    assert bench.updates() == []
    bench.mark("BTC", 101_010 if above else 100_990)
    assert bench.updates()[0] == (resting_oid(entry), "triggered")


def test_a_market_trigger_fires_on_the_mark_and_fills_under_its_own_oid() -> None:
    bench = Bench()
    bench.place(LONG)
    (entry,) = bench.place(stop("BTC", "A", "99000", "0.01", "99500"))
    oid = resting_oid(entry)
    bench.mark("BTC", 99_400)
    assert bench.updates() == [(oid, "triggered"), (oid, "filled")]
    assert bench.alice.szi(0) == 0
    (row,) = bench.state.outbox.fills[1]
    assert (row["oid"], row["px"], row["crossed"], row["dir"]) == (oid, "99999.0", True, "Close Long")
    found = bench.read("orderStatus", oid=oid)["order"]
    assert (found["status"], found["order"]["sz"], found["order"]["orderType"]) == ("filled", "0.0", "Stop Market")


@pytest.mark.parametrize(("way", "filled"), [("tolerance", True), ("limit", False)])
def test_a_market_trigger_takes_up_to_ten_percent_or_up_to_its_limit(way: str, filled: bool) -> None:  # noqa: FBT001
    bench = Bench(market_trigger=way)
    bench.place(LONG)
    (entry,) = bench.place(stop("BTC", "A", "100500", "0.01", "99500"))
    bench.mark("BTC", 99_400)
    last = bench.updates()[-1]
    assert last == (resting_oid(entry), "filled" if filled else "marketOrderNoLiquidityRejected")


def test_ten_percent_beyond_the_mark_is_as_far_as_a_market_trigger_goes() -> None:
    bench = Bench(oracle_band_percent=1000.0)
    bench.place(LONG)
    (entry,) = bench.place(stop("BTC", "A", "99000", "0.01", "120000", "tp"))
    bench.mark("BTC", 111_200)
    assert bench.updates() == []
    bench.mark("BTC", 120_000)
    assert bench.updates() == [
        (resting_oid(entry), "triggered"),
        (resting_oid(entry), "marketOrderNoLiquidityRejected"),
    ], "the best bid of the still book is more than ten percent below"
    assert bench.alice.szi(0) == BTC.lots(0.01)


def test_a_limit_trigger_rests_at_its_price_once_fired() -> None:
    bench = Bench()
    (entry,) = bench.place(stop("BTC", "A", "100500", "0.01", "99500", market=False, reduce_only=False))
    oid = resting_oid(entry)
    bench.mark("BTC", 99_400)
    assert bench.updates() == [(oid, "triggered")]
    assert bench.state.books[0].market.remaining(oid) == BTC.lots(0.01)
    assert bench.read("orderStatus", oid=oid)["order"]["status"] == "triggered"
    assert bench.cancel("BTC", oid) == "success"


def test_reduce_only_is_judged_when_it_fires() -> None:
    bench = Bench()
    (entry,) = bench.place(stop("BTC", "A", "99000", "0.01", "99500"))
    bench.mark("BTC", 99_400)
    assert bench.updates() == [(resting_oid(entry), "triggered"), (resting_oid(entry), "reduceOnlyRejected")]


@pytest.mark.parametrize("way", ["fire", "refuse"])
def test_a_lone_trigger_that_is_already_reached_fires_or_is_refused(way: str) -> None:
    bench = Bench(lone_trigger=way)
    (entry,) = bench.place(stop("BTC", "B", "100500", "0.01", "99500", reduce_only=False))
    if way == "refuse":
        assert entry == {"error": "Invalid TP/SL price. asset=0"}
        assert [status for _, status in bench.updates()] == ["badTriggerPxRejected"]
    else:
        oid = resting_oid(entry)
        assert bench.updates() == [(oid, "open"), (oid, "triggered"), (oid, "filled")]


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (stop("BTC", "A", "99000", "0.01", "99500.5"), "Price must be divisible by tick size. asset=0"),
        (stop("BTC", "A", "99000", "0.01", "x"), "Order has invalid price. asset=0"),
        (stop("BTC", "A", "99000", "0", "99500"), "Order has zero size. asset=0"),
        (stop("BTC", "A", "99000", "0.0001", "99500"), "Order must have minimum value of $10. asset=0"),
    ],
)
def test_trigger_orders_are_judged_by_format_and_value_when_placed(wire: Any, text: str) -> None:
    assert Bench().place(wire) == [{"error": text}]


def test_a_fast_cancel_is_refused_for_a_trigger_order() -> None:
    bench = Bench()
    (entry, plain) = bench.place(stop("BTC", "A", "99000", "0.01", "99500"), leg("BTC", "B", "99000", "0.01"))
    legs = (CancelLeg(0, resting_oid(entry)), CancelLeg(0, resting_oid(plain)))
    refused, done = bench.do(Cancel(legs, f=True))["response"]["data"]["statuses"]
    assert refused == {"error": "Fast cancel is not allowed for trigger orders. asset=0"}
    assert done == "success"
    assert bench.cancel("BTC", resting_oid(entry)) == "success"


def test_from_a_thousand_orders_on_trigger_orders_are_refused() -> None:
    bench = Bench(prior_volume_usd=5_000_000.0, deposit_usd=1e6)
    for number in range(10):
        legs = [leg("BTC", "B", str(90_000 + number * 100 + i), "0.001") for i in range(100)]
        assert all("resting" in entry for entry in bench.place(*legs))
    (refused, plain) = bench.place(stop("BTC", "A", "99000", "0.01", "99500"), leg("BTC", "B", "80000", "0.001"))
    assert refused == {"error": "Too many open orders. asset=0"}
    assert bench.updates()[0][1] == "tooManyOpenOrdersRejected"
    assert "resting" in plain


def test_the_dead_mans_switch_takes_trigger_orders_too() -> None:
    bench = Bench(prior_volume_usd=2_000_000.0)
    (entry,) = bench.place(stop("BTC", "A", "99000", "0.01", "99500"))
    bench.alice.switch.at_ms = bench.state.now_ms + 50
    bench.block()
    assert bench.updates() == [(resting_oid(entry), "scheduledCancel")]
    assert not bench.alice.live()


def test_after_an_upgrade_nothing_fires() -> None:
    bench = Bench(post_only_s=0.35)
    bench.place(stop("BTC", "A", "99000", "0.01", "99500"))
    bench.mark("BTC", 99_000)
    assert bench.updates() == []
    bench.block(after_ms=300)
    assert bench.updates()[0][1] == "triggered"


def test_a_trigger_order_is_modified_only_with_always_place() -> None:
    bench = Bench()
    old = resting_oid(bench.place(stop("BTC", "A", "92000", "0.01", "99500"))[0])
    new = stop("BTC", "A", "92000", "0.01", "99000")
    assert bench.do(Modify(old, new))["response"] == "Cannot modify canceled or filled order"
    reply = bench.do(BatchModify((ModifyLeg(old, new),), a=True))
    oid = resting_oid(reply["response"]["data"]["statuses"][0])
    assert bench.updates() == [(oid, "open"), (old, "canceled")]
    assert list(bench.alice.triggers) == [oid]


def test_an_ordinary_order_becomes_a_trigger_order_only_with_always_place() -> None:
    bench = Bench()
    old = resting_oid(bench.place(leg("BTC", "B", "99000", "0.01"))[0])
    new = stop("BTC", "A", "92000", "0.01", "99500")
    assert bench.do(Modify(old, new))["response"] == "Attempted to modify to invalid new order"
    assert old in bench.alice.open
    assert bench.do(Modify(old, new, a=True))["status"] == "ok"
    assert not bench.alice.open
    assert len(bench.alice.triggers) == 1
