"""The closed form against tabulated numbers, published numbers and exact identities."""

import csv
import math
from pathlib import Path

import pytest

from portfolio_mm.models import glft

DATA = Path(__file__).parent / "data"
PAPER = {"sigma": 0.3, "a": 0.9, "k": 0.3, "gamma": 0.01, "xi": 0.01, "clip": 1.0}


def reference_rows() -> list[dict[str, str]]:
    with (DATA / "glft_quotes.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_tabulated_closed_form_quote_is_reproduced() -> None:
    rows = reference_rows()
    assert len(rows) == 168
    for row in rows:
        q, sigma, a, k, gamma, xi, clip, mu, impact = (
            float(row[name]) for name in ("q", "sigma", "A", "k", "gamma", "xi", "D", "mu", "imp")
        )
        bid, ask = glft.quotes(q, sigma, a, k, gamma, xi, clip, mu, impact, 0.0)
        assert bid == pytest.approx(float(row["bid_closed"]), rel=1e-9, abs=1e-10), row
        assert ask == pytest.approx(float(row["ask_closed"]), rel=1e-9, abs=1e-10), row
        assert glft.static_half_spread(k, xi, clip) == pytest.approx(float(row["half_spread_static"]), abs=1e-10)


def test_the_published_numbers_of_hftbacktest_are_reproduced() -> None:
    """GLFT market making model notebook: half_spread_tick and skew for A, k, gamma = 0.05, sigma = 10.69."""
    skew = glft.skew_coefficient(10.69, 2.986162360812285, 0.04235741115084049, 0.05, 0.05, 1.0)
    half_spread = glft.static_half_spread(0.04235741115084049, 0.05, 1.0) + 0.5 * skew
    assert half_spread == pytest.approx(20.47208533844371, rel=1e-13)
    assert skew == pytest.approx(9.76326865029227, rel=1e-13)


def test_a_cost_moves_the_quotes_and_thins_the_intensity() -> None:
    bid, ask = glft.quotes(0.0, 0.3, 0.9, 0.3, 0.01, 0.0, 1.0, 0.0, 0.0, 0.5)
    more, _ = glft.quotes(1.0, 0.3, 0.9, 0.3, 0.01, 0.0, 1.0, 0.0, 0.0, 0.5)
    assert bid == pytest.approx(3.86961, abs=5e-6)
    assert bid == ask
    assert more - bid == pytest.approx(0.072551, abs=5e-7)


@pytest.mark.parametrize("gamma_usd", [1e-5, 1e-4, 1e-3])
def test_the_engine_units_give_the_worked_example(gamma_usd: float) -> None:
    """Theory §0: sigma 1 bps per sqrt(s), A 0.2/s, k 0.25/bps, clip $5,000; skew in bps per clip."""
    gamma = gamma_usd / 1e4
    skew = glft.skew_coefficient(1.0, 0.2, 0.25, gamma, gamma, 5000.0) * 5000.0
    expected = {1e-5: (0.0117, 4.0000), 1e-4: (0.0369, 3.9996), 1e-3: (0.1166, 3.9960)}[gamma_usd]
    assert skew == pytest.approx(expected[0], abs=5.1e-5)
    assert glft.static_half_spread(0.25, gamma, 5000.0) == pytest.approx(expected[1], abs=5.1e-5)


def test_quotes_in_bps_do_not_depend_on_the_price_of_one_coin() -> None:
    """Price x1000 and size / 1000: the same notional, hence the same quote; in ticks of price both scale."""
    sigma, a, k, gamma, clip, q = 1.3, 0.4, 0.5, 2e-9, 3000.0, -7000.0
    for px in (0.05, 50.0, 50_000.0):
        per_bps = px / 1e4
        ticks = glft.quotes(
            q / px, sigma * per_bps, a, k / per_bps, gamma * 1e4, gamma * 1e4, clip / px, 0.0, 0.0, 1.5 * per_bps
        )
        bps = glft.quotes(q, sigma, a, k, gamma, gamma, clip, 0.0, 0.0, 1.5)
        assert [d / per_bps for d in ticks] == pytest.approx(bps, rel=1e-12)


def test_minutes_for_seconds_leave_stationary_quotes_unchanged() -> None:
    seconds = glft.quotes(4000.0, 1.2, 0.3, 0.4, 1e-9, 1e-9, 2000.0, 0.001, 0.0, 1.0)
    minutes = glft.quotes(4000.0, 1.2 * math.sqrt(60.0), 18.0, 0.4, 1e-9, 1e-9, 2000.0, 0.06, 0.0, 1.0)
    assert minutes == pytest.approx(seconds, rel=1e-12)


def test_tiny_risk_aversion_loses_no_digits() -> None:
    """c_1 = 1/k (1 - x/2 + x^2/3 - ...) on both sides of the switch to the series."""
    for x in (1e-18, 1e-9, 9.99e-7, 1.001e-6, 1e-4):
        expected = (1.0 - x / 2.0 + x * x / 3.0 - x**3 / 4.0) / 0.25
        assert glft.static_half_spread(0.25, x * 0.25, 1.0) == pytest.approx(expected, rel=1e-15)
    assert glft.static_half_spread(0.25, 0.0, 1.0) == 4.0
    assert glft.hamiltonian_constant(0.25, 0.0, 1.0) == pytest.approx(math.exp(-1.0), rel=1e-15)
    assert glft.hamiltonian_constant(0.3, 0.01, 1.0) == pytest.approx(0.36186483982970163, rel=1e-14)


def test_signs_are_those_of_the_paper() -> None:
    """Spread grows with sigma, falls with A and k; an expected rise brings the bid nearer (GLFT 2013 §6)."""
    base = dict(PAPER, drift=0.0, impact=0.0, cost=0.0)

    def bid(**change: float) -> float:
        return float(glft.quotes(0.0, *(dict(base, **change)[name] for name in base))[0])

    assert bid(sigma=0.4) > bid() > bid(a=1.2)
    assert bid(k=0.4) < bid()
    assert bid(drift=0.0005) < bid()
