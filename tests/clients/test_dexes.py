"""Builder-deployed dexes before the unmodified clients: the Python SDK, ccxt and the types of the TypeScript SDK."""

import json
import queue
from collections.abc import Iterator
from typing import Any, Final

import ccxt
import eth_account
import pytest
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.process import RunningVenue
from tests.clients.ccxt_client import configuration
from tests.clients.node_client import faults, running
from tests.venue.served import WAIT_S, served, with_settings

XYZ: Final = PerpDex(
    "xyz",
    (
        DexCoin("TSLA", px=399.5, sz_decimals=3, growth_mode=True, funding_multiplier=0.5),
        DexCoin("GOLD", like="ETH", px=4_899.0, max_leverage=20, margin_mode="noCross"),
    ),
)
FLX: Final = PerpDex("flx", (DexCoin("COIN", px=150.0, sz_decimals=3),), fee_scale=0.5)
ALO: Final[Any] = {"limit": {"tif": "Alo"}}
NAMES: Final = ["", "xyz", "flx"]
SYMBOL: Final = "XYZ-TSLA/USDC:USDC"


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with served(with_settings(accounts=4, prior_volume_usd=2e6, coins=("BTC", "ETH"), dexes=(XYZ, FLX))) as made:
        yield made


def exchange(venue: RunningVenue, number: int, *, master: bool = False) -> Exchange:
    account = venue.accounts[number]
    wallet = eth_account.Account.from_key(account.key if master else account.agent.key)
    return Exchange(wallet, venue.url, account_address=account.address, perp_dexs=NAMES, timeout=WAIT_S)


@pytest.fixture(scope="module")
def sdk(venue: RunningVenue) -> Iterator[Exchange]:
    """The first account, standard, with 2,000 USDC in xyz and 500 in flx; it signs with its agent."""
    made, address = exchange(venue, 0, master=True), venue.accounts[0].address
    for dex, usd in (("xyz", 2_000.0), ("flx", 500.0)):
        assert made.send_asset(address, "", dex, USDC, usd)["status"] == "ok"
    agent = exchange(venue, 0)
    yield agent
    for one in (made, agent):
        one.session.close()
        one.info.session.close()


def statuses(reply: Any) -> list[Any]:
    assert reply["status"] == "ok", reply
    return list(reply["response"]["data"]["statuses"])


def best(sdk: Exchange, coin: str) -> tuple[float, float]:
    levels = sdk.info.l2_snapshot(coin)["levels"]
    return float(levels[0][0]["px"]), float(levels[1][0]["px"])


def five(px: float) -> float:
    """The nearest price of five significant figures."""
    return float(f"{px:.5g}")


def test_the_sdk_numbers_the_coins_of_every_dex(sdk: Exchange) -> None:
    assert [dex and dex["name"] for dex in sdk.info.perp_dexs()] == [None, "xyz", "flx"]
    assert [sdk.info.name_to_asset(coin) for coin in ("BTC", "ETH", "xyz:TSLA", "xyz:GOLD", "flx:COIN")] == [
        *(0, 1, 110_000, 110_001, 120_000),
    ]
    assert sdk.info.all_mids("xyz").keys() == {"xyz:TSLA", "xyz:GOLD"}
    assert not [coin for coin in sdk.info.all_mids() if ":" in coin]


def test_the_sdk_places_modifies_and_cancels_on_a_coin_of_a_dex(sdk: Exchange) -> None:
    user, coin = str(sdk.account_address), "xyz:TSLA"
    px, cloid = five(best(sdk, coin)[0] * 0.9), Cloid.from_int(7)
    (placed,) = statuses(sdk.order(coin, is_buy=True, sz=0.1, limit_px=px, order_type=ALO, cloid=cloid))
    oid = placed["resting"]["oid"]
    assert [row["oid"] for row in sdk.info.open_orders(user, dex="xyz")] == [oid]
    assert sdk.info.open_orders(user) == sdk.info.open_orders(user, dex="flx") == []
    assert sdk.info.query_order_by_cloid(user, cloid)["order"]["order"]["coin"] == coin
    assert sdk.modify_order(oid, coin, is_buy=True, sz=0.2, limit_px=px, order_type=ALO, cloid=cloid)["status"] == "ok"
    (row,) = sdk.info.frontend_open_orders(user, dex="xyz")
    assert (row["sz"], row["tif"], row["oid"] > oid) == ("0.2", "Alo", True)
    assert statuses(sdk.cancel_by_cloid(coin, cloid)) == ["success"]
    assert sdk.info.open_orders(user, dex="xyz") == []


def test_the_sdk_opens_and_closes_a_position_on_isolated_margin(sdk: Exchange) -> None:
    user, coin = str(sdk.account_address), "xyz:GOLD"
    assert sdk.update_leverage(5, coin, is_cross=False)["status"] == "ok"
    assert sdk.update_leverage(5, coin, is_cross=True)["response"] == "Cross margin is not allowed for this asset."
    assert "filled" in statuses(sdk.market_open(coin, is_buy=True, sz=0.1))[0]
    state = sdk.info.user_state(user, dex="xyz")
    (position,) = (row["position"] for row in state["assetPositions"])
    assert (position["coin"], position["leverage"]["type"], position["leverage"]["value"]) == (coin, "isolated", 5)
    assert float(position["marginUsed"]) == pytest.approx(0.1 * 4_899 / 5, rel=0.05)
    assert sdk.info.user_state(user)["assetPositions"] == []
    assert sdk.update_isolated_margin(10.0, coin)["status"] == "ok"
    assert "filled" in statuses(sdk.market_close(coin))[0]
    assert sdk.info.user_state(user, dex="xyz")["assetPositions"] == []
    fill = sdk.info.user_fills(user)[0]
    assert fill["coin"] == coin
    assert float(fill["fee"]) == pytest.approx(float(fill["px"]) * float(fill["sz"]) * 0.0009, rel=1e-6)


def test_the_sdk_hears_a_coin_of_a_dex(venue: RunningVenue) -> None:
    info, heard = Info(venue.url, perp_dexs=NAMES, timeout=WAIT_S), queue.Queue[Any]()
    for kind in ("bbo", "activeAssetCtx", "l2Book"):
        wanted: Any = {"type": kind, "coin": "xyz:TSLA"}
        info.subscribe(wanted, heard.put)
    seen: set[str] = set()
    while seen != {"bbo", "activeAssetCtx", "l2Book"}:
        frame = heard.get(timeout=WAIT_S)
        assert frame["data"]["coin"] == "xyz:TSLA"
        seen.add(frame["channel"])
    manager = info.ws_manager
    assert manager is not None
    manager.ws.keep_running = False  # as in served.Listener: the answer to a ping wakes the reader
    manager.ws.send(json.dumps({"method": "ping"}))
    manager.join(WAIT_S)
    info.disconnect_websocket()
    info.session.close()


def test_ccxt_trades_a_coin_of_a_dex(venue: RunningVenue, sdk: Exchange) -> None:
    made: Any = ccxt.hyperliquid(configuration(venue, 0, venue.accounts[0].agent.key))
    made.set_sandbox_mode(True)
    try:
        market = made.load_markets()[SYMBOL]
        assert (market["baseId"], market["precision"]["amount"], market["active"]) == ("110000", 0.001, True)
        px = five(float(made.fetch_order_book(SYMBOL)["bids"][0][0]) * 0.9)
        order = made.create_order(SYMBOL, "limit", "buy", 0.1, px)
        assert [row["id"] for row in made.fetch_open_orders(SYMBOL)] == [order["id"]]
        made.cancel_order(order["id"], SYMBOL)
        assert made.fetch_open_orders(SYMBOL) == []
        assert made.fetch_positions([SYMBOL]) == []
    finally:
        made.close()


def test_answers_of_a_dex_fit_the_types_of_the_typescript_sdk(venue: RunningVenue, sdk: Exchange) -> None:
    user = str(sdk.account_address)
    statuses(sdk.market_open("xyz:TSLA", is_buy=True, sz=0.1))
    px = five(best(sdk, "xyz:TSLA")[0] * 0.9)
    statuses(sdk.order("xyz:TSLA", is_buy=True, sz=0.1, limit_px=px, order_type=ALO))
    asked = {"user": user, "dex": "xyz", "coin": "xyz:TSLA", "startTime": 0, "interval": "1m", "id": 50}
    with running(venue, {"agent": venue.accounts[0].agent.key}) as node:
        reads = ("meta", "metaAndAssetCtxs", "allMids", "clearinghouseState", "openOrders", "frontendOpenOrders")
        more = ("perpDexLimits", "perpDexStatus", "perpsAtOpenInterestCap", "activeAssetData", "l2Book", "userFills")
        replies = [
            (f"info.{name[0].upper()}{name[1:]}Response", node.call("info", name, asked)) for name in (*reads, *more)
        ]
        replies.append(("info.PerpDexsResponse", node.call("info", "perpDexs")))
        streams = ("allMids", "clearinghouseState", "openOrders", "activeAssetCtx", "assetCtxs", "webData3")
        for name in (*streams, "allDexsClearinghouseState"):
            (frame,) = node.take(node.call("subscription", name, asked))[:1]
            replies.append((f"subscription.{name[0].upper()}{name[1:]}Event", frame))
        (frame,) = node.take(node.call("subscription", "allDexsAssetCtxs"))[:1]
        replies.append(("subscription.AllDexsAssetCtxsEvent", frame))
    assert faults(replies) == []
    assert [row["coin"] for row in dict(replies)["info.OpenOrdersResponse"]] == ["xyz:TSLA"]
    assert dict(replies)["subscription.AllMidsEvent"]["mids"].keys() == {"xyz:TSLA", "xyz:GOLD"}
    statuses(sdk.market_close("xyz:TSLA"))
