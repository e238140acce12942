"""Who leads whom: the estimator against independent numbers, planted leads, and markets in which nobody leads."""

import csv
import json
import os
from pathlib import Path as File
from typing import Any

import numpy as np
import pytest

from portfolio_mm.portfolio.lead_lag import (
    BLOCK_S,
    KEPT,
    LAGS_S,
    LEAST_BLOCKS,
    TIE_S,
    LeadLag,
    Path,
    contrast,
    max_statistic,
    realised,
)

DATA = File(__file__).parent / "data"
REFS: dict[str, Any] = json.loads((DATA / "leadlag_refs.json").read_text())
FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
NO_LEADS = 200 if FULL else 8
TEN_MINUTES = 600.0


def fixture() -> tuple[Path, Path]:
    """X leads Y by 0.3 s, correlation 0.8."""
    with (DATA / "leadlag_fixture.csv").open() as file:
        rows = [row for row in csv.reader(file) if not row[0].startswith("#")]
    return tuple(
        Path(*(np.array([float(row[at]) for row in rows if row[0] == name]) for at in (1, 2))) for name in "XY"
    )  # type: ignore[return-value]


def test_the_tiny_example_by_hand() -> None:
    tiny = {name: np.array(REFS["tiny"][name]) for name in ("tx", "x", "ty", "y")}
    x, y = Path(tiny["tx"], tiny["x"]), Path(tiny["ty"], tiny["y"])
    for lag, covariance in REFS["tiny"]["HY_lag"].items():
        assert np.sum(contrast(x, y, float(lag))) == pytest.approx(covariance, abs=1e-12)
    assert (realised(x), realised(y)) == pytest.approx((REFS["tiny"]["RVx"], REFS["tiny"]["RVy"]))
    synchronous = Path(y.time_s, y.value_bps**2)
    exact = np.sum(np.diff(y.value_bps) * np.diff(y.value_bps**2))
    assert np.sum(contrast(y, synchronous, 0.0)) == pytest.approx(exact)


def test_the_contrast_of_the_fixture_at_every_lag() -> None:
    (x, y), known = fixture(), REFS["leadlag_fixture"]
    found = {lag: float(np.sum(contrast(x, y, float(lag) + TIE_S))) for lag in known["contrast"]}
    for lag, covariance in known["contrast"].items():
        assert found[lag] == pytest.approx(covariance, abs=1e-5)
    assert float(max(found, key=lambda lag: found[lag])) == known["argmax_lag"] == 0.3
    assert max(found.values()) / np.sqrt(realised(x) * realised(y)) == pytest.approx(known["rho_at_argmax"], rel=1e-6)
    ahead = sum(u**2 for lag, u in found.items() if float(lag) > 0.0)
    assert ahead / sum(u**2 for lag, u in found.items() if float(lag) < 0.0) == pytest.approx(known["LLR"], rel=1e-3)


def market(
    rng: np.random.Generator,
    *,
    lag_s: float = 0.0,
    rho: float = 0.0,
    length_s: float = TEN_MINUTES,
    rates: tuple[float, float] = (8.0, 5.0),
    fat: bool = False,
    tick_bps: float = 0.0,
) -> LeadLag:
    """Two coins, seen when they quote (Poisson), in whole milliseconds; the second repeats a share of the first.

    `fat`: moves of Student's t with three degrees and volatility that doubles and halves by the minute.
    """
    dt_s = 0.01
    n = round(length_s / dt_s)
    shape = (2, n + 1_000)
    moves = rng.standard_t(3.0, shape) / np.sqrt(3.0) if fat else rng.standard_normal(shape)
    if fat:
        moves *= np.repeat(rng.choice([0.5, 1.0, 2.0], shape[1] // 6_000 + 1), 6_000)[: shape[1]]
    moves *= 1.0 * np.sqrt(dt_s)
    shift = round(lag_s / dt_s)
    x = np.cumsum(moves[0])
    common = np.concatenate([np.zeros(shift), moves[0][: shape[1] - shift]])
    y = np.cumsum(rho * common + np.sqrt(1.0 - rho**2) * moves[1])
    events = []
    for coin, (path, rate) in enumerate(zip((x, y), rates, strict=True)):
        at = np.flatnonzero(rng.random(shape[1]) < rate * dt_s)
        seen = np.round(path[at] / tick_bps) * tick_bps if tick_bps else path[at]
        events += [(int(i), coin, 100.0 * np.exp(v / 1e4)) for i, v in zip(at, seen, strict=True)]
    learner = LeadLag((0, 1), 2)
    for i, coin, mid in sorted(events):
        learner.observe(coin, 1_000_000 + i * 10, mid)
        learner.close()
    return learner


@pytest.mark.parametrize("fat", [False, True], ids=["brownian", "misspecified"])
@pytest.mark.parametrize("lag_s", [0.15, 0.5])
def test_a_planted_lead_is_found_within_ten_minutes(lag_s: float, fat: bool) -> None:  # noqa: FBT001 - a parameter
    """Correlation 0.3 and a lead of 150 ms (predecessor, finding 15), and twice 0.5."""
    rho = 0.3 if lag_s < 0.3 else 0.5
    found = []
    for seed in range(20 if FULL else 3):
        learner = market(np.random.default_rng([seed, 1]), lag_s=lag_s, rho=rho, fat=fat)
        ahead, behind = learner.pairs[0, 1].estimate(), learner.pairs[1, 0].estimate()
        assert ahead.blocks >= LEAST_BLOCKS
        assert ahead.p_value <= 0.01
        assert behind.beta == 0.0
        assert [j for j, _ in learner.of(1)] == [0]
        assert learner.of(0) == ()
        found.append((ahead.lag_s, ahead.beta))
    found_s, beta = np.median(found, axis=0)
    # Quotes five and eight times a second blur a lag by up to their interval; never by its sign.
    assert abs(found_s - lag_s) <= max(0.05, 0.3 * lag_s)
    assert 0.2 * rho < beta < 1.2 * rho


def test_a_fine_clock_finds_the_lag_within_25_ms() -> None:
    learner = market(np.random.default_rng(3), lag_s=0.15, rho=0.3, rates=(40.0, 40.0))
    found = learner.pairs[0, 1].estimate()
    assert abs(found.lag_s - 0.15) <= 0.025
    assert found.beta == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize(
    "kind",
    [
        {"rho": 0.0},
        {"rho": 0.8},
        {"rho": 0.8, "rates": (10.0, 2.0)},
        {"rho": 0.6, "fat": True},
    ],
    ids=["independent", "together", "one slower", "misspecified"],
)
def test_nobody_is_called_a_leader_where_nobody_leads(kind: dict[str, Any]) -> None:
    """One in a hundred by the test's level; the bound is what that leaves with a chance of one in a thousand."""
    runs = NO_LEADS
    called = 0
    for seed in range(runs):
        learner = market(np.random.default_rng([seed, 2]), length_s=TEN_MINUTES, **kind)
        called += sum(pair.estimate().beta != 0.0 for pair in learner.pairs.values())
    assert called <= (12 if FULL else 2)


def test_too_few_blocks_are_insufficient() -> None:
    learner = market(np.random.default_rng(4), lag_s=0.5, rho=0.9, length_s=BLOCK_S * (LEAST_BLOCKS - 2))
    found = learner.pairs[0, 1].estimate()
    assert found.blocks < LEAST_BLOCKS
    assert (found.beta, found.p_value) == (0.0, 1.0)
    assert learner.of(1) == ()


def test_prices_a_thousand_times_higher_change_nothing() -> None:
    one, other = LeadLag((0,), 2), LeadLag((0,), 2)
    rng = np.random.default_rng(5)
    path = 100.0 * np.exp(np.cumsum(rng.standard_normal((2, 2_000)), axis=1) / 1e4)
    for i in range(2_000):
        for coin in (0, 1):
            one.observe(coin, 1_000_000 + 300 * i, path[coin, i])
            other.observe(coin, 1_000_000 + 300 * i, 1_000.0 * path[coin, i])
        one.close()
        other.close()
    first, second = one.pairs[0, 1].estimate(), other.pairs[0, 1].estimate()
    assert first.blocks == second.blocks >= LEAST_BLOCKS
    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_memory_is_bounded_and_nonsense_is_not_heard() -> None:
    learner = LeadLag((0,), 2)
    for i in range(3 * KEPT):
        learner.observe(0, 1_000_000 + 5_000 * i, 100.0 + i % 2)
        learner.observe(1, 1_000_000 + 5_000 * i, 100.0 + i % 3)
        learner.observe(1, 1_000_000 + 5_000 * i, float("nan"))
        learner.observe(1, 999_000, 7.0)
        learner.close()
    assert all(len(times) < 3 * BLOCK_S for times in learner._time_s)
    assert all(np.all(np.isfinite(values)) for values in learner._value_bps)
    assert all(len(pair._blocks) <= KEPT for pair in learner.pairs.values())
    learner.forget()
    assert not learner.close()


def test_an_unchanged_mid_told_again_changes_nothing() -> None:
    one, other = (LeadLag((0,), 2) for _ in range(2))
    rng = np.random.default_rng(6)
    for i in range(400):
        mids = 100.0 + rng.integers(0, 3, 2)
        for learner, times in ((one, 1), (other, 4)):
            for coin in (0, 1):
                for again in range(times):
                    learner.observe(coin, 1_000_000 + 500 * i + 10 * again, mids[coin])
            learner.close()
    assert one.pairs[0, 1].estimate() == other.pairs[0, 1].estimate()


def test_the_level_of_the_test_is_that_of_one_test() -> None:
    """Correlated columns, as lags are: rejected at 5 % about one time in twenty."""
    rng, low = np.random.default_rng(7), 0
    trials = 1_000 if FULL else 200
    for _ in range(trials):
        rows = rng.standard_normal((30, 1)) + 0.7 * rng.standard_normal((30, len(LAGS_S)))
        low += max_statistic(rows, rng, draws=199) <= 0.05
    assert abs(low / trials - 0.05) < 3.5 * np.sqrt(0.05 * 0.95 / trials)
    assert max_statistic(np.zeros((30, 2)), rng) == 1.0
