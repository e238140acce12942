"""The map of fill forecasts, what became of them, and the count of sweeps just now."""

import math
from typing import Any

import numpy as np
import pytest

from portfolio_mm.models import burst, fill_bets, fill_map

S = 10**9


def fresh_map() -> Any:
    curve = np.zeros(1, fill_map.FILL_MAP)
    fill_map.clear_map(curve[0])
    return curve[0]


def test_nothing_learned_leaves_a_model_that_knows_no_more_at_its_word() -> None:
    curve = fresh_map()
    for probability in (0.03, 0.4, 0.9):
        fill_map.set_inputs(curve, fill_map.logit(probability), 0.0, 0.0, 0.0)
        assert fill_map.said(curve) == pytest.approx(probability, rel=1e-6)


def test_the_map_finds_what_the_model_leaves_out() -> None:
    """Scores twice as sure as true and shifted; bursts, an error of fair and age that matter: 8,000 outcomes."""
    rng = np.random.default_rng(6)
    curve, truth = fresh_map(), (-0.7, 0.5, 0.9, -0.4, -0.3)
    for _ in range(8000):
        x = (1.0, rng.normal(0.0, 2.0), rng.normal(0.0, 0.6), rng.normal(0.0, 1.0), rng.uniform(0.0, 4.0))
        z = sum(b * each for b, each in zip(truth, x, strict=True))
        fill_map.set_inputs(curve, x[1], x[2], x[3], math.expm1(x[4]))
        fill_map.learn(curve, float(rng.uniform() < 1.0 / (1.0 + math.exp(-z))), 0.0)
    assert curve["beta"].tolist() == pytest.approx(truth, abs=0.1)


def test_a_map_that_drifts_follows_a_market_that_changes() -> None:
    """Three quarters of an hour of two places' outcomes after the fills have become rare."""
    found = []
    for drift_share in (0.0, 1e-3):
        rng, curve = np.random.default_rng(8), fresh_map()
        for i in range(4700):
            fill_map.set_inputs(curve, rng.normal(0.0, 1.0), 0.0, 0.0, 0.0)
            z = curve["row"][1] - (0.0 if i < 4000 else 1.0)
            fill_map.learn(curve, float(rng.uniform() < 1.0 / (1.0 + math.exp(-z))), drift_share)
        found.append(float(curve["beta"][0]))
    assert abs(found[1] + 1.0) < 0.5 * abs(found[0] + 1.0)


def test_inputs_come_back_as_they_were_kept() -> None:
    curve, kept = fresh_map(), np.zeros(4, np.float32)
    fill_map.set_inputs(curve, -1.0, 0.5, 9.0, 3.0)
    fill_map.keep_inputs(curve, kept)
    said = fill_map.said(curve)
    fill_map.set_inputs(curve, 2.0, 0.0, 0.0, 0.0)
    fill_map.recall_inputs(curve, kept)
    assert fill_map.said(curve) == said
    assert kept.tolist() == pytest.approx([-1.0, 0.5, fill_map.MOST_LEAD, math.log(4.0)])


def test_a_burst_is_counted_by_blocks_and_fades() -> None:
    """Three prints of one block are one sweep; after a silence of ln 2 tau half of it is left."""
    count = np.zeros(1, burst.BURST)
    burst.clear_burst(count[0])
    assert burst.burst_ratio(count[0], 0, S, 3.0, 0.0) == 0.0
    for at_ns in (5 * S, 5 * S, 5 * S, 4 * S):
        burst.hear_print(count[0], 1, at_ns, 3.0)
    assert burst.burst_count(count[0], 1, 5 * S, 3.0) == 1.0
    assert burst.burst_count(count[0], 1, 5 * S + round(3.0 * math.log(2.0) * S), 3.0) == pytest.approx(0.5)
    assert burst.burst_count(count[0], 0, 5 * S, 3.0) == 0.0
    burst.hear_print(count[0], 1, 8 * S, 3.0)
    assert burst.burst_count(count[0], 1, 8 * S, 3.0) == pytest.approx(1.0 + math.exp(-1.0))


def test_a_steady_stream_is_no_burst() -> None:
    """Poisson sweeps of 0.4 a second: exp of the ratio is 1 on average."""
    rng, count = np.random.default_rng(2), np.zeros(1, burst.BURST)
    burst.clear_burst(count[0])
    ratios = []
    for i in range(1, 60_000):
        if rng.uniform() < 0.04:
            burst.hear_print(count[0], 0, i * S // 10, 3.0)
        ratios.append(math.exp(burst.burst_ratio(count[0], 0, i * S // 10, 3.0, 0.4)))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)


def a_bet() -> Any:
    bet = np.zeros(1, fill_bets.BET)
    fill_bets.clear_bet(bet[0])
    assert fill_bets.is_free(bet[0], 8 * S, 7.0)
    fill_bets.make_bet(bet[0], 3, 10 * S, 1000, 5.0)
    return bet[0]


def test_a_forecast_runs_until_its_time_is_over() -> None:
    bet = a_bet()
    assert not fill_bets.is_over(bet, 16 * S, 7.0)
    assert fill_bets.is_over(bet, 17 * S, 7.0)
    bet["key"] = 0
    assert not fill_bets.is_free(bet, 16 * S, 7.0), "one that came true early"
    assert fill_bets.is_free(bet, 17 * S, 7.0)


@pytest.mark.parametrize(
    ("side", "at_s", "lots", "ticks", "filled"),
    [
        (0, 12.0, 1.0, 999, False),  # not yet gone: it is there itself
        (0, 13.0, 1.0, 999, False),
        (0, 13.1, 1.0, 999, True),
        (0, 13.1, 5.0, 1000, False),  # as much as stood before it
        (0, 13.1, 6.0, 1000, True),
        (0, 13.1, 99.0, 1001, False),
        (0, 15.1, 1.0, 999, False),
        (1, 13.1, 1.0, 1001, True),
        (1, 13.1, 1.0, 999, False),
    ],
)
def test_the_tape_says_what_became_of_an_order_taken_away(
    side: int,
    at_s: float,
    lots: float,
    ticks: int,
    filled: bool,  # noqa: FBT001 - a case
) -> None:
    bet = a_bet()
    fill_bets.lose(bet, 13 * S, 5.0)
    fill_bets.lose(bet, 14 * S, 50.0)
    assert bool(fill_bets.would_fill(bet, side, round(at_s * S), lots, ticks, 5.0)) is filled
