"""Builder fees and priority fees: approvals, charges, refusals, places (HL §2.2, §2.9, §7.6, §10.3)."""

from typing import Any

import pytest

from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.protocol.account_actions import ClaimRewards
from portfolio_mm.venue.protocol.actions import Order
from portfolio_mm.venue.protocol.builders import ApproveBuilderFee, Builder, Priority
from tests.venue.bench_chain import Bench, leg
from tests.venue.served import client
from tests.venue.still_flow import BTC

NOT_APPROVED = {"status": "err", "response": "Builder fee has not been approved."}
BUY = leg("BTC", "B", "100001", "0.01", "Ioc")
REST = leg("BTC", "B", "100000", "0.01")
BPS = 10_000
"""One basis point, in hundred-millionths."""


def approve(bench: Bench, rate: str, builder: str | None = None) -> Any:
    address = bench.bob.address if builder is None else builder
    return bench.do(ApproveBuilderFee("0x1", "Testnet", rate, address, 1))


def with_builder(bench: Bench, tenths: int, wire: Any = BUY) -> Any:
    return bench.do(Order((wire,), "na", Builder(bench.bob.address.upper().replace("0X", "0x"), tenths)))


def test_a_builder_is_paid_what_was_approved_and_the_fee_says_so() -> None:
    bench = Bench()
    assert approve(bench, "0.01%")["status"] == "ok"
    assert bench.read("maxBuilderFee", builder=bench.bob.address) == 10
    assert bench.read("approvedBuilders") == [bench.bob.address]
    assert "filled" in with_builder(bench, 10)["response"]["data"]["statuses"][0]
    (row,) = bench.state.outbox.fills[1]
    assert (row["builderFee"], row["fee"]) == ("0.100001", "0.5500055")
    assert bench.bob.builder_rewards_1e8 == 10_000_100


def test_a_builder_claims_what_it_earned_once() -> None:
    bench = Bench()
    nothing = {"status": "err", "response": "No rewards to claim"}
    assert bench.do(ClaimRewards(), bench.bob) == nothing
    approve(bench, "0.01%")
    with_builder(bench, 10)
    me = {"user": bench.bob.address}
    assert bench.read("referral", **me)["builderRewards"] == "0.100001"
    spot = bench.bob.spot_1e8
    assert bench.do(ClaimRewards(), bench.bob) == {"status": "ok", "response": {"type": "default"}}
    assert bench.bob.spot_1e8 - spot == 10_000_100
    shown = bench.read("referral", **me)
    assert (shown["builderRewards"], shown["claimedRewards"]) == ("0.0", "0.100001")
    row = bench.read("userNonFundingLedgerUpdates", startTime=0, **me)[-1]
    assert row["delta"] == {"type": "rewardsClaim", "amount": "0.100001", "token": "USDC"}
    assert bench.do(ClaimRewards(), bench.bob) == nothing


def test_a_resting_order_pays_its_builder_when_it_is_filled() -> None:
    bench = Bench()
    approve(bench, "0.001%")
    with_builder(bench, 1, REST)
    bench.flow.hit(BTC, 1, BTC.ticks(100_000), BTC.lots(0.01))
    bench.block()
    (row,) = bench.state.outbox.fills[1]
    assert (row["builderFee"], row["fee"]) == ("0.01", "0.16")


def test_no_fee_is_told_of_a_builder_who_asks_for_none() -> None:
    bench = Bench()
    approve(bench, "0.001%")
    with_builder(bench, 0)
    assert "builderFee" not in bench.state.outbox.fills[1][0]


def test_an_order_with_an_unapproved_fee_is_refused_whole() -> None:
    bench = Bench()
    assert with_builder(bench, 1) == NOT_APPROVED
    approve(bench, "0.01%")
    assert with_builder(bench, 11) == NOT_APPROVED, "as when nothing was approved"
    assert with_builder(bench, 10)["status"] == "ok"
    approve(bench, "0%")
    assert with_builder(bench, 1) == NOT_APPROVED
    approve(bench, "1%")
    assert with_builder(bench, 101) == NOT_APPROVED, "a tenth of a percent is the most on perps"


@pytest.mark.parametrize("rate", ["0.01", "x%", "-1%", "1.001%", "0.0001%", "%"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    assert approve(Bench(), rate) == {"status": "err", "response": "Invalid builder fee rate."}


def test_a_builder_must_hold_a_hundred_dollars() -> None:
    poor = {"status": "err", "response": "Builder has insufficient balance to be approved."}
    assert approve(Bench(), "0.01%", "0x" + "1" * 40) == poor
    assert approve(Bench(deposit_usd=99.99), "0.01%") == poor
    assert approve(Bench(deposit_usd=100.0), "0.01%")["status"] == "ok"


def test_ten_builders_may_be_approved() -> None:
    bench = Bench()
    bench.alice.builders = {f"0x{number:040x}": 1 for number in range(10)}
    assert approve(bench, "0.01%") == {"status": "err", "response": "Too many approved builders."}
    bench.alice.builders.popitem()
    assert approve(bench, "0.01%")["status"] == "ok"


def test_the_sdk_approves_a_builder_and_trades_with_it(venue: RunningVenue) -> None:
    builder = venue.accounts[0].address
    with client(venue, 1, key=venue.accounts[1].key) as master:
        assert master.exchange.approve_builder_fee(builder, "0.01%")["status"] == "ok"
        read = {"type": "maxBuilderFee", "user": master.address, "builder": builder}
        assert master.info.post("/info", read) == 10
        master.exchange.market_open("ETH", is_buy=True, sz=0.1, builder={"b": builder, "f": 10})
        newest = master.info.user_fills(master.address)[0]
        assert 0 < float(newest["builderFee"]) < float(newest["fee"])
        master.exchange.market_close("ETH")
        assert master.exchange.approve_builder_fee(builder, "0%")["status"] == "ok"


def priced(bench: Bench, rate: int, *legs: Any, user: Any = None) -> Any:
    return bench.do(Order(legs, Priority(rate)), user)


def test_a_priority_fee_is_paid_in_staked_hype_on_what_was_filled() -> None:
    """A thousand dollars at 4 bps and 40 USD per HYPE."""
    bench = Bench(undelegated_hype=1.0)
    assert priced(bench, 4 * BPS, BUY)["status"] == "ok"
    assert 100_000_000 - bench.alice.staked_hype_1e8 == 1_000_010
    assert bench.read("delegatorSummary")["undelegated"] == "0.9899999"
    priced(bench, 4 * BPS, leg("BTC", "B", "99998", "0.01", "Ioc"))
    assert bench.alice.staked_hype_1e8 == 98_999_990, "nothing filled, nothing charged"


def test_a_post_only_order_pays_for_what_rests_filled_or_not() -> None:
    bench = Bench(undelegated_hype=1.0)
    priced(bench, 4 * BPS, REST)
    assert 100_000_000 - bench.alice.staked_hype_1e8 == 1_000_000


@pytest.mark.parametrize(
    "legs",
    [(BUY, REST), (leg("BTC", "B", "99000", "0.01", "Gtc"),), (leg("BTC", "A", "101000", "0.01", reduce_only=True),)],
)
def test_only_ioc_alone_or_opening_alo_alone_may_pay_for_priority(legs: Any) -> None:
    bench = Bench(undelegated_hype=1.0)
    assert priced(bench, BPS, *legs)["response"].startswith("Priority fees are only for orders")
    assert not bench.alice.records


def test_without_a_staking_balance_priority_is_refused() -> None:
    text = "Insufficient staking balance for priority fee."
    assert priced(Bench(), BPS, BUY) == {"status": "err", "response": text}
    assert priced(Bench(undelegated_hype=0.001), 4 * BPS, BUY) == {"status": "err", "response": text}


def test_takers_of_a_block_come_by_their_rate() -> None:
    bench = Bench(undelegated_hype=1.0)
    cheap = bench.signed(Order((leg("BTC", "B", "100002", "0.01", "Ioc"),), Priority(BPS)))
    plain = bench.signed(Order((leg("BTC", "B", "100002", "0.01", "Ioc"),), "na"))
    dear = bench.signed(Order((leg("BTC", "B", "100002", "0.01", "Ioc"),), Priority(9 * BPS)), bench.bob)
    entries = [reply["response"]["data"]["statuses"][0] for reply in bench.block(plain, cheap, dear)]
    assert [entry.get("filled", {}).get("avgPx") for entry in entries] == [None, "100002.0", "100001.0"]


def test_a_paying_alo_goes_before_the_young_at_the_tail_only() -> None:
    bench = Bench(undelegated_hype=1.0)
    (old,) = bench.place(REST)
    bench.block(after_ms=400)
    (young,) = bench.place(REST)
    (paying,) = priced(bench, BPS, REST, user=bench.bob)["response"]["data"]["statuses"]
    oids = [entry["resting"]["oid"] for entry in (old, paying, young)]
    market = bench.state.books[0].market
    assert [market.ahead(oid) for oid in oids] == [0, BTC.lots(0.01), BTC.lots(0.02)]
    (more,) = priced(bench, 2 * BPS, REST)["response"]["data"]["statuses"]
    assert market.ahead(more["resting"]["oid"]) == BTC.lots(0.01), "more than one may be overtaken"
    assert [market.ahead(oid) for oid in oids] == [0, BTC.lots(0.02), BTC.lots(0.03)]
