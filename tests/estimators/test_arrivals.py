"""Arrival rates that step, breathe with the day and come in sizes."""

from collections.abc import Callable
from typing import Any

import numba as nb
import numpy as np
import pytest
from scipy import stats

from portfolio_mm.estimators import arrivals
from tests.estimators.feeds import START_NS, Floats, Ints, fresh, times

DAY_S = 86_400.0


@nb.njit
def feed(st: Any, p: Any, t_ns: Ints, side: Ints, usd: Floats, until_ns: int, every_ns: int) -> Floats:  # noqa: PLR0917
    """Trades and, each `every_ns`, time; rows of rate of buys, season, forecast of buys of the next 5 s, each step."""
    rows = np.zeros(((until_ns - t_ns[0]) // every_ns + 2, 3))
    now_ns, i, n = t_ns[0], 0, 0
    while now_ns < until_ns:
        while i < len(t_ns) and t_ns[i] <= now_ns:
            arrivals.update(st[0], p[0], t_ns[i], side[i], usd[i])
            i += 1
        arrivals.update(st[0], p[0], now_ns, -1, 0.0)
        rows[n, 0], rows[n, 1], rows[n, 2] = st[0].rate_per_s[0], st[0].season_ratio, st[0].forecast[0]
        n += 1
        now_ns += every_ns
    return rows[:n].copy()


def poisson(seed: int, rate: Callable[[Floats], Any], seconds: float, most: float) -> tuple[Floats, Ints]:
    """An inhomogeneous Poisson path by thinning: each side has `rate` (1/s)."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0.0, seconds, rng.poisson(2.0 * most * seconds)))
    kept: Floats = t[rng.uniform(size=len(t)) < rate(t) / most]
    return kept, rng.integers(0, 2, len(kept))


def run(t: Floats, side: Ints, seconds: float, usd: Floats | None = None, every_ns: int = 10**9) -> tuple[Any, Floats]:
    st, p = fresh(arrivals)
    sizes = np.full(len(t), 500.0) if usd is None else usd
    return st[0], feed(st, p, times(t), side, sizes, START_NS + int(seconds * 1e9), every_ns)


def test_a_step_of_three_is_tracked_within_two_half_lives() -> None:
    """0.5 to 1.5 per second, mean of 20 paths: 240 s later within 25 %, after 20 min within 5 %."""
    found = [
        run(*poisson(seed, lambda t: np.where(t < 2400.0, 0.5, 1.5), 3900.0, 1.5), 3900.0)[1] for seed in range(20)
    ]
    paths = np.mean([rows[:3890, 0] for rows in found], axis=0)
    assert paths[2390] == pytest.approx(0.5, rel=0.06)
    assert paths[2400 + 245] == pytest.approx(1.5, rel=0.25)
    assert paths[-1] == pytest.approx(1.5, rel=0.06)


def day_rate(t: Floats) -> Floats:
    return 1.0 + 0.6 * np.sin(2.0 * np.pi * (t + START_NS / 1e9) / DAY_S)


def test_the_time_of_day_is_learned_and_shrunk_to_one() -> None:
    st, rows = run(*poisson(3, day_rate, 4 * DAY_S, 1.6), 4 * DAY_S)
    bins = (START_NS / 1e9 + np.arange(len(rows))) // 10_800.0 % 8.0
    for j in range(8):
        centre = np.array([j * 10_800.0 + 5_400.0 - START_NS / 1e9])
        assert rows[-86_400:][bins[-86_400:] == j, 1].mean() == pytest.approx(float(day_rate(centre)[0]), abs=0.12)
    assert rows[:3600, 1] == pytest.approx(1.0, abs=0.01)
    assert st.skill["blocks"] > 5000


def test_the_season_is_in_a_rate_once() -> None:
    """Four days at 1 sweep a second of each side, at 3 between 12 and 15 UTC; then a 14 o'clock and a 16 o'clock.

    `ratio` multiplies a rate measured in the last minutes, which is that of the hour already: an hour into it is 1.
    """

    def rate(t: Floats) -> Any:
        return np.where((START_NS / 1e9 + t) // 10_800.0 % 8.0 == 4.0, 3.0, 1.0)

    for hour in (14.0, 16.0):
        seconds = 4.0 * DAY_S + (hour * 3_600.0 - START_NS / 1e9) % DAY_S
        st, _ = run(*poisson(9, rate, seconds, 3.0), seconds)
        truth = float(rate(np.array([seconds]))[0])
        assert st.season_ratio == pytest.approx(truth / 1.25, rel=0.15)
        assert st.rate_per_s == pytest.approx([truth, truth], rel=0.3)
        average = st.slow_mass / st.slow_plain_s
        assert average == pytest.approx([truth, truth], rel=0.15)
        assert average * st.ratio == pytest.approx(st.rate_per_s, rel=0.03)
        assert st.ratio == pytest.approx([1.0, 1.0], abs=0.25)


def test_predicted_counts_are_realised_hour_by_hour() -> None:
    """Forecasts of the next 5 s, summed over each hour of two breathing days, against counts: chi-square p > 0.05."""
    t, side = poisson(4, day_rate, 3 * DAY_S, 1.6)
    _, rows = run(t, side, 3 * DAY_S, every_ns=5 * 10**9)
    predicted = rows[:-2, 2]
    first_s = t[0] - 2.0  # the process is 2 s behind the clock
    edges = first_s + 5.0 * np.arange(len(predicted) + 1)
    counts = np.histogram(t[side == 0], edges)[0]
    hours = np.arange(len(predicted)) // 720
    kept = hours >= 24
    expected = np.bincount(hours[kept] - 24, predicted[kept])
    realised = np.bincount(hours[kept] - 24, counts[kept])
    assert len(expected) >= 47
    p_value = stats.chi2.sf(float(np.sum((realised - expected) ** 2 / expected)), len(expected))
    assert p_value > 0.05


def test_steady_flow_earns_no_weight() -> None:
    st, _ = run(*poisson(5, lambda t: np.full(len(t), 0.7), 40_000.0, 0.7), 40_000.0)
    assert st.skill["blocks"] > 600
    assert st.skill["weight"] == 0.0
    assert st.rate_per_s == pytest.approx([0.7, 0.7], rel=0.35)


def test_sizes_split_the_rate() -> None:
    """Sweeps of 100, 1,000 and 10,000 USD in shares 5 : 3 : 2; prints of one block and side are one sweep."""
    rng = np.random.default_rng(6)
    t, side = poisson(6, lambda t: np.full(len(t), 2.0), 3600.0, 2.0)
    size = rng.choice([100.0, 1000.0, 10_000.0], len(t), p=[0.5, 0.3, 0.2])
    prints = np.repeat(np.arange(len(t)), 2)
    st, _ = run(t[prints], side[prints], 3600.0, size[prints] / 2.0)
    total = st.bucket_per_s.sum(axis=1)
    assert total == pytest.approx(st.rate_per_s, rel=1e-9)
    for i in range(2):
        assert st.bucket_per_s[i] / total[i] == pytest.approx([0.5, 0.3, 0.2, 0.0], abs=0.05)
        assert st.bucket_usd[i, :3] == pytest.approx([100.0, 1000.0, 10_000.0], rel=0.03)


def test_how_often_time_is_told_does_not_matter() -> None:
    t, side = poisson(7, lambda t: np.full(len(t), 1.0), 600.0, 1.0)
    seldom, often = run(t, side, 600.0)[0], run(t, side, 600.0, every_ns=10**8)[0]
    assert often.rate_per_s == pytest.approx(seldom.rate_per_s, rel=1e-9)


def test_silence_of_the_feed_is_no_quiet_market() -> None:
    st, p = fresh(arrivals)
    for i in range(600):
        arrivals.update(st[0], p[0], START_NS + i * 10**9, i % 2, 100.0)
    before = st["rate_per_s"].copy()
    arrivals.update(st[0], p[0], START_NS + 4000 * 10**9, 0, 100.0)
    for i in range(4000, 4006):
        arrivals.update(st[0], p[0], START_NS + i * 10**9, i % 2, 100.0)
    assert st["rate_per_s"][0] == pytest.approx(before[0], rel=0.1)
