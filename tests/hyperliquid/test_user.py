"""The account's own frames: every field the ledger relies on."""

import json
from typing import Any

import pytest

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.funding_rows import fundings_of
from portfolio_mm.hyperliquid.parse import parse_user
from portfolio_mm.hyperliquid.user import AccountLiquidation, Fill, Funding, OrderUpdate, VenueCancel, fills_of

FILL: dict[str, Any] = {
    "coin": "BTC",
    "px": "83843.0",
    "sz": "0.31975",
    "side": "A",
    "time": 1790357129742,
    "startPosition": "1.5197585293",
    "dir": "Close Long",
    "closedPnl": "86.62649561",
    "hash": "0xaa84",
    "oid": 556657630865,
    "crossed": True,
    "fee": "18.01551309",
    "tid": 246814713305894,
    "feeToken": "USDC",
    "twapId": None,
}


def frame(channel: str, data: Any) -> bytes:
    return json.dumps({"channel": channel, "data": data}).encode()


def test_an_order_update_is_read_and_knows_when_it_is_final() -> None:
    order = {
        "coin": "BTC",
        "side": "B",
        "limitPx": "83000.0",
        "sz": "0.01",
        "oid": 556696349186,
        "timestamp": 1790360256851,
        "origSz": "0.02",
        "cloid": "0x" + "0" * 32,
    }
    rows = [
        {"order": order, "status": s, "statusTimestamp": 5} for s in ("open", "badAloPxRejected", "someNewCanceled")
    ]
    updates = parse_user(frame("orderUpdates", rows))
    first = updates[0]
    assert isinstance(first, OrderUpdate)
    assert (first.coin, first.side, first.limit_px, first.sz, first.orig_sz) == ("BTC", BUY, "83000.0", "0.01", "0.02")
    assert (first.oid, first.placed_ms, first.status_ms, first.cloid) == (
        556696349186,
        1790360256851,
        5,
        "0x" + "0" * 32,
    )
    assert [u.is_terminal for u in updates if isinstance(u, OrderUpdate)] == [False, True, True]


def test_a_fill_is_exact_to_a_hundred_millionth() -> None:
    (fill,) = parse_user(frame("user", {"fills": [FILL]}))
    assert isinstance(fill, Fill)
    assert (fill.fee_1e8, fill.closed_pnl_1e8, fill.side, fill.crossed) == (1_801_551_309, 8_662_649_561, SELL, True)
    assert fill.key == (1790357129742, "BTC", 246814713305894)
    assert (fill.cloid, fill.liquidation, fill.is_snapshot) == (None, None, False)


def test_snapshot_rows_are_marked_and_rebates_are_negative() -> None:
    row = {**FILL, "fee": "-0.00000001", "cloid": "0x" + "f" * 32}
    (fill,) = parse_user(frame("userFills", {"isSnapshot": True, "user": "0x1", "fills": [row]}))
    assert isinstance(fill, Fill)
    assert (fill.fee_1e8, fill.is_snapshot, fill.cloid) == (-1, True, "0x" + "f" * 32)


def test_a_liquidation_fill_says_so() -> None:
    liquidation = {"liquidatedUser": "0x36", "markPx": "66607.0", "method": "market"}
    (fill,) = parse_user(frame("user", {"fills": [{**FILL, "liquidation": liquidation}]}))
    assert isinstance(fill, Fill)
    assert fill.liquidation is not None
    assert (fill.liquidation.method, fill.liquidation.mark_px) == ("market", "66607.0")


def test_funding_comes_on_two_channels() -> None:
    row = {"time": 7, "coin": "BTC", "usdc": "-1.2", "szi": "0.5", "fundingRate": "0.0000125", "nSamples": None}
    assert parse_user(frame("user", {"funding": row})) == (Funding("BTC", 7, -120_000_000, "0.5", "0.0000125"),)
    found = parse_user(frame("userFundings", {"isSnapshot": True, "user": "0x1", "fundings": [row]}))
    assert found == (Funding("BTC", 7, -120_000_000, "0.5", "0.0000125", is_snapshot=True),)


def test_venue_cancels_and_liquidation_of_the_account_are_told() -> None:
    assert parse_user(frame("user", {"nonUserCancel": [{"coin": "BTC", "oid": 123}]})) == (VenueCancel("BTC", 123),)
    row = {"lid": 1, "liquidator": "0xa", "liquidated_user": "0xb", "liquidated_ntl_pos": "1"}
    assert parse_user(frame("user", {"liquidation": row})) == (AccountLiquidation(1, "0xa", "0xb"),)


@pytest.mark.parametrize("raw", [b"Websocket connection established.", frame("pong", None), frame("bbo", {"coin": 1})])
def test_other_frames_give_nothing(raw: bytes) -> None:
    assert parse_user(raw) == ()


@pytest.mark.parametrize(
    "data",
    [
        {"fills": [{**FILL, "fee": "much"}]},
        {"fills": [{**FILL, "side": "Z"}]},
        {"fills": [{k: v for k, v in FILL.items() if k != "oid"}]},
        {"fills": {}},
        [],
    ],
)
def test_a_malformed_frame_names_its_channel(data: Any) -> None:
    with pytest.raises(MalformedMessage, match="userFills"):
        parse_user(frame("userFills", data))
    with pytest.raises(MalformedMessage, match="orderUpdates"):
        parse_user(frame("orderUpdates", {"not": "a list"}))


def test_fundings_of_a_rest_reply() -> None:
    delta = {"type": "funding", "coin": "ETH", "usdc": "-3.625312", "szi": "49.1477", "fundingRate": "0.0000417"}
    row = {"time": 1_681_222_254_710, "hash": "0x0", "delta": delta | {"nSamples": None}}
    (paid,) = fundings_of([row])
    assert (paid.coin, paid.time_ms, paid.payment_1e8) == ("ETH", 1_681_222_254_710, -362_531_200)
    with pytest.raises(MalformedMessage, match="userFunding"):
        fundings_of([row | {"delta": {"coin": "ETH"}}])


def test_fills_of_a_rest_reply_are_the_same_struct() -> None:
    (fill,) = fills_of([FILL])
    assert (fill.oid, fill.is_snapshot) == (556657630865, True)
    with pytest.raises(MalformedMessage, match="userFills"):
        fills_of([{"coin": 1}])
