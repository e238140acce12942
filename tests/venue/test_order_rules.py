"""Rules of placing, cancelling and modifying, on a bench without sockets (HL §2, §7)."""

import pytest

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.protocol.actions import (
    BatchModify,
    Cancel,
    CancelByCloid,
    CancelLeg,
    CloidLeg,
    Modify,
    ModifyLeg,
    Order,
)
from tests.venue.bench_chain import Bench, leg
from tests.venue.still_flow import BTC

CLOID = "0x" + "0" * 31 + "1"


def test_alo_rests_and_is_told() -> None:
    bench = Bench()
    (status,) = bench.place(leg("BTC", "B", "99000", "0.01", cloid=CLOID))
    oid = status["resting"]["oid"]
    assert status == {"resting": {"oid": oid, "cloid": CLOID}}
    assert bench.updates() == [(oid, "open")]


def test_crossing_alo_is_refused_with_the_bbo_and_leaves_a_record() -> None:
    bench = Bench()
    (status,) = bench.place(leg("BTC", "B", "100001", "0.01"))
    text = "Post only order would have immediately matched, bbo was 99999@100001. asset=0"
    assert status == {"error": text}
    assert bench.updates()[0][1] == "badAloPxRejected"
    assert not bench.alice.open


@pytest.mark.parametrize(
    ("px", "sz", "text"),
    [
        ("99000.5", "0.01", "Price must be divisible by tick size. asset=0"),
        ("nan", "0.01", "Order has invalid price. asset=0"),
        ("99000", "0.000001", "Order has invalid size. asset=0"),
        ("99000", "0", "Order has zero size. asset=0"),
        ("99000", "0.0001", "Order must have minimum value of $10. asset=0"),
        ("99000", "5", "Insufficient margin to place order. asset=0"),
    ],
)
def test_refusals_word_for_word(px: str, sz: str, text: str) -> None:
    assert Bench().place(leg("BTC", "B", px, sz)) == [{"error": text}]


def test_every_refusal_at_placement_leaves_a_record_with_an_oid_of_its_own() -> None:
    """HL §1.11: an `orderUpdates` row, and `orderStatus` knows it."""
    bench = Bench()
    bench.place(leg("ETH", "A", "4001", "0.1"))
    legs = {
        "tickRejected": leg("BTC", "B", "99000.5", "0.01"),
        "minTradeNtlRejected": leg("BTC", "B", "99000", "0.0001"),
        "perpMarginRejected": leg("BTC", "B", "99000", "5"),
        "reduceOnlyRejected": leg("BTC", "B", "99000", "0.01", reduce_only=True),
        "badAloPxRejected": leg("BTC", "B", "100001", "0.01"),
        "iocCancelRejected": leg("BTC", "B", "99990", "0.01", "Ioc"),
        "marketOrderNoLiquidityRejected": leg("BTC", "B", "99990", "0.01", "FrontendMarket"),
    }
    assert all("error" in status for status in bench.place(*legs.values()))
    told = bench.updates()
    assert [status for _, status in told] == list(legs)
    assert len({oid for oid, _ in told}) == len(legs)
    assert [bench.alice.records[oid].status for oid, _ in told] == list(legs)


def test_legs_of_a_batch_are_independent() -> None:
    bench = Bench()
    good, bad, also_good = bench.place(
        leg("BTC", "B", "99000", "0.01"), leg("BTC", "B", "99000", "0.00001"), leg("ETH", "A", "4100", "0.1")
    )
    assert "resting" in good
    assert "error" in bad
    assert "resting" in also_good


def test_price_band_refuses_the_whole_batch() -> None:
    bench = Bench()
    reply = bench.do(Order((leg("BTC", "B", "99000", "0.01"), leg("BTC", "B", "4000", "0.01")), "na"))
    text = "Order price cannot be more than 95% away from the reference price"
    assert reply == {"status": "err", "response": text}
    assert not bench.alice.open


def test_delisted_and_unknown_assets_are_refused() -> None:
    bench = Bench()
    wire = leg("BTC", "B", "1", "100")
    bad = [type(wire)(asset, wire.b, wire.p, wire.s, wire.r, wire.t) for asset in (3, 99)]
    assert [entry["error"] for entry in bench.place(*bad)] == ["Unknown asset. asset=3", "Unknown asset. asset=99"]


def test_ioc_fills_what_it_can_and_the_rest_is_gone() -> None:
    bench = Bench()
    (status,) = bench.place(leg("BTC", "B", "100001", "0.02", "Ioc"))
    oid = status["filled"]["oid"]
    assert status == {"filled": {"totalSz": "0.01", "avgPx": "100001.0", "oid": oid}}
    assert bench.updates() == [(oid, "canceled")]
    assert not bench.alice.open


def test_ioc_without_a_match_is_refused() -> None:
    (status,) = Bench().place(leg("BTC", "B", "99990", "0.01", "Ioc"))
    assert status == {"error": "Order could not immediately match against any resting orders. asset=0"}


def test_crossing_gtc_is_filled_and_still_open() -> None:
    bench = Bench()
    (status,) = bench.place(leg("BTC", "B", "100001", "0.03", "Gtc"))
    oid = status["filled"]["oid"]
    assert status["filled"]["totalSz"] == "0.01"
    assert bench.alice.open[oid].open_row()["sz"] == "0.02"
    assert bench.updates() == [(oid, "open")]


def test_reduce_only_when_flat_is_refused() -> None:
    (status,) = Bench().place(leg("BTC", "A", "101000", "0.01", reduce_only=True))
    assert status == {"error": "Reduce only order would increase position. asset=0"}


def test_reduce_only_larger_than_the_position_shrinks() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    (status,) = bench.place(leg("BTC", "A", "101000", "0.05", reduce_only=True))
    row = bench.alice.open[status["resting"]["oid"]].open_row()
    assert (row["sz"], row["origSz"], row["reduceOnly"]) == ("0.01", "0.05", True)


def test_the_oldest_reduce_only_order_gives_way() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    (old,) = bench.place(leg("BTC", "A", "101000", "0.01", reduce_only=True))
    (new,) = bench.place(leg("BTC", "A", "102000", "0.006", reduce_only=True))
    assert bench.alice.open[old["resting"]["oid"]].open_row()["sz"] == "0.004"
    assert bench.alice.open[new["resting"]["oid"]].open_row()["sz"] == "0.006"


def test_reduce_only_orders_end_with_the_position() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    (resting,) = bench.place(leg("BTC", "A", "101000", "0.01", reduce_only=True))
    bench.place(leg("BTC", "A", "99999", "0.01", "Ioc"))
    assert (resting["resting"]["oid"], "reduceOnlyCanceled") in bench.updates()
    assert not bench.alice.open


def test_two_matches_of_one_block_cannot_turn_a_reduce_only_order_into_a_flip() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.place(leg("BTC", "A", "100000", "0.01"), leg("BTC", "A", "100000", "0.01", reduce_only=True))
    bench.flow.hit(BTC, 0, BTC.ticks(100_000), BTC.lots(0.02))
    bench.block()
    assert bench.alice.szi(BTC.index) == 0
    assert not bench.alice.open


def test_closing_the_whole_position_is_exempt_from_the_minimum() -> None:
    bench = Bench()
    bench.place(leg("WLFI", "B", "0.20001", "51", "Ioc"))
    bench.place(leg("WLFI", "A", "0.19", "50", "Ioc"))
    assert bench.alice.szi(2) == 51, "a partial close below ten dollars is refused"
    (status,) = bench.place(leg("WLFI", "A", "0.19", "51", "Ioc"))
    assert status["filled"]["totalSz"] == "51.0"


def test_cancel_and_double_cancel() -> None:
    bench = Bench()
    oid = bench.place(leg("BTC", "B", "99000", "0.01"))[0]["resting"]["oid"]
    missing = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    assert bench.cancel("BTC", oid, bench.bob) == missing, "not his"
    assert bench.cancel("BTC", oid) == "success"
    assert bench.updates() == [(oid, "canceled")]
    assert bench.cancel("BTC", oid) == missing


def test_cancel_by_cloid_finds_the_newest_use() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "99000", "0.01", cloid=CLOID))
    newest = bench.place(leg("BTC", "B", "98000", "0.01", cloid=CLOID))[0]["resting"]["oid"]
    reply = bench.do(CancelByCloid((CloidLeg(0, CLOID),), f=True))
    assert reply["response"]["data"]["statuses"] == ["success"]
    assert bench.updates() == [(newest, "canceled")]


def test_self_trade_cancels_the_resting_order() -> None:
    bench = Bench()
    resting = bench.place(leg("BTC", "A", "100000", "0.01"))[0]["resting"]["oid"]
    (status,) = bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert status["filled"]["avgPx"] == "100001.0", "the taker goes on to the next order"
    assert (resting, "selfTradeCanceled") in bench.updates()
    assert bench.state.outbox.non_user_cancels[1] == [{"coin": "BTC", "oid": resting}]


def test_modify_gives_a_new_oid_and_tells_the_new_order_first() -> None:
    bench = Bench()
    old = bench.place(leg("BTC", "B", "99000", "0.01", cloid=CLOID))[0]["resting"]["oid"]
    reply = bench.do(BatchModify((ModifyLeg(CLOID, leg("BTC", "B", "99100", "0.02", cloid=CLOID)),)))
    new = reply["response"]["data"]["statuses"][0]["resting"]["oid"]
    assert new != old
    assert bench.updates() == [(new, "open"), (old, "canceled")]
    assert bench.do(Modify(new, leg("BTC", "B", "99200", "0.02"))) == {"status": "ok", "response": {"type": "default"}}


def test_modify_of_a_dead_order_places_nothing() -> None:
    bench = Bench()
    text = "Cannot modify canceled or filled order"
    assert bench.do(Modify(1, leg("BTC", "B", "99100", "0.02"))) == {"status": "err", "response": text}
    reply = bench.do(BatchModify((ModifyLeg(1, leg("BTC", "B", "99100", "0.02")),)))
    assert reply["response"]["data"]["statuses"] == [{"error": text}]
    assert not bench.alice.open


def test_modify_to_a_crossing_order_leaves_neither() -> None:
    bench = Bench()
    old = bench.place(leg("BTC", "B", "99000", "0.01"))[0]["resting"]["oid"]
    reply = bench.do(Modify(old, leg("BTC", "B", "100001", "0.01", "Gtc")))
    assert reply["response"].startswith(
        "Error placing new order during modify: Post only order would have immediately matched, bbo was 99999@100001."
    )
    assert not bench.alice.open
    assert [status for _, status in bench.updates()] == ["badAloPxRejected", "canceled"]


@pytest.mark.parametrize("bad", [leg("BTC", "B", "99000.5", "0.01"), leg("BTC", "B", "99000", "0.01", "Ioc")])
def test_modify_to_an_unreadable_order_leaves_the_old_one(bad: object) -> None:
    bench = Bench()
    old = bench.place(leg("BTC", "B", "99000", "0.01"))[0]["resting"]["oid"]
    reply = bench.do(Modify(old, bad))  # type: ignore[arg-type]
    assert reply["status"] == "err"
    assert list(bench.alice.open) == [old]


def test_modify_with_always_place_holds_both_after_a_fill() -> None:
    bench = Bench()
    old = bench.place(leg("BTC", "B", "100000", "0.01"))[0]["resting"]["oid"]
    bench.flow.hit(BTC, SELL, BTC.ticks(100_000), BTC.lots(0.01))
    bench.block()
    bench.do(Modify(old, leg("BTC", "B", "99000", "0.01"), a=True))
    assert bench.alice.szi(0) == BTC.lots(0.01)
    assert len(bench.alice.open) == 1


def test_a_block_runs_post_only_then_cancels_then_flow_then_takers() -> None:
    bench = Bench()
    oid = bench.place(leg("BTC", "B", "100000", "0.01"))[0]["resting"]["oid"]
    taker = bench.signed(Order((leg("BTC", "A", "100000", "0.01", "Ioc"),), "na"), bench.bob)
    cancel = bench.signed(Cancel((CancelLeg(0, oid),)))
    taken, cancelled = bench.block(taker, cancel)
    assert cancelled["response"]["data"]["statuses"] == ["success"]
    assert "error" in taken["response"]["data"]["statuses"][0]


def test_a_resting_order_is_judged_again_at_its_match() -> None:
    """HL §7.1: it leaves as marginCanceled and the other side goes on without it."""
    bench = Bench()
    bench.place(leg("BTC", "B", "100005", "0.05", "Ioc"))
    more, less = bench.place(leg("BTC", "B", "100000", "0.01"), leg("BTC", "A", "100007", "0.01"))
    bench.alice.raw_1e8 -= bench.alice.raw_1e8 + 5_000 * 10**8 - 150 * 10**8
    bench.block()
    assert bench.updates() == []
    bench.flow.hit(BTC, SELL, BTC.ticks(100_000), BTC.lots(0.01))
    bench.flow.hit(BTC, BUY, BTC.ticks(100_007), BTC.lots(0.01))
    bench.block()
    bench.block()
    oids = (more["resting"]["oid"], less["resting"]["oid"])
    assert [bench.alice.records[oid].status for oid in oids] == ["marginCanceled", "filled"]
    assert [row["oid"] for row in bench.alice.fills][-1] == oids[1]
    trades = [
        (row["side"], row["sz"], bench.alice.address in row["users"]) for row in bench.state.by_coin["BTC"].trades
    ]
    assert trades[-2:] == [("A", "0.01", False), ("B", "0.01", True)]


def test_what_a_reduce_only_order_cannot_deliver_nobody_gets() -> None:
    """Bob's taker meets two orders of Alice's that together would flip her: the second one may close no more."""
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    plain, shrinking = bench.place(
        leg("BTC", "A", "100000", "0.006"), leg("BTC", "A", "100000", "0.01", reduce_only=True)
    )
    (status,) = bench.place(leg("BTC", "B", "100002", "0.025", "Gtc"), user=bench.bob)
    assert bench.alice.szi(0) == 0
    assert [bench.alice.records[s["resting"]["oid"]].status for s in (plain, shrinking)] == [
        "filled",
        "reduceOnlyCanceled",
    ]
    bought = sum(BTC.lots(row["sz"]) for row in bench.bob.fills)
    assert bought == bench.bob.szi(0) == BTC.lots(status["filled"]["totalSz"]) == BTC.lots(0.02)
    assert [row["px"] for row in bench.bob.fills] == ["100000.0"] * 2 + ["100002.0"] * 2, "he goes on where he was"
    (row,) = bench.bob.open.values()
    assert (row.oid, row.sz_lots) == (status["filled"]["oid"], BTC.lots(0.005))
    assert bench.state.books[0].market.remaining(row.oid) == BTC.lots(0.005)


@pytest.mark.parametrize("seller", ["background", "bob"])
def test_public_trades_are_what_was_booked(seller: str) -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.place(leg("BTC", "A", "100000", "0.01"), leg("BTC", "A", "100000", "0.01", reduce_only=True))
    if seller == "bob":
        bench.place(leg("BTC", "B", "100000", "0.02", "Ioc"), user=bench.bob)
    else:
        bench.flow.hit(BTC, BUY, BTC.ticks(100_000), BTC.lots(0.02))
        bench.block()
    rows = [row for row in bench.state.outbox.trades["BTC"] if bench.alice.address in row["users"]]
    assert sum(BTC.lots(row["sz"]) for row in rows) == BTC.lots(0.01)
    traded = sum(BTC.lots(row["sz"]) for row in bench.state.outbox.trades["BTC"])
    assert traded == BTC.lots(0.02 if seller == "background" else 0.01), "the flow trades what its tape says"
