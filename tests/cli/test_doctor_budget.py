"""What doctor says of requests, modes and fees."""

import time

import msgspec
import pytest

from portfolio_mm.actors.messages import View
from portfolio_mm.cli.doctor_budget import budget_finding, fee_finding, mode_finding
from portfolio_mm.cli.table import headline
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.settings.load import load
from tests.actors.sample import view

PLAN = load(None).plan()


def truth(used: int = 0, cap: int = 10_000, mode: AccountMode = AccountMode.STANDARD) -> AccountTruth:
    return AccountTruth(
        user="0x" + "ab" * 20,
        mode=mode,
        equity_1e8=0,
        free_1e8=0,
        margin_used_1e8=0,
        maintenance_1e8=0,
        idle_spot_1e8=0,
        positions=(),
        maker_fee_bps=1.5,
        taker_fee_bps=4.5,
        volume_usd=0.0,
        address_used=used,
        address_cap=cap,
        address_surplus=0,
        time_ms=1,
    )


def running(actions: int, volume_usd: float, hours: float = 1.0, day_used: int = 0) -> View:
    whole = view(run=int(time.time() - hours * 3600))
    budget = msgspec.structs.replace(whole.budget, day_used=day_used)
    return msgspec.structs.replace(whole, placed=actions, modified=0, cancelled=0, volume_usd=volume_usd, budget=budget)


def test_requests_that_run_out_at_the_rate_of_the_run_need_a_reserve() -> None:
    name, grade, text = budget_finding(truth(used=2_700), running(3_600, 0.0), PLAN)
    assert (name, grade) == ("budget", "warn")
    assert "7,300 of 10,000 requests left; 1.00 actions and 0.00 USD of volume a second" in text
    assert "they run out in 1.9 hours" in text
    assert "portfolio-mm account reserve-requests --requests 10000 --max-usd 5.00" in text


def test_trading_that_earns_its_requests_needs_none() -> None:
    _, grade, text = budget_finding(truth(used=2_700), running(3_600, 7_200.0), PLAN)
    assert grade == "ok"
    assert "trading earns them" in text
    assert "reserve-requests" not in text


@pytest.mark.parametrize(("left", "grade"), [(5_000, "ok"), (2_000, "warn"), (300, "bad")])
def test_few_requests_are_told_without_a_run(left: int, grade: str) -> None:
    found = budget_finding(truth(used=10_000 - left), None, PLAN)
    assert found[1] == grade
    assert "the rate is unknown" in found[2]
    assert ("reserve-requests" in found[2]) is (grade != "ok")


def test_status_names_the_command_that_buys_requests() -> None:
    whole = view()
    few = msgspec.structs.replace(whole.budget, address_used=8_500)
    assert "reserve-requests" not in headline(whole).plain
    said = headline(msgspec.structs.replace(whole, budget=few)).plain
    assert "1,500 requests of the address left: `portfolio-mm account reserve-requests" in said


def test_the_daily_limit_of_unified_modes_is_told() -> None:
    assert mode_finding(truth(), None) == ("mode", "ok", "standard: no daily limit of actions")
    _, grade, text = mode_finding(truth(mode=AccountMode.UNIFIED), running(0, 0.0, day_used=45_000))
    assert grade == "warn"
    assert "50,000 actions a UTC day" in text
    assert "45,000 used today" in text


def test_what_the_next_tier_needs() -> None:
    days = [{"date": str(n), "userCross": "100000.0", "userAdd": "200000.0", "exchange": "1e9"} for n in range(15)]
    fees = {
        "userAddRate": "0.00015",
        "userCrossRate": "0.00045",
        "dailyUserVlm": days,
        "feeSchedule": {
            "tiers": {
                "vip": [{"ntlCutoff": "25000000.0", "add": "0.00008"}, {"ntlCutoff": "5000000.0", "add": "0.00012"}],
                "mm": [{"makerFractionCutoff": "0.005", "add": "-0.00001"}],
            }
        },
    }
    _, grade, text = fee_finding(fees)
    assert grade == "ok"
    assert "maker 1.5 bps, taker 4.5 bps; 4,200,000 USD in 14 days, 800,000 USD more for maker 1.2 bps" in text
    assert "0.5% of the venue's maker volume (now 0.0200%) for -0.1 bps" in text
    assert fee_finding({})[1] == "warn"
