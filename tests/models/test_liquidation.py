"""The distance from liquidation, against the local venue's price, its liquidation, and the formula of HL §8.2, §8.3."""

from math import inf, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.units import SELL, USD_1E8
from portfolio_mm.hyperliquid.meta import tiers_of
from portfolio_mm.models.liquidation import Leg, Tier, adverse_move, maintenance_usd
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.protocol.actions import UpdateLeverage
from tests.venue.bench_chain import Bench, leg
from tests.venue.still_flow import BTC

BTC_TIERS = (Tier(0.0, 40), Tier(150e6, 20))
SMALL_TIERS = (Tier(0.0, 40), Tier(10_000.0, 25), Tier(50_000.0, 10))
"""Of the testnet (HL §8.2): tiers within reach of a small account."""


def test_maintenance_is_that_of_the_documented_tiers() -> None:
    assert maintenance_usd(377_667.0, BTC_TIERS) == 4720.8375  # recorded (HL §1.7)
    deduction = 150e6 * (1 / 40 - 1 / 80)
    assert maintenance_usd(200e6, BTC_TIERS) == pytest.approx(200e6 / 40 - deduction)


@given(
    equity_usd=st.floats(1.0, 1e5),
    usd=st.lists(st.floats(10.0, 1e5).flatmap(lambda x: st.sampled_from([x, -x])), min_size=1, max_size=4),
)
@settings(max_examples=60)
def test_after_the_move_equity_is_just_the_maintenance(equity_usd: float, usd: list[float]) -> None:
    legs = [Leg(each, SMALL_TIERS) for each in usd]
    move = adverse_move(equity_usd, legs)
    needed = sum(maintenance_usd(each.at(min(move, 1e9)), SMALL_TIERS) for each in legs)
    left = equity_usd - sum(each.lost(min(move, 1e9)) for each in legs)
    if move == 0.0:
        assert left <= needed
    elif move == inf:
        assert min(usd) > 0.0, "a short has no largest loss"
        assert equity_usd >= sum(usd)
    else:
        assert isclose(left, needed, rel_tol=1e-6, abs_tol=1e-6 * sum(map(abs, usd)))


def test_a_lone_position_follows_the_venues_formula() -> None:
    equity_usd, size, mark = 3_000.0, 0.5, 80_000.0
    for sign in (1.0, -1.0):
        available = equity_usd - maintenance_usd(size * mark, BTC_TIERS)
        liquidation = mark - sign * available / size / (1 - sign / 80)
        move = adverse_move(equity_usd, [Leg(sign * size * mark, BTC_TIERS)])
        assert mark * (1 - sign * move) == pytest.approx(liquidation)


def test_the_local_venue_liquidates_where_the_joint_move_says() -> None:
    for share, ends in ((0.999, False), (1.001, True)):
        bench = Bench()
        bench.do(UpdateLeverage(0, is_cross=True, leverage=40))
        bench.flow.rest(BTC, SELL, BTC.ticks(100_001), 10_000)
        bench.place(leg("BTC", "B", "100001", "0.1", "Ioc"))
        bench.alice.raw_1e8 -= margin.equity_1e8(bench.alice, bench.state.marks) - 400 * USD_1E8
        mark = BTC.px(bench.state.marks[0])
        tiers = tiers_of(bench.read("meta"))
        state = bench.read("clearinghouseState", user=bench.alice.address)
        (row,) = state["assetPositions"]
        equity_usd, usd = float(state["marginSummary"]["accountValue"]), float(row["position"]["positionValue"])
        move = adverse_move(equity_usd, [Leg(usd, tiers["BTC"])])
        assert mark * (1 - move) == pytest.approx(float(row["position"]["liquidationPx"]), rel=1e-9)
        bench.flow.mark(BTC, mark * (1 - share * move))
        bench.block()
        rows = [one["delta"]["type"] for one in bench.alice.ledger]
        assert ("liquidation" in rows) is ends
