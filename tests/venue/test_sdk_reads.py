"""The official SDK reads; replies have the keys, order and types of recorded ones.

Skeletons are taken from MIT-licensed recordings: go-hyperliquid cassettes (2025-08 to 2026-02), the official SDK's
cassettes (2025-08), and JKorf/HyperLiquid.Net samples.
"""

import re
from typing import Any

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import Client, client, served, with_settings

ALO: Any = {"limit": {"tif": "Alo"}}
DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.(0|\d*[1-9])")

SUMMARY = {"accountValue": "str", "totalNtlPos": "str", "totalRawUsd": "str", "totalMarginUsed": "str"}
POSITION = {
    "coin": "str",
    "szi": "str",
    "leverage": {"type": "str", "value": "int"},
    "entryPx": "str",
    "positionValue": "str",
    "unrealizedPnl": "str",
    "returnOnEquity": "str",
    "liquidationPx": "str?",
    "marginUsed": "str",
    "maxLeverage": "int",
    "cumFunding": {"allTime": "str", "sinceOpen": "str", "sinceChange": "str"},
}
CLEARINGHOUSE = {
    "marginSummary": SUMMARY,
    "crossMarginSummary": SUMMARY,
    "crossMaintenanceMarginUsed": "str",
    "withdrawable": "str",
    "assetPositions": [{"type": "str", "position": POSITION}],
    "time": "int",
}
FULL_ORDER = {
    "coin": "str",
    "side": "str",
    "limitPx": "str",
    "sz": "str",
    "oid": "int",
    "timestamp": "int",
    "triggerCondition": "str",
    "isTrigger": "bool",
    "triggerPx": "str",
    "children": [],
    "isPositionTpsl": "bool",
    "reduceOnly": "bool",
    "orderType": "str",
    "origSz": "str",
    "tif": "str",
    "cloid": "str?",
}
ORDER_STATUS = {"order": FULL_ORDER, "status": "str", "statusTimestamp": "int"}
FILL = {
    "coin": "str",
    "px": "str",
    "sz": "str",
    "side": "str",
    "time": "int",
    "startPosition": "str",
    "dir": "str",
    "closedPnl": "str",
    "hash": "str",
    "oid": "int",
    "crossed": "bool",
    "fee": "str",
    "tid": "int",
    "feeToken": "str",
    "twapId": "int?",
}
CONTEXT = {
    "funding": "str",
    "openInterest": "str",
    "prevDayPx": "str",
    "dayNtlVlm": "str",
    "premium": "str",
    "oraclePx": "str",
    "markPx": "str",
    "midPx": "str",
    "impactPxs": ["str"],
    "dayBaseVlm": "str",
}
BALANCE = {"coin": "str", "token": "int", "total": "str", "hold": "str", "entryNtl": "str"}


def conforms(value: Any, skeleton: Any, path: str = "") -> None:
    """Same keys in the same order, same types; `str?` may be null."""
    if isinstance(skeleton, dict):
        assert list(value) == list(skeleton), path
        for key, inner in skeleton.items():
            conforms(value[key], inner, f"{path}.{key}")
    elif isinstance(skeleton, list):
        assert isinstance(value, list), path
        for item in value if skeleton else ():
            conforms(item, skeleton[0], path + "[]")
    else:
        assert type(value).__name__ == skeleton.rstrip("?") or (value is None and skeleton.endswith("?")), path


@pytest.fixture
def busy(alice: Client) -> Client:
    """A user with a position, a resting order and history."""
    alice.statuses(alice.exchange.market_open("BTC", is_buy=True, sz=0.01))
    alice.statuses(alice.buy("ETH", 0.1, float(f"{alice.touch('ETH')[0] * 0.9:.4g}"), ALO))
    return alice


def test_account_reads_conform(busy: Client) -> None:
    info, user = busy.info, busy.address
    state = info.user_state(user)
    assert state["assetPositions"]
    conforms(state, CLEARINGHOUSE)
    (row,) = info.frontend_open_orders(user)
    conforms(row, FULL_ORDER)
    conforms(info.query_order_by_oid(user, row["oid"]), {"status": "str", "order": ORDER_STATUS})
    conforms(info.historical_orders(user)[:5], [ORDER_STATUS])
    conforms(info.user_fills(user)[:5], [FILL])
    conforms(info.user_fills_by_time(user, 0), [FILL])
    conforms(
        info.post("/info", {"type": "activeAssetData", "user": user, "coin": "BTC"}),
        {
            "user": "str",
            "coin": "str",
            "leverage": {"type": "str", "value": "int"},
            "maxTradeSzs": ["str"],
            "availableToTrade": ["str"],
            "markPx": "str",
        },
    )
    conforms(
        info.user_rate_limit(user),
        {"cumVlm": "str", "nRequestsUsed": "int", "nRequestsCap": "int", "nRequestsSurplus": "int"},
    )
    conforms(info.extra_agents(user), [{"name": "str", "address": "str", "validUntil": "int"}])


def test_open_orders_hide_what_the_venue_hides(busy: Client) -> None:
    (row,) = busy.info.open_orders(busy.address)
    assert list(row) == ["coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz"]


def test_market_reads_conform(alice: Client) -> None:
    info = alice.info
    meta, contexts = info.meta_and_asset_ctxs()
    assert len(contexts) == len(meta["universe"])
    conforms([row for row in contexts if row["midPx"] is not None], [CONTEXT])
    conforms(meta["universe"][0], {"szDecimals": "int", "name": "str", "maxLeverage": "int", "marginTableId": "int"})
    delisted = [i for i, row in enumerate(meta["universe"]) if row.get("isDelisted")]
    assert len(delisted) == 1
    assert contexts[delisted[0]]["midPx"] is None
    level = {"px": "str", "sz": "str", "n": "int"}
    conforms(info.l2_snapshot("BTC"), {"coin": "str", "time": "int", "levels": [[level]]})
    coarse = info.post("/info", {"type": "l2Book", "coin": "BTC", "nSigFigs": 3})
    conforms(coarse, {"coin": "str", "time": "int", "levels": [[level]], "spread": "str"})
    assert set(info.all_mids()) == {row["name"] for row in meta["universe"] if not row.get("isDelisted")}
    assert info.post("/info", {"type": "perpDexs"}) == [None]
    assert info.post("/info", {"type": "exchangeStatus"})["specialStatuses"] is None
    assert info.post("/info", {"type": "marginTable", "id": 56})["marginTiers"][1]["maxLeverage"] == 20


def test_decimals_have_no_trailing_zeros(busy: Client) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, str) and re.fullmatch(r"-?[\d.]+", inner):
                    assert DECIMAL.fullmatch(inner), (key, inner)
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(busy.info.user_state(busy.address))
    walk(busy.info.user_fills(busy.address)[:20])
    walk(busy.info.l2_snapshot("DOGE"))
    walk(busy.info.post("/info", {"type": "userFees", "user": busy.address}))


def test_an_agents_address_shows_an_empty_account_and_no_error(venue: RunningVenue, busy: Client) -> None:
    agent = venue.accounts[0].agent.address
    assert busy.info.user_state(agent)["marginSummary"]["accountValue"] == "0.0"
    assert busy.info.open_orders(agent) == []
    assert busy.info.user_fills(agent) == []
    role = busy.info.post("/info", {"type": "userRole", "user": agent})
    assert role == {"role": "agent", "data": {"user": busy.address}}
    assert busy.info.post("/info", {"type": "userRole", "user": busy.address}) == {"role": "user"}
    assert busy.info.post("/info", {"type": "userRole", "user": "0x" + "9" * 40}) == {"role": "missing"}


def test_fee_tiers_are_shown_and_charged() -> None:
    with served(with_settings(fee_tier="vip4")) as running, client(running) as alice:
        fees = alice.info.user_fees(alice.address)
        assert (fees["userCrossRate"], fees["userAddRate"]) == ("0.00028", "0.0")
        alice.statuses(alice.exchange.market_open("SOL", is_buy=True, sz=1))
        for fill in alice.info.user_fills(alice.address):
            assert abs(float(fill["fee"]) - float(fill["px"]) * float(fill["sz"]) * 0.00028) <= 1e-8


def test_each_mode_shows_money_where_the_venue_shows_it() -> None:
    with served(with_settings(mode="unified")) as running, client(running) as alice:
        assert alice.info.post("/info", {"type": "userAbstraction", "user": alice.address}) == "unifiedAccount"
        assert alice.info.user_state(alice.address)["withdrawable"] == "0.0"
        spot = alice.info.spot_user_state(alice.address)
        conforms(spot["balances"], [BALANCE])
        assert spot["balances"][0]["total"] == "10000.0"
        assert spot["tokenToAvailableAfterMaintenance"] == [[0, "10000.0"]]


def test_a_standard_account_shows_its_money_in_perps(alice: Client) -> None:
    assert alice.info.post("/info", {"type": "userAbstraction", "user": alice.address}) == "default"
    assert float(alice.info.user_state(alice.address)["withdrawable"]) > 9_000
