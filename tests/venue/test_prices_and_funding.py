"""Mark, impact prices, premium samples and hourly funding (HL §8.5, §9), against recorded numbers where they exist."""

import json
from pathlib import Path

import pytest

from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.venue.clearinghouse.funding import HOUR_MS, predicted, stamp_ms
from portfolio_mm.venue.clearinghouse.premiums import PremiumSamples, hourly_1e10
from portfolio_mm.venue.clearinghouse.prices import Inputs, MarkModel, impact_ticks, premium_1e10
from portfolio_mm.venue.info.reads import answer
from portfolio_mm.venue.info.views_market import context
from portfolio_mm.venue.protocol.actions import UpdateLeverage
from tests.venue.bench_chain import Bench, leg
from tests.venue.still_flow import BTC, ETH, SOL

CONTEXTS = Path(__file__).parents[3] / "shared/data/wire/info/metaAndAssetCtxs.jsonl"
RATES = (
    ("-0.0001875303", "0.0000125"),
    ("-0.0020000000", "-0.0001875"),
    ("0.0007000000", "0.000025"),
    ("0.01", "0.0011875"),
)
"""Premium and hourly rate: a recorded row (HL §1.15), then the documented formula and its example of one per cent."""


def e10(text: str) -> int:
    return round(float(text) * 10**10)


@pytest.mark.parametrize(("premium", "rate"), RATES)
def test_the_rate_of_an_hour_follows_from_its_mean_premium(premium: str, rate: str) -> None:
    assert hourly_1e10(e10(premium)) == e10(rate)


def test_the_rate_never_leaves_four_per_cent() -> None:
    assert [hourly_1e10(sign * 10**10) for sign in (-1, 1)] == [-400_000_000, 400_000_000]


def test_samples_are_averaged_and_begin_anew() -> None:
    samples = PremiumSamples()
    assert samples.hourly_1e10 == 125_000
    for premium in (10_000_000, 20_000_000, 30_000_001):
        samples.take(premium)
    assert samples.mean_1e10 == 20_000_000
    samples.clear()
    assert samples.mean_1e10 == 0


def test_a_premium_is_sampled_every_five_seconds_and_paid_within_the_first_moments_of_the_hour() -> None:
    bench = Bench(prices="documented")
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.block(after_ms=HOUR_MS - bench.state.now_ms % HOUR_MS - 21_000)
    bench.flow.rest(BTC, SELL, BTC.ticks(100_400), BTC.lots(1))
    bench.flow.rest(BTC, BUY, BTC.ticks(99_400), BTC.lots(1))
    bench.flow.mark(BTC, 99_000.0)  # the oracle: impact bid 99,520 is 52.5 bps above
    book = bench.state.by_coin["BTC"]
    seen = []
    for _ in range(42):
        bench.block(after_ms=500)
        seen.append(book.funding.mean_1e10)
    impact = impact_ticks(book.market, "BTC")
    assert impact is not None
    premium = premium_1e10(impact, BTC.ticks(99_000))
    assert seen[-1] == pytest.approx(premium, abs=10**7)
    assert context(book)["funding"] == answer(bench.state, {"type": "predictedFundings"})[0][1][0][1]["fundingRate"]
    hour = bench.state.now_ms // HOUR_MS
    before, rate = bench.alice.raw_1e8, book.funding_1e10()
    bench.block(after_ms=100)
    assert bench.alice.raw_1e8 == before - round(0.01 * 99_000 * rate / 10_000) * 100  # millionths of a dollar
    assert bench.alice.fundings[-1]["delta"]["usdc"] == f"{-0.01 * 99_000 * rate / 1e10:.6f}".rstrip("0")
    row = answer(bench.state, {"type": "fundingHistory", "coin": "BTC", "startTime": 0})[-1]
    assert row["time"] == bench.alice.fundings[-1]["time"] == stamp_ms(hour)
    assert e10(row["fundingRate"]) == rate == hourly_1e10(e10(row["premium"]))
    assert book.funding.mean_1e10 == 0


def test_every_hour_that_passed_is_paid_and_stamped_as_recorded() -> None:
    bench = Bench()
    bench.block(after_ms=3 * HOUR_MS)
    stamps = [row["time"] % HOUR_MS for row in bench.state.by_coin["BTC"].rates]
    assert len(stamps) == 3
    assert all(15 <= stamp <= 46 for stamp in stamps)
    assert {stamp_ms(hour) % HOUR_MS for hour in range(480_000, 480_064)} == set(range(15, 47))


def test_an_hour_is_paid_once_when_the_clock_steps_back_over_it() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.block(after_ms=2 * HOUR_MS)
    paid = [row["time"] for row in bench.alice.fundings]
    assert len(paid) == 2
    bench.block(after_ms=-3 * HOUR_MS)
    assert predicted(bench.state)[0][1][0][1]["nextFundingTime"] == (paid[-1] // HOUR_MS + 1) * HOUR_MS
    money = bench.alice.raw_1e8
    for _ in range(36):
        bench.block(after_ms=5 * 60_000)
    assert (bench.alice.raw_1e8, [row["time"] for row in bench.alice.fundings]) == (money, paid)
    bench.block(after_ms=HOUR_MS)
    assert [row["time"] for row in bench.alice.fundings] == [*paid, stamp_ms(paid[-1] // HOUR_MS + 1)]


def test_an_isolated_position_pays_its_funding_itself() -> None:
    bench = Bench()
    bench.do(UpdateLeverage(1, is_cross=False, leverage=10))
    bench.place(leg("ETH", "A", "3999", "0.1", "Ioc"))
    free, apart = bench.alice.raw_1e8, bench.alice.positions[ETH.index].raw_1e8
    bench.block(after_ms=HOUR_MS)
    assert bench.alice.raw_1e8 == free
    assert bench.alice.positions[ETH.index].raw_1e8 - apart == 400 * USD_1E8 * 125 // 10**7


def test_a_book_too_thin_for_impact_has_no_premium_and_takes_no_sample() -> None:
    bench = Bench(prices="documented")
    shown = context(bench.state.by_coin["BTC"])
    assert (shown["premium"], shown["impactPxs"]) == (None, None)  # five levels of 1,000 USD, 20,000 wanted
    bench.block(after_ms=5_000)
    assert bench.state.by_coin["BTC"].funding.mean_1e10 == 0


def test_predictions_name_the_venue_the_hour_and_no_other_venue() -> None:
    bench = Bench()
    coin, venues = predicted(bench.state)[0]
    assert (coin, [name for name, _ in venues]) == ("BTC", ["HlPerp", "BinPerp", "BybitPerp"])
    assert venues[0][1]["nextFundingTime"] % HOUR_MS == 0
    assert 0 < venues[0][1]["nextFundingTime"] - bench.state.now_ms <= HOUR_MS
    assert venues[1:] == [["BinPerp", None], ["BybitPerp", None]]


def test_the_mark_is_the_median_of_the_three_documented_prices() -> None:
    model = MarkModel(0)
    assert model.update(3_000, Inputs(1_000_000, 1_000_900, 1_001_100, 1_001_050, 1_002_000)) == 1_001_050
    # oracle + 150 s basis 1,001,000 | local 1,001,050 | perps 1,002,000; then perps fall below both
    assert model.update(6_000, Inputs(1_000_000, 1_000_900, 1_001_100, 1_001_050, 900_000)) == 1_001_000


def test_with_two_prices_the_thirty_second_average_decides() -> None:
    model = MarkModel(0)
    for second in range(3, 303, 3):
        model.update(second * 1_000, Inputs(1_000_000, 999_000, 1_001_000, 1_000_000, None))
    jumped = Inputs(1_000_000, 1_009_000, 1_011_000, 1_010_000, None)
    first = model.update(303_000, jumped)
    assert 1_000_000 < first < 1_001_500  # basis 200, local 10,000, its average 952
    marks = [model.update((306 + 3 * step) * 1_000, jumped) for step in range(60)]
    assert marks == sorted(marks)
    assert 1_006_500 < marks[-1] < 1_010_000


def test_a_one_sided_book_marks_by_what_is_left() -> None:
    model = MarkModel(0)
    assert model.update(3_000, Inputs(1_000, None, 1_010, 1_005, None)) == 1_000
    assert model.update(6_000, Inputs(1_000, None, 1_010, 1_005, 1_100)) == 1_050


def test_the_mark_of_a_recording_is_kept_and_a_modelled_one_is_not() -> None:
    marks = {}
    for prices in ("auto", "flow", "documented"):
        bench = Bench(prices=prices)
        bench.flow.mark(SOL, 250.0)
        bench.block()
        marks[prices] = bench.state.marks[SOL.index]
    assert marks["auto"] == marks["flow"] == SOL.ticks(250.0)
    assert SOL.ticks(199.0) < marks["documented"] < SOL.ticks(201.0)


@pytest.mark.recorded
@pytest.mark.skipif(not CONTEXTS.exists(), reason="the recordings are not beside the project")
def test_premiums_of_all_recorded_contexts_follow_from_their_impact_prices() -> None:
    checked = 0
    for line in CONTEXTS.read_text().splitlines():
        response = json.loads(line)["response"]
        for row, now in zip(response[0]["universe"], response[1], strict=False):
            if ":" in row["name"] or not now.get("impactPxs") or now["premium"] is None:
                continue  # other dexes have another formula
            bid, ask, oracle = (round(float(px) * 10**6) for px in (*now["impactPxs"], now["oraclePx"]))
            assert abs(premium_1e10((bid, ask), oracle) - e10(now["premium"])) <= 1
            checked += 1
    assert checked > 300
