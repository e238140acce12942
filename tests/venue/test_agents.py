"""Who may sign what, and the life of an agent (HL §2.9, §3.4, §5.4)."""

from typing import Any

import pytest

from portfolio_mm.venue.info import reads
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.account_actions import (
    ApproveAgent,
    CreateSubAccount,
    SetReferrer,
    SubAccountTransfer,
    VaultTransfer,
)
from portfolio_mm.venue.protocol.actions import (
    Action,
    AgentSendAsset,
    Noop,
    ReserveRequestWeight,
    SendAsset,
    UsdClassTransfer,
    UserSetAbstraction,
)
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from tests.venue.bench_chain import START_MS, Bench

ZERO = "0x" + "0" * 40
DAY_MS = 86_400_000


def key(number: int) -> str:
    return f"0x{number:040x}"


def approve(bench: Bench, address: str, name: str | None = None) -> str | None:
    reply = bench.do(ApproveAgent("0x66eee", "Testnet", address, START_MS, name))
    return reply["response"] if reply["status"] == "err" else None


def noop(bench: Bench, signer: str) -> str | None:
    reply = bench.do(Noop(), signer=signer)
    return reply["response"] if reply["status"] == "err" else None


def read(bench: Bench, kind: str, **fields: Any) -> Any:
    return reads.answer(bench.state, {"type": kind, "user": bench.alice.address, **fields})


OTHER = "0x" + "9" * 40
OUTWARD: list[Action] = [
    UsdClassTransfer("0x66eee", "Testnet", "1", to_perp=False, nonce=START_MS),
    SendAsset("0x66eee", "Testnet", OTHER, "", "", USDC, "1", "", START_MS),
    UsdSend("0x66eee", "Testnet", OTHER, "1", START_MS),
    SpotSend("0x66eee", "Testnet", OTHER, USDC, "1", START_MS),
    Withdraw("0x66eee", "Testnet", OTHER, "10", START_MS),
    ApproveAgent("0x66eee", "Testnet", OTHER, START_MS, "mine"),
    UserSetAbstraction("0x66eee", "Testnet", OTHER, "unifiedAccount", START_MS),
    ReserveRequestWeight(10),
]


@pytest.mark.parametrize("action", OUTWARD, ids=lambda action: type(action).__name__)
def test_an_agent_is_nobody_where_the_venue_asks_for_the_user(action: Action) -> None:
    bench = Bench()
    agent = bench.accounts[0].agent.address
    reply = bench.do(action, signer=agent)
    assert reply["response"] == f"Must deposit before performing actions. User: {agent}"
    assert (bench.alice.raw_1e8, bench.alice.requests.used) == (10_000 * 10**8, 0)


def test_an_agent_moves_money_inside_the_family_only() -> None:
    bench = Bench(prior_volume_usd=200_000)
    agent = bench.accounts[0].agent.address
    sub = bench.do(CreateSubAccount("desk"), signer=agent)["response"]["data"]
    assert bench.do(SubAccountTransfer(sub, True, 100_000_000), signer=agent)["status"] == "ok"  # noqa: FBT003
    inward = [("", "spot", bench.alice.address, ""), ("", "", sub, ""), ("", "", bench.alice.address, sub)]
    for source, target, to, from_sub in inward:
        action = AgentSendAsset(to, source, target, USDC, "10", from_sub, START_MS)
        assert bench.do(action, signer=agent)["status"] == "ok"
    assert bench.state.by_address[sub].raw_1e8 == 100 * 10**8
    out = AgentSendAsset(bench.bob.address, "", "", USDC, "1", "", START_MS)
    text = "Agent can only send asset to same user or their sub-accounts."
    assert bench.do(out, signer=agent)["response"] == text
    stolen = AgentSendAsset(bench.alice.address, "", "", USDC, "1", bench.bob.address, START_MS)
    text = f"Sub-account {bench.bob.address} is not registered to {bench.alice.address}"
    assert bench.do(stolen, signer=agent)["response"] == text
    assert bench.do(SetReferrer("NOPE"), signer=agent)["response"] == "Referral code not registered"
    vault = VaultTransfer("0x" + "d" * 40, True, 10_000_000)  # noqa: FBT003
    assert bench.do(vault, signer=agent)["response"] == f"Vault not registered: 0x{'d' * 40}"


def test_one_unnamed_and_three_named_agents_and_two_more_with_each_sub_account() -> None:
    bench = Bench(prior_volume_usd=200_000)
    assert approve(bench, key(1)) is None
    assert approve(bench, key(2), "third") is None
    text = "Too many extra agents for cumulative volume traded. Current limit is 3"
    assert approve(bench, key(3), "fourth") == text
    bench.do(CreateSubAccount("desk"))
    assert approve(bench, key(3), "fourth") is None
    assert approve(bench, key(4), "fifth") is None
    assert approve(bench, key(5), "sixth") == text.replace("3", "5")
    names = [row["name"] for row in read(bench, "extraAgents")]
    assert names == ["trading", "watchdog", "third", "fourth", "fifth"]
    assert noop(bench, key(1)) is None
    assert reads.answer(bench.state, {"type": "userRole", "user": key(1)})["data"] == {"user": bench.alice.address}


def test_a_name_used_again_replaces_its_agent_at_once() -> None:
    bench = Bench()
    for number, name in ((1, None), (2, None), (3, "trading")):
        assert approve(bench, key(number), name) is None
    for gone in (key(1), bench.accounts[0].agent.address):
        assert noop(bench, gone) == f"User or API Wallet {gone} does not exist."
    assert noop(bench, key(2)) is None
    assert noop(bench, key(3)) is None
    for used in (key(3), bench.alice.address, bench.bob.address):
        assert approve(bench, used, "trading") == "Extra agent already used."


def test_the_zero_address_revokes_and_for_a_while_nothing_can_be_approved() -> None:
    bench = Bench()
    agent = bench.accounts[0].agent.address
    assert approve(bench, ZERO, "trading") is None
    assert noop(bench, agent) == f"User or API Wallet {agent} does not exist."
    assert approve(bench, key(1), "trading") == "User has pending agent removal"
    bench.block(after_ms=5_000)
    assert approve(bench, key(1), "trading") is None
    assert approve(bench, ZERO) is None, "there is no unnamed agent to remove"
    assert approve(bench, key(2)) is None


def test_an_agent_lives_ninety_days_or_until_its_name_says() -> None:
    bench = Bench()
    now = bench.state.now_ms + 100
    assert approve(bench, key(1), "trading") is None
    assert approve(bench, key(2), f"watchdog valid_until {now + 180 * DAY_MS}") is None
    ends = {row["name"]: row["validUntil"] for row in read(bench, "extraAgents")}
    assert ends == {"trading": now + 90 * DAY_MS, "watchdog": now + 180 * DAY_MS}
    for until in (now, now + 181 * DAY_MS, "soon", "", "9" * 5_000):
        assert approve(bench, key(3), f"watchdog valid_until {until}") == "Agent valid_until already expired."
    assert approve(bench, key(3), "seventeen letters") == "Agent name is too long."


@pytest.mark.parametrize(("lag_ms", "allowed"), [(0, False), (900_000, True)])
def test_an_expired_agent_goes_on_until_it_is_pruned(lag_ms: int, allowed: bool) -> None:  # noqa: FBT001
    bench = Bench(agent_lag_ms=lag_ms)
    approve(bench, key(1), f"trading valid_until {bench.state.now_ms + 15_000}")
    bench.block(after_ms=600_000)
    assert (noop(bench, key(1)) is None) == allowed
    bench.block(after_ms=900_000)
    assert noop(bench, key(1)) == f"User or API Wallet {key(1)} does not exist."
    assert [row["name"] for row in read(bench, "extraAgents")] == ["watchdog"]


def test_a_pruned_agents_nonces_are_forgotten_so_its_old_actions_work_again() -> None:
    """HL §3.5: never reuse an agent's address."""
    bench = Bench()
    approve(bench, key(1), "trading")
    assert bench.do(Noop(), signer=key(1), nonce=START_MS + 77)["status"] == "ok"
    assert bench.do(Noop(), signer=key(1), nonce=START_MS + 77)["status"] == "err"
    approve(bench, ZERO, "trading")
    bench.block(after_ms=5_000)
    approve(bench, key(1), "trading")
    assert bench.do(Noop(), signer=key(1), nonce=START_MS + 77)["status"] == "ok"


def test_a_user_signed_action_has_no_vault_and_no_expiry() -> None:
    bench = Bench()
    send = UsdClassTransfer("0x66eee", "Testnet", "1", to_perp=False, nonce=START_MS)
    assert bench.do(send, vault_address=bench.bob.address)["response"] == "Vault may not perform this action."
    assert bench.do(send, expires_after=START_MS * 2)["response"] == "Action does not support expires_after"
    assert bench.do(CreateSubAccount("x"), vault_address=bench.bob.address)["response"].startswith("Vault not")


def test_a_referral_code_is_set_once() -> None:
    bench = Bench(referral_codes=("LOCAL",))
    assert read(bench, "referral")["referredBy"] is None
    assert bench.do(SetReferrer("LOCAL"))["status"] == "ok"
    assert read(bench, "referral")["referredBy"] == {"referrer": ZERO, "code": "LOCAL"}
    assert bench.do(SetReferrer("LOCAL"))["response"] == "Referrer already set"
