"""Budgets of an address, on the venue's clock (HL §5.2, §5.4, §1.13)."""

from typing import Any

import pytest

from portfolio_mm.venue.clearinghouse.budgets import AddressBudget
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.account_actions import CreateSubAccount, SubAccountTransfer
from portfolio_mm.venue.protocol.actions import (
    Cancel,
    CancelLeg,
    Modify,
    Noop,
    Order,
    ReserveRequestWeight,
    ScheduleCancel,
    UserSetAbstraction,
)
from tests.venue.bench_chain import START_MS, Bench, leg


def limits(bench: Bench, user: str | None = None) -> Any:
    return reads.answer(bench.state, {"type": "userRateLimit", "user": user or bench.alice.address})


def refused(reply: Any) -> str:
    assert reply["status"] == "err", reply
    return str(reply["response"])


@pytest.mark.parametrize(("cap", "ceiling"), [(10, 20), (100_000, 200_000), (250_000, 350_000)])
def test_cancels_go_on_to_a_ceiling_of_their_own(cap: int, ceiling: int) -> None:
    """HL §5.2: min(limit + 100000, 2 * limit)."""
    budget = AddressBudget(cap)
    budget.charge(ceiling - 1)
    budget.take(0, 0, 0, cancels=False)
    assert (budget.refusal(0, 1, cancels=False) or "").startswith("Too many cumulative requests sent")
    assert budget.refusal(0, 1, cancels=True) is None
    budget.take(1, 0, 1, cancels=True)
    text = f"Too many cumulative requests sent ({ceiling} > {ceiling - 1}) for cumulative volume traded $0.00. "
    budget.take(0, 0, 1, cancels=True)
    assert (budget.refusal(0, 2, cancels=True) or "").startswith(text)


def test_beyond_the_budget_one_action_goes_every_ten_seconds_and_refusals_do_not_restart_them() -> None:
    bench = Bench(requests_base=1)
    assert bench.do(Noop())["status"] == "ok"
    assert bench.do(Noop())["status"] == "ok", "the first slot"
    passed = []
    for _ in range(220):
        reply = bench.do(Noop())
        passed.append(reply["status"] == "ok")
    assert [i for i, went in enumerate(passed) if went] == [99, 199], "every hundredth block of 100 ms"
    assert bench.alice.requests.used == 4


def test_each_leg_counts_and_a_leg_that_fails_counts_too() -> None:
    bench = Bench()
    bench.place(*(leg("BTC", "B", str(99_000 - i), "0.01") for i in range(3)))
    bench.do(Cancel((CancelLeg(0, 1), CancelLeg(0, 2))))
    assert limits(bench)["nRequestsUsed"] == 5
    assert bench.place(leg("BTC", "B", "99000", "0.00001"))[0] == {
        "error": "Order must have minimum value of $10. asset=0"
    }
    assert limits(bench)["nRequestsUsed"] == 6


def test_what_is_refused_whole_costs_nothing_and_a_stale_action_five() -> None:
    bench = Bench()
    bench.do(ScheduleCancel(START_MS + 60_000))
    bench.do(CreateSubAccount("x"))
    bench.do(UserSetAbstraction("0x1", "Testnet", bench.alice.address, "portfolioMargin", START_MS))
    assert limits(bench)["nRequestsUsed"] == 0
    assert refused(bench.do(Noop(), expires_after=bench.state.now_ms)) == "Action already expired"
    assert limits(bench)["nRequestsUsed"] == 5


def test_reserved_requests_are_used_first() -> None:
    bench = Bench(requests_base=2)
    assert bench.do(ReserveRequestWeight(3))["status"] == "ok"
    assert limits(bench) == {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 2, "nRequestsSurplus": 2}
    for _ in range(4):
        assert bench.do(Noop())["status"] == "ok"
    assert (limits(bench)["nRequestsUsed"], limits(bench)["nRequestsSurplus"]) == (2, 0)
    assert bench.do(Noop())["status"] == "ok", "the slot"
    assert refused(bench.do(Noop())).startswith("Too many cumulative requests sent (6 > 4)")


def test_a_sub_account_has_a_budget_of_its_own_and_the_volume_of_the_family_opens_its_gates() -> None:
    bench = Bench(requests_base=10, prior_volume_usd=1_000_000.0)
    sub = bench.do(CreateSubAccount("desk"))["response"]["data"]
    bench.do(SubAccountTransfer(sub, True, 5_000_000_000))  # noqa: FBT003
    used = bench.alice.requests.used
    order = Order((leg("BTC", "B", "100001", "0.01", "Ioc"),), "na")
    assert "filled" in bench.do(order, vault_address=sub)["response"]["data"]["statuses"][0]
    assert bench.alice.requests.used == used
    assert limits(bench, sub) == {"cumVlm": "1000.01", "nRequestsUsed": 1, "nRequestsCap": 1_010, "nRequestsSurplus": 0}
    assert bench.do(ScheduleCancel(bench.state.now_ms + 6_000), vault_address=sub)["status"] == "ok"
    bench.place(leg("BTC", "B", "99000", "0.01"))
    bench.do(Order((leg("BTC", "B", "99000", "0.01"),), "na"), vault_address=sub)
    bench.block(after_ms=7_000)
    assert not bench.state.by_address[sub].open
    assert len(bench.alice.open) == 1, "the switch is of one account"
    assert bench.state.by_address[sub].tier is bench.alice.tier
    assert bench.alice.standing.volume.taken[bench.state.day] == 1_000_01 * 10**6


def test_a_modify_that_fails_is_counted_for_it_may_have_cancelled() -> None:
    bench = Bench()
    assert refused(bench.do(Modify(1, leg("BTC", "B", "99000", "0.01")))) == "Cannot modify canceled or filled order"
    assert limits(bench)["nRequestsUsed"] == 1


@pytest.mark.parametrize("mode", ["unified", "portfolio"])
def test_fifty_thousand_actions_a_day_are_of_one_utc_day(mode: str) -> None:
    bench = Bench(mode=mode, day_actions=2, deposit_usd=20_000.0)
    midnight = bench.state.now_ms - bench.state.now_ms % 86_400_000 + 86_400_000
    bench.block(after_ms=midnight - bench.state.now_ms - 300)
    batch = Order(tuple(leg("BTC", "B", str(99_000 - i), "0.01") for i in range(5)), "na")
    assert bench.do(batch)["status"] == "ok", "a batch is one action"
    assert bench.do(Noop())["status"] == "ok"
    assert bench.do(Noop())["status"] == "ok", "the day has turned"
    assert bench.do(Noop())["status"] == "ok"
    assert refused(bench.do(Noop())).startswith("Too many user actions today")
