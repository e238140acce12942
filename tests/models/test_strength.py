"""How much of a forecast comes true."""

import numpy as np
import pytest

from portfolio_mm.models.strength import LEAST, STRENGTH, clear_strength, compare


def learned(true_share: float, n: int, seed: int = 1) -> float:
    sg = np.zeros(1, STRENGTH)
    clear_strength(sg[0], 0.5)
    rng = np.random.default_rng(seed)
    for x in rng.normal(0.0, 0.2, n):
        compare(sg[0], 1.0, x, true_share * x + rng.normal(0.0, 1.0), 0.5, 1000.0)
    return float(sg["strength"][0])


@pytest.mark.parametrize("true_share", [0.3, 0.8])
def test_the_slope_is_found(true_share: float) -> None:
    n = 20_000
    expected = (n * true_share + 1000.0 * 0.5) / (n + 1000.0)
    assert learned(true_share, n) == pytest.approx(expected, abs=3.0 / (0.2 * np.sqrt(n)))


@pytest.mark.parametrize(("true_share", "bound"), [(-1.0, LEAST), (2.0, 1.0)])
def test_it_stays_within_its_bounds(true_share: float, bound: float) -> None:
    assert learned(true_share, 20_000) == bound


def test_without_data_it_is_the_prior() -> None:
    assert learned(1.0, 0) == 0.5
