"""Fill probabilities, the split of cancels and the place of an order against tabulated numbers."""

import csv
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from portfolio_mm.models import cancel_split, place, queue
from portfolio_mm.models.place import PLACE

DATA = Path(__file__).parent / "data"
REFS: dict[str, Any] = json.loads((DATA / "queue_refs.json").read_text())
MU, THETA = 0.94, 0.71


@pytest.mark.parametrize("name", REFS["fill_time"]["P_fill_by_t"])
def test_the_probability_to_fill_in_time_is_the_matrix_exponential(name: str) -> None:
    n, t = (float(part.split("=")[1]) for part in name.split(","))
    expected = REFS["fill_time"]["P_fill_by_t"][name]
    assert queue.fill_probability(n, MU, THETA, t) == pytest.approx(expected, abs=6e-9)


def test_without_cancels_it_is_erlang_and_few_cancels_are_near_it() -> None:
    for n in (0, 1, 5, 40):
        for t in (0.5, 5.0, 60.0):
            erlang = special.gammainc(n + 1, MU * t)
            assert queue.fill_probability(float(n), MU, 0.0, t) == pytest.approx(erlang, abs=1e-11)
            assert queue.fill_probability(float(n), MU, 3e-6, t) == pytest.approx(erlang, abs=2e-3)


def test_incomplete_functions_are_scipys() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        a, b, x = 10.0 ** rng.uniform(-2, 3), 10.0 ** rng.uniform(0, 3), rng.uniform()
        assert queue.incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-11)
        a, x = 10.0 ** rng.uniform(0, 3), 10.0 ** rng.uniform(-2, 3.3)
        assert queue.incomplete_gamma(x, a) == pytest.approx(special.gammainc(a, x), abs=1e-10)


def test_more_ahead_is_never_better() -> None:
    for seconds in (1.0, 10.0):
        chances = [queue.fill_probability(float(n), MU, THETA, seconds) for n in np.linspace(0.0, 300.0, 60)]
        assert all(a >= b >= 0.0 for a, b in itertools.pairwise(chances))


def test_the_split_of_cancels_is_the_tabulated_one() -> None:
    models = {"power1": 1, "power2": 4, "power3": 5, "log1": 2, "log2": 6}
    with (DATA / "queue_prob_functions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 42
    for row in rows:
        model, n = models[row["model"]], float(row["n"] or 1)
        found = cancel_split.probability_behind(model, n, float(row["front"]), float(row["back"]))
        assert found == pytest.approx(float(row["prob_behind"]), abs=1e-9)


def resting(level_lots: float = 100.0) -> Any:
    spot = np.zeros(1, PLACE)
    place.leave(spot[0])
    assert place.stand(spot[0], 7, 1000, 2.0, 10)
    place.see(spot[0], 10, level_lots, 0, 2.0)
    return spot[0]


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_a_place_follows_the_published_sequence(exponent: int) -> None:
    fronts = REFS["queue_sequence"]["front_after_each"][f"power1_n={exponent}"]
    spot = resting()
    events = zip(REFS["queue_sequence"]["events"][1:], fronts[1:], strict=True)
    for now_ns, ((kind, lots), expected) in enumerate(events, start=11):
        if kind == "trade":
            place.trade(spot, now_ns, lots, False, float(exponent))  # noqa: FBT003 - compiled: positional only
        else:
            place.see(spot, now_ns, lots, 0, float(exponent))
        assert spot.ahead_lots == pytest.approx(expected, abs=1e-8)


def test_the_hand_worked_tape() -> None:
    """Ten ahead, ours two; prints of 4, 6, 1 and 3: the first two take those before us, then it is our turn."""
    spot = resting(10.0)
    for at, (lots, ahead) in enumerate(((4.0, 6.0), (6.0, 0.0), (1.0, 0.0), (3.0, 0.0)), start=11):
        place.trade(spot, at, lots, False, 2.0)  # noqa: FBT003 - compiled: positional only
        assert spot.ahead_lots == ahead


@pytest.mark.parametrize("late", [False, True])
def test_a_print_after_the_frame_that_knew_it_is_no_cancel(late: bool) -> None:  # noqa: FBT001
    """The order of trade and frame of one block does not matter."""
    spot = resting()
    place.see(spot, 12, 140.0, 0, 2.0)
    if late:
        place.see(spot, 20, 110.0, 0, 2.0)
        back = place.trade(spot, 20, 30.0, False, 2.0)  # noqa: FBT003 - compiled: positional only
        assert back > 0.0
    else:
        place.trade(spot, 20, 30.0, False, 2.0)  # noqa: FBT003 - compiled: positional only
        place.see(spot, 20, 110.0, 0, 2.0)
    assert spot.ahead_lots == pytest.approx(70.0)


def test_a_place_is_not_known_until_a_later_frame_shows_it() -> None:
    spot = np.zeros(1, PLACE)
    place.leave(spot[0])
    place.stand(spot[0], 7, 1000, 2.0, 100)
    place.see(spot[0], 150, 50.0, 100, 2.0)
    assert math.isnan(spot[0].ahead_lots)
    place.trade(spot[0], 180, 5.0, False, 2.0)  # noqa: FBT003 - compiled: positional only
    assert math.isnan(spot[0].ahead_lots)
    place.see(spot[0], 200, 40.0, 100, 2.0)
    assert spot[0].ahead_lots == 40.0
    assert place.stand(spot[0], 8, 1000, 2.0, 300)
    assert math.isnan(spot[0].ahead_lots)


def test_the_front_stays_between_nothing_and_the_level() -> None:
    rng = np.random.default_rng(5)
    spot, now_ns = resting(), 10
    for _ in range(2000):
        now_ns += 1
        if rng.uniform() < 0.5:
            place.see(spot, now_ns, float(rng.integers(0, 200)), 0, 2.0)
            assert spot.ahead_lots <= spot.level_lots
        else:
            place.trade(spot, now_ns - int(rng.integers(0, 3)), float(rng.integers(1, 40)), False, 2.0)  # noqa: FBT003
        assert spot.ahead_lots >= 0.0
