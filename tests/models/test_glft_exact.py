"""The exact solver against tabulated numbers and exact facts."""

import csv
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import mathieu_a

from portfolio_mm.models import glft, glft_exact

DATA = Path(__file__).parent / "data"
Solved = tuple[float, glft_exact.Array, glft_exact.Array, glft_exact.Array]


def reference_rows() -> list[dict[str, str]]:
    with (DATA / "glft_quotes.csv").open() as file:
        return list(csv.DictReader(file))


@cache
def stationary(*case: float) -> Solved:
    *numbers, limit, drift, impact = case
    solved: Solved = glft_exact.ergodic(*numbers, int(limit), drift, impact)
    return solved


def stationary_law(steps: glft_exact.Array) -> glft_exact.Array:
    """Probabilities of inventory under the ergodic quotes: v^2 normalised (detailed balance; symmetric case)."""
    log_v = np.zeros(len(steps))
    for i in range(1, len(steps)):
        log_v[i] = log_v[i - 1] + steps[i]
    law = np.exp(2.0 * (log_v - log_v.max()))
    normalised: glft_exact.Array = law / law.sum()
    return normalised


@cache
def with_horizon(horizon_s: float, *case: float) -> tuple[glft_exact.Array, glft_exact.Array]:
    *numbers, limit, drift, impact = case
    solved: tuple[glft_exact.Array, glft_exact.Array]
    solved = glft_exact.finite_horizon(*numbers, int(limit), drift, impact, horizon_s)
    return solved


def test_every_tabulated_exact_quote_is_reproduced() -> None:
    for row in reference_rows():
        case = [float(row[name]) for name in ("sigma", "A", "k", "gamma", "xi", "D")]
        clips = round(float(row["Q"]) / float(row["D"]))
        case += [clips, float(row["mu"]), float(row["imp"])]
        i = round(float(row["q"]) / float(row["D"])) + clips
        _, bid, ask, _ = stationary(*case)
        assert bid[i] == pytest.approx(float(row["bid_exact_inf"]), abs=1e-9), row
        assert ask[i] == pytest.approx(float(row["ask_exact_inf"]), abs=1e-9), row
        for slot, tau in enumerate(row["tau_slots"].split("|")):
            bid, ask = with_horizon(float(tau), *case)
            assert bid[i] == pytest.approx(float(row[f"bid_exact_tau_slot{slot}"]), abs=1e-9), (tau, row)
            assert ask[i] == pytest.approx(float(row[f"ask_exact_tau_slot{slot}"]), abs=1e-9), (tau, row)


@pytest.mark.parametrize("name", ["paper", "g01", "as_"])
def test_eigenvalue_profit_and_inventory_match_the_reference(name: str) -> None:
    ref = json.loads((DATA / "glft_ergodic.json").read_text())[name]
    sigma, a, k, gamma, xi = (ref[key] for key in ("sigma", "A", "k", "gamma", "xi"))
    level, bid, ask, steps = stationary(sigma, a, k, gamma, xi, 1.0, 60, 0.0, 0.0)
    assert level == pytest.approx(ref["lambda0_eig_Q60"], rel=1e-13)
    assert level == pytest.approx(ref["alpha"] / 4.0 * mathieu_a(0, 4.0 * ref["eta"] / ref["alpha"]), rel=1e-12)
    assert -level / k == pytest.approx(ref["certainty_equivalent_rate"], rel=1e-13)
    law = stationary_law(steps)
    q = np.arange(-60, 61)
    assert math.sqrt(law @ q**2) == pytest.approx(ref["std_q_stationary"], rel=1e-9)
    rates = a * np.nan_to_num(np.exp(-k * bid)) + a * np.nan_to_num(np.exp(-k * ask))
    assert law @ rates == pytest.approx(ref["fills_per_time_both_sides"], rel=1e-9)
    skew = glft.skew_coefficient(sigma, a, k, gamma, xi, 1.0)
    assert glft.inventory_sd(k, skew, 1.0) == pytest.approx(ref["std_q_gauss"], rel=1e-12)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
def test_without_risk_aversion_the_limit_sets_the_profit(limit: int) -> None:
    """rho(Q) = (2 eta / k) cos(pi / (2 Q + 2)), exactly (theory §2.3, fact 5)."""
    level, _, _, _ = glft_exact.ergodic(0.3, 0.9, 0.3, 0.0, 0.0, 1.0, limit, 0.0, 0.0)
    eta = 0.9 / math.e
    assert -level == pytest.approx(2.0 * eta * math.cos(math.pi / (2 * limit + 2)), rel=1e-13)


def test_bid_and_ask_mirror_each_other_and_stop_at_the_limits() -> None:
    _, bid, ask, _ = stationary(0.3, 0.9, 0.3, 0.01, 0.01, 1.0, 30, 0.0, 0.0)
    assert np.allclose(bid[:-1], ask[::-1][:-1], rtol=0.0, atol=1e-10)
    assert np.isnan(bid[-1])
    assert np.isnan(ask[0])
    assert np.all(np.diff(bid[:-1]) > 0.0)


def test_far_tails_do_not_underflow() -> None:
    """At 300 clips v is smaller than 1e-300 by far; its ratios are as smooth as in the middle."""
    _, bid, ask, _ = glft_exact.ergodic(0.3, 0.9, 0.3, 0.01, 0.01, 1.0, 300, 0.0, 0.0)
    assert np.all(np.isfinite(bid[:-1]))
    assert np.all(np.diff(ask[1:]) < 0.0)


def test_the_ladder_of_policies_has_the_profits_of_the_reference() -> None:
    """Exact laws of a few fixed policies (theory §13): nobody beats the optimum, the closed form loses 4e-8 of it."""
    ref = json.loads((DATA / "hjb.json").read_text())["modelB_paper"]
    sigma, a, k, gamma, n = 0.3, 0.9, 0.3, 0.01, 30
    _, bid, ask, _ = stationary(sigma, a, k, gamma, 0.0, 1.0, n, 0.0, 0.0)
    q = np.arange(-n, n + 1)
    skew = glft.skew_coefficient(sigma, a, k, gamma, 0.0, 1.0)
    closed = [glft.quotes(float(i), sigma, a, k, gamma, 0.0, 1.0, 0.0, 0.0, 0.0) for i in q]
    flat = np.full(len(q), 1.0 / k)
    policies = {
        "optimal": (bid, ask),
        "closed_form_policy": tuple(np.array(closed).T),
        "symmetric_1_over_k": (flat, flat),
        "skew_x2": (1.0 / k + 2.0 * skew * (q + 0.5), 1.0 / k - 2.0 * skew * (q - 0.5)),
    }
    for name, (bids, asks) in policies.items():
        assert profit(bids, asks, sigma, a, k, gamma) == pytest.approx(ref[name]["rho"], rel=2e-5), name
    assert profit(bid, ask, sigma, a, k, gamma) == pytest.approx(ref["rho_star"], rel=1e-9)


def profit(bid: glft_exact.Array, ask: glft_exact.Array, sigma: float, a: float, k: float, gamma: float) -> float:  # noqa: PLR0917
    """Edge less running penalty per second of a fixed policy, from the stationary law of its birth-death chain."""
    up, down = a * np.exp(-k * bid[:-1]), a * np.exp(-k * ask[1:])
    law = np.concatenate([[0.0], np.cumsum(np.log(up / down))])
    law = np.exp(law - law.max())
    law /= law.sum()
    q = np.arange(len(bid)) - (len(bid) - 1) // 2
    edge = law[:-1] @ (up * bid[:-1]) + law[1:] @ (down * ask[1:])
    return float(edge - 0.5 * gamma * sigma**2 * law @ q**2)
