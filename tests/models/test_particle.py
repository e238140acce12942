"""The particle filter's generic part and its draws, on cases that are known exactly."""

import json
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models import draws, particle

REFS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "state_estimation_refs.json").read_text())
NILE = np.array(
    [
        *(
            1120,
            1160,
            963,
            1210,
            1160,
            1160,
            813,
            1230,
            1370,
            1140,
            995,
            935,
            1110,
            994,
            1020,
            960,
            1180,
            799,
            958,
            1140,
        ),
        *(1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969),
        *(831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759),
        *(781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890),
        *(744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740),
    ],
    dtype=np.float64,
)
"""Annual flow at Aswan, 1871-1970 (Durbin and Koopman)."""


@nb.njit
def filter_nile(y: Any, n: int, seed: int) -> tuple[float, Any]:
    """Local level: level += N(0, 1469.1), flow = level + N(0, 15099), first level N(1000, 1e4)."""
    x, w, like, copy = np.empty(n), np.full(n, 1.0 / n), np.empty(n), np.empty(n)
    means, total = np.empty(len(y)), 0.0
    for t in range(len(y)):
        for i in range(n):
            draw = draws.normal(seed * 1000 + t, i)
            x[i] = 1000.0 + 100.0 * draw if t == 0 else x[i] + np.sqrt(1469.1) * draw
            like[i] = -0.5 * ((y[t] - x[i]) ** 2 / 15099.0 + np.log(2.0 * np.pi * 15099.0))
        total += particle.reweigh(w, like)
        means[t] = np.sum(w * x)
        if particle.effective(w) < 0.5 * n:
            particle.resample(x, w, copy, draws.uniform(seed * 1000 + t, n))
    return total, means


def kalman(y: Any) -> tuple[float, Any]:
    m, v, total, means = 1000.0, 1e4, 0.0, []
    for t, flow in enumerate(y):
        v += 1469.1 if t else 0.0
        f = v + 15099.0
        total -= 0.5 * ((flow - m) ** 2 / f + np.log(2.0 * np.pi * f))
        m, v = m + v / f * (flow - m), v * 15099.0 / f
        means.append(m)
    return total, np.array(means)


def test_the_nile_agrees_with_the_kalman_filter() -> None:
    """logL -638.6834 exactly by Kalman; 10 filters of 2,000 particles agree within their noise."""
    want, exact = REFS["nile"], kalman(NILE)
    assert exact[0] == pytest.approx(want["kalman_loglik"], abs=1e-8)
    assert exact[1][[0, 9, 49, 99]] == pytest.approx(want["filtered_mean_t"], rel=1e-9)
    runs = [filter_nile(NILE, 2000, seed) for seed in range(10)]
    sd = want["pf_N2000_40seeds"]["loglik_sd"]
    assert np.mean([run[0] for run in runs]) == pytest.approx(exact[0], abs=0.5 * sd**2 + 3.0 * sd / np.sqrt(10))
    rmse = np.sqrt(np.mean([(run[1] - exact[1]) ** 2 for run in runs]))
    assert rmse < 1.3 * want["pf_N2000_40seeds"]["rmse_vs_kalman"]


def test_equal_weights_are_all_effective() -> None:
    assert particle.effective(np.full(64, 1.0 / 64)) == pytest.approx(64.0)
    want = REFS["resampling"]
    assert particle.effective(np.array(want["weights"])) == pytest.approx(want["ESS"])


def test_systematic_counts_are_floor_or_ceil_and_right_on_average() -> None:
    want = REFS["resampling"]
    weights, n = np.array(want["weights"]), want["N"]
    counts = []
    for at in (np.arange(4000) + 0.5) / 4000:
        x, w, copy = np.arange(float(n)), weights.copy(), np.empty(n)
        particle.resample(x, w, copy, at)
        counts.append(np.bincount(x.astype(int), minlength=n))
        assert w == pytest.approx(1.0 / n)
    assert np.all((np.array(counts) >= np.floor(n * weights)) & (np.array(counts) <= np.ceil(n * weights)))
    assert np.mean(counts, axis=0) == pytest.approx(n * weights, abs=1e-3)
    assert np.var(counts, axis=0) == pytest.approx(want["systematic_count_var"], abs=1e-3)


def test_what_no_particle_explains_changes_nothing() -> None:
    w = np.full(4, 0.25)
    assert particle.reweigh(w, np.full(4, -np.inf)) == -np.inf
    assert w == pytest.approx(0.25)


def test_draws_are_standard_normal_and_the_same_each_time() -> None:
    sample = np.array([draws.normal(stream, i) for stream in range(40) for i in range(500)])
    assert abs(sample.mean()) < 3.0 / np.sqrt(len(sample))
    assert sample.std() == pytest.approx(1.0, abs=0.015)
    assert abs(np.corrcoef(sample[:-1], sample[1:])[0, 1]) < 0.02
    assert np.mean(np.abs(sample) > 1.959964) == pytest.approx(0.05, abs=0.005)
    assert draws.normal(3, 7) == draws.normal(3, 7) != draws.normal(3, 8)


@pytest.mark.parametrize(("p", "z"), [(0.5, 0.0), (0.975, 1.959963985), (0.001, -3.090232306), (1 - 1e-9, 5.997807015)])
def test_the_inverse_normal_is_the_published_one(p: float, z: float) -> None:
    assert draws.inverse_normal(p) == pytest.approx(z, abs=1e-7)
