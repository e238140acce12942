"""Equity to the cent in every account mode, each dollar counted once (HL §1.7, §1.8, §8.6)."""

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from portfolio_mm.domain.errors import ConfigurationError, MalformedMessage, PreflightError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.account import Replies, account_truth, read_account, read_money, refresh_account
from portfolio_mm.hyperliquid.collateral import fees_on
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import Universe, instruments_from, instruments_of, load_instruments, tiers_of
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.models.liquidation import Tier
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.modes import Mode
from portfolio_mm.venue.settings import VenueSettings
from tests.hyperliquid.rig import rig

MASTER, AGENT, NOBODY = ("0x" + digit * 40 for digit in "abc")


def summary(value: str, used: str) -> dict[str, str]:
    return {"accountValue": value, "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": used}


def perp(value: str, used: str, maintenance: str, positions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "marginSummary": summary(value, used),
        "crossMarginSummary": summary(value, used),
        "crossMaintenanceMarginUsed": maintenance,
        "withdrawable": "0.0",
        "assetPositions": [{"type": "oneWay", "position": position} for position in positions],
        "time": 1790360864964,
    }


LONG = {
    "coin": "BTC",
    "szi": "4.5",
    "leverage": {"type": "cross", "value": 10},
    "entryPx": "81285.0",
    "positionValue": "377667.0",
    "unrealizedPnl": "11884.306507",
    "liquidationPx": "74501.802790436",
    "marginUsed": "37766.7",
    "maxLeverage": 40,
}
SHORT = {
    **LONG,
    "coin": "ETH",
    "szi": "-0.1",
    "unrealizedPnl": "-0.500001",
    "marginUsed": "25.9168",
    "positionValue": "259.168",
    "liquidationPx": None,
}
EMPTY = perp("0.0", "0.0", "0.0", [])
FEES = {"userAddRate": "0.00015", "userCrossRate": "0.00045"}
BUDGET = {"cumVlm": "2854574.593578", "nRequestsUsed": 2890, "nRequestsCap": 2864574, "nRequestsSurplus": 7}


def usdc(total: str, **extra: str) -> dict[str, Any]:
    hype = {"coin": "HYPE", "token": 150, "total": "5.2", "hold": "0", "entryNtl": "75.4"}
    return {"balances": [hype, {"coin": "USDC", "token": 0, "total": total, "hold": "0.0", "entryNtl": "0.0", **extra}]}


def truth(mode: str, perps: dict[str, Any], spot: dict[str, Any]) -> Any:
    return account_truth(MASTER, Replies(mode, {"": perps}, spot, FEES, BUDGET))


@pytest.mark.parametrize("word", ["default", "disabled"])
def test_a_standard_account_is_worth_its_perp_value(word: str) -> None:
    account = truth(word, perp("38252.7", "37766.7", "4720.8375", [LONG]), usdc("500.0"))
    assert account.mode is AccountMode.STANDARD
    assert (account.equity_usd, account.free_usd, account.margin_used_usd) == (38252.70, 486.00, 37766.70)
    assert (account.maintenance_usd, account.idle_spot_usd) == (4720.8375, 500.00)
    (position,) = account.positions
    assert (position.szi, position.unrealised_1e8, position.is_cross) == ("4.5", 1_188_430_650_700, True)
    assert (account.maker_fee_bps, account.taker_fee_bps) == pytest.approx((1.5, 4.5))
    assert (account.address_used, account.address_cap, account.address_surplus) == (2890, 2864574, 7)


def test_spot_money_of_a_standard_account_is_no_collateral() -> None:
    account = truth("disabled", EMPTY, usdc("161.09"))
    assert (account.equity_usd, account.free_usd, account.idle_spot_usd) == (0.00, 0.00, 161.09)


def test_a_unified_account_is_worth_its_spot_cash_plus_unrealised_profit() -> None:
    # perp value and withdrawable of such an account read 25.9264 and 0.0096 (HL §8.6): both mean nothing
    account = truth("unifiedAccount", perp("25.9264", "25.9168", "5.0", [SHORT]), usdc("978.08"))
    assert account.mode is AccountMode.UNIFIED
    assert (account.equity_1e8, account.idle_spot_1e8) == (97_757_999_900, 0)
    assert round(account.equity_usd, 2) == 977.58
    assert account.free_usd == pytest.approx(951.66, abs=0.005)


def test_portfolio_margin_counts_dollars_only_and_not_the_borrowed_ones() -> None:
    account = truth("portfolioMargin", perp("1.0", "25.9168", "5.0", [SHORT]), usdc("1000.25", borrowed="200.0"))
    assert account.mode is AccountMode.PORTFOLIO_MARGIN
    assert account.equity_usd == pytest.approx(799.75, abs=1e-5)


def test_free_collateral_is_never_negative() -> None:
    assert truth("disabled", perp("10.0", "12.0", "5.0", []), usdc("0")).free_usd == 0.0


ALONE = {
    **LONG,
    "coin": "xyz:TSLA",
    "leverage": {"type": "isolated", "value": 5, "rawUsd": "-200.0"},
    "positionValue": "400.0",
    "unrealizedPnl": "10.0",
    "marginUsed": "200.0",
    "maxLeverage": 10,
}


def dexes(mode: str, first: dict[str, Any], other: dict[str, Any], spot: dict[str, Any], *traded: str) -> Any:
    replies = Replies(mode, {"": first, "xyz": other}, spot, FEES, BUDGET, traded)
    return account_truth(MASTER, replies)


def with_one_alone(value: str) -> dict[str, Any]:
    """A dex whose ledger holds `value` beside an isolated position of 200 USD margin."""
    state = perp(value, "0.0", "0.0", [ALONE])
    return {**state, "marginSummary": summary(str(float(value) + 200.0), "200.0")}


def test_each_dex_of_a_standard_account_has_money_of_its_own() -> None:
    first, other = perp("1000.0", "100.0", "5.0", []), with_one_alone("300.0")
    account = dexes("disabled", first, other, usdc("7.0"), "", "xyz")
    assert (account.equity_usd, account.idle_spot_usd, account.idle_dexes_1e8) == (1_500.0, 7.0, 0)
    assert [(pot.name, pot.equity_1e8, pot.free_1e8, pot.maintenance_1e8) for pot in account.pots] == [
        ("perps", 1_000 * 10**8, 900 * 10**8, 5 * 10**8),
        ("dex xyz", 300 * 10**8, 300 * 10**8, 0),
        ("isolated xyz:TSLA", 200 * 10**8, 0, 20 * 10**8),
    ]
    assert account.free_usd == 1_200.0
    alone = dexes("disabled", first, other, usdc("7.0"), "xyz")
    assert (alone.equity_usd, alone.idle_dexes_1e8) == (500.0, 1_000 * 10**8), "what is not traded backs nothing"


def test_one_balance_backs_every_dex_of_a_unified_account_but_for_isolated_margin() -> None:
    account = dexes("unifiedAccount", perp("25.9", "100.0", "5.0", [SHORT]), with_one_alone("0.0"), usdc("1000.0"), "")
    equity = 1_000.0 + 10.0 - 0.500001
    assert account.equity_usd == pytest.approx(equity)
    cross, alone = account.pots
    assert (cross.dexes, cross.equity_1e8 / 1e8) == (("", "xyz"), pytest.approx(equity - 200.0))
    assert (cross.free_1e8 / 1e8, alone.coin) == (pytest.approx(equity - 300.0), "xyz:TSLA")
    assert account.free_usd == pytest.approx(equity - 300.0)
    assert sum(pot.equity_1e8 for pot in account.pots) == account.equity_1e8, "each dollar in one pot"


def test_portfolio_margin_ends_above_maintenance() -> None:
    (pot,) = truth("portfolioMargin", perp("1.0", "25.9168", "75.0", [SHORT]), usdc("1000.0")).pots
    assert pot.maintenance_1e8 / 1e8 == pytest.approx((75.0 + 20.0) / 0.95)  # HL §8.8


def test_fees_are_those_charged() -> None:
    fees = {**FEES, "activeReferralDiscount": "0.04"}
    account = account_truth(MASTER, Replies("default", {"": EMPTY}, usdc("1.0"), fees, BUDGET))
    assert (account.maker_fee_bps, account.taker_fee_bps) == pytest.approx((1.44, 4.32))
    doubled = Instrument("xyz:TSLA", 110_000, 0, 3, 10, fee_scale=2.0)
    assert fees_on(account.maker_fee_bps, account.taker_fee_bps, doubled) == pytest.approx((2.88, 8.64))


@pytest.mark.parametrize("mode", ["standard", "unified", "portfolio"])
async def test_what_is_free_where_is_what_the_venue_says(mode: Mode) -> None:
    dex = PerpDex("xyz", (DexCoin("TSLA"),))
    async with rig(VenueSettings(coins=("BTC", "ETH"), dexes=(dex,), mode=mode, deposit_usd=20_000.0)) as r:
        account = await read_account(r.info, r.user, ("", "xyz"))
        for coin, where in (("BTC", ""), ("xyz:TSLA", "xyz")):
            pot = account.pot_of(where)
            assert pot is not None
            said = await r.info.post({"type": "activeAssetData", "user": r.user, "coin": coin})
            assert pot.free_1e8 / 1e8 == pytest.approx(float(said["availableToTrade"][0]))


def test_an_unknown_mode_stops_before_anything_is_traded() -> None:
    with pytest.raises(PreflightError, match=r"dexAbstraction.*set it to unifiedAccount or disabled"):
        truth("dexAbstraction", EMPTY, usdc("1"))
    with pytest.raises(MalformedMessage, match="crossMaintenanceMarginUsed"):
        truth("disabled", {k: v for k, v in EMPTY.items() if k != "crossMaintenanceMarginUsed"}, usdc("1"))


@contextlib.asynccontextmanager
async def books(accounts: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> AsyncIterator[InfoClient]:
    """An /info that knows these accounts, one agent, and answers empty for everyone else, as the venue does."""

    async def info(request: web.Request) -> web.Response:
        body = await request.json()
        perps, spot = accounts.get(body["user"], (EMPTY, {"balances": []}))
        roles = {MASTER: {"role": "user"}, AGENT: {"role": "agent", "data": {"user": MASTER}}}
        return web.json_response(
            {
                "clearinghouseState": perps,
                "spotClearinghouseState": spot,
                "userAbstraction": "unifiedAccount",
                "userFees": FEES,
                "userRateLimit": BUDGET,
                "userRole": roles.get(body["user"], {"role": "missing"}),
            }[body["type"]]
        )

    app = web.Application()
    app.router.add_post("/info", info)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with InfoClient(f"http://127.0.0.1:{runner.addresses[0][1]}", None, IpBudget()) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_an_agents_address_leads_to_its_master() -> None:
    async with books({MASTER: (EMPTY, usdc("161.09"))}) as info:
        account = await read_account(info, AGENT.upper().replace("X", "x"))
        assert (account.user, account.equity_usd, account.free_usd) == (MASTER, 161.09, 161.09)


async def test_money_in_another_shape_is_malformed() -> None:
    broken = {key: value for key, value in EMPTY.items() if key != "marginSummary"}
    async with books({MASTER: (broken, {"balances": []})}) as info:
        with pytest.raises(MalformedMessage, match="marginSummary"):
            await read_money(info, MASTER, AccountMode.STANDARD)


async def test_an_address_nobody_knows_is_refused() -> None:
    async with books({}) as info:
        with pytest.raises(PreflightError, match=f"does not know {NOBODY}: deposit first"):
            await read_account(info, NOBODY)
        assert (await read_account(info, MASTER)).equity_usd == 0.0


async def test_the_local_venue_and_we_agree_on_equity() -> None:
    async with rig() as r:
        account = await read_account(r.info, r.user)
        assert (account.equity_usd, account.free_usd, account.mode) == (10_000.0, 10_000.0, AccountMode.STANDARD)
        assert (await read_account(r.info, r.signer.address)).user == r.user
        again = await refresh_account(r.info, account)
        assert again.equity_1e8 == account.equity_1e8
        assert again.maker_fee_bps == pytest.approx(account.maker_fee_bps)


@pytest.mark.parametrize("mode", ["standard", "unified"])
async def test_money_alone_costs_four_of_the_weight_and_is_the_same_money(mode: Mode) -> None:
    async with rig(VenueSettings(coins=("BTC", "ETH"), mode=mode)) as r:
        account = await read_account(r.info, r.user)
        before = r.info.budget.used(time.monotonic())
        money = await read_money(r.info, r.user, account.mode)
        assert r.info.budget.used(time.monotonic()) == before + 4
        assert (money.equity_1e8, money.positions) == (account.equity_1e8, account.positions)


META = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "MATIC", "szDecimals": 1, "maxLeverage": 20, "isDelisted": True},
        {"name": "kPEPE", "szDecimals": 0, "maxLeverage": 10, "marginMode": "strictIsolated"},
    ]
}


def test_asset_ids_count_delisted_rows_and_indices_follow_the_caller() -> None:
    pepe, btc = instruments_of(META, ["kPEPE", "BTC"])
    assert (pepe.asset, pepe.index, pepe.only_isolated) == (2, 0, True)
    assert (btc.asset, btc.index, btc.sz_decimals, btc.max_leverage, btc.margin_table) == (0, 1, 5, 40, 56)


@pytest.mark.parametrize(
    ("coins", "kind", "text"),
    [
        (["KPEPE"], ConfigurationError, "'KPEPE' is not listed.*did you mean kPEPE"),
        (["XYZW"], ConfigurationError, "none is near"),
        (["BTC", "BTC"], ConfigurationError, "named twice"),
        ([], ConfigurationError, "no coins"),
        (["MATIC"], PreflightError, "MATIC is delisted"),
    ],
)
def test_coins_that_cannot_be_traded_are_named(coins: list[str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        instruments_of(META, coins)


OF_A_DEX = {
    "universe": [
        {"name": "xyz:OLD", "szDecimals": 1, "maxLeverage": 5, "isDelisted": True},
        {"name": "xyz:TSLA", "szDecimals": 3, "maxLeverage": 10, "marginTableId": 10, "marginMode": "noCross"},
    ],
    "collateralToken": 0,
}


def test_ids_of_a_dex_count_its_place_and_its_delisted_rows() -> None:
    (tsla,) = instruments_from({"xyz": Universe(OF_A_DEX, 2, 0.5)}, ["xyz:TSLA"])
    assert (tsla.asset, tsla.only_isolated, tsla.dex) == (120_001, True, "xyz")  # HL §6.3
    assert (tsla.fee_scale, tsla.rebate_scale) == (1.5, 1.0)  # HL §10.4, a scale under one
    with pytest.raises(PreflightError, match="halted by its deployer, or delisted"):
        instruments_from({"xyz": Universe(OF_A_DEX, 2)}, ["xyz:OLD"])
    with pytest.raises(PreflightError, match="token 5 as collateral"):
        instruments_from({"xyz": Universe({**OF_A_DEX, "collateralToken": 5}, 2)}, ["xyz:TSLA"])


async def test_a_dex_nobody_deployed_is_named() -> None:
    async with rig() as r:
        with pytest.raises(ConfigurationError, match=r"no perp dex 'abc'; it has none besides the first"):
            await load_instruments(r.info, ["ETH", "abc:DEF"])


def test_margin_tiers_come_from_the_tables_or_the_largest_leverage() -> None:
    table = {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 40}]}
    tiers = tiers_of({**META, "marginTables": [[56, table]]})
    assert (tiers["BTC"], tiers["kPEPE"]) == ((Tier(0.0, 40),), (Tier(0.0, 10),))
    with pytest.raises(MalformedMessage, match="margin tables"):
        tiers_of({"universe": [{"name": "BTC"}]})


def test_a_broken_universe_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="maxLeverage"):
        instruments_of({"universe": [{"name": "BTC", "szDecimals": 5}]}, ["BTC"])
