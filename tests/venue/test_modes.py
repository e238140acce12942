"""Account modes and portfolio margin (HL §8.6-§8.8, §1.18)."""

from typing import Any

import pytest

from portfolio_mm.venue.clearinghouse import lending, margin
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.info.views_account import clearinghouse_state
from portfolio_mm.venue.info.views_balances import share_text, spot_state
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.account_actions import (
    AgentEnableDexAbstraction,
    AgentSetAbstraction,
    UserDexAbstraction,
)
from portfolio_mm.venue.protocol.actions import SendAsset, UserSetAbstraction
from portfolio_mm.venue.protocol.payments import Withdraw
from portfolio_mm.venue.tokens import BY_NAME
from tests.venue.bench_chain import START_MS, Bench, leg
from tests.venue.still_flow import BTC

USD = 10**8
BAD = "Abstraction transition not allowed"
HOUR_MS = 3_600_000


def set_mode(bench: Bench, mode: Any) -> str:
    reply = bench.do(UserSetAbstraction("0x1", "Testnet", bench.alice.address, mode, START_MS))
    return "ok" if reply["status"] == "ok" else str(reply["response"])


def by_agent(bench: Bench, letter: Any) -> str:
    reply = bench.do(AgentSetAbstraction(letter), signer=bench.accounts[0].agent.address)
    return "ok" if reply["status"] == "ok" else str(reply["response"])


def read(bench: Bench, kind: str, **fields: Any) -> Any:
    return reads.answer(bench.state, {"type": kind, "user": bench.alice.address, **fields})


def test_a_user_goes_anywhere_and_an_agent_only_away_from_default() -> None:
    bench = Bench(deposit_usd=10_001.0)
    assert read(bench, "userAbstraction") == "default"
    assert by_agent(bench, "u") == "ok"
    assert read(bench, "userAbstraction") == "unifiedAccount"
    assert by_agent(bench, "i") == BAD
    assert by_agent(bench, "p") == BAD
    assert set_mode(bench, "disabled") == "ok"
    assert read(bench, "userAbstraction") == "disabled", "and never default again"
    assert by_agent(bench, "u") == BAD
    assert [set_mode(bench, m) for m in ("portfolioMargin", "unifiedAccount", "disabled")] == ["ok"] * 3


def test_one_balance_takes_the_perps_usdc_and_leaves_it_in_spot() -> None:
    bench = Bench()
    set_mode(bench, "unifiedAccount")
    assert spot_state(bench.state, bench.alice)["balances"][0]["total"] == "10000.0"
    assert clearinghouse_state(bench.state, bench.alice)["withdrawable"] == "0.0"
    set_mode(bench, "disabled")
    assert (bench.alice.spot_1e8, bench.alice.raw_1e8) == (10_000 * USD, 0)
    assert "error" in bench.place(leg("BTC", "B", "99000", "0.01"))[0], "perps have no margin until it is moved"


def test_one_balance_with_a_position_is_not_split() -> None:
    bench = Bench(mode="unified")
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    assert set_mode(bench, "disabled") == BAD


def test_the_legacy_mode_can_be_left_but_no_longer_entered() -> None:
    bench = Bench(mode="dex")
    assert (read(bench, "userAbstraction"), read(bench, "userDexAbstraction")) == ("dexAbstraction", True)
    assert by_agent(bench, "u") == BAD, "that needs the user's signature"
    assert set_mode(bench, "unifiedAccount") == "ok"
    assert read(bench, "userDexAbstraction") is False
    fresh = Bench()
    assert read(fresh, "userDexAbstraction") is None
    assert fresh.do(AgentEnableDexAbstraction())["response"] == BAD
    enable = UserDexAbstraction("0x1", "Testnet", fresh.alice.address, enabled=True, nonce=START_MS)
    assert fresh.do(enable)["response"] == BAD
    old = Bench(dex_abstraction=True)
    assert old.do(AgentEnableDexAbstraction(), signer=old.accounts[0].agent.address)["status"] == "ok"
    leave = UserDexAbstraction("0x1", "Testnet", old.alice.address, enabled=False, nonce=START_MS)
    assert old.do(leave)["status"] == "ok"
    assert old.alice.mode == "disabled"


def test_portfolio_margin_has_its_requirements() -> None:
    words = "Portfolio margin requires account value of $10000 or total volume of $5000000."
    assert set_mode(Bench(), "portfolioMargin") == words
    assert set_mode(Bench(prior_volume_usd=5_000_001), "portfolioMargin") == "ok"
    assert set_mode(Bench(deposit_tokens={"HYPE": 1.0}), "portfolioMargin") == "ok", "tokens count"
    rich = Bench(deposit_usd=26e6)
    assert set_mode(rich, "portfolioMargin") == "Portfolio margin requires account value below $25000000."
    busy = Bench(deposit_usd=20_000.0)
    busy.place(leg("BTC", "B", "99000", "0.01"))
    assert set_mode(busy, "portfolioMargin") == BAD


def test_tokens_lend_their_owner_the_margin_of_a_position() -> None:
    """500 HYPE at 40 USD and 0.65 are 13,000 USDC of credit."""
    bench = Bench(mode="portfolio", deposit_usd=1_000.0, deposit_tokens={"HYPE": 500.0})
    bench.flow.rest(BTC, 1, BTC.ticks(100_001), BTC.lots(2))
    assert "filled" in bench.place(leg("BTC", "B", "100010", "1", "Ioc"))[0], "5,000 of margin with 1,000 of cash"
    assert bench.alice.credit_1e8 == 13_000 * USD
    borrowed = lending.borrowed_1e8(bench.state, bench.alice)
    used = margin.margin_used_1e8(bench.alice, bench.state.coins, bench.state.marks)
    assert borrowed == used - lending.cash_1e8(bench.alice) > 0
    state = read(bench, "borrowLendUserState")
    tokens = dict(state["tokenToState"])
    assert float(tokens[0]["borrow"]["value"]) == borrowed / USD
    assert tokens[150]["supply"]["value"] == "500.0"
    assert state["health"] == "healthy"
    assert float(state["healthFactor"]) == pytest.approx(13_000 * USD / borrowed)
    withdraw = Withdraw("0x1", "Testnet", bench.alice.address, "5", START_MS)
    assert bench.do(withdraw)["response"] == "Insufficient balance for withdrawal", "what is borrowed cannot leave"
    assert set_mode(bench, "unifiedAccount") == BAD
    hype = BY_NAME["HYPE"]
    everything = SendAsset("0x1", "Testnet", bench.bob.address, "spot", "spot", hype.wire, "500", "", START_MS)
    assert bench.do(everything)["response"] == "Insufficient balance for token transfer"
    free = lending.free_units(bench.state, bench.alice, hype)
    assert 0 < free < 500 * hype.unit
    part = SendAsset("0x1", "Testnet", bench.bob.address, "spot", "spot", hype.wire, "100", "", START_MS)
    assert bench.do(part)["status"] == "ok"
    assert margin.equity_1e8(bench.alice, bench.state.marks) >= used
    assert (
        "error"
        in Bench(mode="unified", deposit_usd=1_000.0, deposit_tokens={"HYPE": 500.0}).place(
            leg("BTC", "B", "99000", "1")
        )[0]
    ), "tokens back nothing in unified mode"


def test_the_spot_state_of_portfolio_margin_shows_loans_and_ratios() -> None:
    bench = Bench(mode="portfolio", deposit_usd=1_000.0, deposit_tokens={"HYPE": 500.0})
    bench.place(leg("BTC", "B", "100010", "0.005", "Ioc"))
    shown = spot_state(bench.state, bench.alice)
    assert next(iter(shown)) == "portfolioMarginEnabled"
    assert shown["portfolioMarginEnabled"] is True
    rows = {row["coin"]: row for row in shown["balances"]}
    assert list(rows) == ["USDC", "HYPE", "UBTC", "USDT0"], "collateral tokens are listed though nothing is held"
    assert (rows["HYPE"]["ltv"], rows["UBTC"]["ltv"], rows["USDC"]["ltv"]) == ("0.65", "0.5", "0.0")
    total, hold = float(rows["USDC"]["total"]), float(rows["USDC"]["hold"])
    assert float(rows["USDC"]["supplied"]) == pytest.approx(total - hold)
    maintenance = float(clearinghouse_state(bench.state, bench.alice)["crossMaintenanceMarginUsed"])
    after = dict(shown["tokenToAvailableAfterMaintenance"])
    assert float(after[0]) == pytest.approx(total - maintenance)
    # HL §8.8: liquidation value counts tokens at 0.5 + 0.5 * LTV.
    expected = (20 + maintenance) / (total + 500 * 40 * 0.825)
    assert float(shown["portfolioMarginRatio"]) == pytest.approx(expected, abs=1e-9)


def test_without_the_fixed_part_the_ratio_is_what_recorded_accounts_show() -> None:
    """JKorf/HyperLiquid.Net GetSubAccounts2.txt (MIT), July 2026: 23.104792 of maintenance over a total of 894.08996004
    is shown as 0.025841686, and 870.98516812 as what is left after maintenance."""
    assert share_text(2_310_479_200, 89_408_996_004) == "0.025841686"
    bench = Bench(mode="portfolio", deposit_usd=894.08996004, pm_requirement_usd=0.0)
    held = bench.alice.position(BTC.index)
    held.szi = 1_848
    held.cost_1e8 = held.value_1e8(bench.state.marks[0])
    bench.alice.raw_1e8 -= held.cost_1e8
    assert float(clearinghouse_state(bench.state, bench.alice)["crossMaintenanceMarginUsed"]) == 23.1
    shown = spot_state(bench.state, bench.alice)
    assert shown["portfolioMarginRatio"] == "0.025836326"
    assert shown["tokenToAvailableAfterMaintenance"][0] == [0, "870.98996004"]


def test_reserves_follow_the_documented_curve() -> None:
    bench = Bench()
    rows = dict(reads.answer(bench.state, {"type": "allBorrowLendReserveStates"}))
    assert list(rows) == [0, 150, 197, 268]
    usdc = rows[0]
    assert reads.answer(bench.state, {"type": "borrowLendReserveState", "token": 0}) == usdc
    assert list(usdc) == [
        "borrowYearlyRate",
        "supplyYearlyRate",
        "balance",
        "utilization",
        "oraclePx",
        "ltv",
        "totalSupplied",
        "totalBorrowed",
    ]
    used = float(usdc["totalBorrowed"]) / float(usdc["totalSupplied"])
    assert float(usdc["utilization"]) == pytest.approx(used)
    rate = 0.05 + 4.75 * max(0.0, used - 0.8)
    assert float(usdc["borrowYearlyRate"]) == pytest.approx(rate)
    assert float(usdc["supplyYearlyRate"]) == pytest.approx(rate * used * 0.9)
    assert rows[197]["oraclePx"] == "100000.0"
    assert (rows[150]["ltv"], rows[150]["borrowYearlyRate"]) == ("0.65", "0.0")


def test_interest_is_paid_and_earned_every_hour() -> None:
    bench = Bench(mode="portfolio", deposit_usd=5_000.0)
    rate = lending.rates_1e8(bench.state, BY_NAME["USDC"])[2]
    bench.block(after_ms=HOUR_MS - bench.state.now_ms % HOUR_MS)
    earned = round(5_000 * USD * rate / 10**8 / 8_760)
    assert bench.alice.spot_1e8 == 5_000 * USD + earned > 5_000 * USD
    (row,) = read(bench, "userBorrowLendInterest", startTime=0)
    assert (row["token"], row["borrow"]) == ("USDC", "0.0")
    assert float(row["supply"]) == earned / USD
    loan = dict(read(bench, "borrowLendUserState")["tokenToState"])[0]["supply"]
    assert (float(loan["basis"]), float(loan["value"])) == (5_000.0, 5_000 + earned / USD)


def test_interest_of_an_hour_is_booked_once_also_when_the_clock_steps_back() -> None:
    bench = Bench(mode="portfolio", deposit_usd=5_000.0)
    bench.block(after_ms=2 * HOUR_MS)
    earned = bench.alice.spot_1e8
    assert len(read(bench, "userBorrowLendInterest", startTime=0)) == 2
    bench.block(after_ms=-HOUR_MS)
    bench.block(after_ms=HOUR_MS)
    assert bench.alice.spot_1e8 == earned


def test_portfolio_margin_refuses_what_unified_refuses() -> None:
    bench = Bench(mode="portfolio", day_actions=3)
    text = "Unified account only supports sending assets through spot"
    assert bench.do(SendAsset("0x1", "Testnet", bench.bob.address, "", "", USDC, "1", "", START_MS))["response"] == text
    assert [bench.do(AgentSetAbstraction("i"))["response"] for _ in range(4)] == [BAD] * 4, "refusals are not counted"
    oks = [
        bench.do(SendAsset("0x1", "Testnet", bench.bob.address, "spot", "spot", USDC, "1", "", START_MS))["status"]
        for _ in range(4)
    ]
    assert oks == ["ok", "ok", "ok", "err"], "and the day's actions are"
