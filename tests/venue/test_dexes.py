"""Builder-deployed perp dexes (HIP-3): ids, reads, orders, money, fees, funding, halts (HL §6.3, §7.5, §9, §10.4)."""

import json
from typing import Any

import msgspec
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.faults.deployers import halt, resume
from portfolio_mm.venue.faults.events import EventKind, Halt, OracleSilence
from portfolio_mm.venue.faults.happenings import in_block
from portfolio_mm.venue.info.request import NoAnswer
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.process import build_flow
from portfolio_mm.venue.protocol.actions import (
    AgentSendAsset,
    TopUpIsolatedOnlyMargin,
    UpdateIsolatedMargin,
    UpdateLeverage,
    UserSetAbstraction,
)
from portfolio_mm.venue.scenario.file import scenario_text
from portfolio_mm.venue.settings import VenueSettings, market_params
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import topic
from tests.venue.bench_chain import ASSET, DEXES, START_MS, Bench, leg
from tests.venue.still_flow import COIN, ETH, GOLD, MID, TSLA

TSLA_ID, GOLD_ID = ASSET["xyz:TSLA"], ASSET["xyz:GOLD"]
CAPPED = msgspec.structs.replace(DEXES[0], coins=(msgspec.structs.replace(DEXES[0].coins[0], oi_cap_usd=400_000.0),))


def bench(usd: float = 1_000.0, **settings: Any) -> Bench:
    """With money of Alice and Bob in the dex xyz, unless they are unified."""
    made = Bench(**{"dexes": DEXES, **settings})
    for user in (made.alice, made.bob):
        if not user.unified and usd:
            assert move(made, "", "xyz", usd, user=user)["status"] == "ok"
    return made


def move(made: Bench, source: str, target: str, usd: float, *, user: Any = None) -> dict[str, Any]:
    owner = user or made.alice
    return made.do(AgentSendAsset(owner.address, source, target, USDC, f"{usd}", "", made.nonce + 1), user)


def happen(made: Bench, event: EventKind) -> str | None:
    """Let an event happen in a block of its own; why it could not."""
    doing, said = in_block(event), list[str | None]()
    assert doing is not None
    made.state.happenings.append(lambda state: said.append(doing(state)))
    made.block()
    return said[0]


def whole(made: Bench) -> int:
    """All money there is, positions at mark."""
    return sum(margin.perps_value_1e8(user, made.state.marks) + user.spot_1e8 for user in made.state.holders())


BAD = """\
title: bad
market:
  dexes:
    - name: spot
      fee_scale: 5
      coins: [{coin: TSLA}, {coin: TSLA, like: NOPE}]
    - {name: Long-Name, coins: [{coin: GOLD}]}
"""

# ids and reads


def test_an_asset_id_names_dex_and_row_and_the_first_dex_keeps_its_own() -> None:
    made = bench()
    assert [made.state.listing.by_coin[name].asset for name in ("BTC", "SOL", "xyz:TSLA", "xyz:GOLD", "flx:COIN")] == [
        *(0, 4, 110_000, 110_001, 120_000),
    ]
    assert [row.coin for row in made.state.coins] == ["BTC", "ETH", "WLFI", "SOL", "xyz:TSLA", "xyz:GOLD", "flx:COIN"]
    for asset in (5, 99_999, 100_000, 110_002, 120_001, 130_000):
        order = msgspec.structs.replace(leg("xyz:TSLA", "B", "399", "0.1"), a=asset)
        assert made.place(order) == [{"error": f"Unknown asset. asset={asset}"}]


def test_what_the_first_dex_answers_does_not_change_when_others_are_there() -> None:
    plain, made = Bench(), bench(usd=0.0)
    for one in (plain, made):
        one.place(leg("BTC", "B", "99990", "0.01"), leg("ETH", "B", "4001", "0.1", "Ioc"))
    made.place(leg("xyz:TSLA", "B", "399", "0.1"))
    plain.block()
    kinds = ("meta", "metaAndAssetCtxs", "allMids", "clearinghouseState", "openOrders", "frontendOpenOrders")
    for kind in (*kinds, "perpsAtOpenInterestCap", "predictedFundings", "perpDexStatus"):
        for asked in ({}, {"dex": ""}, {"dex": None}):
            assert json.dumps(made.read(kind, **asked)) == json.dumps(plain.read(kind)), kind


def test_the_dexes_are_listed_in_the_order_of_their_ids() -> None:
    first, xyz, flx = bench().read("perpDexs")
    assert first is None
    assert (xyz["name"], xyz["fullName"], flx["name"], flx["fullName"]) == ("xyz", "XYZ", "flx", "FLX")
    assert xyz["assetToStreamingOiCap"] == [["xyz:GOLD", "5000000.0"], ["xyz:TSLA", "25000000.0"]]
    assert (xyz["deployerFeeScale"], flx["deployerFeeScale"]) == ("1.0", "0.5")
    assert xyz["assetToFundingMultiplier"] == [["xyz:GOLD", "0.5"]]
    assert flx["assetToFundingInterestRate"] == [["flx:COIN", "0.0"]]


def test_the_universe_of_a_dex_says_how_its_coins_are_margined() -> None:
    made = bench()
    tsla, gold = made.read("meta", dex="xyz")["universe"]
    margined = {"onlyIsolated": True, "marginMode": "strictIsolated"}
    growing = {"growthMode": "enabled", "lastGrowthModeChangeTime": "1970-01-01T00:00:00"}
    named = {"szDecimals": 3, "name": "xyz:TSLA", "maxLeverage": 10, "marginTableId": 10}
    assert tsla == named | margined | growing
    assert (gold["marginMode"], gold["maxLeverage"], "growthMode" in gold) == ("noCross", 20, False)
    assert [len(meta["universe"]) for meta in made.read("allPerpMetas")] == [5, 2, 1]
    assert made.read("allMids", dex="flx") == {"flx:COIN": "150.0"}
    assert [row["markPx"] for row in made.read("metaAndAssetCtxs", dex="xyz")[1]] == ["400.0", "500.0"]
    assert made.read("perpDexLimits", dex="xyz")["totalOiCap"] == "30000000.0"
    assert made.read("perpDexLimits", dex="abc") is None


@pytest.mark.parametrize("dex", ["abc", "xyz:TSLA", "XYZ", 1, ["xyz"], {}])
def test_a_dex_nobody_deployed_has_no_answer(dex: Any) -> None:
    made = bench()
    for kind in ("meta", "allMids", "clearinghouseState", "openOrders", "perpDexStatus"):
        with pytest.raises(NoAnswer):
            made.read(kind, dex=dex)


# orders and money


def test_an_order_rests_fills_and_is_seen_in_its_dex_alone() -> None:
    made = bench()
    (resting,) = made.place(leg("xyz:TSLA", "B", "399.5", "0.5"))
    assert [row["coin"] for row in made.read("openOrders", dex="xyz")] == ["xyz:TSLA"]
    assert made.read("openOrders") == made.read("openOrders", dex="flx") == []
    (filled,) = made.place(leg("xyz:TSLA", "B", "400.01", "0.5", "Ioc"))
    assert filled["filled"]["avgPx"] == "400.01"
    (position,) = made.read("clearinghouseState", dex="xyz")["assetPositions"]
    assert position["position"]["leverage"]["type"] == "isolated"
    assert position["position"]["coin"] == "xyz:TSLA"
    assert made.read("clearinghouseState")["assetPositions"] == []
    assert made.read("userFills")[0]["coin"] == "xyz:TSLA"
    assert made.cancel("xyz:TSLA", resting["resting"]["oid"]) == "success"


def test_each_dex_of_a_standard_account_has_money_of_its_own() -> None:
    made = bench(usd=0.0)
    (refused,) = made.place(leg("xyz:TSLA", "B", "399.5", "1"))
    assert refused == {"error": f"Insufficient margin to place order. asset={TSLA_ID}"}
    assert move(made, "", "xyz", 39.95)["status"] == "ok"
    assert "resting" in made.place(leg("xyz:TSLA", "B", "399.5", "1"))[0]
    assert made.read("clearinghouseState", dex="xyz")["withdrawable"] == "0.0"
    assert made.read("clearinghouseState")["withdrawable"] == "9960.05"
    assert "Insufficient margin" in made.place(leg("xyz:GOLD", "B", "499", "0.1"))[0]["error"]
    assert move(made, "xyz", "flx", 1.0)["response"] == "Insufficient balance for token transfer"
    assert made.read("activeAssetData", coin="flx:COIN")["availableToTrade"] == ["0.0", "0.0"]
    assert made.read("perpDexStatus", dex="xyz") == {"totalNetDeposit": "39.95"}


def test_orders_of_one_dex_take_no_margin_of_another() -> None:
    made = bench(usd=1_000.0)
    made.place(leg("BTC", "B", "99990", "1.7"))
    free = made.read("clearinghouseState", dex="xyz")["withdrawable"]
    assert (free, made.alice.raw_1e8) == ("1000.0", 9_000 * USD_1E8)
    made.place(leg("xyz:TSLA", "B", "399.5", "20"))
    assert made.read("clearinghouseState")["withdrawable"] == f"{9_000 - 99_990 * 1.7 / 20:.2f}".rstrip("0")


def test_money_moves_between_sides_by_the_names_of_dexes() -> None:
    made = bench(usd=100.0)
    before = whole(made)
    assert move(made, "xyz", "flx", 40.0)["status"] == "ok"
    assert move(made, "flx", "spot", 15.0)["status"] == "ok"
    assert move(made, "spot", "", 5.0)["status"] == "ok"
    assert (made.alice.dexes_1e8, made.alice.spot_1e8) == ({1: 60 * USD_1E8, 2: 25 * USD_1E8}, 10 * USD_1E8)
    assert move(made, "xyz", "abc", 1.0)["response"] == "Invalid send"
    assert move(made, "xyz", "xyz", 1.0)["response"] == "Invalid send"
    assert whole(made) == before
    row = made.read("userNonFundingLedgerUpdates", startTime=0)[-2]["delta"]
    assert (row["type"], row["sourceDex"], row["destinationDex"]) == ("send", "flx", "spot")


def test_a_unified_account_backs_every_dex_with_one_balance() -> None:
    made = bench(mode="unified")
    assert "filled" in made.place(leg("xyz:TSLA", "B", "400.01", "2", "Ioc"))[0]
    worth = float(made.read("clearinghouseState", dex="xyz")["marginSummary"]["totalMarginUsed"])
    assert worth == pytest.approx(80.0, abs=0.1)
    assert float(made.read("spotClearinghouseState")["balances"][0]["hold"]) == pytest.approx(worth)
    assert made.alice.dexes_1e8 == {}
    assert move(made, "spot", "xyz", 1.0)["response"] == "Unified account only supports sending assets through spot"


def test_the_way_into_unified_mode_takes_the_money_of_all_dexes_along() -> None:
    made = bench(usd=250.0)
    made.do(UserSetAbstraction("0x66eee", "Testnet", made.alice.address, "unifiedAccount", START_MS))
    assert (made.alice.spot_1e8, made.alice.raw_1e8, made.alice.dexes_1e8) == (10_000 * USD_1E8, 0, {})
    assert made.read("perpDexStatus", dex="xyz") == {"totalNetDeposit": "250.0"}  # Bob's
    assert "resting" in made.place(leg("xyz:TSLA", "B", "399.5", "20"))[0]


def test_money_is_conserved_through_trades_between_users_of_a_dex() -> None:
    made = bench()
    before = whole(made)
    made.place(leg("xyz:TSLA", "A", "400.0", "3"), user=made.bob)
    made.place(leg("xyz:TSLA", "B", "400.0", "3", "Ioc"))
    made.mark("xyz:TSLA", 410.0)
    made.place(leg("xyz:TSLA", "B", "400.0", "3"), user=made.bob)
    made.place(leg("xyz:TSLA", "A", "400.0", "3", "Ioc"))
    fees = sum(round(float(row["fee"]) * USD_1E8) for user in (made.alice, made.bob) for row in user.fills)
    assert (made.alice.szi(TSLA.index), made.bob.szi(TSLA.index)) == (0, 0)
    assert whole(made) == before - fees


# margin


def test_leverage_is_isolated_and_within_what_the_dex_lists() -> None:
    made = bench()
    assert made.do(UpdateLeverage(TSLA_ID, is_cross=True, leverage=5))["response"] == (
        "Cross margin is not allowed for this asset."
    )
    assert made.do(UpdateLeverage(TSLA_ID, is_cross=False, leverage=11))["response"] == "Invalid leverage value"
    assert made.do(UpdateLeverage(GOLD_ID, is_cross=False, leverage=20))["status"] == "ok"
    assert made.read("activeAssetData", coin="xyz:GOLD")["leverage"] == {
        "type": "isolated",
        "value": 20,
        "rawUsd": "0.0",
    }


def test_margin_goes_in_from_the_dex_and_out_only_without_the_strict_mode() -> None:
    made = bench()
    made.place(leg("xyz:TSLA", "B", "400.01", "1", "Ioc"), leg("xyz:GOLD", "B", "500.01", "1", "Ioc"))
    free = made.alice.ledger_1e8(1)
    for asset in (TSLA_ID, GOLD_ID):
        assert made.do(UpdateIsolatedMargin(asset, is_buy=True, ntli=50_000_000))["status"] == "ok"
    assert made.alice.ledger_1e8(1) == free - 100 * USD_1E8
    assert made.do(UpdateIsolatedMargin(TSLA_ID, is_buy=True, ntli=-10_000_000))["response"] == (
        "Cannot remove isolated margin for this asset. To remove margin, reduce the position."
    )
    assert made.do(UpdateIsolatedMargin(GOLD_ID, is_buy=True, ntli=-10_000_000))["status"] == "ok"
    assert made.do(TopUpIsolatedOnlyMargin(TSLA_ID, "2.0"))["status"] == "ok"
    assert made.alice.positions[TSLA.index].worth_1e8(made.state.marks[TSLA.index]) == 200 * USD_1E8
    assert made.alice.raw_1e8 == 9_000 * USD_1E8


def test_a_position_is_liquidated_alone_and_leaves_every_other_dex_as_it_was() -> None:
    made = bench()
    made.place(leg("xyz:TSLA", "B", "400.05", "5", "Ioc"), leg("BTC", "B", "99990", "0.01"))
    before = whole(made)
    made.mark("xyz:TSLA", 366.0)
    assert made.alice.szi(TSLA.index) == 0
    assert whole(made) == before + round(5 * (366 - 400) * USD_1E8)
    assert made.alice.raw_1e8 == 9_000 * USD_1E8
    assert len(made.alice.open) == 1
    assert made.state.liquidator.szi(TSLA.index) == 5_000


# fees, volume, prices, funding


@pytest.mark.parametrize(
    ("coin", "px", "crossed", "bps"),
    [
        ("xyz:TSLA", 400.01, True, 0.9),
        ("xyz:GOLD", 500.01, True, 9.0),
        ("flx:COIN", 150.01, True, 6.75),
        ("xyz:GOLD", 500.0, False, 3.0),
    ],
)
def test_fees_are_those_of_the_first_dex_times_scale_and_growth(
    coin: str, px: float, *, crossed: bool, bps: float
) -> None:
    made = bench()
    move(made, "", "flx", 500.0)
    if crossed:
        made.place(leg(coin, "B", f"{px}", "1", "Ioc"))
    else:
        made.place(leg(coin, "B", f"{px}", "1"))
        made.flow.hit(made.state.listing.by_coin[coin], SELL, round(px * 1000), 1_000)
        made.block()
    (row,) = made.alice.fills
    assert float(row["fee"]) == pytest.approx(px * bps / 1e4, abs=1e-8)
    assert row["feeToken"] == "USDC"


def test_rebates_know_growth_but_no_scale() -> None:
    """The recorded maker fill of 4.66 xyz:NVDA at 179.21 paid -0.002505, as rebate3 does in growth mode."""
    made = bench(fee_tier="rebate3")
    for coin, px, bps in (("xyz:TSLA", 400.0, -0.03), ("xyz:GOLD", 500.0, -0.3)):
        instrument = made.state.listing.by_coin[coin]
        made.place(leg(coin, "B", f"{px}", "1"))
        made.flow.hit(instrument, SELL, instrument.ticks(px), 1_000)
        made.block()
        assert float(made.alice.fills[-1]["fee"]) == pytest.approx(px * bps / 1e4, abs=1e-8)


def test_volume_in_growth_mode_counts_a_tenth() -> None:
    made = bench()
    made.place(leg("xyz:TSLA", "B", "400.01", "1", "Ioc"))
    assert made.alice.volume_1e8 == 40_001 * USD_1E8 // 1_000
    made.place(leg("xyz:GOLD", "B", "500.01", "1", "Ioc"))
    assert made.read("userRateLimit")["cumVlm"] == "540.011"


def test_the_premium_is_that_of_the_middle_of_the_impact_prices() -> None:
    made = bench()
    for side, px in ((BUY, 399.0), (SELL, 400.0)):
        made.flow.rest(TSLA, side, TSLA.ticks(px), TSLA.lots(100))
    made.mark("xyz:TSLA", 399.6)
    (context, _) = made.read("metaAndAssetCtxs", dex="xyz")[1]
    bid, ask = map(float, context["impactPxs"])
    assert float(context["premium"]) == pytest.approx((bid + ask) / 2 / 399.6 - 1, abs=1e-6)
    assert float(context["premium"]) != 0


def test_the_deployer_scales_the_funding_rate_and_sets_the_interest() -> None:
    made = bench(prices="documented")
    tsla, gold = made.read("metaAndAssetCtxs", dex="xyz")[1]
    (coin,) = made.read("metaAndAssetCtxs", dex="flx")[1]
    assert (tsla["funding"], gold["funding"], coin["funding"]) == ("0.0000125", "0.00000625", "0.0")
    made.place(leg("xyz:GOLD", "B", "500.01", "1", "Ioc"))
    made.block(after_ms=3_700_000)
    (paid,) = made.read("userFunding", startTime=0)
    assert paid["delta"]["coin"] == "xyz:GOLD"
    assert made.read("fundingHistory", coin="xyz:GOLD", startTime=0)[-1]["coin"] == "xyz:GOLD"


def test_a_mark_moves_one_percent_at_a_time_and_that_of_the_first_dex_at_once() -> None:
    made = bench(prices="documented")
    for coin in (TSLA, ETH):
        px = coin.ticks(MID[coin.coin] * 3)
        made.flow.hit(coin, BUY, px, coin.lots(10_000 / MID[coin.coin]))
        for side, at in ((BUY, px - 100), (SELL, px + 100)):
            made.flow.rest(coin, side, at, coin.lots(100))
    marks = []
    for _ in range(3):
        for coin in (TSLA, ETH):
            made.flow.mark(coin, MID[coin.coin] * 3)
        made.block(after_ms=3_000)
        marks.append([made.state.marks[coin.index] / coin.ticks(MID[coin.coin]) for coin in (TSLA, ETH)])
    assert [mark for mark, _ in marks] == pytest.approx([1.01, 1.0201, 1.030301], rel=1e-4)
    assert [mark for _, mark in marks] == pytest.approx([3.0, 3.0, 3.0], rel=0.01)


def test_without_its_deployer_the_oracle_stands_still_and_the_mark_is_that_of_the_book() -> None:
    made = bench(prices="documented")
    assert happen(made, OracleSilence(dex="xyz", for_s=30.0)) is None
    px = TSLA.ticks(420.0)
    made.flow.hit(TSLA, BUY, px, TSLA.lots(1_000))
    for side, at in ((BUY, px - 100), (SELL, px + 100)):
        made.flow.rest(TSLA, side, at, TSLA.lots(100))
    marks = []
    for after_ms in (3_000, 3_000, 5_000, 20_000):
        made.flow.mark(TSLA, 420.0)
        made.block(after_ms=after_ms)
        marks.append((made.state.by_coin["xyz:TSLA"].oracle_ticks, made.state.marks[TSLA.index]))
    assert marks[:2] == [(400_000, 400_000)] * 2
    assert marks[2][0] == 400_000
    assert px - 100 <= marks[2][1] <= px + 100
    assert marks[3][0] == px
    assert happen(made, OracleSilence(dex="")) == "'' is not a builder-deployed dex"


def test_open_interest_is_capped_by_its_notional() -> None:
    made = bench(dexes=(CAPPED, DEXES[1]))
    assert made.read("perpsAtOpenInterestCap", dex="xyz") == ["xyz:TSLA"]
    assert made.read("perpsAtOpenInterestCap") == []
    (refused,) = made.place(leg("xyz:TSLA", "B", "399.5", "1"))
    assert refused["error"].startswith("Order would increase open interest while open interest is capped")


# halts


def test_a_halt_ends_orders_settles_positions_at_mark_and_refuses_what_comes() -> None:
    made = bench()
    made.place(leg("xyz:TSLA", "B", "399.5", "1"), leg("xyz:TSLA", "B", "400.05", "2", "Ioc"))
    made.place(leg("xyz:GOLD", "B", "499", "1"))
    made.mark("xyz:TSLA", 405.0)
    before = whole(made)
    assert happen(made, Halt(coin="xyz:TSLA")) is None
    assert whole(made) == before
    assert [order.instrument.coin for order in made.alice.open.values()] == ["xyz:GOLD"]
    assert (made.alice.szi(TSLA.index), made.alice.fills[-1]["px"]) == (0, "405.0")
    (refused,) = made.place(leg("xyz:TSLA", "B", "399.5", "1"))
    assert refused == {"error": f"Trading is halted. asset={TSLA_ID}"}
    tsla = made.read("metaAndAssetCtxs", dex="xyz")
    assert list(tsla[0]["universe"][0])[4:7] == ["onlyIsolated", "isDelisted", "marginMode"]
    shown = tsla[1][0]
    assert (shown["markPx"], shown["midPx"], shown["impactPxs"], shown["premium"]) == ("405.0", None, None, None)
    assert (shown["funding"], shown["openInterest"]) == ("0.0", "0.0")
    assert made.read("l2Book", coin="xyz:TSLA")["levels"] == [[], []]
    assert happen(made, Halt(coin="xyz:TSLA", halted=False)) is None
    assert "resting" in made.place(leg("xyz:TSLA", "B", "399.5", "1"))[0]
    assert "isDelisted" not in made.read("meta", dex="xyz")["universe"][0]


def test_only_coins_of_builders_can_be_halted_and_only_once() -> None:
    made = bench()
    assert halt(made.state, "BTC") == "BTC is of the first dex, which nobody can halt; delist ends one of its coins"
    assert halt(made.state, "xyz:ABC") == "xyz:ABC is not listed"
    assert resume(made.state, "xyz:TSLA") == "xyz:TSLA is not halted"
    assert halt(made.state, "xyz:TSLA") is None
    assert halt(made.state, "xyz:TSLA") == "xyz:TSLA is halted already"


# streams


def test_streams_go_by_the_name_of_the_coin_or_by_dex() -> None:
    made = bench()
    coins, dexes, user = frozenset(made.state.by_coin), made.state.listing.by_dex, made.alice.address
    wanted = [{"type": kind, "coin": "xyz:TSLA"} for kind in ("bbo", "trades", "activeAssetCtx", "l2Book")]
    wanted += [{"type": kind, "user": user, "dex": "xyz"} for kind in ("clearinghouseState", "openOrders")]
    wanted += [
        {"type": "allMids", "dex": "xyz"},
        {"type": "assetCtxs", "dex": "xyz"},
        {"type": "webData3", "user": user},
    ]
    wanted += [{"type": "allDexsAssetCtxs"}, {"type": "allDexsClearinghouseState", "user": user}]
    topics = [found for one in wanted if (found := topic(one, coins, dexes)) is not None]
    assert len(topics) == len(wanted)
    assert [one.echo().get("dex") for one in topics] == [*[None] * 4, *["xyz"] * 4, *[None] * 3]
    told = BlockFrames(made.state)
    frames = [json.loads(message) for one in topics for message in told.first(made.state, one, alone=True)]
    made.flow.mark(TSLA, 401.0)
    made.place(leg("xyz:TSLA", "B", "400.05", "20", "Ioc"), leg("xyz:TSLA", "B", "399", "1"))
    frames += [json.loads(message) for _, message in told.after_block(made.state, topics)]
    by_channel = {frame["channel"]: frame["data"] for frame in frames}
    assert by_channel["bbo"]["coin"] == by_channel["trades"][0]["coin"] == "xyz:TSLA"
    assert by_channel["activeAssetCtx"]["ctx"]["markPx"] == "401.0"
    assert by_channel["allMids"] == {"dex": "xyz", "mids": by_channel["allMids"]["mids"]}
    assert by_channel["allMids"]["mids"].keys() == {"xyz:TSLA", "xyz:GOLD"}
    assert [row["coin"] for row in by_channel["openOrders"]["orders"]] == ["xyz:TSLA"]
    assert by_channel["clearinghouseState"]["dex"] == by_channel["openOrders"]["dex"] == "xyz"
    assert [name for name, _ in by_channel["allDexsAssetCtxs"]["ctxs"]] == ["", "xyz", "flx"]
    assert [name for name, _ in by_channel["allDexsClearinghouseState"]["clearinghouseStates"]] == ["", "xyz", "flx"]
    assert len(by_channel["webData3"]["perpDexStates"]) == 3
    assert topic({"type": "allMids", "dex": "abc"}, coins, dexes) is None


# settings


def test_a_dex_coin_has_the_market_of_another_coin_or_one_of_its_own() -> None:
    made = PerpDex("xyz", (DexCoin("TSLA", like="ETH", px=400.0, sz_decimals=3), DexCoin("GOLD")))
    flow = build_flow(VenueSettings(coins=("BTC",), dexes=(made,)))
    assert [row.coin for row in flow.instruments()] == ["BTC", "xyz:TSLA", "xyz:GOLD"]
    bid = flow.markets()["xyz:TSLA"].bbo().bid
    assert bid is not None
    assert bid.px_ticks == pytest.approx(400_000, rel=0.01)
    assert flow.context("xyz:TSLA").open_interest == pytest.approx(2_500.0, rel=0.1)
    params = market_params(None, ("BTC",), 1)
    own = msgspec.structs.replace(params.coins[0], coin="xyz:GOLD", px=5_000.0)
    given = msgspec.structs.replace(params, coins=(*params.coins, own))
    assert market_params(given, (), 1, (made,)).coins[-1] == own
    with pytest.raises(ConfigurationError, match="no dex lists"):
        market_params(given, (), 1)


def test_a_bad_dex_is_refused_with_what_is_wrong_with_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        scenario_text(BAD, "bad.yaml")
    for said in (
        "bad.yaml:4: market.dexes.0.name is spot, which transfers read as the spot side; choose another",
        "bad.yaml:5: market.dexes.0.fee_scale is 5, more than 3 goes with growth mode of every coin only",
        "bad.yaml:6: market.dexes.0.coins names TSLA twice",
        "bad.yaml:6: market.dexes.0.coins of TSLA names like NOPE, must be one of",
        "bad.yaml:7: market.dexes.1.name is 'Long-Name', must be text like ^[a-z0-9]{2,6}$",
    ):
        assert said in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"market\.dexes goes with synthetic flow only"):
        scenario_text("market: {tape: x, dexes: [{name: xyz, coins: [{coin: TSLA}]}]}")
    with pytest.raises(ConfigurationError, match=r"market\.dexes names xyz twice"):
        scenario_text("market: {dexes: [{name: xyz, coins: [{coin: A}]}, {name: xyz, coins: [{coin: B}]}]}")


def test_the_order_of_books_is_that_of_the_flow_not_of_the_ids() -> None:
    made = Bench(dexes=(DEXES[1], DEXES[0]))
    assert made.state.listing.by_coin["flx:COIN"].asset == 110_000
    assert made.state.books[COIN.index].coin.coin == "flx:COIN"
    assert made.state.books[GOLD.index].coin.asset == 120_001
