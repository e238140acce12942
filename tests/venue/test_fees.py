"""Fee tiers, rebates and discounts (HL §1.14, §10.1, §10.2)."""

import json
from pathlib import Path

import pytest

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse.fees import DailyVolume, Standing
from portfolio_mm.venue.clearinghouse.tiers import fee_tier
from portfolio_mm.venue.info.views_fees import fees
from tests.venue.bench_chain import Bench, leg

DAY_MS = 86_400_000
RECORDED = Path(__file__).parents[3] / "shared/data/wire/info/userFees.jsonl"


def standing(taken_usd: int = 0, made_usd: int = 0, *, exchange_usd: int = 10**12, floor: str = "base") -> Standing:
    one, all_of_it = Standing(fee_tier(floor)), DailyVolume()
    one.volume.add(99, taken_usd * USD_1E8, crossed=True)
    one.volume.add(90, made_usd * USD_1E8, crossed=False)
    all_of_it.add(95, exchange_usd * USD_1E8, crossed=False)
    one.renew(100, all_of_it)
    return one


@pytest.mark.parametrize(
    ("usd", "taker_1e6", "maker_1e6"),
    [
        (5_000_000, 450, 150),
        (5_000_001, 400, 120),
        (25_000_001, 350, 80),
        (100_000_001, 300, 40),
        (500_000_001, 280, 0),
        (2_000_000_001, 260, 0),
        (7_000_000_001, 240, 0),
    ],
)
def test_the_tier_follows_fourteen_days_of_volume(usd: int, taker_1e6: int, maker_1e6: int) -> None:
    tier = standing(taken_usd=usd).tier
    assert (tier.taker_1e6, tier.maker_1e6) == (taker_1e6, maker_1e6)


@pytest.mark.parametrize(("share_1e4", "maker_1e6"), [(50, 150), (51, -10), (151, -20), (301, -30)])
def test_rebates_follow_the_share_of_maker_volume(share_1e4: int, maker_1e6: int) -> None:
    assert standing(made_usd=share_1e4 * 100, exchange_usd=1_000_000).tier.maker_1e6 == maker_1e6


def test_volume_older_than_fourteen_days_and_of_today_does_not_count() -> None:
    one, nothing = Standing(fee_tier("base")), DailyVolume()
    for day in (85, 100):
        one.volume.add(day, 10**18, crossed=True)
    one.renew(100, nothing)
    assert one.tier.name == "base"


def test_a_floor_is_never_left_but_can_be_surpassed() -> None:
    assert standing(floor="vip2").tier.name == "vip2"
    assert standing(taken_usd=100_000_001, floor="vip2").tier.name == "vip3"


def test_discounts_lower_fees_and_never_a_rebate() -> None:
    both = Standing(fee_tier("rebate3"), 20_000.0, referred=True)
    assert both.fee_1e8(100 * USD_1E8, 0, crossed=True) == 100 * USD_1E8 * 240 * 80 * 96 // 10**10
    assert both.fee_1e8(100 * USD_1E8, 25_000_000 * USD_1E8, crossed=True) == 100 * USD_1E8 * 240 * 80 // 10**8
    assert both.fee_1e8(100 * USD_1E8, 0, crossed=False) == -300_000


def test_the_tier_moves_at_midnight_utc_and_not_before() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.alice.standing.volume.add(bench.state.day, 6_000_000 * USD_1E8, crossed=True)
    bench.block(after_ms=DAY_MS - bench.state.now_ms % DAY_MS - 1)
    assert bench.alice.tier.name == "base"
    bench.block(after_ms=1)
    assert bench.alice.tier.name == "vip1"
    bench.place(leg("BTC", "A", "99999", "0.01", "Ioc"))
    assert bench.state.outbox.fills[1][0]["fee"] == "0.399996"
    bench.block(after_ms=15 * DAY_MS)
    assert bench.alice.tier.name == "base"


def test_user_fees_tell_the_schedule_the_days_and_the_discounts() -> None:
    bench = Bench(staked_hype=150.0, referred=True)
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    shown = fees(bench.state, bench.alice)
    assert shown["userCrossRate"] == "0.000405"
    assert shown["userAddRate"] == "0.000135"
    assert shown["activeReferralDiscount"] == "0.04"
    assert shown["activeStakingDiscount"] == {"bpsOfMaxSupply": "0.0015", "discount": "0.1"}
    assert shown["feeSchedule"]["stakingDiscountTiers"][1] == {"bpsOfMaxSupply": "0.0001", "discount": "0.05"}
    assert shown["feeSchedule"]["stakingDiscountTiers"][-1] == {"bpsOfMaxSupply": "5.0", "discount": "0.4"}
    assert len(shown["dailyUserVlm"]) == 15
    today = shown["dailyUserVlm"][-1]
    assert (today["date"], today["userCross"], today["userAdd"]) == ("2026-11-18", "1000.01", "0.0")
    assert float(today["exchange"]) == 1000.01
    assert bench.alice.fills[-1]["fee"] == "0.38880388"  # 4.05 bps less four per cent


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not beside the project")
def test_user_fees_have_every_field_of_the_recorded_sample() -> None:
    sample = json.loads(RECORDED.read_text().splitlines()[0])["response"]
    shown = fees((bench := Bench()).state, bench.alice)
    assert set(sample) - {"feeTrialReward"} == set(shown) - {"feeTrialEscrow"}  # tests/venue/differing.py
    renamed = {"stakingDiscount": "stakingDiscountTiers"}  # the sample is a fixture; HL §1.14 has the later name
    assert {renamed.get(key, key) for key in sample["feeSchedule"]} == set(shown["feeSchedule"])
