"""The Kelly cap: once, as a cap, from net closed edges; too little evidence caps nothing and nothing stays shut."""

import doctest
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.estimators import edge
from portfolio_mm.models import kelly, risk_aversion
from tests.estimators.feeds import START_NS, fresh

REFERENCE = json.loads((Path(__file__).parents[1] / "models" / "data" / "funding.json").read_text())["kelly"]


def with_fills(mean: float, sd: float, count: int, fee: float = 0.0, seed: int = 5) -> Any:
    rng = np.random.default_rng(seed)
    moves = rng.normal(mean, sd, count)
    st, p = fresh(edge)
    for n in range(count + 1):
        known = moves[:n]
        edge.update(st[0], p[0], START_NS + n * 10**9, n, float(known.sum()), float((known**2).sum()), fee, 10_000.0)
    return st


@pytest.mark.parametrize("module", [kelly, risk_aversion])
def test_examples_hold(module: Any) -> None:
    for name in ("bet_usd", "kelly_floor"):
        kernel = getattr(module, name, None)
        if kernel is not None:
            for one in doctest.DocTestFinder().find(getattr(kernel, "py_func", kernel), name, globs=vars(module)):
                assert doctest.DocTestRunner().run(one).failed == 0


def test_the_full_bet_is_mean_over_variance() -> None:
    """GBM of mean 0.1 and sd 0.2: f* = 2.5 of equity; a quarter of it, with certainty (theory §11)."""
    ref = REFERENCE["gbm"]
    bet = kelly.bet_usd(1e4 * ref["mu"], 1e4 * ref["sigma"], 1e12, 1.0, 0.25)
    assert bet == pytest.approx(0.25 * ref["f"], rel=1e-9)
    assert kelly.bet_usd(1.0, 10.0, 100.0, 1_000.0, 0.9) == kelly.bet_usd(1.0, 10.0, 100.0, 1_000.0, 0.5)


def test_an_edge_that_is_hardly_known_bets_less() -> None:
    bets = [kelly.bet_usd(1.0, 10.0, n, 1_000.0, 0.25) for n in (10.0, 100.0, 1_000.0)]
    assert bets[0] < bets[1] < bets[2]
    assert bets[1] == pytest.approx(0.5 * kelly.bet_usd(1.0, 10.0, 1e12, 1_000.0, 0.25), rel=1e-9)


def test_sums_heard_in_parts_are_the_sums() -> None:
    """A cap is that of all fills, however often the running sums were told in between."""
    moves = np.random.default_rng(8).normal(2.0, 4.0, 120)
    caps = []
    for parts in (1, 2, 12):
        st, p = fresh(edge)
        edge.update(st[0], p[0], START_NS, 0, 0.0, 0.0, 0.5, 10_000.0)
        for i in range(1, parts + 1):
            known = moves[: len(moves) * i // parts]
            edge.update(st[0], p[0], START_NS, len(known), float(known.sum()), float((known**2).sum()), 0.5, 10_000.0)
        caps.append(float(st["cap_usd"][0]))
    assert caps == pytest.approx([caps[0]] * 3)
    variance = (120 * moves.var() + float(p["least_count"][0] * p["prior_sd_bps"][0] ** 2)) / (
        120 + p["least_count"][0]
    )
    share = float(p["kelly_share"][0])
    assert caps[0] == pytest.approx(kelly.bet_usd(moves.mean() - 0.5, np.sqrt(variance), 120.0, 10_000.0, share))


def test_too_little_evidence_caps_nothing() -> None:
    st = with_fills(-5.0, 3.0, 25)
    assert st["ready"][0] == 0
    assert st["cap_usd"][0] == 1e300


def test_a_losing_edge_leaves_no_bet_and_a_fee_counts() -> None:
    assert with_fills(-2.0, 5.0, 100)["cap_usd"][0] == 0.0
    assert with_fills(1.0, 2.0, 100)["cap_usd"][0] > 0.0
    assert with_fills(1.0, 2.0, 100, fee=1.5)["cap_usd"][0] == 0.0


def test_a_bad_hour_is_forgotten() -> None:
    st = with_fills(-2.0, 5.0, 100)
    _, p = fresh(edge)
    known = (int(st["known"][0]), float(st["known_m1"][0]), float(st["known_m2"][0]))
    edge.update(st[0], p[0], START_NS + 3 * 3600 * 10**9, *known, 0.0, 10_000.0)
    assert st["cap_usd"][0] == 1e300


def test_a_fill_counts_once_however_often_it_is_heard() -> None:
    st, p = fresh(edge)
    for i in range(50):
        edge.update(st[0], p[0], START_NS + i * 10**6, 7, 3.0, 9.0, 0.0, 1e4)
    assert st["n"][0] == pytest.approx(7.0, rel=1e-4)


@pytest.mark.parametrize("first", [1, 60])
def test_sums_that_begin_anew_are_heard_from_there(first: int) -> None:
    """A losing edge is restored, the markouts start cold and pay 5 bps a fill from then on: what was is forgotten."""
    st, p = with_fills(-2.0, 5.0, 500), fresh(edge)[1]
    assert st["cap_usd"][0] == 0.0
    for n in range(first, 401):
        edge.update(st[0], p[0], START_NS + (500 + 60 * n) * 10**9, n, 5.0 * n, 26.0 * n, 0.0, 1e4)
    assert st["refused"][0] == 0
    assert st["known"][0] == 400
    assert st["n"][0] == pytest.approx(60.0 * 1.44, rel=0.1)
    assert st["cap_usd"][0] > 0.0


def test_one_rule_for_gamma() -> None:
    """The inventory budget binds where equity is ample, the Kelly floor where it is not (theory §2.3, §11)."""
    floor = risk_aversion.kelly_floor(100_000.0, 0.5)
    assert floor * 1e4 == pytest.approx(2e-5)
    budget = risk_aversion.rule(1.0, 0.3, 150.0, 600.0, 20.0, 0.0)
    assert budget == pytest.approx((150.0 / (2 * 0.3 * 600.0**2)) ** 2 * 20.0, rel=1e-12)
    assert risk_aversion.rule(1.0, 0.3, 150.0, 600.0, 20.0, 10.0 * budget) == 10.0 * budget
    assert risk_aversion.rule(1.0, 0.3, 150.0, 1.0, 20.0, 0.0) == risk_aversion.rule(1.0, 0.3, 150.0, 75.0, 20.0, 0.0)
    assert risk_aversion.kelly_floor(float("nan"), 0.5) == risk_aversion.kelly_floor(0.0, 0.5) == 2e-4
