"""Realised measures against the reference block and under their null."""

import json
import math
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.models import realized

DATA = Path(__file__).parent / "data"
REFS: dict[str, Any] = json.loads((DATA / "vol_refs.json").read_text())
RETURNS = np.loadtxt(DATA / "vol_fixture_returns.csv")


def test_a_block_with_one_jump_gives_the_reference_numbers() -> None:
    want = REFS["fixture"]
    assert realized.realised(RETURNS) == pytest.approx(want["RV"], rel=1e-9)
    assert realized.bipower(RETURNS) == pytest.approx(want["BV_n_over_nm1"], rel=1e-9)
    assert realized.tripower_quarticity(RETURNS) == pytest.approx(want["TPQ"], rel=1e-9)
    assert realized.min_rv(RETURNS) == pytest.approx(want["minRV"], rel=1e-9)
    assert realized.med_rv(RETURNS) == pytest.approx(want["medRV"], rel=1e-9)
    assert realized.jump_ratio_z(RETURNS) == pytest.approx(want["BNS_ratio_maxadj_z"], rel=1e-9)
    assert realized.jump_log_z(RETURNS) == pytest.approx(want["BNS_log_maxadj_z"], rel=1e-9)


def test_constants_are_the_published_ones() -> None:
    want = REFS["constants"]
    assert pytest.approx(want["mu43"], rel=1e-12) == realized.MU_43
    assert pytest.approx(want["BNS_theta_minus_2"], rel=1e-12) == realized.THETA
    assert pytest.approx(want["minRV_c"], rel=1e-12) == realized.MIN_RV
    assert pytest.approx(want["medRV_c"], rel=1e-12) == realized.MED_RV
    lee = REFS["lee_mykland"]
    assert realized.lee_mykland_sd(390, 0.01) == pytest.approx(lee["thr99"] * lee["c"], rel=1e-9)


@nb.njit
def _null(r: Any) -> Any:
    """Rows: ratio z, RV, BV, medRV of each block."""
    out = np.empty((len(r), 4))
    for i in range(len(r)):
        out[i, 0], out[i, 1] = realized.jump_ratio_z(r[i]), realized.realised(r[i])
        out[i, 2], out[i, 3] = realized.bipower(r[i]), realized.med_rv(r[i])
    return out


def test_the_jump_test_has_its_stated_size() -> None:
    """1,500 blocks of 390: the rate at 1.645 and 2.326 within three standard errors of what the docstring says."""
    rows = _null(np.random.default_rng(3).normal(0.0, 1.0 / math.sqrt(390), (1500, 390)))
    assert np.mean(rows[:, 0] > 1.645) == pytest.approx(0.051, abs=3.0 * math.sqrt(0.05 * 0.95 / 1500))
    assert np.mean(rows[:, 0] > 2.326) == pytest.approx(0.012, abs=3.0 * math.sqrt(0.012 * 0.988 / 1500))
    assert np.mean(rows[:, 1:], axis=0) == pytest.approx(1.0, abs=0.01)
    assert 390 * np.var(rows[:, 1]) == pytest.approx(2.0, rel=0.15)
    assert 390 * np.var(rows[:, 2]) == pytest.approx(math.pi**2 / 4 + math.pi - 3, rel=0.15)


def test_noise_is_measured_and_taken_off() -> None:
    """The day of 23,400 returns of the reference: RV five times too large, two scales right."""
    want = REFS["noise_mc"]
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.cumsum(rng.normal(0.0, math.sqrt(want["IV"] / want["N"]), want["N"] + 1))
        r = np.diff(x + rng.normal(0.0, want["omega"], want["N"] + 1))
        found.append((realized.realised(r), realized.two_scales(r, want["K_tsrv"]), realized.noise_variance(r)))
    rv, tsrv, noise = np.mean(found, axis=0)
    results = want["results"]
    assert rv == pytest.approx(results["RV_all"]["mean"], rel=0.02)
    assert tsrv == pytest.approx(results["TSRV"]["mean"], abs=3.0 * results["TSRV"]["sd"] / math.sqrt(20))
    assert noise == pytest.approx(results["om2"]["mean"], rel=0.02)


@pytest.mark.parametrize("r", [[], [1.0], [1.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
def test_too_little_is_no_jump(r: list[float]) -> None:
    block = np.array(r, dtype=np.float64)
    assert realized.jump_ratio_z(block) == 0.0
    assert realized.jump_log_z(block) == 0.0
    assert realized.med_rv(block) == 0.0


def test_qlike_is_least_where_the_forecast_is_right() -> None:
    """Over draws of variance 4 the mean loss of a forecast is least at 4, whatever the noise."""
    squares = 4.0 * np.random.default_rng(1).chisquare(5, 20_000) / 5.0
    losses = {v: np.mean([realized.qlike(s / v) for s in squares]) for v in (2.0, 3.0, 4.0, 5.0, 8.0)}
    assert min(losses, key=losses.__getitem__) == 4.0
    assert realized.qlike(1.0) == 0.0
    assert np.isfinite(realized.qlike(0.0))
