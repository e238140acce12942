"""Counts are counts of distinct events, posteriors are the closed forms, and the fee is the one that is charged."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.engine.state import ACCOUNT
from portfolio_mm.estimators import evidence
from portfolio_mm.models.conjugate import normal_mean
from tests.estimators.feeds import START_NS, fresh

DAY_NS = 86_400 * 10**9


def charge(told: float, fees: list[float]) -> tuple[Any, Any, Any]:
    st, p = fresh(evidence)
    account = np.zeros(1, ACCOUNT)
    evidence.tell_fee(st[0], told)
    for i, fee in enumerate(fees):
        evidence.on_fill(st[0], i % 2, fee, True)  # noqa: FBT003 - compiled: positional only
        evidence.reckon(st[0], p[0], account[0])
    return st, p, account


def test_n_is_the_number_of_fills_and_time_is_no_event() -> None:
    """107 fills, 54 bought and 53 sold: every parameter has learned from 107."""
    st, p, _ = charge(1.5, [1.5] * 107)
    for i in range(107):
        evidence.update(st[0], p[0], START_NS + i * 10**9, i % 2, 1.0)
    for _ in range(1_000):
        evidence.update(st[0], p[0], START_NS + 107 * 10**9, -1, 0.0)
    assert st["learned_count"][0].tolist() == [[54, 53]] * len(evidence.LEARNED)
    assert st["ready"][0] == 1


def test_posteriors_are_the_batch_closed_forms() -> None:
    rng = np.random.default_rng(2)
    fees = [float(fee) for fee in 1.2 + 0.01 * rng.normal(size=60)]
    st, p, account = charge(1.5, fees)
    x = np.array(fees)
    batch, _ = normal_mean(1.5, 3.0, 0.05, 60.0, float(x.sum()), float(x @ x))
    assert account["maker_fee_bps"][0] == pytest.approx(batch, abs=1e-9)
    p["half_life_s"] = 0.0
    losses = rng.normal(0.5, 2.0, 300)
    for i, loss in enumerate(losses):
        evidence.update(st[0], p[0], START_NS + i * 10**9, 0, loss)
    yes = float((losses > p["noise_bps"][0]).sum())
    assert (st["adverse_n"][0].tolist(), st["label_n"][0].tolist()) == ([yes, 0.0], [300.0, 0.0])


def test_the_fee_stays_as_told_while_charges_agree() -> None:
    """Charges are rounded to 1e-8 USD and the like: that is no other fee."""
    _, _, account = charge(1.5, [1.5 + 0.005 * (-1) ** i for i in range(200)])
    assert account["maker_fee_bps"][0] == 1.5


def test_another_fee_than_told_is_believed_after_a_few_fills() -> None:
    assert charge(1.5, [2.5])[2]["maker_fee_bps"][0] == 1.5
    assert charge(1.5, [2.5] * 5)[2]["maker_fee_bps"][0] > 1.9
    assert charge(1.5, [2.5] * 60)[2]["maker_fee_bps"][0] == pytest.approx(2.5, abs=0.06)


def test_charges_that_scatter_are_believed_later() -> None:
    """Both lie 0.5 bps above what was told on average: alike, or with an sd of 3 bps."""
    assert charge(1.5, [2.0] * 40)[2]["maker_fee_bps"][0] > 1.9
    assert charge(1.5, [5.0, -1.0] * 20)[2]["maker_fee_bps"][0] == 1.5


def test_a_new_tier_voids_what_was_charged_before() -> None:
    st, p, account = charge(1.5, [2.5] * 60)
    evidence.tell_fee(st[0], 1.2)
    evidence.reckon(st[0], p[0], account[0])
    assert account["maker_fee_bps"][0] == 1.2
    assert st["learned_count"][0, evidence.FEE].sum() == 60


def test_a_fee_that_cannot_be_is_refused() -> None:
    st, _, account = charge(1.5, [float("nan"), 4e5])
    assert st["refused"][0] == 2
    assert account["maker_fee_bps"][0] == 1.5


def test_masses_age_and_counts_stay() -> None:
    st, p, _ = charge(1.5, [1.5] * 10)
    for i in range(10):
        evidence.update(st[0], p[0], START_NS + i, 0, 1.0)
    evidence.update(st[0], p[0], START_NS + DAY_NS, -1, 0.0)
    assert st["label_n"][0, 0] == pytest.approx(5.0, rel=1e-6)
    assert st["fee_n"][0] == pytest.approx(5.0, rel=1e-6)
    assert st["learned_count"][0, evidence.PROBABILITY].tolist() == [10, 0]
