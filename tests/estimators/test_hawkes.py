"""The Hawkes fit on processes whose law is known, plain and misspecified."""

import math
import os
from typing import Any

import msgspec
import numba as nb
import numpy as np
import pytest
from scipy import stats

from portfolio_mm.estimators import hawkes
from portfolio_mm.models import hawkes as model
from portfolio_mm.venue.flows.synthetic.orders import DRAWN, MarketOrders
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths
from portfolio_mm.venue.flows.synthetic.twin import misspecify
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from tests.estimators.feeds import Floats, Ints, fresh, times
from tests.models.hawkes_path import sweep_through

FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
PATHS = 10 if FULL else 2
SEEDS = range(PATHS)


@nb.njit
def simulate(seed: int, theta: Floats, horizon_s: float) -> tuple[Floats, Ints]:
    """Ogata's thinning: times in seconds and sides of one path."""
    np.random.seed(seed)  # noqa: NPY002 - the only generator numba compiles
    t, marks, n = np.empty(200_000), np.empty(200_000, np.int64), 0
    now, reach = 0.0, np.zeros(2)
    while True:
        bound = model.rate_per_s(theta, reach, 0, 1.0) + model.rate_per_s(theta, reach, 1, 1.0)
        passed = np.random.exponential(1.0 / bound)  # noqa: NPY002
        now += passed
        if now > horizon_s:
            return t[:n].copy(), marks[:n].copy()
        reach *= math.exp(-theta[6] * passed)
        rates = model.rate_per_s(theta, reach, 0, 1.0), model.rate_per_s(theta, reach, 1, 1.0)
        draw = np.random.random() * bound  # noqa: NPY002
        if draw < rates[0] + rates[1]:
            side = 0 if draw < rates[0] else 1
            t[n], marks[n] = now, side
            n += 1
            reach[side] += 1.0


@nb.njit
def feed(st: Any, p: Any, t_ns: Ints, marks: Ints, every_ns: int) -> None:
    """Trades, and that time passes each `every_ns` between them."""
    now_ns = t_ns[0]
    for i in range(len(t_ns)):
        while now_ns + every_ns < t_ns[i]:
            now_ns += every_ns
            hawkes.update(st[0], p[0], now_ns, -1, 1.0)
        hawkes.update(st[0], p[0], t_ns[i], marks[i], 1.0)
        now_ns = t_ns[i]


def fit(t_s: Floats, marks: Ints, half_life_s: float = 1800.0, every_ns: int = 10**9) -> Any:
    p = hawkes.default_params()
    p["half_life_s"] = half_life_s
    st, p = fresh(hawkes, p)
    feed(st, p, times(t_s), marks, every_ns)
    return st[0]


def theta_of(mu: float, own: float, cross: float, beta: float) -> Floats:
    return np.array([mu, mu, own, cross, cross, own, beta])


@pytest.mark.parametrize("seed", SEEDS)
def test_known_parameters_are_recovered(seed: int) -> None:
    """mu 0.5/s, branching 0.6 (0.4 own, 0.2 cross), beta 1/s, 40,000 s: each within 10 %."""
    t, marks = simulate(seed, theta_of(0.5, 0.4, 0.2, 1.0), 40_000.0)
    st = fit(t, marks, 0.0)
    assert np.mean(st.theta[:2]) == pytest.approx(0.5, rel=0.1)
    assert model.radius(st.theta) == pytest.approx(0.6, rel=0.1)
    assert np.mean(st.theta[[2, 5]]) == pytest.approx(0.4, rel=0.1)
    assert np.mean(st.theta[[3, 4]]) == pytest.approx(0.2, rel=0.1)
    assert st.theta[6] == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("beta", [0.1, 0.3, 8.0])
def test_thirty_minutes_of_memory_find_decays_from_a_tenth_of_a_second_to_ten(beta: float) -> None:
    st = fit(*simulate(3, theta_of(0.3, 0.5, 0.1, beta), 20_000.0))
    assert model.radius(st.theta) == pytest.approx(0.6, abs=0.12)
    assert st.theta[6] == pytest.approx(beta, rel=0.3)


def test_the_online_fit_makes_what_follows_exponential() -> None:
    """Learned on 20,000 s, the next 3,000 s are Exp(1) after rescaling (KS p > 0.05 on both sides)."""
    t, marks = simulate(5, theta_of(0.5, 0.4, 0.2, 1.0), 23_000.0)
    first = t < 20_000.0
    st = fit(t[first], marks[first], 0.0)
    residuals, score, info = np.zeros(np.sum(~first)), np.zeros(7), np.zeros((7, 7))
    sweep_through(st.theta, t[~first] - 20_000.0, marks[~first], 3_000.0, residuals, score, info)
    for side in range(2):
        assert stats.kstest(residuals[marks[~first] == side][1:], "expon").pvalue > 0.05


def test_flow_without_memory_is_not_called_excited_and_earns_no_weight() -> None:
    st = fit(*simulate(7, theta_of(1.0, 0.0, 0.0, 1.0), 20_000.0))
    assert model.radius(st.theta) < 0.25
    assert st.skill["weight"] == 0.0
    assert st.mean_per_s == pytest.approx([1.0, 1.0], rel=0.1)


def test_excited_flow_is_forecast_better_than_by_its_average() -> None:
    """Blocks of a minute, 333 of them; branching 0.6."""
    st = fit(*simulate(8, theta_of(0.5, 0.4, 0.2, 1.0), 20_000.0))
    assert st.skill["blocks"] > 300
    assert st.skill["skill"] > 2.0 * st.skill["skill_se"] > 0.0
    assert st.skill["weight"] > 0.5


@nb.njit
def forecasts_of(st: Any, p: Any, t_ns: Ints, marks: Ints) -> tuple[Ints, Floats]:
    """Grid times and the forecasts of buys made there."""
    grid_ns, forecasts, n = np.zeros(20_000, np.int64), np.zeros(20_000), 0
    now_ns, last_ns = t_ns[0], 0
    for i in range(len(t_ns)):
        while now_ns < t_ns[i]:
            now_ns = min(now_ns + 10**9, t_ns[i])
            hawkes.update(st[0], p[0], now_ns, marks[i] if now_ns == t_ns[i] else -1, 1.0)
            if st[0].grid_at_ns > last_ns:
                last_ns = st[0].grid_at_ns
                grid_ns[n], forecasts[n] = last_ns, st[0].forecast[0]
                n += 1
    return grid_ns[:n].copy(), forecasts[:n].copy()


def test_forecasts_are_right_on_average() -> None:
    """Expected against realised buys of 5 s in ten groups of rising forecasts, after 10,000 s: chi-square p > 0.05.

    The variance of a group's sum is the realised one: counts of an excited process scatter more than Poisson's.
    """
    t, marks = simulate(9, theta_of(0.5, 0.4, 0.2, 1.0), 40_000.0)
    p = hawkes.default_params()
    p["half_life_s"] = 0.0
    st, p = fresh(hawkes, p)
    t_ns = times(t)
    grid_ns, forecasts = forecasts_of(st, p, t_ns, marks)
    buys = t_ns[marks == 0]
    counts = np.searchsorted(buys, grid_ns + 5 * 10**9) - np.searchsorted(buys, grid_ns)
    late = grid_ns > t_ns[0] + 10_000 * 10**9
    groups = np.array_split(np.argsort(forecasts[late][:-2]), 10)
    off = [np.sum(counts[late][g] - forecasts[late][g]) for g in groups]
    scatter = [len(g) * np.var(counts[late][g] - forecasts[late][g]) for g in groups]
    assert stats.chi2.sf(float(np.sum(np.square(off) / scatter)), 10) > 0.05


def test_prints_of_one_block_and_side_are_one_event() -> None:
    t = np.array([1.0, 1.0, 1.0, 1.0, 2.0])
    st = fit(t, np.array([0, 0, 1, 0, 0]))
    assert st.counts.tolist() == [2.0, 1.0]


def test_how_often_time_is_told_does_not_matter() -> None:
    t, marks = simulate(11, theta_of(0.5, 0.4, 0.2, 1.0), 2_000.0)
    seldom, often = fit(t, marks, every_ns=10**9), fit(t, marks, every_ns=10**8)
    assert often.theta == pytest.approx(seldom.theta, rel=1e-9)
    assert often.ratio == pytest.approx(seldom.ratio, rel=1e-9)


def test_a_trade_reported_late_counts_and_one_too_late_is_refused() -> None:
    st, p = fresh(hawkes)
    now_ns = int(times(np.array([10.0]))[0])
    hawkes.update(st[0], p[0], now_ns, -1, 1.0)
    assert hawkes.update(st[0], p[0], now_ns - 10**9, 0, 1.0)
    assert not hawkes.update(st[0], p[0], now_ns - 3 * 10**9, 0, 1.0)
    assert st[0]["counts"].tolist() == [1.0, 0.0]


def test_explosive_priors_are_refused_and_the_fit_stays_stationary() -> None:
    with pytest.raises(ValueError, match="below 1"):
        hawkes.default_params(0.8, 0.2)
    t = np.concatenate([np.linspace(0.0, 300.0, 30), 300.0 + 1.02 ** np.arange(900) / 1e4])
    st = fit(np.sort(t), np.arange(len(t)) % 2)
    assert model.radius(st.theta) <= 0.95 + 1e-12


def excited(name: str, **changes: Any) -> SyntheticParams:
    params = synthetic_params((name,), seed=5)
    coin = msgspec.structs.replace(params.coins[0], self_excitation=0.4, cross_excitation=0.15, excitation_s=1.0)
    return msgspec.structs.replace(params, coins=(coin,), informed_share=0.0, **changes)


def orders_of(params: SyntheticParams, hours: float) -> tuple[Floats, Ints]:
    """Times (of the block, as the venue stamps them) and sides of the market orders of one coin."""
    params = misspecify(params)
    drawn, blocks = MarketOrders(params, EfficientPaths(params)), int(hours * 36_000)
    rows = np.concatenate([drawn.due(block).rows.copy() for block in range(1, blocks + 1, DRAWN)])
    return rows["block"] * 0.1, rows["side"].astype(np.int64)


def test_the_scenario_and_its_twin() -> None:
    """The venue's flow, stamped by blocks of 100 ms: branching 0.55 found within 0.1; on power-law decay and held
    stamps, which the model does not have, less of it is found, the rates still are, and forecasts still earn weight."""
    for twin in (False, True):
        t, side = orders_of(excited("SOL", twin=twin), 4.0)
        st = fit(t, side, 0.0)
        rate = len(np.unique(np.round(t * 20.0) + side)) / 2.0 / t[-1]
        assert np.mean(model.long_run(st.theta, 1.0)) == pytest.approx(rate, rel=0.12)
        assert st.skill["weight"] > 0.0
        if twin:
            assert 0.15 < model.radius(st.theta) < 0.65
        else:
            assert model.radius(st.theta) == pytest.approx(0.55, abs=0.1)
