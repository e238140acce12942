"""ccxt places stops, targets and orders with both attached, and TWAPs."""

from collections.abc import Iterator
from typing import Any

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.clients.ccxt_client import BTC, ETH, bid, opened


@pytest.fixture(scope="module")
def trader(venue: RunningVenue) -> Iterator[Any]:
    with opened(venue, 0, venue.accounts[0].agent.key) as made:
        made.create_order(ETH, "market", "buy", 0.1, bid(made, ETH))
        yield made


def by_id(trader: Any, symbol: str) -> dict[str, Any]:
    return {order["id"]: order for order in trader.fetch_open_orders(symbol)}


def test_a_stop_and_a_target_wait_for_their_prices(trader: Any) -> None:
    px = bid(trader, ETH)
    stop = trader.create_order(ETH, "market", "sell", 0.1, px, {"stopLossPrice": px * 0.9, "reduceOnly": True})
    target = trader.create_order(ETH, "limit", "sell", 0.1, px * 1.2, {"takeProfitPrice": px * 1.1, "reduceOnly": True})
    waiting = by_id(trader, ETH)
    assert waiting[stop["id"]]["triggerPrice"] == pytest.approx(px * 0.9, rel=1e-3)
    assert waiting[target["id"]]["info"]["orderType"] == "Take Profit Limit"
    assert all(order["reduceOnly"] for order in waiting.values())
    trader.cancel_orders([stop["id"], target["id"]], ETH)
    assert by_id(trader, ETH) == {}


def test_an_order_brings_its_stop_and_target_along(trader: Any) -> None:
    px = bid(trader)
    attached = {"triggerPrice": px * 0.8, "type": "market"}, {"triggerPrice": px * 1.2, "type": "market"}
    both = {"stopLoss": attached[0], "takeProfit": attached[1]}
    made = trader.create_order(BTC, "limit", "buy", 0.001, px * 0.9, both)
    shown = by_id(trader, BTC)[made["id"]]
    assert len(shown["info"]["children"]) == 2
    trader.cancel_order(made["id"], BTC)
    assert by_id(trader, BTC) == {}


def test_a_twap_is_started_and_stopped(trader: Any) -> None:
    started = trader.create_twap_order(BTC, "buy", 0.01, 10 * 60_000)
    trader.cancel_order(started["id"], BTC, {"twap": True})
