"""Funding formulas against the venue's rule, tabulated numbers and the exact solution with a payment at the stamp."""

import doctest
import json
import math
from pathlib import Path

import numpy as np
import pytest

from portfolio_mm.models import funding

REFERENCE = json.loads((Path(__file__).parent / "data" / "funding.json").read_text())


def test_examples_hold() -> None:
    for name in ("hourly_bps", "expected_hourly_bps", "mean_so_far_bps", "final_premium", "seconds_to_stamp"):
        kernel = getattr(funding, name)
        plain = getattr(kernel, "py_func", kernel)
        for one in doctest.DocTestFinder().find(plain, name, globs=vars(funding)):
            assert doctest.DocTestRunner().run(one).failed == 0, name


@pytest.mark.parametrize("row", REFERENCE["rates"])
def test_the_rate_of_a_premium(row: dict[str, float]) -> None:
    assert funding.hourly_bps(1e4 * row["premium"]) == pytest.approx(1e4 * row["hourly"], abs=1e-12)


@pytest.mark.parametrize("row", REFERENCE["expectation"])
def test_the_expected_rate_is_not_the_rate_of_the_expected_premium(row: dict[str, float]) -> None:
    expected = funding.expected_hourly_bps(1e4 * row["M"], 1e4 * row["S"])
    assert 8.0 * expected == pytest.approx(1e4 * row["E_F_closed"], rel=1e-9)


def test_what_the_published_rate_says_of_the_mean() -> None:
    for premium in (-300.0, -20.0, -4.1, 6.1, 30.0, 1_000.0):
        assert funding.mean_so_far_bps(funding.hourly_bps(premium), 0.0) == pytest.approx(premium, abs=1e-9)
    assert funding.mean_so_far_bps(0.125, 50.0) == 6.0
    assert funding.mean_so_far_bps(0.125, -50.0) == -4.0


def test_the_mean_of_the_hour_and_its_spread_are_those_of_simulated_hours() -> None:
    rng = np.random.default_rng(4)
    keep, level, sd, now, seen, mean = 0.98, 2.0, 3.0, 9.0, 500, 4.0
    left = 720 - seen
    x = np.full(20_000, now - level)
    total = np.zeros(20_000)
    for _ in range(left):
        x = keep * x + sd * math.sqrt(1.0 - keep**2) * rng.standard_normal(20_000)
        total += level + x
    simulated = (seen * mean + total) / 720
    expected, spread = funding.final_premium(seen, mean, now, level, keep, sd)
    assert expected == pytest.approx(simulated.mean(), abs=4.0 * simulated.std() / math.sqrt(20_000))
    assert spread == pytest.approx(simulated.std(), rel=0.03)
    assert funding.final_premium(720, mean, now, level, keep, sd) == (mean, 0.0)


@pytest.mark.parametrize("row", REFERENCE["shift_perpetual"]["rows"])
def test_the_shift_before_the_stamp_is_that_of_the_exact_solution(row: dict[str, float]) -> None:
    rate = REFERENCE["shift_perpetual"]["rate"]
    shift = funding.shift_bps(0.5, row["tau"], rate)
    assert shift == pytest.approx(row["exp_formula"], rel=1e-9)
    assert shift == pytest.approx(row["bid_shift_exact"], abs=1e-3)


def test_a_bitcoin_held_for_an_hour_pays_what_the_venue_says() -> None:
    """+1 BTC at 100,000 USD and 0.0000125 an hour: 1.25 USD (predecessor, missing model 4)."""
    assert funding.hourly_bps(0.0) * 1e-4 * 100_000.0 == pytest.approx(1.25)


def test_time_to_the_stamp() -> None:
    at_ns = (20 * 86_400 + 12 * 3600 + 59 * 60) * 10**9
    assert funding.seconds_to_stamp(at_ns) == 60.0
