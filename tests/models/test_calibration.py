"""Predictions set right by what happened (predecessor finding 9), and left alone when they are right."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models.calibration import (
    LINE,
    PLATT,
    calibrated,
    clear_line,
    clear_platt,
    compare,
    log_loss,
    slope,
    slope_in_force,
    teach,
)


@nb.njit
def follow(line: Any, predicted: Any, realised: Any) -> Any:
    clear_line(line[0])
    for i in range(len(predicted)):
        compare(line[0], predicted[i], realised[i], 1.0, 1.0)
    return slope(line[0])


@nb.njit
def follow_platt(platt: Any, score: Any, came: Any, keep: float) -> Any:
    said = np.empty(len(score))
    clear_platt(platt[0], 20.0)
    for i in range(len(score)):
        said[i] = calibrated(platt[0], score[i])
        teach(platt[0], score[i], came[i], 1.0, keep, 20.0)
    return said


@pytest.mark.parametrize("seed", range(5))
def test_predictions_twice_too_large_are_halved_within_three_hundred_fills(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.normal(1.0, 4.0, 300)
    line = np.zeros(1, LINE)
    b, se = follow(line, 2.0 * true, true + rng.normal(0.0, 3.0, 300))
    assert slope_in_force(line[0]) == b == pytest.approx(0.5, rel=0.1)
    assert abs(b - 0.5) < 3.5 * se


def test_right_predictions_are_left_alone() -> None:
    """The interval of b excludes 1 in about 5 of 100 samples."""
    adjusted = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        true = rng.normal(0.0, 2.0, 300)
        line = np.zeros(1, LINE)
        follow(line, true, true + rng.normal(0.0, 5.0, 300))
        adjusted += slope_in_force(line[0]) != 1.0
    assert adjusted <= 20


def test_nothing_known_is_taken_at_its_word() -> None:
    line = np.zeros(1, LINE)
    assert follow(line, np.ones(9), np.arange(9.0)) == (1.0, np.inf)
    assert slope_in_force(line[0]) == 1.0


def test_scores_with_wrong_scale_and_level_become_probabilities() -> None:
    """True log odds are -1 + 0.5 s. Reliability over the second half: outcomes on probabilities have slope 0.9-1.1."""
    rng = np.random.default_rng(4)
    score = rng.normal(0.0, 3.0, 20_000)
    came = (rng.random(20_000) < 1.0 / (1.0 + np.exp(1.0 - 0.5 * score))).astype(np.int64)
    platt = np.zeros(1, PLATT)
    said = follow_platt(platt, score, came, 1.0)
    assert (platt["a"][0], platt["b"][0]) == pytest.approx((-1.0, 0.5), abs=0.08)
    reliability = np.polyfit(said[10_000:], came[10_000:], 1)[0]
    assert 0.9 < reliability < 1.1


@pytest.mark.parametrize("before", [1_500, 9_000])
def test_a_map_forgets_as_what_it_maps(before: int) -> None:
    """Level and slope change; two half-lives (of 700) later it says nearly the truth, however long it was another."""
    rng = np.random.default_rng(6)
    keep, late = 0.5 ** (1.0 / 700.0), np.arange(before + 2_800) >= before
    score = rng.normal(0.0, 1.5, len(late))
    true = 1.0 / (1.0 + np.exp(np.where(late, -1.5 + 0.3 * score, 1.5 + 0.9 * score)))
    platt = np.zeros(1, PLATT)
    said = follow_platt(platt, score, (rng.random(len(late)) < true).astype(np.int64), keep)
    assert np.abs(said - true)[-1_400:].mean() < 0.1
    follow_more(platt, 20_000, keep)
    assert (platt["a"][0], platt["b"][0]) == pytest.approx((0.0, 1.0), abs=0.05)
    assert (platt["haa"][0], platt["hbb"][0]) == pytest.approx((5.0, 5.0), rel=0.01)


@nb.njit
def follow_more(platt: Any, n: int, keep: float) -> None:
    """Time passes with outcomes that weigh nothing."""
    for _ in range(n):
        teach(platt[0], 0.0, 1, 0.0, keep, 20.0)


def test_log_loss_is_finite_even_for_a_certain_error() -> None:
    assert log_loss(0.5, 1) == pytest.approx(np.log(2.0))
    assert log_loss(0.0, 1) < 21.0
    assert log_loss(1.0, 1) < 1e-8
