"""Money: exact, conserved, and shown as the venue shows it (HL §1.7, §8, §9, §10)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.units import SELL, USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.position import Position
from portfolio_mm.venue.exchange.refusals import SHORT_OF_USDC
from portfolio_mm.venue.info.views_account import clearinghouse_state
from portfolio_mm.venue.info.views_balances import spot_state
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.actions import AgentSendAsset, UpdateLeverage, UsdClassTransfer, UserSetAbstraction
from portfolio_mm.venue.tokens import USDC_TOKEN
from tests.venue.bench_chain import START_MS, Bench, leg
from tests.venue.still_flow import BTC, ETH

HOUR_MS = 3_600_000


@given(st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 10**7)), min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_realised_and_unrealised_add_up_to_the_cash(trades: list[tuple[int, int]]) -> None:
    position, realised, cash = Position(), 0, 0
    for lots, px in trades:
        realised += position.trade(lots, px)
        cash -= lots * px * 100
    mark = trades[-1][1]
    assert realised + position.unrealized_1e8(mark) == cash + position.value_1e8(mark)
    assert position.szi == sum(lots for lots, _ in trades)
    assert position.szi or not position.cost_1e8


def test_a_maker_fill_is_booked_and_shown() -> None:
    bench = Bench()
    bench.place(leg("ETH", "B", "4000", "0.1"))
    bench.flow.hit(ETH, SELL, ETH.ticks(4000), ETH.lots(0.1))
    bench.block()
    (row,) = bench.state.outbox.fills[1]
    shown = {key: row[key] for key in ("px", "sz", "side", "startPosition", "dir", "closedPnl", "crossed", "fee")}
    assert shown == {
        "px": "4000.0",
        "sz": "0.1",
        "side": "B",
        "startPosition": "0.0",
        "dir": "Open Long",
        "closedPnl": "0.0",
        "crossed": False,
        "fee": "0.06",
    }
    (public,) = bench.state.outbox.trades["ETH"]
    assert public["tid"] == row["tid"]
    assert (public["side"], public["users"][0]) == ("A", bench.alice.address)


def test_rebates_are_negative_fees() -> None:
    bench = Bench(fee_tier="rebate3")
    bench.place(leg("ETH", "B", "4000", "0.1"))
    bench.flow.hit(ETH, SELL, ETH.ticks(4000), ETH.lots(0.1))
    bench.block()
    assert bench.state.outbox.fills[1][0]["fee"] == "-0.012"


def test_standard_account_identities() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100005", "0.03", "Ioc"))
    bench.flow.mark(BTC, 101_000.0)
    bench.block()
    shown = clearinghouse_state(bench.state, bench.alice)
    summary, position = shown["marginSummary"], shown["assetPositions"][0]["position"]
    value = float(position["positionValue"])
    assert float(summary["accountValue"]) == float(summary["totalRawUsd"]) + value
    assert float(position["marginUsed"]) == value / 20
    assert float(shown["crossMaintenanceMarginUsed"]) == value / 80
    assert float(shown["withdrawable"]) == float(summary["accountValue"]) - max(value / 20, value / 10)
    entry = (100_001 + 100_002 + 100_003) / 3
    assert abs(float(position["entryPx"]) - entry) < 0.1
    assert spot_state(bench.state, bench.alice) == {"balances": []}


def test_unified_account_shows_its_balance_in_spot_and_nothing_useful_in_perps() -> None:
    bench = Bench(mode="unified")
    bench.place(leg("BTC", "B", "100005", "0.03", "Ioc"))
    bench.flow.mark(BTC, 101_000.0)
    bench.block()
    perps, spot = clearinghouse_state(bench.state, bench.alice), spot_state(bench.state, bench.alice)
    balance = spot["balances"][0]
    fee = float(bench.alice.fills[0]["fee"]) + float(bench.alice.fills[1]["fee"]) + float(bench.alice.fills[2]["fee"])
    assert abs(float(balance["total"]) - (10_000 - fee)) < 1e-7
    assert float(balance["hold"]) == float(perps["marginSummary"]["totalMarginUsed"])
    profit = float(perps["assetPositions"][0]["position"]["unrealizedPnl"])
    equity = margin.equity_1e8(bench.alice, bench.state.marks) / USD_1E8
    assert abs(float(balance["total"]) + profit - equity) < 1e-5
    assert perps["withdrawable"] == "0.0"
    assert float(perps["marginSummary"]["accountValue"]) < equity / 2


def test_both_modes_have_the_same_equity_after_the_same_trades() -> None:
    equities = []
    for mode in ("standard", "unified"):
        bench = Bench(mode=mode)
        bench.place(leg("BTC", "B", "100005", "0.03", "Ioc"))
        bench.place(leg("ETH", "A", "3990", "0.5", "Ioc"))
        bench.place(leg("BTC", "A", "99990", "0.02", "Ioc"))
        equities.append(margin.equity_1e8(bench.alice, bench.state.marks))
    assert equities[0] == equities[1]


def test_fees_and_losses_are_all_that_leaves_two_users_who_trade_with_each_other() -> None:
    bench = Bench()
    bench.place(leg("BTC", "A", "100000", "0.02"))
    bench.place(leg("BTC", "B", "100000", "0.02", "Ioc"), user=bench.bob)
    fees = sum(round(float(row["fee"]) * USD_1E8) for user in (bench.alice, bench.bob) for row in user.fills)
    total = sum(margin.equity_1e8(user, bench.state.marks) for user in (bench.alice, bench.bob))
    assert total == 20_000 * USD_1E8 - fees
    assert bench.alice.fills[0]["tid"] == bench.bob.fills[0]["tid"]
    assert (bench.alice.fills[0]["crossed"], bench.bob.fills[0]["crossed"]) == (False, True)


def test_longs_pay_funding_on_the_hour_at_the_oracle_price() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    before = bench.alice.raw_1e8
    bench.block(after_ms=HOUR_MS - bench.state.now_ms % HOUR_MS)
    assert bench.alice.raw_1e8 == before
    bench.block()
    assert bench.alice.raw_1e8 - before == -(1_000 * USD_1E8 * 125) // 10**7
    (row,) = bench.state.outbox.fundings[1]
    assert (row["usdc"], row["fundingRate"], row["szi"]) == ("-0.0125", "0.0000125", "0.01")
    assert 15 <= row["time"] % HOUR_MS <= 46
    bench.block()
    assert not bench.state.outbox.fundings


def test_leverage_sets_how_much_may_be_placed() -> None:
    bench = Bench()
    wire = leg("BTC", "B", "99000", "2.5")
    assert "error" in bench.place(wire)[0]
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=40))["status"] == "ok"
    assert "resting" in bench.place(wire)[0]
    assert bench.do(UpdateLeverage(0, is_cross=True, leverage=41))["status"] == "err"


def test_only_the_worse_side_of_a_coin_needs_margin() -> None:
    bench = Bench()
    first, second, third = bench.place(
        leg("BTC", "B", "99000", "1.9"), leg("BTC", "A", "101000", "1.9"), leg("BTC", "B", "99000", "0.2")
    )
    assert "resting" in first
    assert "resting" in second
    assert third == {"error": "Insufficient margin to place order. asset=0"}


def test_usdc_moves_between_the_ledgers_of_a_standard_account() -> None:
    bench = Bench()
    action = UsdClassTransfer("0x66eee", "Testnet", "4000", to_perp=False, nonce=START_MS)
    assert bench.do(action)["status"] == "ok"
    assert spot_state(bench.state, bench.alice)["balances"][0]["total"] == "4000.0"
    back = AgentSendAsset(bench.alice.address, "spot", "", USDC, "1500", "", START_MS)
    assert bench.do(back)["status"] == "ok"
    assert bench.alice.spot_1e8 == 2_500 * USD_1E8
    too_much = AgentSendAsset(bench.alice.address, "spot", "", USDC, "2501", "", START_MS)
    assert bench.do(too_much)["response"] == SHORT_OF_USDC
    other = AgentSendAsset(bench.bob.address, "spot", "", USDC, "1", "", START_MS)
    assert bench.do(other)["response"] == "Agent can only send asset to same user or their sub-accounts."


def test_a_unified_account_refuses_class_transfers() -> None:
    bench = Bench(mode="unified")
    action = UsdClassTransfer("0x66eee", "Testnet", "1", to_perp=True, nonce=START_MS)
    assert bench.do(action)["response"] == "Action disabled when unified account is active"


def test_changing_the_mode_keeps_the_equity() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    before = margin.equity_1e8(bench.alice, bench.state.marks)
    action = UserSetAbstraction("0x66eee", "Testnet", bench.alice.address, "unifiedAccount", START_MS)
    assert bench.do(action)["status"] == "ok"
    assert margin.equity_1e8(bench.alice, bench.state.marks) == before
    back = UserSetAbstraction("0x66eee", "Testnet", bench.alice.address, "disabled", START_MS)
    assert bench.do(back)["response"] == "Abstraction transition not allowed"
    bench.place(leg("BTC", "A", "99990", "0.01", "Ioc"))
    assert bench.do(back)["status"] == "ok"
    assert (bench.alice.raw_1e8, bench.alice.mode) == (0, "disabled")


def test_a_transfer_of_nonsense_is_refused() -> None:
    assert [USDC_TOKEN.units(text) for text in ("", "x", "nan", "-1", "0", "1e400", "1.5")] == [None] * 6 + [
        150_000_000
    ]
