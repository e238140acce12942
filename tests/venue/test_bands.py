"""Formats, bands, windows, caps and sizes: what may not be ordered (HL §2.1-§2.3, §5.4, §6, §7.5)."""

from typing import Any

import pytest

from portfolio_mm.venue.protocol.actions import Order, OrderWire
from tests.venue.bench_chain import Bench, leg
from tests.venue.still_flow import ETH

INCREASE = {"error": "Order would increase open interest while open interest is capped asset=0"}
AT_CAP = {"BTC": 1000.0}
"""The still flow says that a thousand are open."""


@pytest.mark.parametrize(
    ("px", "sz", "status"),
    [
        ("99000.5", "0.01", "tickRejected"),
        ("99000.55", "0.01", "tickRejected"),
        ("99000", "0.000001", "rejected"),
        ("99000", "-1", "rejected"),
        ("99000", "", "rejected"),
        ("99000", "0", "rejected"),
        ("99000", "1" + "0" * 30, "rejected"),
    ],
)
def test_a_leg_that_does_not_read_well_leaves_a_record_with_an_oid(px: str, sz: str, status: str) -> None:
    bench = Bench()
    refused, placed = bench.place(leg("BTC", "B", px, sz), leg("BTC", "B", "99000", "0.01"))
    assert "error" in refused
    (first, told), (second, _) = bench.updates()
    assert (told, second) == (status, first + 1)
    assert placed["resting"]["oid"] == second
    assert bench.read("orderStatus", oid=first)["order"]["status"] == status


@pytest.mark.parametrize("px", ["nan", "0", "-5", "1e5", ""])
def test_an_invalid_price_uses_no_oid_and_leaves_no_record(px: str) -> None:
    bench = Bench()
    first = bench.place(leg("BTC", "B", "99000", "0.01"))[0]["resting"]["oid"]
    refused, placed = bench.place(leg("BTC", "B", px, "0.01"), leg("BTC", "B", "99000", "0.01"))
    assert refused == {"error": "Order has invalid price. asset=0"}
    assert placed["resting"]["oid"] == first + 1
    assert len(bench.updates()) == 1


def test_an_unknown_asset_uses_up_an_oid() -> None:
    bench = Bench()
    first = bench.place(leg("BTC", "B", "99000", "0.01"))[0]["resting"]["oid"]
    wire = leg("BTC", "B", "99000", "0.01")
    unknown = OrderWire(99, wire.b, wire.p, wire.s, wire.r, wire.t)
    refused, placed = bench.place(unknown, wire)
    assert refused == {"error": "Unknown asset. asset=99"}
    assert placed["resting"]["oid"] == first + 2


@pytest.mark.parametrize(("percent", "px", "whole"), [(95, "4000", True), (80, "15000", True), (80, "25000", False)])
def test_the_reference_band_refuses_the_batch(percent: int, px: str, whole: bool) -> None:  # noqa: FBT001
    bench = Bench(reference_band_percent=percent)
    reply = bench.do(Order((leg("BTC", "B", "99000", "0.01"), leg("BTC", "B", px, "0.01")), "na"))
    text = f"Order price cannot be more than {percent}% away from the reference price"
    assert (reply == {"status": "err", "response": text}) is whole
    assert (not bench.alice.open) is whole


@pytest.mark.parametrize(("side", "px", "far"), [("B", "110001", True), ("B", "110000", False), ("A", "89999", True)])
def test_the_oracle_band_holds_beyond_the_market_only(side: str, px: str, far: bool) -> None:  # noqa: FBT001
    bench = Bench()
    (entry,) = bench.place(leg("BTC", side, px, "0.01", "Ioc"))
    assert ("error" in entry) is far
    if far:
        assert entry == {"error": "Price too far from oracle asset=0"}
        assert [status for _, status in bench.updates()] == ["oracleRejected"]


def test_an_order_away_from_the_market_may_be_far_from_the_oracle() -> None:
    far = leg("BTC", "B", "50000", "0.01"), leg("BTC", "A", "150000", "0.01")
    assert all("resting" in entry for entry in Bench().place(*far))


def test_after_an_upgrade_only_post_only_orders_are_taken() -> None:
    bench = Bench(post_only_s=1.0)
    kinds: tuple[Any, ...] = ("Gtc", "Ioc", "FrontendMarket", "Alo")
    *refused, placed = bench.place(*(leg("BTC", "B", "99000", "0.01", tif) for tif in kinds))
    text = "Only post-only orders allowed immediately after a network upgrade asset=0"
    assert refused == [{"error": text}] * 3
    assert "resting" in placed
    assert bench.read("exchangeStatus")["specialStatuses"] == "postOnly"
    bench.block(after_ms=1_000)
    assert "resting" in bench.place(leg("BTC", "B", "99000", "0.01", "Gtc"))[0]
    assert bench.read("exchangeStatus")["specialStatuses"] is None


def test_at_the_open_interest_cap_nothing_increases() -> None:
    bench = Bench(oi_caps=AT_CAP)
    assert bench.read("perpsAtOpenInterestCap") == ["BTC"]
    assert bench.place(leg("BTC", "B", "99000", "0.01")) == [INCREASE]
    assert bench.updates()[0][1] == "positionIncreaseAtOpenInterestCapRejected"
    assert "resting" in bench.place(leg("ETH", "B", "3900", "0.01"))[0]


def test_at_the_cap_a_position_may_be_reduced_but_not_flipped() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.state.oi_caps[0] = 0
    flip, eager, patient, closing = bench.place(
        leg("BTC", "A", "100000", "0.02"),
        leg("BTC", "A", "99999", "0.005", "Ioc"),
        leg("BTC", "A", "100000", "0.005"),
        leg("BTC", "A", "99999", "0.004", "Ioc", reduce_only=True),
    )
    assert flip == INCREASE
    text = "Order rejected due to price more aggressive than oracle while at open interest cap asset=0"
    assert eager == {"error": text}
    assert "resting" in patient
    assert "filled" in closing
    assert [status for _, status in bench.updates()][:2] == [
        "positionFlipAtOpenInterestCapRejected",
        "tooAggressiveAtOpenInterestCapRejected",
    ]


def test_reaching_the_cap_cancels_resting_orders_more_aggressive_than_the_oracle() -> None:
    bench = Bench()
    eager, patient = (
        entry["resting"]["oid"]
        for entry in bench.place(leg("BTC", "B", "100000", "0.01"), leg("BTC", "B", "99000", "0.01"))
    )
    bench.state.oi_caps[0] = 0
    bench.mark("BTC", 99_500)
    assert bench.updates() == [(eager, "openInterestCapCanceled")]
    assert bench.state.outbox.non_user_cancels[1] == [{"coin": "BTC", "oid": eager}]
    assert list(bench.alice.open) == [patient]


def test_users_long_positions_count_as_open_interest() -> None:
    bench = Bench(oi_caps={"BTC": 1000.01})
    assert bench.read("perpsAtOpenInterestCap") == []
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert bench.read("perpsAtOpenInterestCap") == ["BTC"]


def test_one_order_may_not_add_too_much_open_interest() -> None:
    bench = Bench(oi_step_usd=1_000.0)
    fine, quick = bench.place(leg("BTC", "B", "99000", "0.01"), leg("BTC", "B", "99000", "0.011"))
    assert "resting" in fine
    assert quick == {"error": "Order would increase open interest too quickly asset=0"}
    assert bench.updates()[1][1] == "openInterestIncreaseRejected"


@pytest.mark.parametrize(("tif", "usd", "large"), [("Ioc", 2.9e7, False), ("Ioc", 3.1e7, True), ("Gtc", 3.1e7, False)])
def test_one_order_has_a_largest_value(tif: Any, usd: float, large: bool) -> None:  # noqa: FBT001
    """30 M USD at a leverage of 25 and more; ten times that for limit orders."""
    bench = Bench(deposit_usd=1e9)
    (entry,) = bench.place(leg("ETH", "B", "3900", ETH.sz_text(ETH.lots(usd / 3900)), tif))
    assert ("exceeds the maximum" in entry.get("error", "")) is large


def test_the_largest_market_orders_can_be_asked_for() -> None:
    rows = [[25, "30000000.0"], [20, "5000000.0"], [10, "2000000.0"], [1, "500000.0"]]
    assert Bench().read("maxMarketOrderNtls") == rows
