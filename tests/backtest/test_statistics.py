"""What a report claims is true of data whose truth is planted: blocks, slopes, markouts, coverage."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.backtest.against_truth import against_truth
from portfolio_mm.backtest.blocks import INSUFFICIENT, mean, slope
from portfolio_mm.backtest.calibration import curve, curves_of
from portfolio_mm.backtest.coin_run import ENDED, FILLED, FORECAST, MID, ORDERED, PRINTED, SAMPLE
from portfolio_mm.backtest.coverage import forecasts_of
from portfolio_mm.backtest.markouts import markouts_of
from portfolio_mm.backtest.outcomes import fill_outcomes
from portfolio_mm.backtest.result import CoinResult
from portfolio_mm.backtest.shares import items_of, whys_of
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine.attribution import FEE, ITEMS, STATIC
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.why import Reason
from portfolio_mm.models.skill import MIN_BLOCKS

S = 1_000_000_000
Array = np.ndarray[Any, Any]


def bursts(seed: int, blocks: int, each: int, share: float = 0.8) -> tuple[Array, Array]:
    """Values of mean 1 whose errors are mostly common to a block of 10 s, and their times."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.normal(0.0, share, blocks), each)
    values = 1.0 + common + rng.normal(0.0, (1.0 - share**2) ** 0.5, blocks * each)
    return values, np.arange(blocks * each) * (10 * S // each)


def test_intervals_of_bursts_hold_as_often_as_they_say() -> None:
    held = []
    for seed in range(400):
        values, times = bursts(seed, 60, 20)
        found = mean(values, times, 10.0)
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= 1.0 <= found.high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_taking_each_value_for_one_observation_would_be_wrong() -> None:
    values, times = bursts(1, 60, 20)
    found = mean(values, times, 10.0)
    assert found.se is not None
    assert found.se > 2.0 * values.std() / len(values) ** 0.5


def test_under_thirty_blocks_nothing_is_claimed() -> None:
    values, times = bursts(1, MIN_BLOCKS - 1, 20)
    few = mean(values, times, 10.0)
    assert (few.low, few.high) == (None, None)
    assert INSUFFICIENT in few.text
    more = mean(*bursts(1, MIN_BLOCKS, 20), 10.0)
    assert more.low is not None
    assert INSUFFICIENT not in more.text


def test_what_is_not_known_is_left_out() -> None:
    times = np.arange(4) * S
    assert mean(np.array([1.0, np.nan, 3.0, np.inf]), times, 1.0).value == 2.0
    nothing = mean(np.full(4, np.nan), times, 1.0)
    assert nothing.value is None
    assert nothing.text == "–"


@pytest.mark.parametrize("true", [0.0, 0.5, 1.0])
def test_a_reliability_slope_is_recovered(true: float) -> None:
    rng = np.random.default_rng(7)
    predicted = rng.uniform(0.0, 1.0, 6_000)
    came = true * predicted + rng.normal(0.0, 0.3, 6_000)
    found = slope(predicted, came, np.arange(6_000) * S, 30.0)
    assert found.value == pytest.approx(true, abs=0.05)
    assert found.blocks == 200


def test_a_calibrated_probability_lies_on_the_line() -> None:
    rng = np.random.default_rng(8)
    predicted = rng.uniform(0.05, 0.95, 8_000)
    came = (rng.random(8_000) < predicted).astype(float)
    found = curve("P", "probability", predicted, came, np.arange(8_000) * S)
    assert found.slope.low is not None
    assert found.slope.high is not None
    assert found.slope.low < 1.0 < found.slope.high
    for one in found.bins:
        assert one.realised.low is not None
        assert one.realised.high is not None
        assert one.realised.low - 0.02 < one.predicted < one.realised.high + 0.02


def test_what_says_the_same_of_all_is_one_bin_without_a_slope() -> None:
    rng = np.random.default_rng(4)
    one = curve("P", "probability", np.full(400, 0.5), rng.uniform(size=400) < 0.6, np.arange(400) * 30 * S)
    assert len(one.bins) == 1
    assert one.slope.value is None
    assert one.bias.count == 400
    assert one.bias.value == pytest.approx(0.1, abs=0.06)


# -- a coin with a planted past --------------------------------------------------------------------------------------


def planted(seconds: int = 2_400, sigma_bps: float = 2.0, said_bps: float = 2.0, fills: int = 0) -> CoinResult:
    """A mid that walks by `sigma_bps` a root second, samples that say `said_bps`, fills that are run over by 3 bps."""
    rng = np.random.default_rng(5)
    state, params = new_coin(Instrument("SOL", 5, 0, 2, 20), 1)
    log = np.cumsum(rng.normal(0.0, sigma_bps * 1e-4, seconds))
    mids = np.zeros(seconds, MID)
    mids["ns"], mids["px"] = np.arange(1, seconds + 1) * S, 100.0 * np.exp(log)
    samples = np.zeros(seconds, SAMPLE)
    samples["ms"], samples["mid_px"], samples["sigma_bps"] = mids["ns"] // 1_000_000, mids["px"], said_bps
    samples["sigma_ready"] = samples["k_ready"] = 1
    samples["market_a_per_s"], samples["k_per_bps"], samples["k_se"] = 2.0, 0.5, 0.05
    samples["market_a_se"] = 0.15
    filled = np.zeros(fills, FILLED)
    if fills:
        at = np.linspace(10, seconds - 80, fills).astype(int)
        filled["ns"], filled["side"] = mids["ns"][at], np.arange(fills) % 2
        sign = 1.0 - 2.0 * filled["side"]
        later = mids["px"][at + 5]
        filled["px"] = later * (1.0 - sign * 1e-4)
        filled["fee_bps"], filled["lots"] = 1.5, 100
        filled["snap"]["fair_px"] = later * (1.0 + sign * 3e-4)
        filled["snap"]["adverse_bps"] = 1.0
    orders, forecasts, ended, prints = (np.zeros(0, dtype) for dtype in (ORDERED, FORECAST, ENDED, PRINTED))
    return CoinResult(
        "SOL",
        state,
        params,
        samples,
        mids,
        filled,
        orders=orders,
        forecasts=forecasts,
        ended=ended,
        prints=prints,
        events=0,
    )


def test_markouts_are_those_of_the_mids() -> None:
    coin = planted(fills=60)
    five = next(one for one in markouts_of(coin) if one.horizon_s == 5.0)
    assert five.markout_bps.value == pytest.approx(1.0, abs=0.01)
    assert five.net_bps.value == pytest.approx(-0.5, abs=0.01)
    assert five.adverse_bps.value == pytest.approx(3.0, abs=0.01)
    assert five.markout_bps.blocks >= MIN_BLOCKS
    assert curves_of(coin)[2].bias.value == pytest.approx(2.0, abs=0.01)


def test_a_forecast_has_an_outcome_and_the_tape_says_it_where_we_took_the_order_away() -> None:
    """Bids at 100: filled in time, late, and never; taken away after 1 s; asked about too near to the end."""
    coin = planted(seconds=100)
    forecasts, fills, ended = np.zeros(5, FORECAST), np.zeros(2, FILLED), np.zeros(2, ENDED)
    orders, prints = np.zeros(5, ORDERED), np.zeros(1, PRINTED)
    forecasts["ns"], forecasts["cloid_lo"] = np.array([10, 10, 10, 10, 97]) * S, np.arange(1, 6)
    orders["cloid_lo"], orders["px"] = np.arange(1, 6), 100.0
    fills["ns"], fills["cloid_lo"] = np.array([12, 17]) * S, [1, 2]
    ended["ns"], ended["cloid_lo"] = np.array([11, 30]) * S, [3, 4]
    prints["ns"] = 13 * S
    known = coin._replace(forecasts=forecasts, fills=fills, ended=ended, orders=orders, prints=prints)
    for side, px, third in (
        *((0, 99.9, 1.0), (0, 100.0, np.nan), (0, 100.1, 0.0)),  # beyond it, at it (who was first?), before it
        *((1, 99.9, 0.0), (1, 100.1, 0.0)),  # they hit asks
    ):
        prints["side"], prints["px"] = side, px
        came, weights = fill_outcomes(known, forecasts, forecasts["ns"])
        open_ = np.isnan(third)
        np.testing.assert_array_equal(came, [1.0, 0.0, third, 0.0, np.nan])
        np.testing.assert_allclose(weights, [1.0, *((1.5, 0.0, 1.5) if open_ else (1.0, 1.0, 1.0)), 0.0])


def test_a_horizon_beyond_the_session_has_no_label() -> None:
    coin = planted(seconds=100, fills=20)
    coin.fills["ns"] = 99 * S
    assert [one.markout_bps.count for one in markouts_of(coin)] == [20, 20, 0, 0, 0]


@pytest.mark.parametrize(("said", "held"), [(2.0, True), (1.0, False)])
def test_forecast_intervals_tell_an_honest_sigma_from_a_small_one(said: float, *, held: bool) -> None:
    one, *_ = forecasts_of(planted(seconds=4_000, said_bps=said))
    assert one.share.value is not None
    assert (abs(one.share.value - 0.95) < 0.015) == held


def test_truth_stands_beside_the_estimates_and_follows_the_regime() -> None:
    truth = {
        "coins": ["BTC", "SOL"],
        "sigma_bps_per_sqrt_s": [1.0, 2.0],
        "A_per_s": [[9.0, 9.0], [2.0, 2.0]],
        "kappa_per_bps": [[9.0, 9.0], [0.5, 0.5]],
        "regimes": [
            {"sigma_bps_per_sqrt_s": [1.0, 2.0], "arrival_factor": 1.0},
            {"sigma_bps_per_sqrt_s": [4.0, 8.0], "arrival_factor": 2.0},
        ],
        "events": [{"event": "regime", "ms": 1_200_001, "regime": 1}],
    }
    sigma, arrivals, k = against_truth(planted(), truth)
    assert (sigma.truth, sigma.final) == (8.0, 2.0)
    assert sigma.ratio.value == pytest.approx(0.5 * 1.0 + 0.5 * 0.25)
    assert arrivals.truth == 4.0
    assert arrivals.ratio.value == pytest.approx(0.75)
    assert k.truth == 0.5
    assert k.ratio.value == pytest.approx(1.0)
    assert k.covered is not None
    assert k.covered.value == 1.0
    assert arrivals.covered is not None
    assert arrivals.covered.value == pytest.approx(0.5)
    assert against_truth(planted()._replace(coin="DOGE"), truth) == ()
    counted = {"A_per_s": [2.0, 3.0], "blocks_per_s": [1.5, 2.25]}
    _, blocks, _ = against_truth(planted(), truth | {"measured": {"coins": [{}, counted]}})
    assert blocks.truth == 3.0  # 0.75 of four: the estimate counts blocks that hold an order


def test_shares_of_components_and_of_reasons() -> None:
    rows = planted(seconds=100).samples
    assert items_of(rows) == ()
    rows["quoting"][:50] = 1
    rows["why"][50:] = Reason.CANNOT_PAY
    rows["items_bps"][:, 0, FEE], rows["items_bps"][:, 1, FEE], rows["items_bps"][:, :, STATIC] = 1.0, -1.0, 3.0
    found = {one.item: one for one in items_of(rows)}
    assert tuple(found) == ITEMS
    assert (found["fee"].bid_mean_bps, found["fee"].ask_mean_bps, found["fee"].share) == (1.0, -1.0, 0.25)
    assert sum(one.share for one in found.values()) == pytest.approx(1.0)
    shares = {(one.side, one.reason): one.share for one in whys_of(rows)}
    assert shares["bid", "QUOTING"] == shares["ask", "CANNOT_PAY"] == 0.5
