"""P(adverse) of own fills: labels of sweeps that hold an approach, and a level that own fills correct."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import learning
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.terms import toxicity as term
from portfolio_mm.estimators import evidence, markouts, toxicity
from tests.engine.tape import COIN, S, event

NOW_NS = 1_700_000_000 * S


def sweeps(share: float, count: float) -> Any:
    """A coin that has seen so many labels of sweeps, that share of them adverse."""
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    st["toxicity"]["label_n"], st["toxicity"]["label_yes"] = count, share * count
    return st, p


def said(st: Any, moment: float | None = None) -> list[float]:
    """What is said of both sides, where P says `moment` of now."""
    if moment is not None:
        st["toxicity"]["adverse_probability"] = moment
    term.say(st, moment is not None)
    return [float(one) for one in st["toxicity"]["adverse_probability"]]


def test_before_own_fills_the_share_of_sweeps_is_said() -> None:
    """And not 0.5, which is what a part that nobody asks used to say of every order."""
    st, _ = sweeps(0.8, 500.0)
    assert said(st) == pytest.approx([0.8, 0.8], abs=0.01)


@pytest.mark.parametrize("truth", [0.85, 0.35])
def test_the_level_is_that_of_own_fills_once_there_are_some(truth: float) -> None:
    """Sweeps on others are adverse in 60 of 100; sixty own fills are not like them: what is said is near their truth.

    Over forty coins the mean is within 0.05, the half-way house of eleven fills included.
    """
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        st, p = sweeps(0.6, 400.0)
        for i in range(60):
            loss_bps = 2.0 if rng.random() < truth else -2.0
            evidence.update(st["evidence"], p["evidence"], NOW_NS + i * S, i % 2, loss_bps)
        found.append(said(st)[0])
    assert np.mean(found) == pytest.approx(truth, abs=0.05)


def test_what_p_knows_of_this_moment_is_said_by_its_weight() -> None:
    """P doubles the odds of the share: by weight 1 the odds of the level double, too."""
    st, p = sweeps(0.5, 1e6)
    for i in range(90):
        evidence.update(st["evidence"], p["evidence"], NOW_NS + i * S, 0, 2.0 if i % 4 else -2.0)
    level = said(st)[0]
    assert said(st, 2.0 / 3.0)[0] == pytest.approx(level)
    st["toxicity"]["skill"][toxicity.PROBABILITY]["weight"] = 1.0
    odds = level / (1.0 - level)
    assert said(st, 2.0 / 3.0)[0] == pytest.approx(2.0 * odds / (1.0 + 2.0 * odds), abs=1e-5)


def test_approaches_of_own_fills_are_taken_in_turn() -> None:
    state, params = new_coin(COIN, 1)
    st, p = state[0]["markouts"], params[0]["markouts"]
    assert {markouts.drawn_approach(st, p, i, 0.7) for i in range(9)} == {0.7}
    st["tail"], st["fill_approach_bps"][:3] = 3, (1.0, 2.0, 3.0)
    assert [markouts.drawn_approach(st, p, i, 0.7) for i in range(6)] == [1.0, 2.0, 3.0, 0.7, 0.7, 0.7]
    st["fill_approach_bps"][1] = np.nan
    assert [markouts.drawn_approach(st, p, i, 0.7) for i in range(3)] == [1.0, 0.7, 3.0], "unknown: the prior"
    st["tail"], st["fill_approach_bps"][1] = 1_000, 2.0
    assert sum(markouts.drawn_approach(st, p, i, 0.7) == 0.7 for i in range(67)) == 3


@pytest.mark.parametrize("side", [0, 1])
def test_a_virtual_order_was_placed_before_fair_came_to_it(side: int) -> None:
    """Own fills saw fair come 4 bps: a sweep's label starts 4 bps farther off, and is the more a loss."""
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    st["fair"]["mid_px"] = st["fair"]["fair_px"] = 20.0
    st["book"]["px"] = (19.99, 20.01)
    p["markouts"]["approach_count"] = 0.0
    st["markouts"]["tail"], st["markouts"]["fill_approach_bps"][0] = 1, 4.0
    sign = 1.0 - 2.0 * side
    row = event(EventKind.TRADE, NOW_NS, side=1 - side, px=20.0 * (1.0 - sign * 5e-4), sz=1.0)
    learning.on_sweep(st, p, row[0], NOW_NS, 20.0)
    assert st["toxicity"]["due_fair_px"][0] == pytest.approx(20.0 * (1.0 + sign * 4e-4))
    toxicity.update(st["toxicity"], p["toxicity"], NOW_NS + 5 * S, NOW_NS + 5 * S, 20.0)
    label_n = float(st["toxicity"]["label_n"])
    assert st["toxicity"]["label_bps"] / label_n == pytest.approx(4.0, abs=0.01)
    assert st["toxicity"]["label_yes"] == label_n
