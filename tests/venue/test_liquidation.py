"""Liquidation, backstop and deleveraging, by what the account sees of them (HL §8.3, §8.4)."""

from typing import Any

import msgspec
import pytest

from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.venue.clearinghouse import deleveraging, margin
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.info.views_account import clearinghouse_state
from portfolio_mm.venue.protocol.actions import UpdateLeverage
from portfolio_mm.venue.state import LIQUIDATOR_ADDRESS
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import Topic
from portfolio_mm.venue.tokens import BY_INDEX
from tests.venue.bench_chain import ASSET, Bench, leg
from tests.venue.still_flow import BTC, ETH

LEVELS = tuple(range(1, 6))


def long_btc(bench: Bench, lots: int = 5_000, *, leverage: int = 40, is_cross: bool = True) -> None:
    """Alice buys from the background near 100,000, whatever the book holds of it."""
    bench.do(UpdateLeverage(0, is_cross=is_cross, leverage=leverage))
    bench.flow.rest(BTC, SELL, BTC.ticks(100_001), lots)
    bench.place(leg("BTC", "B", "100001", BTC.sz_text(lots), "Ioc"))
    assert bench.alice.szi(0) == lots


def mark(bench: Bench, px: float, *, bids: int = 0) -> None:
    """The mark falls or rises; `bids` lots rest at it."""
    if bids:
        bench.flow.rest(BTC, BUY, BTC.ticks(px), bids)
    bench.flow.mark(BTC, px)
    bench.block()


def keep(bench: Bench, usd: float) -> None:
    """Leave Alice so much equity at the present mark; the rest goes to Bob, so that no money is lost."""
    over = margin.equity_1e8(bench.alice, bench.state.marks) - round(usd * USD_1E8)
    bench.alice.raw_1e8 -= over
    bench.bob.raw_1e8 += over


def liquidations(bench: Bench, user: User) -> list[dict[str, Any]]:
    return [row["delta"] for row in user.ledger if row["delta"]["type"] == "liquidation"]


def whole(bench: Bench) -> int:
    """All money of users, at mark."""
    state = bench.state
    return sum(margin.perps_value_1e8(user, state.marks) + user.spot_1e8 for user in state.holders())


def test_below_maintenance_the_position_goes_to_the_book_and_own_orders_end() -> None:
    bench = Bench()
    long_btc(bench)
    keep(bench, 130.0)
    (resting,) = bench.place(leg("ETH", "B", "3000", "0.01"))
    mark(bench, 99_900, bids=5_000)
    assert bench.alice.szi(0) == 5_000  # 130 - 4.95 >= 62.4 still
    bench.flow.rest(BTC, BUY, BTC.ticks(98_650), 5_000)
    keep(bench, 60.0)
    bench.block()
    assert bench.alice.szi(0) == 0
    assert (resting["resting"]["oid"], "liquidatedCanceled") in bench.updates()
    assert {"coin": "ETH", "oid": resting["resting"]["oid"]} in bench.state.outbox.non_user_cancels[1]
    rows = bench.state.outbox.fills[1]
    assert {row["dir"] for row in rows} == {"Close Long"}
    assert all(
        row["liquidation"] == {"liquidatedUser": bench.alice.address, "markPx": "99900.0", "method": "market"}
        for row in rows
    )
    assert all(float(row["fee"]) == pytest.approx(float(row["px"]) * float(row["sz"]) * 0.00045) for row in rows)
    assert margin.equity_1e8(bench.alice, bench.state.marks) > 0
    (event,) = bench.state.outbox.liquidations[1]
    assert event["liquidated_user"] == bench.alice.address
    assert event["liquidator"] == LIQUIDATOR_ADDRESS
    assert event["liquidated_ntl_pos"] == "4995.0"
    (delta,) = liquidations(bench, bench.alice)
    assert delta == {
        "type": "liquidation",
        "liquidatedNtlPos": "4995.0",
        "accountValue": "60.0",
        "leverageType": "Cross",
        "liquidatedPositions": [{"coin": "BTC", "szi": "0.05"}],
    }


def test_the_maker_that_met_a_liquidation_sees_whose_it_was() -> None:
    bench = Bench()
    long_btc(bench)
    bench.place(leg("BTC", "B", "100000", "0.05"), user=bench.bob)
    bench.flow.mark(BTC, 99_950)
    keep(bench, 60.0)
    bench.block()
    rows = [row for row in bench.state.outbox.fills[2] if "liquidation" in row]
    assert [(row["crossed"], row["dir"]) for row in rows] == [(False, "Open Long")] * len(rows)
    assert rows[0]["liquidation"]["liquidatedUser"] == bench.alice.address
    assert list(rows[0])[-4:] == ["tid", "liquidation", "feeToken", "twapId"]


def test_a_large_position_goes_by_a_fifth_and_whole_within_the_cooldown() -> None:
    bench = Bench(deposit_usd=100_000.0)
    long_btc(bench, 200_000)  # 200,000 USD: 2,500 of maintenance
    keep(bench, 2_400.0)
    bench.flow.rest(BTC, BUY, BTC.ticks(100_000), 1_000_000)
    bench.block()
    assert bench.alice.szi(0) == 160_000
    bench.block()  # 2,382 of the 2,000 needed
    assert bench.alice.szi(0) == 160_000
    keep(bench, 1_900.0)
    bench.block(after_ms=29_000)
    assert bench.alice.szi(0) == 0


def test_after_the_cooldown_a_large_position_goes_by_a_fifth_again() -> None:
    bench = Bench(deposit_usd=100_000.0)
    long_btc(bench, 200_000)
    bench.flow.rest(BTC, BUY, BTC.ticks(100_000), 1_000_000)
    for usd, left in ((2_400.0, 160_000), (1_900.0, 128_000), (1_500.0, 102_400), (1_200.0, 81_920), (1_000.0, 0)):
        keep(bench, usd)
        bench.block(after_ms=30_000)
        assert bench.alice.szi(0) == left  # the last was below 100,000 USD


def test_on_testnet_the_fifth_begins_at_ten_thousand() -> None:
    bench = Bench(partial_liquidation_usd=10_000.0)
    long_btc(bench, 20_000)
    keep(bench, 240.0)
    bench.flow.rest(BTC, BUY, BTC.ticks(100_000), 20_000)
    bench.block()
    assert bench.alice.szi(0) == 16_000


def test_the_book_alone_never_makes_an_account_negative() -> None:
    bench = Bench()
    long_btc(bench)
    for level in LEVELS:
        bench.flow.hit(BTC, SELL, BTC.ticks(100_000 - level), BTC.lots(0.01))
        bench.block()
    bench.flow.rest(BTC, BUY, BTC.ticks(90_000), 10_000)
    keep(bench, 55.0)
    known = len(bench.alice.records)
    bench.block()
    assert bench.alice.szi(0) == 5_000
    assert margin.equity_1e8(bench.alice, bench.state.marks) == 55 * USD_1E8
    assert (bench.updates(), len(bench.alice.records), bench.alice.open) == ([], known, {})


@pytest.mark.parametrize("mode", ["standard", "unified"])
def test_below_two_thirds_the_vault_takes_positions_and_margin(mode: str) -> None:
    bench = Bench(mode=mode)
    long_btc(bench)
    bench.place(leg("ETH", "A", "3999.9", "0.1", "Ioc"))
    before = whole(bench)
    keep(bench, 40.0)  # maintenance is 62.5 + 8
    bench.block()
    vault = bench.state.liquidator
    assert whole(bench) == before
    assert (bench.alice.szi(0), bench.alice.szi(1), bench.alice.raw_1e8, bench.alice.spot_1e8) == (0, 0, 0, 0)
    assert (vault.szi(0), vault.szi(1)) == (5_000, -1_000)
    assert margin.perps_value_1e8(vault, bench.state.marks) == 40 * USD_1E8
    rows = bench.state.outbox.fills[1]
    assert [row["dir"] for row in rows] == ["Liquidated Cross Long", "Liquidated Cross Short"]
    assert {row["liquidation"]["method"] for row in rows} == {"backstop"}
    assert {row["fee"] for row in rows} == {"0.0"}
    (delta,) = liquidations(bench, bench.alice)
    assert (delta["accountValue"], delta["leverageType"]) == ("40.0", "Cross")
    assert delta["liquidatedPositions"] == [{"coin": "BTC", "szi": "0.05"}, {"coin": "ETH", "szi": "-0.1"}]
    (got,) = liquidations(bench, vault)
    assert (got["user"], got["accountValue"]) == (bench.alice.address, "40.0")


def test_an_isolated_position_is_liquidated_alone() -> None:
    bench = Bench()
    long_btc(bench, is_cross=False)
    bench.place(leg("ETH", "B", "3999", "0.1"), leg("BTC", "B", "90000", "0.01"))
    free = bench.alice.raw_1e8
    mark(bench, 98_700)  # worth 125 - 2.25 - 65 = 57.7, maintenance 61.7: the book bids higher
    assert bench.alice.szi(0) == 0
    assert [order.instrument.coin for order in bench.alice.open.values()] == ["ETH"]
    assert bench.alice.raw_1e8 > free
    (delta,) = liquidations(bench, bench.alice)
    assert delta["leverageType"] == "Isolated"


def test_an_isolated_backstop_takes_its_margin_and_no_more() -> None:
    bench = Bench()
    long_btc(bench, is_cross=False)
    free, before = bench.alice.raw_1e8, whole(bench)
    worth = bench.alice.positions[0].worth_1e8(BTC.ticks(98_200))
    assert 0 < worth < 62 * USD_1E8 * 2 // 3
    mark(bench, 98_200)
    vault = bench.state.liquidator
    assert bench.alice.raw_1e8 == free
    assert bench.state.outbox.fills[1][0]["dir"] == "Liquidated Isolated Long"
    assert margin.perps_value_1e8(vault, bench.state.marks) == worth
    assert whole(bench) - before == 5_000 * (982_000 - 1_000_000) * 100


def test_below_zero_profitable_opposites_are_closed_at_the_previous_mark() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100000", "0.05"))
    bench.do(UpdateLeverage(0, is_cross=True, leverage=40), bench.bob)
    bench.place(leg("BTC", "A", "100000", "0.04", "Ioc"), user=bench.bob)
    bench.flow.hit(BTC, SELL, BTC.ticks(100_000), 1_000)
    bench.block()
    assert (bench.alice.szi(0), bench.bob.szi(0)) == (5_000, -4_000)
    bench.alice.raw_1e8 -= (moved := margin.equity_1e8(bench.alice, bench.state.marks) - 130 * USD_1E8)
    bench.bob.raw_1e8 += moved
    before = margin.equity_1e8(bench.bob, bench.state.marks)
    mark(bench, 97_000)  # 130 - 150
    assert (bench.alice.szi(0), bench.bob.szi(0)) == (0, 0)
    (row,) = bench.state.outbox.fills[2]
    assert (row["dir"], row["px"], row["sz"], row["fee"]) == ("Auto-Deleveraging", "100000.0", "0.04", "0.0")
    assert margin.equity_1e8(bench.bob, bench.state.marks) == before
    assert margin.equity_1e8(bench.alice, bench.state.marks) == 130 * USD_1E8
    words = [(row["dir"], row["sz"]) for row in bench.state.outbox.fills[1]]
    assert words == [("Liquidated Cross Long", "0.04"), ("Liquidated Cross Long", "0.01")]
    assert not bench.state.liquidator.positions


def test_what_is_still_missing_after_deleveraging_the_vault_pays() -> None:
    bench = Bench()
    long_btc(bench)
    keep(bench, 100.0)
    before = whole(bench)
    bench.flow.mark(BTC, 97_900)
    bench.alice.raw_1e8 -= 200 * USD_1E8  # less than nothing at the previous mark as well
    bench.block()
    assert bench.alice.szi(0) == 0
    assert margin.equity_1e8(bench.alice, bench.state.marks) == 0
    assert bench.state.liquidator.raw_1e8 == -100 * USD_1E8
    assert whole(bench) == before - 200 * USD_1E8
    (paid,) = liquidations(bench, bench.state.liquidator)
    assert paid["accountValue"] == "-100.0"


def test_whoever_deleveraging_brings_below_zero_is_settled_in_the_same_block() -> None:
    """Alice wins on BTC what she loses on ETH in the same move; deleveraged, only the loss is left."""
    bench = Bench()
    bench.do(UpdateLeverage(0, is_cross=True, leverage=40), bench.bob)
    bench.place(leg("BTC", "B", "100000", "0.05"), user=bench.bob)
    bench.place(leg("BTC", "A", "100000", "0.05", "Ioc"))
    bench.flow.rest(ETH, SELL, ETH.ticks(4_000), ETH.lots(1))
    bench.place(leg("ETH", "B", "4000", "1", "Ioc"))
    keep(bench, 390.0)
    bench.bob.raw_1e8 -= margin.equity_1e8(bench.bob, bench.state.marks) - 130 * USD_1E8
    before = whole(bench)
    bench.flow.mark(BTC, 97_000)  # Bob: 130 - 150
    bench.flow.mark(ETH, 3_600)  # Alice: 390 + 150 - 400, and without the 150 below zero
    bench.block()
    assert [row["dir"] for row in bench.state.outbox.fills[1]] == ["Auto-Deleveraging", "Liquidated Cross Long"]
    assert margin.equity_1e8(bench.alice, bench.state.marks) == 390 * USD_1E8
    assert margin.equity_1e8(bench.bob, bench.state.marks) == 130 * USD_1E8
    assert whole(bench) == before


def test_an_account_below_zero_without_positions_is_paid_by_the_vault() -> None:
    bench = Bench()
    bench.alice.raw_1e8 = -5 * USD_1E8
    bench.block()
    assert (bench.alice.raw_1e8, bench.state.liquidator.raw_1e8) == (0, -5 * USD_1E8)


def test_the_more_profitable_and_the_more_leveraged_are_deleveraged_first() -> None:
    bench = Bench()
    for user, raw in ((bench.alice, 600.0), (bench.bob, 900.0)):
        position = user.position(ETH.index)
        position.szi, position.cost_1e8 = -1_000, -500 * USD_1E8
        user.raw_1e8 = round(raw * USD_1E8)
    vault = bench.state.liquidator.position(ETH.index)
    vault.szi, vault.cost_1e8 = 2_000, 800 * USD_1E8
    order = deleveraging.ranked(bench.state, bench.state.liquidator, ETH)
    assert order == [bench.alice, bench.bob]
    assert deleveraging.rank(bench.bob, ETH, bench.state.marks) == pytest.approx(500 / 400 * 400 / 500)
    bench.bob.positions[ETH.index].cost_1e8 = -390 * USD_1E8  # no profit, no place
    assert deleveraging.ranked(bench.state, bench.state.liquidator, ETH) == [bench.alice]


def test_user_events_carry_the_liquidation_as_documented() -> None:
    bench = Bench()
    long_btc(bench)
    keep(bench, 40.0)
    bench.block()
    topic = Topic("userEvents", user=bench.alice.address)
    frames = [msgspec.json.decode(text) for _, text in BlockFrames(bench.state).after_block(bench.state, [topic])]
    (event,) = [frame["data"]["liquidation"] for frame in frames if "liquidation" in frame["data"]]
    assert {frame["channel"] for frame in frames} == {"user"}
    assert event == {
        "lid": 1,
        "liquidator": LIQUIDATOR_ADDRESS,
        "liquidated_user": bench.alice.address,
        "liquidated_ntl_pos": "5000.0",
        "liquidated_account_value": "40.0",
    }


def test_the_vault_is_an_account_that_can_be_read() -> None:
    bench = Bench()
    long_btc(bench)
    keep(bench, 10.0)
    bench.block()
    shown = clearinghouse_state(bench.state, bench.state.by_address[LIQUIDATOR_ADDRESS])
    assert shown["assetPositions"][0]["position"]["szi"] == "0.05"
    heard = Topic("userFills", user=LIQUIDATOR_ADDRESS)
    assert BlockFrames(bench.state).first(bench.state, heard, alone=True)


def test_nobody_is_liquidated_at_maintenance_itself() -> None:
    bench = Bench()
    long_btc(bench)
    needed = margin.maintenance_used_1e8(bench.alice, bench.state.coins, bench.state.marks)
    keep(bench, 0.0)
    bench.alice.raw_1e8 += needed
    bench.block()
    assert bench.alice.szi(ASSET["BTC"]) == 5_000
    bench.alice.raw_1e8 -= 1
    bench.block()
    assert bench.alice.szi(ASSET["BTC"]) < 5_000


def test_the_vault_takes_tokens_for_what_a_portfolio_account_owes_and_no_more() -> None:
    bench = Bench(deposit_tokens={"HYPE": 1_000.0}, mode="portfolio", deposit_usd=2_000.0)
    bench.block()
    assert bench.alice.credit_1e8 > 0
    long_btc(bench, 40_000)
    hype = next(index for index in bench.alice.tokens if bench.alice.tokens[index])
    before = bench.alice.tokens[hype]
    credit = bench.alice.credit_1e8
    over = margin.equity_1e8(bench.alice, bench.state.marks) - 100 * USD_1E8  # maintenance is 500
    bench.alice.spot_1e8 -= over
    bench.bob.spot_1e8 += over
    bench.block()
    vault = bench.state.liquidator
    assert bench.alice.szi(0) == 0
    assert 0 <= bench.alice.raw_1e8 + bench.alice.spot_1e8 <= 10
    assert bench.alice.tokens[hype] + vault.tokens[hype] == before
    assert 0 < vault.tokens[hype] < before
    token = BY_INDEX[hype]
    owed = credit - 100 * USD_1E8
    assert bench.state.worth_1e8(token, vault.tokens[hype]) == pytest.approx(owed, abs=10)
    assert margin.perps_value_1e8(vault, bench.state.marks) == pytest.approx(-owed, abs=10)
