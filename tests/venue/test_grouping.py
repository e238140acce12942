"""Orders that belong together: TP/SL of an order and of a position (HL §2.2, §2.4, §7.7)."""

from typing import Any

import pytest

from portfolio_mm.venue.protocol.actions import Modify, Order
from tests.venue.bench_chain import Bench, leg, stop
from tests.venue.still_flow import BTC

ENTRY = leg("BTC", "B", "100000", "0.01", "Gtc")
TAKE = stop("BTC", "A", "101000", "0.01", "102000", "tp")
STOP = stop("BTC", "A", "97000", "0.01", "98000")


def three(bench: Bench, entry: Any = ENTRY) -> tuple[list[Any], list[int]]:
    """An order with its TP and SL: the replies and the three oids."""
    entries = bench.place(entry, TAKE, STOP, grouping="normalTpsl")
    (parent,) = [oid for oid, order in bench.alice.records.items() if order.children]
    return entries, [parent, parent + 1, parent + 2]


def test_children_wait_for_their_parents_fill() -> None:
    bench = Bench()
    entries, (parent, take, stopped) = three(bench)
    assert entries == [{"resting": {"oid": parent}}, "waitingForFill", "waitingForFill"]
    assert bench.updates() == [(parent, "open"), (take, "open"), (stopped, "open")]
    bench.mark("BTC", 97_000)
    assert bench.updates() == [], "its price is reached, its parent not filled"
    rows = bench.read("frontendOpenOrders")
    assert [row["oid"] for row in rows] == [stopped, take, parent]
    assert [child["oid"] for child in rows[2]["children"]] == [take, stopped]
    assert [(row["isTrigger"], row["isPositionTpsl"]) for row in rows] == [(True, False), (True, False), (False, False)]


def test_a_filled_parent_lets_its_children_trigger_and_one_ends_the_other() -> None:
    bench = Bench()
    _, (parent, take, stopped) = three(bench)
    bench.flow.hit(BTC, 1, BTC.ticks(100_000), BTC.lots(0.01))
    bench.block()
    assert bench.updates() == [(parent, "filled")]
    bench.mark("BTC", 97_900)
    assert bench.updates() == [(stopped, "triggered"), (stopped, "filled"), (take, "siblingFilledCanceled")]
    assert bench.alice.szi(0) == 0
    assert bench.state.outbox.non_user_cancels[1] == [{"coin": "BTC", "oid": take}]


def test_a_parent_filled_on_arrival_answers_that_its_children_wait_for_their_trigger() -> None:
    bench = Bench()
    entries, (parent, *_) = three(bench, leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert entries[0]["filled"]["oid"] == parent
    assert entries[1:] == ["waitingForTrigger", "waitingForTrigger"]


def test_cancelling_the_parent_cancels_the_children() -> None:
    bench = Bench()
    _, (parent, take, stopped) = three(bench)
    assert bench.cancel("BTC", parent) == "success"
    assert bench.updates() == [(parent, "canceled"), (take, "canceled"), (stopped, "canceled")]
    assert not bench.alice.live()


def test_cancelling_a_partly_filled_parent_cancels_the_children() -> None:
    bench = Bench()
    _, (parent, *children) = three(bench)
    bench.flow.hit(BTC, 1, BTC.ticks(100_000), BTC.lots(0.004))
    bench.block()
    assert bench.alice.szi(0) == BTC.lots(0.004)
    bench.cancel("BTC", parent)
    assert bench.updates() == [(parent, "canceled"), *((child, "canceled") for child in children)]


def test_children_of_a_partly_filled_parent_live_on_when_margin_ended_it() -> None:
    """HL §7.7; they shrink to what was filled, and the stop is already reached."""
    bench = Bench(deposit_usd=100.0)
    _, (parent, take, stopped) = three(bench)
    bench.flow.hit(BTC, 1, BTC.ticks(100_000), BTC.lots(0.004))
    bench.block()
    bench.mark("BTC", 78_900)
    bench.flow.hit(BTC, 1, BTC.ticks(100_000), BTC.lots(0.002))
    bench.block()
    assert bench.updates() == [
        (parent, "marginCanceled"),
        (stopped, "triggered"),
        (stopped, "filled"),
        (take, "siblingFilledCanceled"),
    ]
    assert bench.state.outbox.fills[1][0]["sz"] == "0.004"


def test_a_refused_parent_takes_its_children_along() -> None:
    bench = Bench()
    refused = "Insufficient margin to place order. asset=0"
    entries = bench.place(leg("BTC", "B", "100000", "9", "Gtc"), TAKE, STOP, grouping="normalTpsl")
    assert entries == [{"error": refused}] * 3
    assert [status for _, status in bench.updates()] == ["perpMarginRejected", "rejected", "rejected"]
    assert not bench.alice.live()


def test_a_child_on_the_wrong_side_of_its_parent_is_refused_alone() -> None:
    bench = Bench()
    wrong = stop("BTC", "A", "97000", "0.01", "99000", "tp")
    parent, refused, waiting = bench.place(ENTRY, wrong, STOP, grouping="normalTpsl")
    assert "resting" in parent
    assert refused == {"error": "Invalid TP/SL price. asset=0"}
    assert waiting == "waitingForFill"
    assert "badTriggerPxRejected" in [status for _, status in bench.updates()]


def test_modifying_the_parent_ends_its_children() -> None:
    bench = Bench()
    _, (parent, *children) = three(bench)
    assert bench.do(Modify(parent, leg("BTC", "B", "99900", "0.01")))["status"] == "ok"
    assert all(bench.alice.records[child].status == "canceled" for child in children)
    assert len(bench.alice.live()) == 1


@pytest.mark.parametrize(
    ("legs", "grouping"),
    [
        ((ENTRY,), "normalTpsl"),
        ((TAKE, STOP), "normalTpsl"),
        ((TAKE, ENTRY), "normalTpsl"),
        ((ENTRY, TAKE, TAKE), "normalTpsl"),
        ((ENTRY, TAKE, STOP, STOP), "normalTpsl"),
        ((ENTRY, TAKE), "positionTpsl"),
        ((STOP, STOP), "positionTpsl"),
    ],
)
def test_a_group_of_another_shape_is_refused_whole(legs: Any, grouping: Any) -> None:
    bench = Bench()
    text = "Unexpected number of trigger orders"
    assert bench.do(Order(legs, grouping)) == {"status": "err", "response": text}
    assert not bench.alice.records
    assert bench.alice.requests.used == 0


def test_tpsl_that_would_not_reduce_is_refused_whole_in_one_of_two_shapes() -> None:
    """HL §2.1: one error for the batch, at the top or as the only status. The words are ours."""
    open_stop = stop("BTC", "A", "97000", "0.01", "98000", reduce_only=False)
    text = "TP/SL orders must be reduce only."
    assert Bench().do(Order((ENTRY, open_stop), "normalTpsl")) == {"status": "err", "response": text}
    reply = Bench(prevalidation="status").do(Order((ENTRY, open_stop), "normalTpsl"))
    assert reply == {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"error": text}]}}}


def whole(tpsl: Any, at: str, sz: str = "0") -> Any:
    return stop("BTC", "A", "97000", sz, at, tpsl)


def test_tpsl_of_a_position_is_as_large_as_the_position() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert (
        bench.place(whole("tp", "102000"), whole("sl", "98000"), grouping="positionTpsl") == ["waitingForTrigger"] * 2
    )
    rows = bench.read("frontendOpenOrders")
    assert [(row["isPositionTpsl"], row["sz"]) for row in rows] == [(True, "0.01")] * 2
    bench.place(leg("BTC", "B", "100003", "0.02", "Ioc"))
    assert [row["sz"] for row in bench.read("frontendOpenOrders")] == ["0.03"] * 2
    bench.mark("BTC", 102_100)
    assert bench.alice.szi(0) == 0
    assert [status for _, status in bench.updates()] == ["triggered", "filled", "siblingFilledCanceled"]


def test_tpsl_of_a_position_ends_with_it() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.place(whole("tp", "102000", "0.01"), grouping="positionTpsl")
    bench.place(leg("BTC", "A", "99999", "0.01", "Ioc"))
    assert [status for _, status in bench.updates()] == ["filled", "reduceOnlyCanceled"]
    assert not bench.alice.live()


def test_tpsl_of_no_position_or_at_a_reached_price_is_refused() -> None:
    bench = Bench()
    (flat,) = bench.place(whole("tp", "102000"), grouping="positionTpsl")
    assert flat == {"error": "Reduce only order would increase position. asset=0"}
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    (reached,) = bench.place(whole("tp", "99000"), grouping="positionTpsl")
    assert reached == {"error": "Invalid TP/SL price. asset=0"}
