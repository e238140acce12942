"""Returns on a grid of block time, and distances from a slow mean."""

import math

import numpy as np
import pytest

from portfolio_mm.domain.records import record
from portfolio_mm.models import grid, standard

S = 1_000_000_000


def played(times_s: list[float], prices: list[float]) -> list[tuple[int, float]]:
    g = np.zeros(1, grid.GRID)
    grid.clear_grid(g[0])
    at = [round((100.0 + t) * S) for t in times_s]
    return [grid.advance(g[0], S, 10 * S, ns, px) for ns, px in zip(at, prices, strict=True)]


def test_a_return_ends_when_a_later_message_shows_that_its_second_is_over() -> None:
    found = played([0.2, 0.9, 1.5, 3.5], [100.0, 101.0, 102.0, 103.0])
    assert [steps for steps, _ in found] == [0, 0, 0, 2]
    assert found[3][1] == pytest.approx(1e4 * math.log(102.0 / 101.0))


def test_messages_between_grid_points_change_nothing() -> None:
    few = played([0.5, 1.5, 2.5, 3.5], [100.0, 101.0, 102.0, 103.0])
    many = played([0.5, 0.6, 1.5, 1.7, 2.5, 3.5], [100.0, 100.0, 101.0, 101.0, 102.0, 103.0])
    assert sum(steps for steps, _ in few) == sum(steps for steps, _ in many)
    assert sum(move for _, move in few) == pytest.approx(sum(move for _, move in many))


def test_a_silence_is_a_hole_and_no_return() -> None:
    found = played([0.5, 1.5, 31.5, 32.5, 33.5], [100.0, 100.0, 120.0, 120.0, 121.0])
    assert [steps for steps, _ in found] == [0, 0, 0, 0, 1]
    assert [move for _, move in found] == [0.0] * 5


def test_a_number_is_measured_by_what_was_known_before_it() -> None:
    moments = np.zeros(1, record([("mass", "f8", (1,)), ("centre", "f8", (1,)), ("scatter", "f8", (1,))]))
    rng, floor = np.random.default_rng(1), np.array([0.1])
    z = [standard.standardise(moments[0], 0, floor, x, 0.999) for x in rng.normal(7.0, 3.0, 5_000)]
    assert z[0] == 0.0
    assert np.mean(z[500:]) == pytest.approx(0.0, abs=0.1)
    assert np.std(z[500:]) == pytest.approx(1.0, abs=0.05)
    kept = float(moments["centre"][0, 0])
    assert standard.standardise(moments[0], 0, floor, 1e9, 0.999) == standard.FAR
    assert abs(float(moments["centre"][0, 0]) - kept) < 0.1
