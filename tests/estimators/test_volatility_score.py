"""Sigma against the variance of the last half minute: who is better where, and what sigma does about it."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.estimators import volatility
from portfolio_mm.models.skill import MIN_BLOCKS, rival_weight
from portfolio_mm.models.variance_score import level_of
from tests.estimators.feeds import Floats, feed_volatility, fresh, times

SECONDS = 7_200


def played(sigma: Floats, seed: int = 1, rho: float = 0.0) -> tuple[Any, Floats]:
    """State and sigma_bps after each second of a market with this sigma; returns with autocorrelation `rho`."""
    rng, move, moves = np.random.default_rng(seed), 0.0, np.zeros(len(sigma))
    for i, shock in enumerate(rng.normal(0.0, 1.0, len(sigma)) * sigma):
        move = rho * move + shock
        moves[i] = move
    st, p = fresh(volatility)
    path = feed_volatility(st, p, times(np.arange(len(sigma)) * 1.0), 100.0 * np.exp(1e-4 * np.cumsum(moves)))
    return st[0], path[:, 0]


def tides() -> Floats:
    """Between 0.5 and 3.8 bps per sqrt(s) and back in a quarter of an hour, which no EWMA's model knows."""
    tide: Floats = 1.4 * np.exp(np.sin(2.0 * np.pi * np.arange(SECONDS) / 900.0))
    return tide


def far(said: Floats, sigma: Floats) -> float:
    """Mean |ln(sigma said / true)| of the second half."""
    half = SECONDS // 2
    return float(np.abs(np.log(said[half:] / sigma[half:])).mean())


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_where_sigma_is_constant_it_beats_its_rival_and_stays(rho: float) -> None:
    """With momentum too: that sigma is then larger than one-second moves is meant, and no error of its timing."""
    st, said = played(np.full(SECONDS, 2.0), rho=rho)
    assert st.skill.blocks >= MIN_BLOCKS
    assert st.skill.weight > 0.5
    assert rival_weight(st.skill) == 0.0
    assert said[-1] == st.sigma_bps == st.ewma_bps


def test_where_it_changes_faster_sigma_falls_back_on_its_rival() -> None:
    sigma = tides()
    st, said = played(sigma)
    assert st.skill.weight == 0.0
    assert rival_weight(st.skill) > 0.8
    alone = plain(sigma)
    assert far(said, sigma) < 0.7 * far(alone, sigma)


def plain(sigma: Floats) -> Floats:
    """What sigma is while the rival may never be better: the skill forgets all."""
    rng = np.random.default_rng(1)
    st, p = fresh(volatility)
    p["interval_s"] = 1e9
    mid = 100.0 * np.exp(1e-4 * np.cumsum(rng.normal(0.0, 1.0, len(sigma)) * sigma))
    said: Floats = feed_volatility(st, p, times(np.arange(len(sigma)) * 1.0), mid)[:, 0]
    return said


def test_it_comes_back_when_the_market_calms() -> None:
    sigma = np.concatenate([tides(), np.full(4 * SECONDS, 2.0)])
    st, said = played(sigma)
    assert rival_weight(st.skill) < 0.2
    assert said[-1] == pytest.approx(2.0, rel=0.25)


def test_a_hole_voids_what_was_said_and_a_jump_is_no_variance() -> None:
    st, p = fresh(volatility)
    rng = np.random.default_rng(2)
    mid = 100.0 * np.exp(1e-4 * np.cumsum(rng.normal(0.0, 1.0, 200)))
    feed_volatility(st, p, times(np.arange(200) * 1.0), mid)
    before = int(st["skill"]["scored"][0])
    assert before >= 3
    feed_volatility(st, p, times(np.array([400.0, 401.0])), np.array([150.0, 150.0]))
    assert st["interval"]["said_bps2"] == st["interval"]["last_bps2"] == 0.0
    later = 402.0 + np.arange(100)
    path = np.where(later < 450.0, 150.0, 153.0) * np.exp(1e-4 * np.cumsum(rng.normal(0.0, 1.0, 100)))
    feed_volatility(st, p, times(later), path)
    assert int(st["skill"]["scored"][0]) > before
    assert level_of(st[0]["interval"]) < 1.6
