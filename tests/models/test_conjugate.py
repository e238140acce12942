"""Conjugate posteriors against reference numbers (theory §12: closed forms checked by quadrature)."""

import numpy as np
import pytest

from portfolio_mm.models.conjugate import normal_gamma, normal_mean

X = np.array([0.4, -0.2, 1.1, 0.7, 0.05, 0.9])


def test_normal_gamma_in_one_batch_and_one_by_one() -> None:
    expected = (0.4214285714285714, 7.0, 5.0, 2.234642857142857)
    batch = normal_gamma(0.0, 1.0, 2.0, 1.5, 6.0, float(X.sum()), float(X @ X))
    assert batch == pytest.approx(expected, abs=1e-12)
    one = (0.0, 1.0, 2.0, 1.5)
    for x in X:
        one = normal_gamma(*one, 1.0, float(x), float(x * x))
    assert one == pytest.approx(expected, abs=1e-9)


def test_the_mean_of_values_whose_spread_is_not_known() -> None:
    """With c = 4, sd = 1: a = 3, b = 2; the sd of the mean is sqrt(b' / (kappa' (a' - 1)))."""
    mean, sd = normal_mean(0.5, 4.0, 1.0, 6.0, float(X.sum()), float(X @ X))
    m, kappa, a, b = normal_gamma(0.5, 4.0, 3.0, 2.0, 6.0, float(X.sum()), float(X @ X))
    assert (mean, sd) == pytest.approx((m, np.sqrt(b / (kappa * (a - 1.0)))))
    assert normal_mean(0.5, 4.0, 1.0, 0.0, 0.0, 0.0) == pytest.approx((0.5, 0.5))
