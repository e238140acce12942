"""The skew matrix against tabulated numbers and its exact properties (theory §3.2)."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.models import glft, multiasset

DATA = Path(__file__).parent / "data"
META: dict[str, Any] = json.loads((DATA / "multiasset_2d_meta.json").read_text())
EXTRA: dict[str, Any] = json.loads((DATA / "multiasset_extra.json").read_text())


def quotes_of(case: dict[str, Any], q: list[float]) -> tuple[multiasset.Array, multiasset.Array]:
    a, k, clip = (np.array(case[name], float) for name in ("A", "k", "z"))
    drift = np.array(case["mu"] or np.zeros(len(a)), float)
    sigma = np.array(case["Sigma"])
    return multiasset.quotes(np.array(q), sigma, a, k, clip, case["gamma"], case["xi"], drift, np.zeros(len(a)))


def random_case(seed: int, n: int) -> tuple[multiasset.Array, multiasset.Array]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    return root @ root.T, rng.uniform(0.1, 9.0, n)


@pytest.mark.parametrize("name", sorted(META))
def test_every_tabulated_closed_form_quote_is_reproduced(name: str) -> None:
    with (DATA / "multiasset_2d_quotes.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["case"] == name]
    assert len(rows) == 13
    for row in rows:
        bid, ask = quotes_of(META[name], [float(row["q1"]), float(row["q2"])])
        got = [bid[0], ask[0], bid[1], ask[1]]
        names = ("bid1_closed", "ask1_closed", "bid2_closed", "ask2_closed")
        assert got == pytest.approx([float(row[key]) for key in names], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", sorted(META))
def test_matrix_and_liquidity_match_the_reference(name: str) -> None:
    case = META[name]
    a, k, clip = (np.array(case[key], float) for key in ("A", "k", "z"))
    d_plus = multiasset.liquidities(a, k, clip, case["xi"], np.zeros(2))
    assert np.allclose(d_plus, case["D_plus"], rtol=1e-13, atol=0.0)
    gamma_matrix = multiasset.gamma_matrix(np.array(case["Sigma"]), d_plus)
    assert np.allclose(gamma_matrix, case["Gamma"], rtol=1e-12, atol=1e-14)


def test_three_assets_with_drift_match_the_reference() -> None:
    case = EXTRA["three_asset"]
    bid, ask = quotes_of(case, case["q"])
    assert np.allclose(bid, case["bid"], rtol=1e-12, atol=0.0)
    assert np.allclose(ask, case["ask"], rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("seed", range(5))
def test_gamma_solves_its_equation_and_is_symmetric_positive(seed: int) -> None:
    sigma, d_plus = random_case(seed, 6)
    gamma = multiasset.gamma_matrix(sigma, d_plus)
    assert np.allclose(gamma @ np.diag(d_plus) @ gamma, sigma, rtol=0.0, atol=1e-12 * np.abs(sigma).max())
    assert np.allclose(gamma, gamma.T, rtol=0.0, atol=1e-12)
    assert np.linalg.eigvalsh(gamma).min() > 0.0


def test_uncorrelated_coins_are_quoted_each_alone() -> None:
    a, k, clip, sd = np.array([0.5, 0.2]), np.array([0.6, 0.3]), np.array([5000.0, 800.0]), np.array([1.0, 1.7])
    q, cost, gamma = np.array([9000.0, -2000.0]), np.array([1.5, 0.3]), 3e-9
    bid, ask = multiasset.quotes(q, np.diag(sd**2), a, k, clip, gamma, gamma, np.zeros(2), cost)
    for i in range(2):
        alone = glft.quotes(q[i], sd[i], a[i], k[i], gamma, gamma, clip[i], 0.0, 0.0, cost[i])
        assert (bid[i], ask[i]) == pytest.approx(alone, rel=1e-12)


def test_one_common_factor_has_a_closed_form() -> None:
    beta, d_plus = np.array([1.0, 1.2, 1.5]), np.array([2.0, 1.0, 0.3])
    gamma = multiasset.gamma_matrix(np.outer(beta, beta), d_plus)
    assert np.allclose(gamma, np.outer(beta, beta) / np.sqrt(beta @ (d_plus * beta)), rtol=0.0, atol=1e-7)


def test_two_by_two_roots_have_a_closed_form() -> None:
    matrix, _ = random_case(7, 2)
    det = np.linalg.det(matrix)
    root = (matrix + np.sqrt(det) * np.eye(2)) / np.sqrt(np.trace(matrix) + 2.0 * np.sqrt(det))
    assert np.allclose(multiasset.symmetric_root(matrix), root, rtol=1e-12, atol=0.0)


def test_reordering_coins_reorders_the_matrix() -> None:
    sigma, d_plus = random_case(3, 5)
    order = np.array([3, 0, 4, 1, 2])
    gamma = multiasset.gamma_matrix(sigma, d_plus)
    shuffled = multiasset.gamma_matrix(sigma[np.ix_(order, order)], d_plus[order])
    assert np.allclose(shuffled, gamma[np.ix_(order, order)], rtol=0.0, atol=1e-12)


def test_the_price_unit_of_one_coin_does_not_matter() -> None:
    """Unit of coin 0 divided by u: sd times u, k over u, inventory over u; the skew in the new unit is times u."""
    sigma, d_plus = random_case(4, 3)
    unit = np.array([1000.0, 1.0, 1.0])
    plain = multiasset.gamma_matrix(sigma, d_plus)
    scaled = multiasset.gamma_matrix(sigma * np.outer(unit, unit), d_plus / unit**2)
    assert np.allclose(scaled, plain * np.outer(unit, unit), rtol=1e-9, atol=0.0)


def test_a_short_lived_signal_moves_fair_by_the_whole_move_it_predicts() -> None:
    sigma, d_plus = random_case(5, 3)
    drift = np.array([0.2, -0.1, 0.05])
    assert np.allclose(multiasset.drift_shift(sigma, d_plus, 1e-4, drift, 1e-7), -drift * 1e-7, rtol=1e-5)
    lasting = multiasset.drift_shift(sigma, d_plus, 1e-4, drift)
    assert np.allclose(multiasset.drift_shift(sigma, d_plus, 1e-4, drift, 1e9), lasting, rtol=1e-5)


def test_impossible_inputs_are_named() -> None:
    with pytest.raises(ValueError, match="liquidities must be positive"):
        multiasset.gamma_matrix(np.eye(2), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="not finite"):
        multiasset.gamma_matrix(np.full((2, 2), np.nan), np.ones(2))
