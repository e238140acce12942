"""Regimes on markets whose storms are known."""

import math
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import regimes
from tests.estimators.feeds import START_NS, Floats, fresh

HOUR = 3600


@nb.njit
def feed(st: Any, p: Any, moves: Any, spread_bps: Any, sweeps: Any, depth_bps: Any, interest: Any) -> Any:  # noqa: PLR0917 - flat arguments
    """A mid a second, `sweeps` sweeps to `depth_bps` before it; columns: P(storm), P(calm), P(newer), changed."""
    path, px = np.empty((len(moves), 4)), 100.0
    for i in range(len(moves)):
        now_ns = START_NS + (i + 1) * 1_000_000_000
        for j in range(sweeps[i]):
            at_ns = now_ns - 900_000_000 + j * 1_000_000
            regimes.observe_sweep(st[0], at_ns, 0, px * (1.0 + 1e-4 * depth_bps[i]), px)
        if interest[i] > 0.0:
            regimes.observe_interest(st[0], now_ns, interest[i])
        px *= math.exp(1e-4 * moves[i])
        regimes.update(st[0], p[0], now_ns, px, spread_bps[i])
        path[i, 0], path[i, 1] = st[0].state_probability[2], st[0].state_probability[0]
        path[i, 2], path[i, 3] = st[0].fresh_probability, st[0].changed
    return path


def spells(seed: int, n: int, calm_s: float = 90.0, storm_s: float = 30.0) -> Any:
    """Whether each second is a storm: exponential spells (the venue's volatile scenario has 90 and 30 s)."""
    rng = np.random.default_rng(seed)
    storm, path = False, np.empty(n, dtype=bool)
    for i in range(n):
        storm = storm != (rng.random() < (1.0 / storm_s if storm else 1.0 / calm_s))
        path[i] = storm
    return path


def run(sigma_bps: Floats, seed: int, storm: Any = None, *, fat: bool = False) -> tuple[Any, Any, Floats]:
    """Rate of sweeps 0.5 a second, tripled in a storm; depths 1/k = 2 bps, 5 in a storm; spread up by half there."""
    rng = np.random.default_rng(1000 + seed)
    n = len(sigma_bps)
    storm = np.zeros(n, dtype=bool) if storm is None else storm
    shocks = rng.standard_t(4, n) / math.sqrt(2.0) if fat else rng.normal(0.0, 1.0, n)
    spread = np.where(storm, 1.5, 1.0) * np.exp(rng.normal(0.0, 0.2, n))
    sweeps = rng.poisson(np.where(storm, 1.5, 0.5))
    depths = rng.exponential(np.where(storm, 5.0, 2.0))
    interest = np.where(np.arange(n) % 3 == 0, 1e4 * np.exp(np.cumsum(rng.normal(0.0, 1e-4, n))), 0.0)
    st, p = fresh(regimes)
    path: Floats = feed(st, p, sigma_bps * shocks, spread, sweeps, depths, interest)
    return st[0], p[0], path


def storm_sigma(storm: Any) -> Floats:
    return np.where(storm, 4.0, 1.5)


def area(score: Floats, truth: Any) -> float:
    """Area under the ROC curve."""
    order = np.argsort(np.argsort(score))
    hits = truth.sum()
    return float((order[truth].sum() - hits * (hits - 1) / 2) / (hits * (~truth).sum()))


@pytest.mark.parametrize("fat", [False, True], ids=["gaussian", "twin-student"])
def test_storms_are_told_from_the_rest(fat: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Two hours of the volatile scenario's spells: area above 0.9, on its twin with Student shocks above 0.85."""
    storm = spells(1, 2 * HOUR)
    _, _, path = run(storm_sigma(storm), 1, storm, fat=fat)
    assert area(path[600:, 0], storm[600:]) > (0.85 if fat else 0.9)
    assert np.mean(path[600:, 0][storm[600:]]) > 3.0 * np.mean(path[600:, 0][~storm[600:]])


def test_a_market_without_regimes_has_few_storms() -> None:
    _, _, path = run(np.full(4 * HOUR, 1.5), 2)
    assert np.mean(path[600:, 0] > 0.5) < 0.01
    assert path[600:, 3].sum() <= 4


def test_a_lasting_change_is_called_once_and_soon() -> None:
    """Sigma triples for good after an hour: called within a minute, in nine of ten runs; before it hardly ever."""
    sigma = np.full(2 * HOUR, 1.5)
    sigma[HOUR:] = 4.5
    calls = [np.nonzero(run(sigma, seed)[2][:, 3])[0] for seed in range(10)]
    assert np.mean([np.any((c >= HOUR) & (c < HOUR + 60)) for c in calls]) >= 0.9
    assert np.sum([np.sum((c > 600) & (c < HOUR)) for c in calls]) <= 3


def test_what_regimes_are_like_is_learned_and_shifts_priors() -> None:
    """At the end of a storm of a minute: A above and k below the mean of all, sigma above; each with the true sign.

    Truth over all (a quarter storms): A 1.5 / 0.75 = e^0.69, k (1/5) / (mean excess 1/3.5) = e^-0.36 at most.
    """
    storm = spells(3, 6 * HOUR)
    storm[-60:] = True
    st, _, _ = run(storm_sigma(storm), 3, storm)
    assert st.skill.blocks > 100
    assert st.skill.weight > 0.5
    log_k, log_a, log_sigma = st.shift / st.skill.weight
    assert log_a == pytest.approx(0.69, abs=0.35)
    assert log_k == pytest.approx(-0.36, abs=0.25)
    assert log_sigma == pytest.approx(math.log(4.0 / math.sqrt(0.25 * 16 + 0.75 * 2.25)), abs=0.25)
    assert st.variance_sum[2] / st.lived_s[2] > 2.0 * st.variance_sum[1] / st.lived_s[1]


def test_a_market_without_regimes_shifts_nothing() -> None:
    """Eight runs of four hours: the weight is 0 in all but one at most, and then the shifts are small."""
    found = [run(np.full(4 * HOUR, 1.5), seed)[0] for seed in range(8)]
    assert sum(st.skill.weight > 0.0 for st in found) <= 1
    assert max(float(np.max(np.abs(st.shift))) for st in found) < 0.1


def test_no_unit_and_no_price_matter() -> None:
    """Another sigma, spread and amount of interest give the same regimes: inputs are standardised."""
    storm = spells(4, HOUR)
    _, _, base = run(storm_sigma(storm), 4, storm)
    _, _, wild = run(20.0 * storm_sigma(storm), 4, storm)
    assert wild[:, 0] == pytest.approx(base[:, 0], abs=0.02)


def test_a_message_repeated_ten_times_is_one() -> None:
    moves = np.random.default_rng(5).normal(0.0, 1.5, 600)
    states = []
    for repeats in (1, 10):
        st, p = fresh(regimes)
        for i, px in enumerate(100.0 * np.exp(1e-4 * np.cumsum(moves))):
            for j in range(repeats):
                at_ns = START_NS + i * 10**9 + j * 50_000_000
                regimes.update(st[0], p[0], at_ns, px, 1.0)
        states.append(st[0])
    assert states[0].state_probability == pytest.approx(states[1].state_probability, rel=1e-12)
    assert states[0].change["run"] == pytest.approx(states[1].change["run"], rel=1e-12)


def test_prints_of_one_block_are_one_sweep() -> None:
    st, _ = fresh(regimes)
    for px in (100.01, 100.03, 100.02):
        regimes.observe_sweep(st[0], START_NS, 0, px, 100.0)
    assert st["sweep_count"][0] == 1.0
    assert st["depth_bps"][0] == pytest.approx(3.0)
    assert not regimes.observe_sweep(st[0], START_NS, 0, np.nan, 100.0)
    assert not regimes.observe_interest(st[0], START_NS, 0.0)
    assert st["refused"][0] == 2
