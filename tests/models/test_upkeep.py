"""Keeping a quote near its best place: the closed form against the control problem it solves."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from portfolio_mm.models import upkeep


def test_examples_in_the_docstrings_hold() -> None:
    for key, kernel in vars(upkeep).items():
        if hasattr(kernel, "py_func"):
            found = doctest.DocTestFinder().find(kernel.py_func, key, globs=vars(upkeep))
            assert all(doctest.DocTestRunner().run(one).failed == 0 for one in found), key


@pytest.mark.parametrize("price", [0.01, 0.3, 1.07, 5.0])
def test_the_band_and_its_cost_solve_the_control_problem(price: float) -> None:
    """Cost of reflecting-start, reset-at-b policies by quadrature: the closed form is their minimum (T = V = 1).

    From 0 with reflection, sigma^2 k^2 = 1: exit time of b is b^2, loss until then 2 int_0^b (b - y) l(y) dy.
    """

    def cost(b: float) -> float:
        y = np.linspace(0.0, b, 20_001)
        loss = 1.0 - np.exp(-y) * (1.0 + y)
        return float((price + 2.0 * np.trapezoid((b - y) * loss, y)) / b**2)

    edge = upkeep.band(price)
    assert cost(edge) == pytest.approx(upkeep.cost_share(edge), rel=1e-6)
    for other in (0.9 * edge, 1.1 * edge):
        assert cost(other) > cost(edge)


@given(some.floats(0.02, 100.0), some.floats(0.01, 20.0), some.floats(1e-7, 1.0), some.floats(5e-5, 0.1))
def test_cost_never_exceeds_what_a_quote_earns(k: float, sigma: float, worth: float, price: float) -> None:
    cost = upkeep.cost_usd_per_s(worth, k, sigma, price)
    assert 0.0 <= cost <= worth * (1.0 + 1e-9)
    assert cost <= upkeep.cost_usd_per_s(worth, k, sigma, 2.0 * price) * (1.0 + 1e-9)
    assert cost <= upkeep.cost_usd_per_s(worth, k, 2.0 * sigma, price) * (1.0 + 1e-9)


@given(some.floats(0.02, 20.0), some.floats(0.05, 20.0), some.floats(1e-6, 0.1), some.floats(5e-5, 0.1))
def test_placing_pays_when_the_cost_of_keeping_does(k: float, sigma: float, worth: float, price: float) -> None:
    """An order's gain over its life beats the price exactly when what its quote earns beats all its actions."""
    rate = worth * k / (150.0 * 1e-4)
    gross, cost = worth + rate * price, upkeep.cost_usd_per_s(worth, k, sigma, price) + rate * price
    for share in (0.5, 0.9, 1.0):
        gain = upkeep.placing_gain_usd(worth, rate, k, sigma, price, share)
        if upkeep.life_s(worth, k, sigma, price) < upkeep.LONGEST_S and abs(share * gross - cost) > 1e-9 * gross:
            assert (gain > price) == (share * gross > cost)
    assert upkeep.placing_gain_usd(0.0, rate, k, sigma, price, 1.0) == 0.0


@given(some.floats(0.02, 20.0), some.floats(0.01, 20.0), some.floats(1e-9, 1.0), some.floats(5e-5, 10.0))
def test_no_life_is_longer_than_its_bound(k: float, sigma: float, worth: float, price: float) -> None:
    """Else an order would be left alone whose missing size is worth a move."""
    life_s, bound_s = upkeep.life_s(worth, k, sigma, price), upkeep.life_bound_s(worth, k, sigma, price)
    assert life_s <= bound_s <= 2.0 * life_s


@given(some.floats(-3.0, 300.0))
def test_no_move_gains_more_than_its_bound(y: float) -> None:
    """Else an order would be left alone that is worth a move; and a bound that is far too large saves nothing."""
    assert upkeep.edge_value(y) <= upkeep.edge_bound(y)
    if y >= 0.0:
        assert upkeep.edge_bound(y) <= 5.0 * upkeep.edge_value(y)


def test_the_band_of_a_quote_worth_next_to_nothing_still_has_its_price() -> None:
    for price in (300.0, 1e3, 1e5):
        b = upkeep.band(price)
        assert 2.0 * b - 6.0 == pytest.approx(price, rel=1e-9)
