"""Covariance: unbiased at any spacing, robust to missing coins, always positive definite, in bps^2 per second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portfolio_mm.portfolio.covariance import Covariance, positive_definite, shrunk

S = 1_000_000_000
TRUE_SIGMA = np.array([1.0, 1.5, 2.5])
TRUE_CORRELATION = np.array([[1.0, 0.7, 0.2], [0.7, 1.0, 0.4], [0.2, 0.4, 1.0]])


def walk(seconds: int, step_s: float = 1.0, scale: float = 1.0, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Times (ns) and mids of three correlated Brownian coins."""
    rng = np.random.default_rng(seed)
    n = int(seconds / step_s)
    root = np.linalg.cholesky(TRUE_CORRELATION * np.outer(TRUE_SIGMA, TRUE_SIGMA))
    moves = rng.normal(size=(n, 3)) @ root.T * np.sqrt(step_s)
    times = S + (np.arange(n) * step_s * S).astype(np.int64)
    return times, scale * 100.0 * np.exp(1e-4 * np.cumsum(moves, axis=0))


def learnt(times: np.ndarray, mids: np.ndarray, half_life_s: float = 3_000.0) -> Covariance:
    covariance = Covariance(3, half_life_s)
    for now_ns, row in zip(times, mids, strict=True):
        covariance.observe(int(now_ns), row)
    return covariance


@pytest.mark.parametrize("step_s", [0.5, 1.0, 5.0])
def test_sigma_is_per_root_second_whatever_the_spacing(step_s: float) -> None:
    covariance = learnt(*walk(round(6_000 * step_s), step_s), half_life_s=3_000.0 * step_s)
    assert covariance.sigma_bps() == pytest.approx(TRUE_SIGMA, rel=0.05)
    assert covariance.correlation() == pytest.approx(TRUE_CORRELATION, abs=0.07)


def test_prices_times_a_thousand_change_nothing() -> None:
    times, mids = walk(500)
    same = learnt(times, 1_000.0 * mids).matrix_bps2_per_s()
    assert same == pytest.approx(learnt(times, mids).matrix_bps2_per_s(), rel=1e-9)


def test_irregular_spacing_needs_no_grid() -> None:
    times, mids = walk(6_000)
    keep = np.sort(np.random.default_rng(2).choice(6_000, 3_000, replace=False))
    assert learnt(times[keep], mids[keep]).sigma_bps() == pytest.approx(TRUE_SIGMA, rel=0.06)


def test_a_missing_coin_leaves_the_others_alone() -> None:
    times, mids = walk(3_000)
    holed = mids.copy()
    holed[1_000:2_000, 2] = np.nan
    holed[2_500, 2] = 0.0
    whole, part = learnt(times, mids), learnt(times, holed)
    assert part.matrix_bps2_per_s()[0, 0] == pytest.approx(whole.matrix_bps2_per_s()[0, 0], rel=1e-12)
    assert part.sigma_bps()[2] == pytest.approx(TRUE_SIGMA[2], rel=0.1)
    assert part.effective_n < whole.effective_n


def test_a_gap_is_not_a_return() -> None:
    covariance = learnt(*walk(600))
    before = covariance.sigma_bps().copy()
    last_ns = S + 599 * S
    covariance.observe(last_ns + 100 * S, np.array([200.0, 200.0, 200.0]))
    assert covariance.sigma_bps() == pytest.approx(before, rel=1e-12)


def test_a_sample_that_is_not_later_is_ignored() -> None:
    covariance = learnt(*walk(100))
    before = covariance.matrix_bps2_per_s()
    covariance.observe(S, np.array([1.0, 1.0, 1.0]))
    assert covariance.matrix_bps2_per_s() == pytest.approx(before, rel=1e-12)


def test_without_data_the_prior_holds() -> None:
    covariance = Covariance(2, 600.0, prior_sigma_bps=3.0, prior_correlation=0.5)
    assert covariance.sigma_bps() == pytest.approx([3.0, 3.0])
    assert 0.4 < covariance.correlation()[0, 1] <= 0.5
    assert covariance.effective_n == 1.0


def test_one_coin_needs_no_correlation() -> None:
    assert Covariance(1, 600.0).matrix_bps2_per_s() == pytest.approx(np.array([[1.0]]))


def test_effective_n_tends_to_what_the_half_life_allows() -> None:
    covariance = learnt(*walk(2_000), half_life_s=100.0)
    assert covariance.effective_n == pytest.approx(2 * 100.0 / np.log(2.0), rel=0.02)


def test_given_volatilities_replace_the_own_ones_where_they_are_known() -> None:
    covariance = learnt(*walk(300))
    matrix = covariance.matrix_bps2_per_s(np.array([4.0, np.nan, 0.0]))
    assert np.sqrt(np.diag(matrix)) == pytest.approx([4.0, *covariance.sigma_bps()[1:]])


def test_identical_coins_keep_an_idiosyncratic_share() -> None:
    covariance = Covariance(2, 600.0, idiosyncratic_fraction=0.05)
    mids = walk(600)[1][:, 0]
    for i, mid in enumerate(mids):
        covariance.observe(S + i * S, np.array([mid, 3.0 * mid]))
    assert 0.9 < covariance.correlation()[0, 1] <= 0.95
    assert np.linalg.eigvalsh(covariance.correlation())[0] > 0.049


def test_shrinkage_is_strong_on_little_data_and_weak_on_much() -> None:
    few = np.linalg.norm(shrunk(TRUE_CORRELATION, np.full((3, 3), 3.0)) - TRUE_CORRELATION)
    many = np.linalg.norm(shrunk(TRUE_CORRELATION, np.full((3, 3), 1e6)) - TRUE_CORRELATION)
    assert many < 1e-4
    assert few > 0.1
    off = shrunk(TRUE_CORRELATION, np.full((3, 3), 3.0))[np.triu_indices(3, 1)]
    assert off == pytest.approx(np.full(3, np.mean([0.7, 0.2, 0.4])))


def test_clipping_matches_the_published_repair_of_higham_s_matrix() -> None:
    # covariance_refs.json, higham_tridiag.corr_clipped (statsmodels 0.15.0)
    repaired = positive_definite(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]), 1e-15)
    assert repaired[0] == pytest.approx([1.0, 0.7395391542562343, 0.09383632135605469], abs=1e-12)


def test_the_inverse_of_a_one_factor_matrix_is_woodbury_s() -> None:
    # covariance_refs.json, woodbury
    beta, idio = np.array([1.0, 1.3, 1.6, 0.8]), np.array([1e-4, 2e-4, 3e-4, 1.5e-4])
    matrix = 4e-4 * np.outer(beta, beta) + np.diag(idio)
    sigma = np.sqrt(np.diag(matrix))
    untouched = positive_definite(matrix / np.outer(sigma, sigma)) * np.outer(sigma, sigma)
    expected = [7037.0370370370365, -1925.9259259259259, -1580.2469135802469, -1580.2469135802469]
    assert np.linalg.inv(untouched)[0] == pytest.approx(expected, rel=1e-9)


noisy = arrays(np.float64, (25, 4), elements=st.floats(0.01, 1e6) | st.just(float("nan")))


@settings(max_examples=60, deadline=None)
@given(noisy)
def test_the_matrix_is_positive_definite_whatever_is_observed(mids: np.ndarray) -> None:
    covariance = Covariance(4, 10.0)
    for i, row in enumerate(mids):
        covariance.observe(S + i * S, row)
    matrix = covariance.matrix_bps2_per_s()
    assert np.all(np.isfinite(matrix))
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(covariance.correlation())[0] > 0.04
    np.linalg.cholesky(matrix)
