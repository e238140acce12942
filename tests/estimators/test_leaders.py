"""Coefficients by version, leaders that drop out, and the catch-up a planted lead leaves."""

import math

import numpy as np
import pytest

from portfolio_mm.estimators import leaders
from portfolio_mm.models import fair_row as row
from tests.estimators.feeds import START_NS, fresh

MS = 1_000_000


def followed(*leads: tuple[int, float, float], version: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Leaders in force: (coin, bps per bps, seconds)."""
    st, p = fresh(leaders)
    for lead in leads:
        leaders.on_lead(st[0], *lead, version)
    leaders.adopt(st[0], version)
    return st, p


def hear(st: np.ndarray, p: np.ndarray, at_ms: int, coin: int, px: float) -> None:
    leaders.update(st[0], p[0], START_NS + at_ms * MS, coin, px)


def catch_up_bps(st: np.ndarray, p: np.ndarray, at_ms: int) -> float:
    x = np.zeros(9)
    leaders.say(st[0], p[0], START_NS + at_ms * MS, x)
    return float(x[row.CATCH_UP])


def test_a_move_is_to_be_followed_by_its_share_and_fades_as_it_is() -> None:
    st, p = followed((1, 0.3, 0.2))
    hear(st, p, 0, 1, 100.0)
    hear(st, p, 50, 1, 100.1)
    moved = 0.3 * leaders.WINDOW_RATIO * 1e4 * math.log(1.001)
    assert catch_up_bps(st, p, 50) == pytest.approx(moved)
    assert catch_up_bps(st, p, 50 + 160) == pytest.approx(moved * math.exp(-1.0))


def test_the_window_is_the_best_exponential_one() -> None:
    """The share c and the constant 0.8 L: regression of a walk's last second on its decayed moves, 20,000 steps."""
    steps = np.random.default_rng(2).normal(0.0, 1.0, 20_000)
    lag = 20
    box = np.convolve(steps, np.ones(lag))[: len(steps)]
    decayed, value = np.empty(len(steps)), 0.0
    for i, step in enumerate(steps):
        value = value * math.exp(-1.0 / (leaders.TAU_RATIO * lag)) + step
        decayed[i] = value
    assert np.corrcoef(box, decayed)[0, 1] == pytest.approx(0.90, abs=0.02)
    assert box @ decayed / (decayed @ decayed) == pytest.approx(leaders.WINDOW_RATIO, rel=0.06)


def test_several_leaders_add() -> None:
    st, p = followed((1, 0.3, 0.2), (2, -0.5, 1.0))
    for at_ms, px in ((0, 100.0), (50, 100.1)):
        hear(st, p, at_ms, 1, px)
        hear(st, p, at_ms, 2, px)
    assert catch_up_bps(st, p, 50) == pytest.approx(-0.2 * leaders.WINDOW_RATIO * 1e4 * math.log(1.001), rel=1e-6)


def test_a_stale_leader_drops_out_and_all_stale_is_nothing_known() -> None:
    st, p = followed((1, 0.3, 5.0), (2, 0.5, 5.0))
    for at_ms, coin, px in ((0, 1, 100.0), (0, 2, 100.0), (50, 1, 100.1), (1_500, 2, 100.0)):
        hear(st, p, at_ms, coin, px)
    assert catch_up_bps(st, p, 2_000) > 1.0
    assert catch_up_bps(st, p, 2_100) == 0.0
    assert math.isnan(catch_up_bps(st, p, 3_600))
    assert st["ready"][0] == 0


def test_only_the_allocated_version_is_in_force() -> None:
    st, p = followed((1, 0.3, 1.0))
    hear(st, p, 0, 1, 100.0)
    hear(st, p, 50, 1, 100.1)
    before = catch_up_bps(st, p, 50)
    leaders.on_lead(st[0], 2, 0.9, 1.0, 5)
    assert catch_up_bps(st, p, 50) == before, "coming, not yet allocated"
    leaders.adopt(st[0], 5)
    assert math.isnan(catch_up_bps(st, p, 50)), "version 5 says nothing of coin 1"
    leaders.adopt(st[0], 6)
    assert not st["beta"].any(), "no leads came with version 6"


def test_a_renewed_allocation_keeps_what_was_heard() -> None:
    st, p = followed((1, 0.3, 1.0))
    hear(st, p, 0, 1, 100.0)
    hear(st, p, 50, 1, 100.1)
    before = catch_up_bps(st, p, 60)
    leaders.on_lead(st[0], 1, 0.6, 1.0, 5)
    leaders.adopt(st[0], 5)
    assert catch_up_bps(st, p, 60) == pytest.approx(2.0 * before)


def test_the_strongest_leaders_have_the_slots() -> None:
    st, _ = followed(*((coin, 0.1 * coin, 1.0) for coin in range(1, 12)))
    assert sorted(st["leader"][0]) == list(range(4, 12))
    assert not leaders.on_lead(st[0], 20, 0.01, 1.0, 4)
    assert not leaders.on_lead(st[0], 20, np.nan, 1.0, 4)
    assert not leaders.on_lead(st[0], 20, 0.5, 0.0, 4)


def test_a_coin_nobody_follows_changes_nothing() -> None:
    st, p = followed((1, 0.3, 1.0))
    hear(st, p, 0, 3, 100.0)
    assert math.isnan(catch_up_bps(st, p, 0))
