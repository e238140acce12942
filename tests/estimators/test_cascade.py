"""Cascades: foretold on labelled synthetic ones, silent on a random walk, thresholds that can be reached."""

import math
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import cascade
from tests.estimators.feeds import START_NS, Floats, Ints, fresh

FIRST_NS = START_NS // 10**9 * 10**9
HOUR = 3_600


class Made(NamedTuple):
    """One market, a row a second: mid, signed taker USD, open interest, depth; when a burst begins."""

    mid: Floats
    flow: Floats
    interest: Floats
    depth: Floats
    starts: Ints


def market(
    seconds: int, rate_per_h: float, seed: int, *, sigma: float = 1.0, impact: float = 60.0, twin: bool = False
) -> Made:
    """A random walk with bursts: takers on one side for some 20 s, a lasting move, interest closed, depth thinned.

    The misspecified twin: price innovations of Student-t with 4 degrees, volatility in regimes of three, flow that
    comes in bursts without any move, and cascades that close no open interest.
    """
    rng = np.random.default_rng(seed)
    moves = sigma * rng.normal(size=seconds)
    flow = rng.normal(0.0, 3_000.0, seconds)
    if twin:
        moves = sigma * rng.standard_t(4, seconds) / math.sqrt(2.0)
        moves *= np.repeat(rng.choice([0.6, 1.0, 2.0], seconds // 600 + 1), 600)[:seconds]
        for at in np.flatnonzero(rng.random(seconds) < 6.0 / HOUR):
            flow[at : at + 10] += rng.choice([-1, 1]) * 15_000.0
    interest, depth = np.full(seconds, 1e6), np.full(seconds, 1e5)
    starts = np.flatnonzero(rng.random(seconds) < rate_per_h / HOUR)
    for begin in starts.tolist():
        sign, size = rng.choice([-1.0, 1.0]), impact * rng.uniform(0.5, 2.0)
        share = np.sort(rng.exponential(8.0, 16)).astype(int)
        for late in share[share + begin < seconds]:
            moves[begin + late] += sign * size / 16
            flow[begin + late] += sign * 30_000.0
            if not twin:
                interest[begin + late :] *= 1.0 - 0.05 / 16
            depth[begin + late : begin + late + 20] *= 0.9
    return Made(100.0 * np.exp(1e-4 * np.cumsum(moves)), flow, interest, depth, starts)


@nb.njit
def feed(st: Any, p: Any, mid: Floats, flow: Floats, interest: Floats, depth: Floats) -> Floats:  # noqa: PLR0917
    """Hazard each second."""
    found = np.empty(len(mid))
    px, sz = np.ones((2, 1)), np.ones((2, 1))
    for i in range(len(mid)):
        now_ns = FIRST_NS + (i + 1) * 1_000_000_000
        sz[:, 0] = depth[i]
        cascade.on_book(st[0], px, sz)
        aggressor = 0 if flow[i] > 0.0 else 1
        cascade.on_trade(st[0], now_ns - 1, aggressor, 1.0, abs(flow[i]) + 1e-9)
        if i % 3 == 0:
            cascade.on_context(st[0], now_ns, interest[i], 1.25e-5)
        cascade.update(st[0], p[0], now_ns, mid[i])
        found[i] = st[0].hazard_probability
    return found


def played(made: Made) -> tuple[Any, Floats]:
    st, p = fresh(cascade)
    return st, feed(st, p, made.mid, made.flow, made.interest, made.depth)


def ranks_above(positive: Floats, negative: Floats) -> float:
    """Area under the ROC curve, by ranks, ties by half."""
    ordered = np.sort(negative)
    below, upto = np.searchsorted(ordered, positive, "left"), np.searchsorted(ordered, positive, "right")
    return float(np.mean(0.5 * (below + upto)) / len(negative))


@pytest.mark.parametrize("twin", [False, True])
def test_labelled_cascades_are_told_from_quiet_minutes(*, twin: bool) -> None:
    """Highest hazard of the burst's first 15 s against that of quiet stretches as long: area above 0.8.

    By then half of the burst's orders have come (mean wait 8 s), so half of its move is still ahead.
    """
    made = market(12 * HOUR, 10.0, 11, twin=twin)
    _, hazard = played(made)
    usable = made.starts[(made.starts > 600) & (made.starts < len(hazard) - 100)]
    quiet = [at for at in range(600, len(hazard) - 100, 15) if np.min(np.abs(made.starts - at)) > 150]
    inside = np.array([hazard[at : at + 15].max() for at in usable])
    outside = np.array([hazard[at : at + 15].max() for at in quiet])
    assert len(usable) > 60
    assert ranks_above(inside, outside) > 0.8


def test_it_beats_its_base_rate_and_earns_weight() -> None:
    st, _ = played(market(24 * HOUR, 10.0, 12))
    assert st["skill"]["blocks"][0] > 100
    assert st["skill"]["skill"][0] > 0.0
    assert st["skill"]["weight"][0] > 0.5


@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
def test_a_random_walk_raises_less_than_one_false_alarm_a_day(sigma: float) -> None:
    st, _ = played(market(48 * HOUR, 0.0, 13, sigma=sigma))
    assert st["alarms"][0] <= 1
    assert st["hazard_probability"][0] < 0.01
    assert st["skill"]["weight"][0] < 0.5


def test_the_offset_learns_how_often_it_happens() -> None:
    """Where cascades are many the mean hazard rises to their rate; where there are none it falls below the prior."""
    often, _ = played(market(24 * HOUR, 20.0, 14, impact=90.0))
    never, _ = played(market(24 * HOUR, 0.0, 14))
    assert often["beta"][0, 0] > never["beta"][0, 0]
    assert often["base_probability"][0] > 20.0 * never["base_probability"][0]


def test_thresholds_and_severity_can_be_reached() -> None:
    p = cascade.default_params()[0]
    assert p["min_threshold_bps"] < p["max_threshold_bps"] <= p["max_severity_bps"]
    most = math.log(p["prior_probability"]) + float((p["prior_betas"] * p["most"]).sum())
    assert 1.0 / (1.0 + math.exp(-most)) > p["fire_probability"], "all inputs together must be able to fire"
    st, _ = played(market(24 * HOUR, 20.0, 15, impact=200.0))
    assert 0.0 < st["severity_bps"][0] <= p["max_severity_bps"]
    assert st["severity_count"][0] > 0.0
    assert st["alarms"][0] > 0


def test_open_interest_is_heard_and_counts() -> None:
    """The same burst with and without closed interest: the hazard is higher with."""
    made = market(2 * HOUR, 0.0, 16)
    fall = made.interest.copy()
    fall[5_000:5_010] *= np.linspace(1.0, 0.96, 10)
    fall[5_010:] *= 0.96
    _, without = played(made)
    st, with_it = played(made._replace(interest=fall))
    assert st["contexts"][0] == 2_400
    assert with_it[5_015] > 5.0 * without[5_015]


def test_a_null_open_interest_is_refused() -> None:
    st, _ = fresh(cascade)
    assert not cascade.on_context(st[0], START_NS, math.nan, 1e-5)
    assert not cascade.on_context(st[0], START_NS, 1e6, math.nan)
    assert not cascade.on_trade(st[0], START_NS, 0, math.nan, 1.0)
    assert (st["refused"][0], st["contexts"][0]) == (3, 0)


def test_a_hole_drops_what_was_pending() -> None:
    made = market(300, 0.0, 17)
    st, _ = played(made)
    scored, p = int(st["skill"]["scored"][0]), cascade.default_params()
    cascade.update(st[0], p[0], int(st["last_ns"][0]) + 60 * 10**9, 90.0)
    assert st["filled"][0] == 0
    for _ in range(30):
        cascade.update(st[0], p[0], int(st["last_ns"][0]) + 10**9, 90.0)
    assert st["skill"]["scored"][0] == scored
    assert st["hazard_probability"][0] < 0.2, "a jump over a hole is no run"


def test_levels_without_worth_change_no_depth() -> None:
    st, _ = fresh(cascade)
    cascade.on_book(st[0], np.ones((2, 5)), np.zeros((2, 5)))
    assert st["visible"]["depth_usd"][0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("twin", [False, True])
def test_the_hazard_is_calibrated_where_it_matters(*, twin: bool) -> None:
    """Among seconds with a hazard of 0.2 to 0.9 the threshold is passed as often as foretold, within 0.1."""
    made = market(48 * HOUR, 10.0, 21, twin=twin)
    _, hazard = played(made)
    x = 1e4 * np.log(made.mid)
    span = np.lib.stride_tricks.sliding_window_view(x, 61)[8 * HOUR :]
    sd = 1.13 if not twin else 1.08
    passed = np.abs(span - span[:, :1]).max(axis=1) > 3.0 * sd * math.sqrt(60.0)
    foretold = hazard[8 * HOUR : 8 * HOUR + len(passed)]
    for low, high in ((0.2, 0.5), (0.5, 0.9)):
        here = (foretold >= low) & (foretold < high)
        assert np.mean(passed[here]) == pytest.approx(np.mean(foretold[here]), abs=0.1)
