"""Rows of money that moved without trading, through the official SDK: the request, the stream, the admin door."""

from typing import Any

import pytest
import requests

from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import WAIT_S, Client, client, listener, served, with_settings
from tests.venue.test_sdk_reads import conforms

DOLLARS = {"token": "str", "amount": "str", "usdcValue": "str"}
WAY = {"user": "str", "destination": "str"}
FEES = {"fee": "str", "nativeTokenFee": "str", "nonce": "int", "feeToken": "str"}
DELTAS: dict[str, dict[str, Any]] = {
    "deposit": {"usdc": "str"},
    "withdraw": {"usdc": "str", "nonce": "int", "fee": "str"},
    "accountClassTransfer": {"usdc": "str", "toPerp": "bool"},
    "internalTransfer": {"usdc": "str", "user": "str", "destination": "str", "fee": "str"},
    "spotTransfer": {**DOLLARS, **WAY, **FEES},
    "send": {**WAY, "sourceDex": "str", "destinationDex": "str", **DOLLARS, **FEES},
}


def admin(venue: RunningVenue, **request: Any) -> Any:
    return requests.post(venue.url + "/admin", json=request, timeout=WAIT_S).json()


def equity(venue: RunningVenue, who: Client) -> float:
    return float(next(u["equity"] for u in admin(venue, op="state")["users"] if u["address"] == who.address))


def test_every_move_of_a_standard_account_has_its_row_in_the_request_and_the_stream() -> None:
    with (
        served(with_settings(seed=3)) as venue,
        client(venue, 0, key=venue.accounts[0].key) as alice,
        client(venue, 1, key=venue.accounts[1].key) as bob,
        listener(venue) as heard,
    ):
        heard.subscribe(type="userNonFundingLedgerUpdates", user=alice.address)
        first = heard.wait(lambda frame: frame["channel"] == "userNonFundingLedgerUpdates")["data"]
        assert first["isSnapshot"] is True
        exchange = alice.exchange
        replies = [
            exchange.usd_class_transfer(300.0, to_perp=False),
            exchange.spot_transfer(40.0, bob.address, USDC),
            exchange.usd_transfer(25.5, bob.address),
            exchange.send_asset(alice.address, "spot", "", USDC, 10.0),
            exchange.withdraw_from_bridge(101.0, alice.address),
        ]
        assert [reply["status"] for reply in replies] == ["ok"] * 5
        admin(venue, op="deposit", user=alice.address, usd=7.0)
        seen: list[Any] = []
        while len(seen) < 6:
            frame = heard.wait(lambda frame: frame["channel"] == "userNonFundingLedgerUpdates")
            assert frame["data"]["user"] == alice.address
            seen += frame["data"]["nonFundingLedgerUpdates"]
        rows = alice.info.user_non_funding_ledger_updates(alice.address, 0)
        assert rows[1:] == seen, "the first is the deposit the venue began with"
        for row in rows:
            delta = dict(row["delta"])
            conforms({**row, "delta": None}, {"time": "int", "hash": "str", "delta": "str?"})
            conforms(delta, {"type": "str", **DELTAS[delta["type"]]})
        assert len({row["hash"] for row in rows}) == len(rows)
        by_kind = {row["delta"]["type"]: row["delta"] for row in rows[:6]}
        assert by_kind["withdraw"]["usdc"] == "100.0"
        assert by_kind["withdraw"]["fee"] == "1.0"
        assert by_kind["accountClassTransfer"] == {"type": "accountClassTransfer", "usdc": "300.0", "toPerp": False}
        assert equity(venue, alice) == pytest.approx(10_000 - 300 - 25.5 + 10 - 101 + 7)
        kinds = [row["delta"]["type"] for row in bob.info.user_non_funding_ledger_updates(bob.address, 0)]
        assert kinds == ["deposit", "spotTransfer", "internalTransfer"]
        assert equity(venue, bob) == pytest.approx(10_025.5)
        last_ms = rows[-1]["time"]
        late = [row for row in rows if row["time"] >= last_ms]
        assert alice.info.user_non_funding_ledger_updates(alice.address, last_ms) == late
        assert alice.info.user_non_funding_ledger_updates(alice.address, 0, rows[0]["time"]) == rows[:1]


def test_what_cannot_be_moved_is_refused_and_has_no_row(venue: RunningVenue, alice: Client) -> None:
    before = alice.info.user_non_funding_ledger_updates(alice.address, 0)
    with client(venue, key=venue.accounts[0].key) as master:
        replies = [
            master.exchange.usd_transfer(1e9, venue.accounts[1].address),
            master.exchange.usd_transfer(10_000.0, "0x" + "9" * 40),
            master.exchange.spot_transfer(1.0, venue.accounts[1].address, USDC),
            master.exchange.withdraw_from_bridge(0.5, master.address),
            master.exchange.withdraw_from_bridge(1e9, master.address),
        ]
        assert [reply["status"] for reply in replies] == ["err"] * 5
    reply = alice.exchange.withdraw_from_bridge(10.0, alice.address)
    assert "Must deposit before performing actions" in reply["response"], "an agent moves no money out"
    assert alice.info.user_non_funding_ledger_updates(alice.address, 0) == before


def test_a_unified_account_withdraws_and_refuses_the_ways_between_ledgers() -> None:
    with served(with_settings(mode="unified")) as venue, client(venue, 0, key=venue.accounts[0].key) as alice:
        other = venue.accounts[1].address
        for reply in (alice.exchange.usd_transfer(1.0, other), alice.exchange.spot_transfer(1.0, other, USDC)):
            assert reply["response"] == "Action disabled when unified account is active"
        assert alice.exchange.withdraw_from_bridge(51.0, alice.address)["status"] == "ok"
        assert equity(venue, alice) == pytest.approx(9_949.0)
        kinds = [row["delta"]["type"] for row in alice.info.user_non_funding_ledger_updates(alice.address, 0)]
        assert kinds == ["deposit", "withdraw"]


def test_rows_that_are_held_back_come_later_with_the_time_of_the_move() -> None:
    with served(with_settings(seed=4)) as venue, client(venue, 0, key=venue.accounts[0].key) as alice:
        assert admin(venue, op="hold_ledger") == {"held": True}
        assert alice.exchange.withdraw_from_bridge(51.0, alice.address)["status"] == "ok"
        moved_ms = admin(venue, op="state")["time"]
        assert equity(venue, alice) == pytest.approx(9_949.0)
        assert len(alice.info.user_non_funding_ledger_updates(alice.address, 0)) == 1
        with listener(venue) as heard:
            heard.subscribe(type="userNonFundingLedgerUpdates", user=alice.address)
            heard.wait(lambda frame: frame["channel"] == "userNonFundingLedgerUpdates")
            admin(venue, op="show_ledger")
            frame = heard.wait(lambda frame: frame["channel"] == "userNonFundingLedgerUpdates")
        (row,) = frame["data"]["nonFundingLedgerUpdates"]
        assert row["delta"]["type"] == "withdraw"
        assert row["time"] <= moved_ms
