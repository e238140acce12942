"""Funding: the rate of the hour is foretold from samples, and earns its weight against the published one."""

import math
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import funding
from portfolio_mm.models import funding as model
from tests.estimators.feeds import START_NS, Floats, fresh

HOUR = 720
FIRST_NS = START_NS // (3600 * 10**9) * 3600 * 10**9 + 3600 * 10**9
"""A full hour."""


@nb.njit
def feed(st: Any, p: Any, first_ns: int, premium_bps: Floats, noise_bps: Floats) -> Floats:
    """A CONTEXT each 5 s, its published rate that of the hour so far; rows (hour's end, ours at -10 min, rival)."""
    hours = len(premium_bps) // 720
    rows = np.zeros((hours, 3))
    for h in range(hours):
        total = 0.0
        for i in range(720):
            total += premium_bps[h * 720 + i]
            published = model.hourly_bps(total / (i + 1))
            mark = 100.0 * (1.0 + 1e-4 * (premium_bps[h * 720 + i] + noise_bps[h * 720 + i]))
            now_ns = first_ns + (h * 720 + i) * 5_000_000_000
            funding.update(st[0], p[0], now_ns, mark, 100.0, 1e-4 * published)
            if i == 600:
                rows[h, 1], rows[h, 2] = st[0].expected_bps, published
        rows[h, 0] = model.hourly_bps(total / 720)
    return rows


def premium(rng: np.random.Generator, hours: int, level: float, sd: float, tau_s: float) -> Floats:
    """An Ornstein-Uhlenbeck premium each 5 s."""
    keep = math.exp(-5.0 / tau_s)
    x = np.empty(hours * HOUR)
    x[0] = sd * rng.standard_normal()
    kicks = sd * math.sqrt(1.0 - keep * keep) * rng.standard_normal(len(x))
    for i in range(1, len(x)):
        x[i] = keep * x[i - 1] + kicks[i]
    return level + x


def played(hours: int, level: float, sd: float, tau_s: float, *, noise: float = 0.0, fat: bool = False) -> Any:
    rng = np.random.default_rng(7)
    path = premium(rng, hours, level, sd, tau_s)
    if fat:  # the misspecified twin: sudden level shifts instead of mean reversion
        path = level + np.repeat(sd * rng.standard_t(3, hours * 4), HOUR // 4)
    st, p = fresh(funding)
    return st, feed(st, p, FIRST_NS, path, noise * rng.standard_normal(len(path)))


def test_the_spread_of_premia_is_that_of_the_path() -> None:
    """Level and sd of an hour of Ornstein-Uhlenbeck, from the sums a forecast is made of."""
    path = premium(np.random.default_rng(3), 6, 12.0, 4.0, 300.0)
    st, p = fresh(funding)
    p["half_life_s"] = 0.0
    feed(st, p, FIRST_NS, path, np.zeros(len(path)))
    mean_bps = st["level_sum"][0] / st["mass"][0]
    assert mean_bps == pytest.approx(path.mean(), abs=0.05)
    assert math.sqrt(st["square_sum"][0] / st["mass"][0] - mean_bps**2) == pytest.approx(path.std(), rel=0.01)


@pytest.mark.parametrize("level", [-25.0, 15.0, 40.0])
@pytest.mark.parametrize("fat", [False, True])
def test_ten_minutes_before_the_hour_the_error_is_under_a_tenth(level: float, *, fat: bool) -> None:
    _, rows = played(40, level, 6.0, 1200.0, noise=1.0, fat=fat)
    assert np.mean(np.abs(rows[:, 1] - rows[:, 0])) < 0.1 * np.mean(np.abs(rows[:, 0]))


def test_it_beats_the_published_rate_and_earns_weight() -> None:
    st, rows = played(48, 10.0, 8.0, 900.0)
    own, rival = rows[:, 1] - rows[:, 0], rows[:, 2] - rows[:, 0]
    assert np.mean(own**2) < 0.7 * np.mean(rival**2)
    assert st["skill"]["blocks"][0] > 40
    assert st["skill"]["weight"][0] > 0.3
    assert st["carry_bps"][0] != st["published_bps"][0]


def test_before_it_has_proved_itself_the_published_rate_is_applied() -> None:
    st, _ = played(20, 10.0, 8.0, 900.0)
    assert st["skill"]["weight"][0] == 0.0
    assert st["carry_bps"][0] == st["published_bps"][0]


def test_in_the_dead_band_there_is_nothing_to_earn() -> None:
    """A premium well inside the band: the rate is 0.125 bps, and both know it."""
    st, rows = played(40, 1.0, 0.5, 900.0)
    assert rows[:, 0] == pytest.approx(np.full(40, 0.125))
    assert rows[:, 1] == pytest.approx(np.full(40, 0.125), abs=2e-3)
    assert st["carry_bps"][0] == pytest.approx(0.125, abs=1e-3)


def test_nulls_are_ignored_and_counted() -> None:
    st, p = fresh(funding)
    for i in range(20):
        funding.update(st[0], p[0], FIRST_NS + i * 5 * 10**9, 100.1, 100.0, 1e-4)
    kept = st.copy()
    assert not funding.update(st[0], p[0], FIRST_NS + 200 * 10**9, 100.1, 100.0, math.nan)
    assert st["refused"][0] == 1
    assert st["carry_bps"][0] == kept["carry_bps"][0] == 1.0


def test_a_missed_hour_is_neither_scored_nor_carried_over() -> None:
    st, p = fresh(funding)
    for i in range(700):
        funding.update(st[0], p[0], FIRST_NS + i * 5 * 10**9, 100.5, 100.0, 5e-4)
    assert np.isfinite(st["guess_bps"][0]).all()
    funding.update(st[0], p[0], FIRST_NS + 3 * 3600 * 10**9, 100.0, 100.0, 1.25e-5)
    assert st["skill"]["scored"][0] == 0
    assert st["samples"][0] == 0
    assert np.isnan(st["guess_bps"][0]).all()
