"""Rows of the account's ledger: what each kind does to equity, by account mode (HL §8.6)."""

import json
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.hyperliquid.money_moves import LedgerRow, effect_1e8, rows_of
from portfolio_mm.hyperliquid.user import parse_user

ME, OTHER = "0x" + "a" * 40, "0x" + "b" * 40
STANDARD, UNIFIED = AccountMode.STANDARD, AccountMode.UNIFIED
RECORDED = Path(__file__).parents[3] / "shared/data/wire/info"


def row(**delta: Any) -> LedgerRow:
    return LedgerRow(1_790_000_000_000, "0x1", delta)


def usd(mode: AccountMode, **delta: Any) -> float | None:
    found = effect_1e8(row(**delta), ME.upper().replace("X", "x"), mode)
    return None if found is None else found / 1e8


def spot(**changes: Any) -> dict[str, Any]:
    kind = {"type": "spotTransfer", "token": "USDC", "amount": "10.5", "usdcValue": "10.5", "user": ME}
    return {**kind, "destination": OTHER, "fee": "1.0", "feeToken": "", **changes}


def send(source: str, target: str, **changes: Any) -> dict[str, Any]:
    return {**spot(fee="0.0", **changes), "type": "send", "sourceDex": source, "destinationDex": target}


def test_money_from_and_to_the_outside_counts_in_every_mode() -> None:
    for mode in (STANDARD, UNIFIED):
        assert usd(mode, type="deposit", usdc="2703997.4500000002") == 2_703_997.45
        assert usd(mode, type="withdraw", usdc="4.0", fee="1.0", nonce=3) == -5.0, "five were asked for (seen live)"
        sent = {"type": "internalTransfer", "usdc": "150.0", "fee": "1.0"}
        assert usd(mode, user=ME, destination=OTHER, **sent) == -150.0
        assert usd(mode, user=OTHER, destination=ME, **sent) == 149.0
        assert usd(mode, type="subAccountTransfer", usdc="3", user=ME, destination=OTHER) == -3.0
        assert usd(mode, type="liquidation", accountValue="9", leverageType="Cross", liquidatedPositions=[]) == 0.0


def test_a_class_transfer_changes_the_equity_of_a_standard_account_only() -> None:
    for to_perp, usd_standard in ((True, 12.0), (False, -12.0)):
        assert usd(STANDARD, type="accountClassTransfer", usdc="12.0", toPerp=to_perp) == usd_standard
        assert usd(UNIFIED, type="accountClassTransfer", usdc="12.0", toPerp=to_perp) == 0.0


def test_spot_dollars_are_equity_in_unified_mode_only_and_other_tokens_never() -> None:
    assert (usd(STANDARD, **spot()), usd(UNIFIED, **spot())) == (0.0, -11.5)
    assert usd(UNIFIED, **spot(user=OTHER, destination=ME)) == 10.5
    assert usd(UNIFIED, **spot(token="HYPE", fee="0.01", feeToken="HYPE")) == 0.0
    assert usd(UNIFIED, type="spotGenesis", token="PURR", amount="5") == 0.0


@pytest.mark.parametrize(
    ("source", "destination", "usd_standard"), [("spot", "", 10.5), ("", "spot", -10.5), ("spot", "xyz", 0.0)]
)
def test_a_send_between_own_balances_moves_equity_of_a_standard_account_only(
    source: str, destination: str, usd_standard: float
) -> None:
    own = send(source, destination, destination=ME)
    assert (usd(STANDARD, **own), usd(UNIFIED, **own)) == (usd_standard, 0.0)
    away = send(source, destination)
    assert (usd(STANDARD, **away), usd(UNIFIED, **away)) == (-10.5 if source == "" else 0.0, -10.5)


def test_between_dexes_that_are_traded_nothing_moves() -> None:
    moved = row(**send("", "xyz", destination=ME))
    effects = [effect_1e8(moved, ME, STANDARD, dexes) for dexes in (("",), ("", "xyz"), ("xyz",))]
    assert effects == [-1_050_000_000, 0, 1_050_000_000]
    deposit = row(type="deposit", usdc="5")
    assert [effect_1e8(deposit, ME, STANDARD, dexes) for dexes in (("", "xyz"), ("xyz",))] == [500_000_000, 0]
    assert effect_1e8(deposit, ME, UNIFIED, ("xyz",)) == 500_000_000


def test_vault_money_counts_on_both_sides() -> None:
    assert usd(UNIFIED, type="vaultDeposit", vault=OTHER, usdc="7") == -7.0
    assert usd(UNIFIED, type="vaultDeposit", vault=ME, usdc="7") == 7.0
    out = {"type": "vaultWithdraw", "user": ME, "netWithdrawnUsd": "8", "commission": "1", "requestedUsd": "9.5"}
    assert usd(UNIFIED, vault=OTHER, **out) == 8.0
    assert usd(UNIFIED, vault=ME, **{**out, "user": OTHER}) == -9.0


def test_what_is_unknown_is_said_and_what_is_broken_is_malformed() -> None:
    assert usd(UNIFIED, type="borrowLend", amount="5") is None
    with pytest.raises(MalformedMessage, match="withdraw"):
        usd(UNIFIED, type="withdraw", fee="1.0")
    with pytest.raises(MalformedMessage, match="time"):
        rows_of([{"hash": "0x1", "delta": {}}])


def test_a_row_has_one_name_however_it_came_and_two_rows_of_one_transaction_have_two() -> None:
    wire = {"time": 5, "hash": "0x1", "delta": spot()}
    frame = {"isSnapshot": True, "user": ME, "nonFundingLedgerUpdates": [wire]}
    raw = json.dumps({"channel": "userNonFundingLedgerUpdates", "data": frame}).encode()
    (heard,), (read,) = parse_user(raw), rows_of([wire])
    assert heard == read
    names = {row(**spot()).name, row(**spot(amount="10.50")).name}
    assert names == {read.name}
    assert row(**spot(destination=ME)).name != read.name


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not beside the project")
def test_recorded_replies_are_understood() -> None:
    lines = (RECORDED / "userNonFundingLedgerUpdates.jsonl").read_text().splitlines()
    rows = [each for line in lines for each in rows_of(json.loads(line)["response"])]
    assert {each.kind for each in rows} == {"deposit", "accountClassTransfer", "spotTransfer"}
    assert all(effect_1e8(each, ME, mode) is not None for each in rows for mode in (STANDARD, UNIFIED))
