"""Toxicity learns what fills cost from what was known at the placement; says 0 when it knows nothing."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import toxicity
from portfolio_mm.models import features as at
from portfolio_mm.models.calibration import calibrated, slope, slope_in_force
from portfolio_mm.models.toxic_row import HITTING, INFORMED, SIGNED
from tests.estimators.feeds import START_NS, fresh, times

FLOW = 1 + SIGNED.index(at.ORDER_FLOW)


@nb.njit
def feed(st: Any, p: Any, t_ns: Any, side: Any, known: Any, loss: Any) -> Any:  # noqa: PLR0917 - flat arguments
    """Own fills one after the other; what was said of each before its label: (deviation in bps, P(adverse))."""
    said = np.empty((len(t_ns), 2))
    for i in range(len(t_ns)):
        slot = i % 64
        toxicity.on_fill(st[0], slot, side[i], known[i])
        said[i, 0] = slope_in_force(st[0].line) * st[0].own_bps[slot]
        said[i, 1] = calibrated(st[0].platt, st[0].own_z[slot])
        toxicity.learn(st[0], p[0], t_ns[i], slot, side[i], known[i], loss[i])
    return said


def market(n: int, seed: int, effect: float, *, kinked: bool = False) -> tuple[Any, Any, Any, Any]:
    """Loss 1 + effect * pressure against the order + 1 bps per sd of aggressors that hit the side, sd 5 bps.

    `kinked`: only the sign of the pressure matters and the noise has heavy tails (t3, same sd).
    """
    rng = np.random.default_rng(seed)
    side = rng.integers(0, 2, n)
    known = np.full((n, at.N_FEATURES), np.nan, np.float32)
    known[:, at.ORDER_FLOW] = rng.normal(0.0, 3.0, n)
    known[:, at.EXCITATION_BUY], known[:, at.EXCITATION_SELL] = rng.normal(0.4, 0.5, (2, n))
    known[rng.random(n) < 0.1, at.ORDER_FLOW] = np.nan
    pressure = np.nan_to_num(known[:, at.ORDER_FLOW]) / 3.0 * np.where(side == 0, -1.0, 1.0)
    hits = (np.where(side == 0, known[:, at.EXCITATION_SELL], known[:, at.EXCITATION_BUY]) - 0.4) / 0.5
    noise = rng.standard_t(3, n) * 5.0 / np.sqrt(3.0) if kinked else rng.normal(0.0, 5.0, n)
    loss = 1.0 + effect * (np.sign(pressure) if kinked else pressure) + min(effect, 1.0) * hits + noise
    return times(np.arange(n) * 6.0), side, known, loss


def test_what_makes_fills_costly_is_found() -> None:
    st, p = fresh(toxicity)
    p["half_life_s"] = 0.0
    feed(st, p, *market(4_000, 1, 1.5))
    se = 5.0 / np.sqrt(4_000)
    assert st["w"][0, FLOW] == pytest.approx(1.5, abs=4.0 * se)
    assert st["w"][0, 1 + HITTING] == pytest.approx(1.0, abs=4.0 * se)
    assert np.abs(np.delete(st["w"][0], [0, FLOW, 1 + HITTING])).max() < 4.0 * se
    assert st["label_bps"][0] / st["label_n"][0] == pytest.approx(1.0, abs=4.0 * se * 1.1)
    assert st["skill"]["weight"][0].tolist() == pytest.approx([1.0, 1.0, 0.0], abs=0.15)
    assert st["skill"]["skill"][0, 0] == pytest.approx(1.0 - 25.0 / (25.0 + 1.5**2 * 0.9 + 1.0), abs=0.03)


@pytest.mark.parametrize("kinked", [False, True], ids=["true model", "misspecified"])
def test_both_outputs_are_calibrated(kinked: bool) -> None:  # noqa: FBT001 - a case
    """What happened on what was said, over the second half of 6000 fills: slopes within 0.9 and 1.1."""
    st, p = fresh(toxicity)
    p["half_life_s"] = 0.0
    t_ns, side, known, loss = market(6_000, 2, 3.0, kinked=kinked)
    said = feed(st, p, t_ns, side, known, loss)[3_000:]
    late = loss[3_000:]
    assert 0.9 < np.polyfit(said[:, 0], late, 1)[0] < 1.1
    assert 0.9 < np.polyfit(said[:, 1], late > p["noise_bps"][0], 1)[0] < 1.1
    assert st["skill"]["weight"][0, :2].min() > 0.5


def test_nothing_to_find_earns_no_weight() -> None:
    weights = []
    for seed in range(20):
        st, p = fresh(toxicity)
        feed(st, p, *market(600, 100 + seed, 0.0))
        weights += st["skill"]["weight"][0].tolist()
    assert sum(weight > 0.0 for weight in weights) <= 9


def test_nothing_known_says_exactly_nothing() -> None:
    st, p = fresh(toxicity)
    unknown = np.full(at.N_FEATURES, np.nan, np.float32)
    toxicity.predict(st[0], p[0], unknown)
    assert st["extra_bps"][0].tolist() == [0.0, 0.0]
    feed(st, p, *market(500, 3, 3.0))
    toxicity.predict(st[0], p[0], unknown)
    assert st["extra_bps"][0].tolist() == [0.0, 0.0]


def test_it_answers_both_sides_and_stays_within_its_bounds() -> None:
    st, p = fresh(toxicity)
    feed(st, p, *market(2_000, 4, 3.0))
    now = np.full(at.N_FEATURES, np.nan, np.float32)
    now[at.ORDER_FLOW] = -3.0
    toxicity.predict(st[0], p[0], now)
    assert st["extra_bps"][0] == pytest.approx([3.0, -1.0], abs=0.5)
    assert st["adverse_probability"][0, 0] > 0.6
    assert st["adverse_probability"][0, 1] < 0.5
    now[at.ORDER_FLOW] = -300.0
    toxicity.predict(st[0], p[0], now)
    assert st["extra_bps"][0, 0] == pytest.approx(10.0)
    assert st["extra_bps"][0, 1] == -float(p["max_relief_bps"][0])


@pytest.mark.parametrize("effect", [3.0, -3.0])
def test_informed_flow_may_cost_but_never_pay(effect: float) -> None:
    """Where informed flow costs, it widens, and calm flow is the better for what the average holds of it: 1.5 bps,

    of which max_relief_bps is given back. Where data say it pays, it says nothing.
    """
    rng = np.random.default_rng(5)
    n = 2_000
    known = np.full((n, at.N_FEATURES), np.nan, np.float32)
    known[:, at.INFORMED] = rng.uniform(0.0, 1.0, n)
    st, p = fresh(toxicity)
    loss = effect * np.maximum(0.0, known[:, at.INFORMED] - 0.5) * 4.0 + rng.normal(0.0, 3.0, n)
    feed(st, p, times(np.arange(n) * 6.0), rng.integers(0, 2, n), known, loss)
    now = np.full(at.N_FEATURES, np.nan, np.float32)
    for probability, expected in ((0.0, -1.0 if effect > 0.0 else 0.0), (1.0, 4.5 if effect > 0.0 else 0.0)):
        now[at.INFORMED] = probability
        toxicity.predict(st[0], p[0], now)
        assert st["extra_bps"][0] == pytest.approx([expected] * 2, abs=0.8 if expected > 0.0 else 1e-9)
    assert st["w"][0, 1 + INFORMED] >= 0.0


@pytest.mark.parametrize("known_share", [1.0, 0.5])
def test_informed_flow_is_not_charged_twice(known_share: float) -> None:
    """Mostly calm flow, and a probability known at times: the average holds what it costs, extras are 0 on average."""
    rng = np.random.default_rng(8)
    n = 2_000
    st, p = fresh(toxicity)
    p["half_life_s"], p["max_relief_bps"] = 0.0, 10.0
    probability = rng.beta(0.5, 2.0, n)
    costs, is_known = 8.0 * np.maximum(0.0, probability - 0.2), rng.random(n) < known_share
    loss = 1.0 + costs + rng.normal(0.0, 3.0, n)
    known, said = np.full((n, at.N_FEATURES), np.nan, np.float32), []
    known[:, at.INFORMED] = np.where(is_known, probability, np.nan)
    for i in range(n):
        if i >= n // 2:
            toxicity.predict(st[0], p[0], known[i])
            said.append(st["extra_bps"][0, 0])
        feed(st, p, times(np.array([i * 6.0])), np.zeros(1, int), known[i : i + 1], loss[i : i + 1])
    assert abs(np.mean(said)) < 0.15
    for q, cost_bps in ((0.0, 0.0), (1.0, 6.4)):
        known[0, at.INFORMED] = q
        toxicity.predict(st[0], p[0], known[0])
        assert st["extra_bps"][0, 0] == pytest.approx(cost_bps - costs.mean(), abs=0.8 / known_share)


def test_it_learns_from_sweeps_before_any_own_fill() -> None:
    """Sweeps each second; the mid falls 3 bps after sells into heavy flow. Labels weigh virtual_ratio each."""
    rng = np.random.default_rng(6)
    st, p = fresh(toxicity)
    known = np.full(at.N_FEATURES, np.nan, np.float32)
    ahead: list[float] = []
    mid = 100.0
    for i in range(1_200):
        now_ns = START_NS + i * 10**9
        flow = float(rng.normal())
        ahead.append(3.0 * flow)
        if i >= 5:
            mid = 100.0 * (1.0 + 1e-4 * (ahead[i - 5] + rng.normal(0.0, 2.0)))
        toxicity.update(st[0], p[0], now_ns, now_ns, mid)
        known[at.ORDER_FLOW] = flow
        assert toxicity.sample(st[0], p[0], now_ns, int(rng.integers(0, 2)), 2.0, 100.0, known)
    assert st["label_n"][0] == pytest.approx(0.3 * 1_195, rel=0.12)  # some of it forgotten
    assert st["w"][0, FLOW] == pytest.approx(3.0, abs=0.5)
    assert st["skill"]["weight"][0, 0] > 0.8
    assert slope(st["line"][0])[0] == pytest.approx(1.0, abs=0.25)  # its first minutes were still shrunk


def test_a_sweep_too_shallow_or_too_soon_is_no_sample() -> None:
    st, p = fresh(toxicity)
    unknown = np.full(at.N_FEATURES, np.nan, np.float32)
    assert not toxicity.sample(st[0], p[0], START_NS, 0, 0.4, 100.0, unknown)
    assert not toxicity.sample(st[0], p[0], START_NS, 0, 2.0, np.nan, unknown)
    assert toxicity.sample(st[0], p[0], START_NS, 0, 2.0, 100.0, unknown)
    assert not toxicity.sample(st[0], p[0], START_NS + 10**8, 1, 2.0, 100.0, unknown)


def test_a_virtual_label_without_a_fresh_mid_is_dropped() -> None:
    st, p = fresh(toxicity)
    unknown = np.full(at.N_FEATURES, np.nan, np.float32)
    toxicity.sample(st[0], p[0], START_NS, 0, 2.0, 100.0, unknown)
    toxicity.update(st[0], p[0], START_NS + 8 * 10**9, START_NS + 4 * 10**9, 100.0)
    assert (st["dropped"][0], st["label_n"][0]) == (1, 0.0)


def two_faced(n: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Pressure of any size (Student, 2 degrees) against the order: all of it costs 4 bps, with it fills gain 2."""
    t_ns, side, known, _ = market(n, seed, 0.0)
    rng = np.random.default_rng(900 + seed)
    known[:, at.ORDER_FLOW] = rng.standard_t(2.0, n)
    against = known[:, at.ORDER_FLOW] * np.where(side == 0, -1.0, 1.0) > 0.0
    return t_ns, side, known, np.where(against, 4.0, -2.0) + rng.normal(0.0, 2.0, n)


def test_a_market_of_two_faces_is_told_by_the_probability() -> None:
    """The truth is 4 or -2, around 1: P(adverse) comes nearer to it than a line does, and takes the line's place."""
    st, p = fresh(toxicity)
    p["half_life_s"], p["max_relief_bps"] = 0.0, 10.0
    feed(st, p, *two_faced(3_000, 1))
    assert st["skill"]["weight"][0].min() > 0.5
    now, errors = np.full(at.N_FEATURES, np.nan, np.float32), []
    for flow in (-6.0, -2.0, -0.7, 0.7, 2.0, 6.0):
        now[at.ORDER_FLOW] = flow
        toxicity.predict(st[0], p[0], now)
        truth = 3.0 if flow < 0.0 else -3.0
        errors.append((st["outcome_bps"][0, 0] - truth, st["extra_bps"][0, 0] - truth))
    said, line = np.abs(errors).T
    assert said.mean() < 0.7 * line.mean()
    now[at.ORDER_FLOW] = np.nan
    toxicity.predict(st[0], p[0], now)
    assert st["outcome_bps"][0, 0] == 0.0


@pytest.mark.parametrize("effect", [0.0, 1.5])
def test_where_a_line_is_the_truth_the_probability_adds_nothing(effect: float) -> None:
    """Ten markets each; while the line is still doubted the probability may speak for it."""
    earned = []
    for seed in range(10):
        st, p = fresh(toxicity)
        feed(st, p, *market(3_000, 300 + seed, effect))
        earned.append(toxicity.share_of_probability(st[0]))
    assert np.mean(earned) < 0.1
