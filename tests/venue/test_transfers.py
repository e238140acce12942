"""Money between accounts, by the venue's words (HL §2.8, §8.7)."""

from typing import Any

from portfolio_mm.venue.exchange.transfers import ACTIVATION_FEE_1E8
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.info.views_balances import spot_state
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.account_actions import CreateSubAccount, SubAccountSpotTransfer
from portfolio_mm.venue.protocol.actions import ReserveRequestWeight, SendAsset, UsdClassTransfer
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from portfolio_mm.venue.tokens import BY_NAME
from tests.venue.bench_chain import START_MS, Bench, leg

USD = 10**8
NEW = "0x" + "7" * 40
HYPE, UBTC = BY_NAME["HYPE"].wire, BY_NAME["UBTC"].wire
TOKENS = {"HYPE": 20.0, "UBTC": 0.5, "USDT0": 100.0}


def usd_send(to: str, amount: str) -> UsdSend:
    return UsdSend("0x1", "Testnet", to, amount, START_MS)


def spot_send(to: str, token: str, amount: str) -> SpotSend:
    return SpotSend("0x1", "Testnet", to, token, amount, START_MS)


def send(to: str, route: tuple[str, str], token: str, amount: str) -> SendAsset:
    return SendAsset("0x1", "Testnet", to, *route, token, amount, "", START_MS)


def to_spot(bench: Bench, amount: str) -> None:
    assert bench.do(UsdClassTransfer("0x1", "Testnet", amount, to_perp=False, nonce=START_MS))["status"] == "ok"


def refusal(bench: Bench, action: Any, **envelope: Any) -> str:
    reply = bench.do(action, **envelope)
    assert reply["status"] == "err", reply
    return str(reply["response"])


def test_the_first_transfer_to_a_new_account_costs_one_dollar_on_top() -> None:
    bench = Bench()
    assert NEW not in bench.state.by_address
    asked = {"type": "preTransferCheck", "user": NEW, "source": bench.alice.address}
    assert reads.answer(bench.state, asked) == {
        "fee": "1.0",
        "isSanctioned": False,
        "userExists": False,
        "userHasSentTx": False,
    }
    assert bench.do(usd_send(NEW, "25"))["status"] == "ok"
    made = bench.state.by_address[NEW]
    assert reads.answer(bench.state, asked)["fee"] == "0.0"
    assert (made.raw_1e8, made.mode) == (25 * USD, "default")
    assert bench.alice.raw_1e8 == (10_000 - 26) * USD
    assert [row["delta"]["fee"] for row in (made.ledger[-1], bench.alice.ledger[-1])] == ["1.0", "1.0"]
    assert bench.do(usd_send(NEW, "25"))["status"] == "ok"
    assert bench.alice.raw_1e8 == (10_000 - 26 - 25) * USD
    assert made.ledger[-1]["delta"] == {
        "type": "internalTransfer",
        "usdc": "25.0",
        "user": bench.alice.address,
        "destination": NEW,
        "fee": "0.0",
    }


def test_a_new_account_costs_a_dollar_of_spot_when_another_token_is_sent() -> None:
    bench = Bench(deposit_tokens=TOKENS)
    assert refusal(bench, spot_send(NEW, HYPE, "2.5")) == "Insufficient USDC balance for token transfer gas"
    assert NEW not in bench.state.by_address
    to_spot(bench, "3")
    assert bench.do(spot_send(NEW, HYPE, "2.5"))["status"] == "ok"
    assert bench.alice.spot_1e8 == 3 * USD - ACTIVATION_FEE_1E8
    row = bench.state.by_address[NEW].ledger[-1]["delta"]
    assert (row["type"], row["token"], row["amount"], row["usdcValue"]) == ("spotTransfer", "HYPE", "2.5", "100.0")
    (balance,) = spot_state(bench.state, bench.state.by_address[NEW])["balances"]
    assert balance == {"coin": "HYPE", "token": 150, "total": "2.5", "hold": "0.0", "entryNtl": "100.0"}


def test_tokens_are_balances_with_what_they_cost() -> None:
    bench = Bench(deposit_tokens=TOKENS)
    to_spot(bench, "7")
    rows = spot_state(bench.state, bench.alice)["balances"]
    assert [(row["coin"], row["token"], row["total"], row["entryNtl"]) for row in rows] == [
        ("USDC", 0, "7.0", "0.0"),
        ("HYPE", 150, "20.0", "800.0"),
        ("UBTC", 197, "0.5", "50000.0"),
        ("USDT0", 268, "100.0", "100.0"),
    ]
    assert bench.do(spot_send(bench.bob.address, UBTC, "0.1"))["status"] == "ok"
    rows = {row["coin"]: row for row in spot_state(bench.state, bench.alice)["balances"]}
    assert (rows["UBTC"]["total"], rows["UBTC"]["entryNtl"]) == ("0.4", "40000.0")


def test_what_cannot_be_sent_is_refused_in_the_venues_words() -> None:
    bench = Bench(deposit_tokens=TOKENS, prior_volume_usd=200_000)
    bob = bench.bob.address
    sub = bench.do(CreateSubAccount("desk"))["response"]["data"]
    short = "Insufficient balance for token transfer"
    for action in (
        usd_send(bob, "10001"),
        spot_send(bob, USDC, "1"),
        spot_send(bob, HYPE, "20.1"),
        send(bob, ("", ""), USDC, "10001"),
        send(bob, ("spot", "spot"), UBTC, "0.51"),
        SubAccountSpotTransfer(sub, is_deposit=True, token=HYPE, amount="21"),
    ):
        assert refusal(bench, action) == short
    for action in (
        usd_send(bob, "x"),
        usd_send(bob, "-1"),
        usd_send(bench.alice.address, "1"),
        spot_send(bob, "HYPE:0x00", "1"),
        send(bob, ("", ""), HYPE, "1"),
        send(bob, ("xyz", ""), USDC, "1"),
        send(bench.alice.address, ("", ""), USDC, "1"),
    ):
        assert refusal(bench, action) == "Invalid send"
    assert refusal(bench, Withdraw("0x1", "Testnet", bob, "10001", START_MS)) == "Insufficient balance for withdrawal"
    assert bench.alice.requests.used == 1, "refused actions cost nothing"


def test_a_withdrawal_costs_a_dollar() -> None:
    bench = Bench()
    assert bench.do(Withdraw("0x1", "Testnet", bench.alice.address, "101", START_MS))["status"] == "ok"
    assert bench.alice.raw_1e8 == (10_000 - 101) * USD
    assert bench.alice.ledger[-1]["delta"] == {"type": "withdraw", "usdc": "100.0", "nonce": START_MS, "fee": "1.0"}


def test_a_unified_account_sends_through_spot_only() -> None:
    bench = Bench(mode="unified", deposit_tokens=TOKENS)
    bob = bench.bob.address
    off = "Action disabled when unified account is active"
    to_perp = UsdClassTransfer("0x1", "Testnet", "1", to_perp=True, nonce=START_MS)
    for action in (usd_send(bob, "1"), spot_send(bob, HYPE, "1"), to_perp):
        assert refusal(bench, action) == off
    text = "Unified account only supports sending assets through spot"
    assert refusal(bench, send(bob, ("", "spot"), USDC, "1")) == text
    assert refusal(bench, send(bench.alice.address, ("spot", ""), USDC, "1")) == text
    assert bench.do(send(bob, ("spot", "spot"), USDC, "40"))["status"] == "ok"
    assert bench.do(send(bob, ("spot", "spot"), HYPE, "1"))["status"] == "ok"
    assert bench.bob.spot_1e8 == 10_040 * USD
    assert bench.bob.tokens[150] == 21 * 10**8


def test_money_that_positions_and_orders_need_cannot_leave() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "99000", "1"))
    assert refusal(bench, usd_send(bench.bob.address, "5100")) == "Insufficient balance for token transfer"
    assert bench.do(usd_send(bench.bob.address, "5000"))["status"] == "ok"


def test_requests_are_bought_for_oneself_or_for_another_user() -> None:
    """HL §5.2: 0.0005 USDC each, from the perps balance."""
    bench = Bench()
    assert bench.do(ReserveRequestWeight(10_000))["status"] == "ok"
    assert bench.do(ReserveRequestWeight(2_000, bench.bob.address))["status"] == "ok"
    assert (bench.alice.requests.reserved, bench.bob.requests.reserved) == (10_000, 2_000)
    assert bench.alice.raw_1e8 == (10_000 - 6) * USD
    assert refusal(bench, ReserveRequestWeight(1, NEW)) == "Invalid send"
    assert refusal(bench, ReserveRequestWeight(10**9)) == "Insufficient balance for withdrawal"


def test_requests_in_unified_mode_are_a_switch() -> None:
    for allowed in (True, False):
        bench = Bench(mode="unified", reserve_in_unified=allowed)
        assert (bench.do(ReserveRequestWeight(1))["status"] == "ok") == allowed
