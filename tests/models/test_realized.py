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
    assert realized.med_rv(RETURNS) == pytest.approx(want["medRV"], rel=1e-9)
    assert realized.jump_ratio_z(RETURNS) == pytest.approx(want["BNS_ratio_maxadj_z"], rel=1e-9)


def test_constants_are_the_published_ones() -> None:
    want = REFS["constants"]
    assert pytest.approx(want["mu43"], rel=1e-12) == realized.MU_43
    assert pytest.approx(want["BNS_theta_minus_2"], rel=1e-12) == realized.THETA
    assert pytest.approx(want["medRV_c"], rel=1e-12) == realized.MED_RV


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


@pytest.mark.parametrize("r", [[], [1.0], [1.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
def test_too_little_is_no_jump(r: list[float]) -> None:
    block = np.array(r, dtype=np.float64)
    assert realized.jump_ratio_z(block) == 0.0
    assert realized.med_rv(block) == 0.0


def test_qlike_is_least_where_the_forecast_is_right() -> None:
    """Over draws of variance 4 the mean loss of a forecast is least at 4, whatever the noise."""
    squares = 4.0 * np.random.default_rng(1).chisquare(5, 20_000) / 5.0
    losses = {v: np.mean([realized.qlike(s / v) for s in squares]) for v in (2.0, 3.0, 4.0, 5.0, 8.0)}
    assert min(losses, key=losses.__getitem__) == 4.0
    assert realized.qlike(1.0) == 0.0
    assert np.isfinite(realized.qlike(0.0))
