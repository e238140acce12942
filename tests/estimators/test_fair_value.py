"""The weight of the micro-price on books whose deviation is known to predict, or known not to."""

import numpy as np
import pytest

from portfolio_mm.estimators import fair_value
from portfolio_mm.models.fair_row import BOOK, FIRST
from tests.estimators.feeds import ON, START_NS, Floats, feed_fair_value, fresh, times


def books(seed: int, weight: float, delay: int = 1, n: int = 14_400) -> Floats:
    """Books each 250 ms around a mid that moves, over the second `delay` seconds on, by weight times the deviation.

    The deviation is new each second (sd about 0.6 bps); the mid has noise of 1 bps per sqrt(second) besides.
    """
    rng = np.random.default_rng(seed)
    share = np.repeat(rng.uniform(0.1, 0.9, n // 4 + 1), 4)[:n]
    dev_bps = (2.0 * share - 1.0) * 1.0
    move = rng.normal(0.0, 0.5, n)
    push = weight * dev_bps / 4.0
    lag = 4 * (delay - 1) + 1
    move[lag:] += push[:-lag]
    mid = 100.0 * np.exp(1e-4 * np.cumsum(move))
    half = 1e-4 * mid
    return np.column_stack([mid - half, 10.0 * share, mid + half, 10.0 * (1.0 - share)])


def learn(book: Floats, dt_s: float = 0.25) -> np.void:
    st, p = fresh(fair_value)
    feed_fair_value(st, p, times(np.arange(len(book)) * dt_s), book)
    state: np.void = st[0]
    return state


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_weight_is_learned(seed: int) -> None:
    """The push spreads over the second after each second of one deviation: labels that start inside it see part.

    With a deviation held for 1 s and a push that follows it at once, the regression of the next second's move on the
    deviation has slope 0.625 of the planted weight (labels starting at 0, 0.25, 0.5, 0.75 s see 1, 3/4, 1/2, 1/4).
    """
    assert learn(books(seed, 1.2))["weight"] == pytest.approx(0.625 * 1.2, abs=0.12)


def test_a_deviation_that_predicts_nothing_loses_its_weight() -> None:
    assert learn(books(4, 0.0))["weight"] < 0.1


def test_a_misspecified_twin_that_predicts_too_late_loses_its_weight() -> None:
    """The effect comes 4 s later, beyond the label: nothing is learned, and that is what is promised."""
    assert learn(books(5, 1.2, delay=5))["weight"] < 0.15


def test_too_little_data_leaves_the_prior() -> None:
    assert learn(books(6, 0.0, n=40))["weight"] == pytest.approx(0.5, abs=0.1)


def test_fair_lies_between_mid_and_micro_price() -> None:
    st, p = fresh(fair_value)
    fair_value.update(st[0], p[0], 1, 99.0, 3.0, 101.0, 1.0, ON)
    state = st[0]
    assert (state.mid_px, state.micro_px, state.fair_px) == (100.0, 100.5, 100.25)
    assert state.micro_dev_bps == pytest.approx(50.0)


def test_fair_before_a_block_does_not_know_the_block() -> None:
    st, p = fresh(fair_value)
    assert np.isnan(fair_value.before(st[0], p[0], 1_000))
    fair_value.update(st[0], p[0], 1_000, 99.0, 1.0, 101.0, 1.0, ON)
    assert np.isnan(fair_value.before(st[0], p[0], 1_000))
    assert fair_value.before(st[0], p[0], 2_000) == 100.0
    fair_value.update(st[0], p[0], 2_000, 109.0, 1.0, 111.0, 1.0, ON)
    fair_value.update(st[0], p[0], 2_000, 119.0, 1.0, 121.0, 1.0, ON)
    assert fair_value.before(st[0], p[0], 2_000) == 100.0
    assert fair_value.before(st[0], p[0], 2_001) == 120.0


def test_a_block_heard_some_books_later_met_the_fair_before_it() -> None:
    """Eight blocks are kept; a block between two of them met the fair of the earlier; what is older is unknown."""
    st, p = fresh(fair_value)
    for i in range(30):
        mid = 100.0 + i
        fair_value.update(st[0], p[0], 1_000 + 100 * i, mid - 1.0, 1.0, mid + 1.0, 1.0, ON)
    for i in range(23, 31):
        assert fair_value.before(st[0], p[0], 1_000 + 100 * i - 50) == 100.0 + i - 1
        assert fair_value.before(st[0], p[0], 1_000 + 100 * i) == 100.0 + i - 1
    assert fair_value.before(st[0], p[0], 1_000 + 100 * 22) == 121.0
    assert np.isnan(fair_value.before(st[0], p[0], 1_000 + 100 * 22 - 1))


def test_fair_of_hours_ago_is_not_the_fair_before() -> None:
    """A restart, or a hole: neither trades before the first book nor those of its block have met a fair we know."""
    st, p = fresh(fair_value)
    fair_value.update(st[0], p[0], START_NS, 99.0, 1.0, 101.0, 1.0, ON)
    gap_ns = int(p["gap_ns"][0])
    assert fair_value.before(st[0], p[0], START_NS + gap_ns) == 100.0
    back_ns = START_NS + gap_ns + 1
    assert np.isnan(fair_value.before(st[0], p[0], back_ns))
    fair_value.update(st[0], p[0], back_ns, 94.0, 1.0, 96.0, 1.0, ON)
    assert np.isnan(fair_value.before(st[0], p[0], back_ns))
    assert fair_value.before(st[0], p[0], back_ns + 1) == 95.0


def test_repeated_books_teach_nothing() -> None:
    """Each book reported five times, 50 ms apart: the same pairs, the same weight."""
    book = books(7, 1.0, n=2000)
    once = learn(book)
    often = learn(np.repeat(book, 5, axis=0)[: 1999 * 5 + 1], dt_s=0.05)
    for name in ("weight", "counts", "squares", "products", "fair_px"):
        np.testing.assert_array_equal(often[name], once[name])


def test_a_hole_in_the_feed_is_not_a_label() -> None:
    book = books(8, 0.0, n=400)
    book[200:, [0, 2]] *= 1.05
    st, p = fresh(fair_value)
    at_s = np.arange(400) * 0.25
    at_s[200:] += 60.0
    feed_fair_value(st, p, times(at_s), book)
    assert st["holes"][0] == 1
    assert abs(st["products"][0, 0]) < 200.0


def test_the_price_level_does_not_matter() -> None:
    book = books(9, 1.0, n=2000)
    assert learn(book * np.array([1000.0, 0.001, 1000.0, 0.001]))["weight"] == pytest.approx(learn(book)["weight"])


@pytest.mark.parametrize("acts", [1.0, 0.5])
def test_a_group_moves_fair_by_its_forecast_weight_and_strength(acts: float) -> None:
    """Order flow forecasts 2 bps of mid, has earned 0.5, is calibrated to 0.8 and acts wholly or by half."""
    st, p = fresh(fair_value)
    book = books(1, 0.0, n=400)
    feed_fair_value(st, p, times(np.arange(len(book)) * 0.25), book)
    st["skill"]["weight"], st["calibration"]["strength"], st["slopes"], st["x"] = 0.0, 0.8, 0.0, np.nan
    flow = BOOK + 1
    place = FIRST[flow]
    st["slopes"][0, flow, place], st["edges"][0, place], st["x"][0, place] = 1.0, 10.0, 2.0
    st["skill"]["weight"][0, flow] = 0.5
    fair_value.refresh(st[0], p[0], acts * ON)
    assert st["parts_bps"][0, flow] == pytest.approx(acts * 0.5 * 0.8 * 2.0)
    assert 1e4 * (st["fair_px"][0] / st["mid_px"][0] - 1.0) == pytest.approx(acts * 0.8, rel=1e-6)
