"""Leverage and isolated margin by their words on the wire (HL §1.7, §2.7, §7.1, §8.1, §8.2)."""

import msgspec
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import SELL, USD_1E8
from portfolio_mm.venue.clearinghouse import isolated, margin
from portfolio_mm.venue.clearinghouse.position import Position
from portfolio_mm.venue.exchange.execution import Reply
from portfolio_mm.venue.info.views_account import active_asset_data, clearinghouse_state
from portfolio_mm.venue.info.views_balances import spot_state
from portfolio_mm.venue.protocol.actions import TopUpIsolatedOnlyMargin, UpdateIsolatedMargin, UpdateLeverage
from tests.venue.bench_chain import ASSET, Bench, leg
from tests.venue.still_flow import BTC, ETH, WLFI

LACKS = "Insufficient margin to place order. asset={}"


def isolate(bench: Bench, coin: str, leverage: int) -> Reply:
    return bench.do(UpdateLeverage(ASSET[coin], is_cross=False, leverage=leverage))


def put(bench: Bench, coin: str, usd: float) -> str:
    return str(bench.do(UpdateIsolatedMargin(ASSET[coin], is_buy=True, ntli=round(usd * 1e6)))["response"])


@pytest.mark.parametrize("mode", ["standard", "unified"])
def test_an_isolated_position_has_its_own_ledger_and_both_summaries_add_up(mode: str) -> None:
    bench = Bench(mode=mode)
    assert isolate(bench, "ETH", 10)["status"] == "ok"
    bench.place(leg("BTC", "B", "100005", "0.01", "Ioc"), leg("ETH", "B", "4000.1", "0.25", "Ioc"))
    shown = clearinghouse_state(bench.state, bench.alice)
    both, cross = shown["marginSummary"], shown["crossMarginSummary"]
    btc, eth = (row["position"] for row in shown["assetPositions"])
    fee = 4000.1 * 0.25 * 0.00045
    assert eth["leverage"]["type"] == "isolated"
    assert float(eth["leverage"]["rawUsd"]) == pytest.approx(-4000.1 * 0.25 * 0.9 - fee, abs=1e-6)
    assert float(eth["marginUsed"]) == pytest.approx(float(eth["positionValue"]) + float(eth["leverage"]["rawUsd"]))
    assert btc["leverage"] == {"type": "cross", "value": 20}
    values = float(btc["positionValue"]) + float(eth["positionValue"])
    assert float(both["accountValue"]) == pytest.approx(float(both["totalRawUsd"]) + values)
    assert float(cross["accountValue"]) == pytest.approx(float(cross["totalRawUsd"]) + float(btc["positionValue"]))
    for field in ("accountValue", "totalMarginUsed"):
        assert float(both[field]) == pytest.approx(float(cross[field]) + float(eth["marginUsed"]))
    assert float(both["totalNtlPos"]) == pytest.approx(values)
    assert float(shown["crossMaintenanceMarginUsed"]) == pytest.approx(float(btc["positionValue"]) / 80)
    if mode == "unified":
        row = spot_state(bench.state, bench.alice)["balances"][0]
        assert float(row["hold"]) == pytest.approx(float(both["totalMarginUsed"]), abs=1e-6)
        assert 9_990 < float(row["total"]) < 10_000


def test_the_recorded_isolated_position_is_reproduced() -> None:
    """2 HYPE bought as taker at 37.829 and 10x (MIT sample of JKorf/HyperLiquid.Net): rawUsd and liquidationPx."""
    hype = Instrument("HYPE", 0, 0, 2, 10, 52)
    held, px = Position(), hype.ticks(37.829)
    fee = 200 * px * 100 * 450 // 10**6
    held.raw_1e8 = isolated.moved_1e8(held, 200, px, fee, 10) - 200 * px * 100 - fee
    held.trade(200, px)
    mark = hype.ticks(37.826)
    assert held.raw_1e8 / USD_1E8 == pytest.approx(-68.126246, abs=1e-6)
    assert held.worth_1e8(mark) / USD_1E8 == pytest.approx(7.525754, abs=1e-6)
    found = margin.solve_liquidation_1e10(hype, 200, -6_812_624_600)
    assert found == 358_559_189_474


def test_a_close_gives_its_share_back_and_the_last_one_everything() -> None:
    bench = Bench()
    isolate(bench, "ETH", 10)
    bench.place(leg("ETH", "B", "4000.1", "0.2", "Ioc"))
    position, free = bench.alice.positions[ETH.index], bench.alice.raw_1e8
    worth = position.worth_1e8(ETH.ticks(3999.9))
    bench.place(leg("ETH", "A", "3999.9", "0.05", "Ioc"))
    assert bench.alice.raw_1e8 - free == pytest.approx(worth / 4, abs=10**6 * 5)
    bench.place(leg("ETH", "A", "3999.9", "0.15", "Ioc", reduce_only=True))
    assert (position.szi, position.raw_1e8) == (0, 0)
    fees = sum(round(float(row["fee"]) * USD_1E8) for row in bench.alice.fills)
    lost = sum(round(float(row["closedPnl"]) * USD_1E8) for row in bench.alice.fills)
    assert bench.alice.raw_1e8 == 10_000 * USD_1E8 - fees + lost


def test_a_position_turned_round_stays_isolated_with_margin_of_the_new_side() -> None:
    bench = Bench()
    isolate(bench, "ETH", 10)
    bench.place(leg("ETH", "B", "4000.1", "0.1", "Ioc"))
    bench.place(leg("ETH", "A", "3999.9", "0.2", "Ioc"))
    position = bench.alice.positions[ETH.index]
    assert position.szi == -1_000
    assert position.worth_1e8(ETH.ticks(4000)) / USD_1E8 == pytest.approx(39.999 - 0.01 - 0.18, abs=0.01)


def test_margin_moves_in_millionths_and_only_where_it_may() -> None:
    bench = Bench()
    assert put(bench, "ETH", 5) == "Position does not use isolated margin."
    isolate(bench, "ETH", 10)
    assert put(bench, "ETH", 5) == "Cannot update margin for empty position."
    bench.place(leg("ETH", "B", "4000.1", "0.25", "Ioc"))
    raw, margin_before = bench.alice.raw_1e8, bench.alice.positions[ETH.index].raw_1e8
    assert bench.do(UpdateIsolatedMargin(1, is_buy=True, ntli=1))["status"] == "ok"
    assert (bench.alice.raw_1e8, bench.alice.positions[ETH.index].raw_1e8) == (raw - 100, margin_before + 100)
    assert put(bench, "ETH", 0) == "Update to isolated margin cannot be zero."
    assert put(bench, "ETH", 99_999) == "Account does not have sufficient margin available for increase."
    assert put(bench, "ETH", -5) == "Position does not have sufficient margin for reduction."
    assert bench.do(UpdateIsolatedMargin(1, is_buy=True, ntli=50_000_000))["status"] == "ok"
    assert bench.do(UpdateIsolatedMargin(1, is_buy=True, ntli=-49_000_000))["status"] == "ok"


def test_a_strictly_isolated_coin_lets_no_margin_out_and_can_be_topped_up() -> None:
    bench = Bench(margin_modes={"WLFI": "strictIsolated", "ETH": "noCross"})
    (row,) = (row for row in bench.state.listing.meta()["universe"] if row["name"] == "WLFI")
    assert (row["onlyIsolated"], row["marginMode"]) == (True, "strictIsolated")
    assert active_asset_data(bench.state, bench.alice, bench.state.coins[WLFI.index])["leverage"]["type"] == "isolated"
    refused = bench.do(UpdateLeverage(ASSET["WLFI"], is_cross=True, leverage=3))
    assert refused["response"] == "Cross margin is not allowed for this asset."
    bench.place(leg("WLFI", "B", "0.21", "1000", "Ioc"), leg("ETH", "B", "4000.1", "0.25", "Ioc"))
    assert bench.do(TopUpIsolatedOnlyMargin(ASSET["ETH"], "2"))["response"] == "Asset not strict isolated"
    for nonsense in ("", "x", "-2", "0", "1e3"):
        refused = bench.do(TopUpIsolatedOnlyMargin(ASSET["WLFI"], nonsense))
        assert refused["response"] == "Invalid leverage value"
    assert bench.do(TopUpIsolatedOnlyMargin(ASSET["WLFI"], "2.5"))["status"] == "ok"
    held = bench.alice.positions[WLFI.index]
    mark = bench.state.marks[WLFI.index]
    assert held.worth_1e8(mark) == pytest.approx(held.value_1e8(mark) / 2.5, abs=1)
    refusal = put(bench, "WLFI", -1)
    assert refusal == "Cannot remove isolated margin for this asset. To remove margin, reduce the position."


def test_a_margin_mode_of_a_coin_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="margin_modes names 'WLF', which is not listed; listed are BTC, ETH"):
        Bench(margin_modes={"WLF": "noCross"})


def test_leverage_is_lowered_only_while_margin_suffices() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100005", "0.05", "Ioc"), leg("BTC", "B", "99000", "1"))
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=40))["status"] == "ok"
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=11))["status"] == "ok"
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=10))["response"] == isolated.CROSS_SHORT
    assert bench.alice.leverage[0] == 11
    assert bench.do(UpdateLeverage(0, is_cross=False, leverage=11))["response"] == isolated.SWITCH
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=41))["response"] == "Invalid leverage value"
    isolate(bench, "ETH", 20)
    bench.place(leg("ETH", "B", "4000.1", "0.2", "Ioc"))
    assert isolate(bench, "ETH", 25)["status"] == "ok"
    assert isolate(bench, "ETH", 10)["response"] == isolated.ISOLATED_SHORT
    assert bench.do(UpdateLeverage(1, is_cross=True, leverage=25))["response"] == isolated.SWITCH


def test_a_taker_pays_for_its_slippage_before_it_trades() -> None:
    """A wide book: at 20x a fill five per cent above mark leaves nothing."""
    bench = Bench(deposit_usd=1_000.0)
    for level in range(1, 40):
        bench.flow.rest(BTC, SELL, BTC.ticks(100_005 + level * 250), BTC.lots(0.01))
    assert bench.place(leg("BTC", "B", "110000", "0.18", "Ioc")) == [{"error": LACKS.format(0)}]
    assert bench.alice.raw_1e8 == 1_000 * USD_1E8
    assert "filled" in bench.place(leg("BTC", "B", "110000", "0.06", "Ioc"))[0]
    assert margin.equity_1e8(bench.alice, bench.state.marks) >= margin.margin_used_1e8(
        bench.alice, bench.state.coins, bench.state.marks
    )


def test_what_active_asset_data_offers_can_be_traded() -> None:
    bench = Bench(deposit_usd=5_000.0)
    bench.flow.rest(BTC, SELL, BTC.ticks(100_000), BTC.lots(5))
    offered = active_asset_data(bench.state, bench.alice, bench.state.coins[0])["maxTradeSzs"][0]
    assert offered == "1.0"
    assert "error" in bench.place(leg("BTC", "B", "100000", "1.00001", "Ioc"))[0]
    assert bench.place(leg("BTC", "B", "100000", offered, "Ioc"))[0]["filled"]["totalSz"] == "1.0"


def test_a_close_far_from_mark_may_not_bring_an_account_below_zero() -> None:
    bench = Bench(deposit_usd=600.0, oracle_band_percent=50.0)
    bench.place(leg("BTC", "B", "100005", "0.05", "Ioc"))
    for level in range(5):
        bench.flow.hit(BTC, SELL, BTC.ticks(100_000 - level - 1), BTC.lots(0.01))
        bench.block()
    bench.flow.rest(BTC, 0, BTC.ticks(50_000), BTC.lots(1))
    (refused,) = bench.place(leg("BTC", "A", "50000", "0.05", "Ioc", reduce_only=True))
    assert refused == {"error": LACKS.format(0)}
    assert bench.alice.szi(0) == 5_000


def test_a_market_order_needs_margin_for_what_it_meets_and_not_for_its_limit() -> None:
    bench = Bench(deposit_usd=300.0, oracle_band_percent=80.0)
    assert "filled" in bench.place(leg("BTC", "B", "180000", "0.05", "FrontendMarket"))[0]


def test_an_isolated_order_takes_its_margin_from_the_cross_ledger_alone() -> None:
    bench = Bench(deposit_usd=60.0)
    isolate(bench, "ETH", 10)
    first, second = bench.place(leg("ETH", "B", "3990", "0.1"), leg("ETH", "B", "3990", "0.1"))
    assert "resting" in first
    assert second == {"error": LACKS.format(1)}


def test_a_position_may_not_outgrow_its_margin_tier() -> None:
    bench = Bench(deposit_usd=50_000_000.0)
    bench.do(UpdateLeverage(0, is_cross=True, leverage=40))
    (refused,) = bench.place(leg("BTC", "B", "99000", "1600"))
    assert refused == {
        "error": "Order would cause position to exceed margin tier limit at current leverage asset=0",
    }
    assert next(reversed(bench.alice.records.values())).status == "perpMaxPositionRejected"
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=20))["status"] == "ok"
    assert "resting" in bench.place(leg("BTC", "B", "99000", "1600"))[0]


def test_leverage_of_every_kind_reads_like_the_wire() -> None:
    bench = Bench()
    isolate(bench, "ETH", 3)
    shown = active_asset_data(bench.state, bench.alice, bench.state.coins[1])
    assert shown["leverage"] == {"type": "isolated", "value": 3, "rawUsd": "0.0"}
    action = msgspec.json.decode(
        b'{"type":"topUpIsolatedOnlyMargin","asset":1,"leverage":"2"}', type=TopUpIsolatedOnlyMargin
    )
    assert action == TopUpIsolatedOnlyMargin(1, "2")
