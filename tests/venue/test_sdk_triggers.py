"""The official SDK places trigger orders and groups, and modifies around them (real sockets, real signatures)."""

from collections.abc import Iterator
from typing import Any

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import Client, client
from tests.venue.test_sdk_exchange import ALO, below


@pytest.fixture
def bob(venue: RunningVenue) -> Iterator[Client]:
    """The other account: the reads that others check on Alice see no trigger orders."""
    with client(venue, 1) as made:
        yield made
        for order in made.info.open_orders(made.address):
            made.exchange.cancel(order["coin"], order["oid"])


def stop_kind(at: float, tpsl: str = "sl") -> Any:
    return {"trigger": {"triggerPx": at, "isMarket": True, "tpsl": tpsl}}


def request(coin: str, px: float, kind: Any, *, is_buy: bool = False) -> Any:
    closes = "trigger" in kind
    return {"coin": coin, "is_buy": is_buy, "sz": 0.1, "limit_px": px, "order_type": kind, "reduce_only": closes}


def test_a_stop_of_the_sdk_rests_and_is_cancelled(bob: Client) -> None:
    """As in the SDK's own example of TP/SL, which looks for `resting` in the reply."""
    at = below(bob, "ETH", 0.9)
    reply = bob.exchange.order("ETH", False, 0.1, at, stop_kind(at), reduce_only=True)  # noqa: FBT003
    (status,) = bob.statuses(reply)
    oid = status["resting"]["oid"]
    (row,) = bob.info.frontend_open_orders(bob.address)
    assert (row["isTrigger"], row["orderType"], float(row["triggerPx"])) == (True, "Stop Market", at)
    assert bob.statuses(bob.exchange.cancel("ETH", oid)) == ["success"]
    assert bob.info.query_order_by_oid(bob.address, oid)["order"]["status"] == "canceled"


def test_a_bracket_of_the_sdk_waits_for_its_entry_and_ends_with_it(bob: Client) -> None:
    entry = below(bob, "ETH", 0.95)
    legs = [
        request("ETH", entry, ALO, is_buy=True),
        request("ETH", float(f"{entry * 1.2:.4g}"), stop_kind(float(f"{entry * 1.2:.4g}"), "tp")),
        request("ETH", float(f"{entry * 0.8:.4g}"), stop_kind(float(f"{entry * 0.8:.4g}"))),
    ]
    parent, *children = bob.statuses(bob.exchange.bulk_orders(legs, grouping="normalTpsl"))
    assert children == ["waitingForFill", "waitingForFill"]
    rows = bob.info.frontend_open_orders(bob.address)
    assert sorted(len(row["children"]) for row in rows) == [0, 0, 2]
    assert bob.statuses(bob.exchange.cancel("ETH", parent["resting"]["oid"])) == ["success"]
    assert bob.info.open_orders(bob.address) == []


def test_the_sdk_protects_a_position_whatever_its_size(bob: Client) -> None:
    bob.exchange.market_open("ETH", is_buy=True, sz=0.1)
    at = below(bob, "ETH", 0.8)
    (status,) = bob.statuses(bob.exchange.bulk_orders([request("ETH", at, stop_kind(at))], grouping="positionTpsl"))
    assert status == "waitingForTrigger"
    bob.exchange.market_open("ETH", is_buy=True, sz=0.2)
    (row,) = bob.info.frontend_open_orders(bob.address)
    assert (row["isPositionTpsl"], row["sz"]) == (True, "0.3")
    bob.exchange.market_close("ETH")
    assert bob.info.open_orders(bob.address) == []


def test_a_trigger_order_cannot_be_modified(bob: Client) -> None:
    at = below(bob, "ETH", 0.9)
    reply = bob.exchange.order("ETH", False, 0.1, at, stop_kind(at), reduce_only=True)  # noqa: FBT003
    oid = bob.statuses(reply)[0]["resting"]["oid"]
    lower = below(bob, "ETH", 0.8)
    leg: Any = {"oid": oid, "order": request("ETH", lower, stop_kind(lower))}
    (refused,) = bob.statuses(bob.exchange.bulk_modify_orders_new([leg]))
    assert refused == {"error": "Cannot modify canceled or filled order"}
    (row,) = bob.info.frontend_open_orders(bob.address)
    assert row["oid"] == oid
