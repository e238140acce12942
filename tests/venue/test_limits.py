"""Nonces, budgets, the dead man's switch and expiry (HL §2.6, §3.5, §5)."""

import json
from typing import Any

import eth_account
import pytest
from hyperliquid.utils import signing

from portfolio_mm.venue.clearinghouse.budgets import DAY_MS, IpBudget
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.protocol.actions import Cancel, CancelLeg, Noop, Order, ScheduleCancel
from portfolio_mm.venue.protocol.builders import Builder, Priority
from portfolio_mm.venue.protocol.nonces import NonceSet
from portfolio_mm.venue.venue import RateLimited
from tests.venue.bench_chain import START_MS, Bench, leg
from tests.venue.served import with_settings


def test_nonces_may_arrive_out_of_order_within_the_last_hundred() -> None:
    used = NonceSet()
    for nonce in range(START_MS, START_MS + 200, 2):
        assert used.take(nonce, START_MS) is None
    assert used.take(START_MS + 51, START_MS) is None
    assert used.take(START_MS + 51, START_MS) == f"Invalid nonce: duplicate nonce {START_MS + 51}"
    text = f"Invalid nonce: nonce too low {START_MS + 1} < {START_MS + 2}"
    assert used.take(START_MS + 1, START_MS) == text


def test_nonces_must_be_near_block_time() -> None:
    """HL §3.5: in (T - 2 days, T + 1 day), ends excluded."""
    used = NonceSet()
    early, late = START_MS - 2 * DAY_MS, START_MS + DAY_MS
    assert used.take(early, START_MS) == f"Invalid nonce: nonce too low {early} < {early + 1}"
    assert (used.take(late, START_MS) or "").startswith("Invalid nonce:")
    assert used.take(early + 1, START_MS) is None
    assert used.take(late - 1, START_MS) is None


def test_a_noop_burns_the_nonce_of_an_order_in_flight() -> None:
    bench = Bench()
    assert bench.do(Noop(), nonce=START_MS + 50)["status"] == "ok"
    reply = bench.do(Order((leg("BTC", "B", "99000", "0.01"),), "na"), nonce=START_MS + 50)
    assert reply == {"status": "err", "response": f"Invalid nonce: duplicate nonce {START_MS + 50}"}


def test_agents_have_nonces_of_their_own() -> None:
    bench = Bench()
    for signer in (bench.alice.address, bench.accounts[0].agent.address, bench.accounts[0].watchdog.address):
        assert bench.do(Noop(), signer=signer, nonce=START_MS + 7)["status"] == "ok"


def test_a_stranger_does_not_exist() -> None:
    stranger = "0x" + "ab" * 20
    text = f"User or API Wallet {stranger} does not exist."
    assert Bench().do(Noop(), signer=stranger) == {"status": "err", "response": text}


def test_an_expired_action_is_refused_and_costs_five() -> None:
    bench = Bench()
    reply = bench.do(Noop(), expires_after=START_MS)
    assert reply == {"status": "err", "response": "Action already expired"}
    assert bench.alice.requests.used == 5


def test_an_action_of_more_than_two_hundred_legs_is_refused() -> None:
    bench = Bench()
    reply = bench.do(Cancel(tuple(CancelLeg(0, oid) for oid in range(201))))
    assert reply["response"] == "Signed action over weight limit of 200."
    assert bench.alice.requests.used == 0


def test_address_budget_counts_legs_and_lets_one_action_through_each_ten_seconds() -> None:
    bench = Bench(requests_base=5)
    place = Order(tuple(leg("BTC", "B", str(99_000 - i), "0.01") for i in range(5)), "na")
    assert bench.do(place)["status"] == "ok"
    one = Order((leg("BTC", "B", "98000", "0.01"),), "na")
    assert bench.do(one)["status"] == "ok", "the first slot beyond the budget"
    refused = bench.do(one)
    text = "Too many cumulative requests sent (6 > 4) for cumulative volume traded $0.00. "
    assert refused == {"status": "err", "response": text + "Place taker orders to free up 1 request per USDC traded."}
    assert bench.alice.requests.used == 6, "a refusal costs nothing"
    oid = next(iter(bench.alice.open))
    assert bench.cancel("BTC", oid) == "success", "cancels have a ceiling of their own"
    bench.block(after_ms=10_000)
    assert bench.do(one)["status"] == "ok"


def test_an_action_refused_whole_costs_nothing() -> None:
    """HL §5.2: a refused action costs 0, a leg that fails inside an accepted one costs 1."""
    bench = Bench(mode="unified")
    far, fine = leg("BTC", "B", "1000", "0.01"), leg("BTC", "B", "99000", "0.01")
    refused = [
        Order((fine, far), "na"),
        Order((fine,), "normalTpsl"),
        Order((fine,), Priority(5)),
        Order((fine,), "na", Builder("0x" + "1" * 40, 1)),
        Order((), "na"),
    ]
    for action in refused:
        assert bench.do(action)["status"] == "err"
    assert (bench.alice.requests.used, bench.alice.day.used, bench.alice.open) == (0, 0, {})
    bench.do(Cancel((CancelLeg(0, 1), CancelLeg(0, 2))))
    assert (bench.alice.requests.used, bench.alice.day.used) == (2, 1)


async def test_a_batch_of_forty_weighs_two() -> None:
    """HL §5.1: 1 + floor(batch/40), modifies too; 1200 a minute for everything of one IP address."""
    async with running_venue(with_settings(ip_limit=True)) as running:
        venue = running.venue
        for _ in range(19):
            venue.charge_ip("here", 60)
        wire = {"a": 0, "b": True, "p": "50000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Alo"}}}
        bodies = []
        for legs in (200, 200, 200, 200, 200, 200, 200, 200, 200, 79, 79, 40, 1):
            action = {"type": "batchModify", "modifies": [{"oid": 1, "order": wire}] * legs}
            bodies.append({"action": action, "nonce": 1, "signature": {"r": "0x0", "s": "0x0", "v": 27}})
        signed = [json.dumps(_signed(running.accounts[0].agent.key, body)).encode() for body in bodies]
        for body in signed[:-1]:
            await venue.act("here", body)
        assert venue.throttled == 0
        with pytest.raises(RateLimited):
            await venue.act("here", signed[-1])
        assert venue.throttled == 1


def _signed(key: str, body: dict[str, Any]) -> dict[str, Any]:
    wallet = eth_account.Account.from_key(key)
    made = signing.sign_l1_action(wallet, body["action"], None, body["nonce"], None, is_mainnet=False)
    return {**body, "signature": made}


def test_volume_earns_requests() -> None:
    bench = Bench(requests_base=1)
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert bench.alice.requests.cap(bench.alice.volume_1e8) == 1 + 1000


def test_unified_accounts_have_a_day_budget_and_standard_ones_none() -> None:
    for mode, allowed in (("unified", False), ("standard", True)):
        bench = Bench(mode=mode, day_actions=2)
        replies = [bench.do(Noop())["status"] for _ in range(3)]
        assert replies == ["ok", "ok", "ok" if allowed else "err"]
        bench.block(after_ms=DAY_MS)
        assert bench.do(Noop())["status"] == "ok", "a new day"


def test_schedule_cancel_needs_a_million_of_volume() -> None:
    reply = Bench(prior_volume_usd=40_988.83).do(ScheduleCancel(START_MS + 60_000))
    text = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $40988.83."
    assert reply == {"status": "err", "response": text}


def test_schedule_cancel_fires_once_and_can_be_moved_and_taken_back() -> None:
    bench = Bench(prior_volume_usd=1_000_000)
    assert bench.do(ScheduleCancel(bench.state.now_ms + 4_000))["status"] == "err"
    bench.place(leg("BTC", "B", "99000", "0.01"), leg("ETH", "B", "3900", "0.1"))
    assert bench.do(ScheduleCancel(bench.state.now_ms + 6_000))["status"] == "ok"
    assert bench.do(ScheduleCancel(bench.state.now_ms + 9_000))["status"] == "ok"
    bench.block(after_ms=7_000)
    assert len(bench.alice.open) == 2
    bench.block(after_ms=3_000)
    assert not bench.alice.open
    assert {status for _, status in bench.updates()} == {"scheduledCancel"}
    bench.place(leg("BTC", "B", "99000", "0.01"))
    bench.do(ScheduleCancel(bench.state.now_ms + 6_000))
    bench.do(ScheduleCancel())
    bench.block(after_ms=10_000)
    assert len(bench.alice.open) == 1


def test_the_switch_fires_at_most_ten_times_a_day() -> None:
    bench = Bench(prior_volume_usd=1_000_000)
    for _ in range(10):
        assert bench.do(ScheduleCancel(bench.state.now_ms + 6_000))["status"] == "ok"
        bench.block(after_ms=7_000)
    assert bench.do(ScheduleCancel(bench.state.now_ms + 6_000))["status"] == "err"


def test_ip_weight_comes_back_after_a_minute() -> None:
    budget = IpBudget(100)
    assert budget.take(100, 0)
    assert not budget.take(1, 59_999)
    assert budget.take(1, 60_000)
