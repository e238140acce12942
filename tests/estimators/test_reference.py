"""The reference venue: what it says, when it says nothing, and what it does not believe."""

import math
from typing import Any

import numpy as np
import pytest

from portfolio_mm.estimators import reference
from portfolio_mm.models import fair_row as row
from tests.estimators.cases.reference import levels
from tests.estimators.feeds import START_NS, fresh

MS = 1_000_000


class Heard:
    """A reference that is heard at times in ms, spread 0.2 bps around its mid."""

    def __init__(self) -> None:
        self.st, self.p = fresh(reference)

    def mid(
        self, at_ms: int, mid: float, own: float = 100.0, sizes: tuple[float, float] = (2.0, 2.0), **more: Any
    ) -> bool:
        """One message of its book."""
        bid, ask = levels(mid * (1.0 - 1e-5), sizes[0]), levels(mid * (1.0 + 1e-5), sizes[1])
        deep = more.get("deep", (0.0, 0.0))
        now_ns = START_NS + at_ms * MS
        taken: bool = reference.update(
            self.st[0], self.p[0], now_ns, more.get("sent_ms", at_ms), *bid, *ask, *deep, own
        )
        return taken

    def says(self, at_ms: int, own: float = 100.0) -> np.ndarray:
        """Its regressors."""
        x = np.zeros(9)
        reference.say(self.st[0], self.p[0], START_NS + at_ms * MS, own, x)
        return x[row.MOVE : row.THERE_TRADES + 1]


def test_a_move_is_told_in_bps_and_fades() -> None:
    ref = Heard()
    ref.mid(0, 100.0)
    ref.mid(100, 100.02)
    moved = 1e4 * math.log(1.0002)
    assert ref.says(100)[0] == pytest.approx(moved)
    assert ref.says(400)[0] == pytest.approx(moved * math.exp(-1.0))


def test_the_gap_is_measured_from_its_slow_average() -> None:
    """A standing basis of 20 bps is no news; a step of 5 bps is, and ours following it closes it."""
    ref = Heard()
    for i in range(6_000):
        ref.mid(i * 100, 100.2)
    assert ref.says(600_000)[1] == pytest.approx(0.0, abs=1e-6)
    ref.mid(600_000, 100.2 * math.exp(5e-4))
    assert ref.says(600_000)[1] == pytest.approx(5.0, abs=0.01)
    assert ref.says(600_100, own=100.0 * math.exp(5e-4))[1] == pytest.approx(0.0, abs=0.01)


def test_its_book_leans_by_the_deep_sizes_or_by_the_levels() -> None:
    ref = Heard()
    ref.mid(0, 100.0, sizes=(3.0, 1.0), deep=(10.0, 30.0))
    assert ref.says(0)[2:4] == pytest.approx([0.05, -0.5], rel=1e-6)
    ref.mid(1, 100.0, sizes=(3.0, 1.0))
    assert ref.says(1)[3] == pytest.approx(0.5)


def test_its_trades_are_an_imbalance() -> None:
    ref = Heard()
    ref.mid(0, 100.0)
    for side, sz in ((0, 3.0), (1, 1.0)):
        reference.on_trade(ref.st[0], ref.p[0], START_NS, side, sz)
    assert ref.says(0)[4] == pytest.approx(0.5)
    assert not reference.on_trade(ref.st[0], ref.p[0], START_NS, 0, np.nan)


def test_it_says_nothing_at_all_a_second_after_its_last_word() -> None:
    ref = Heard()
    ref.mid(0, 100.0)
    ref.mid(100, 100.05)
    assert not np.isnan(ref.says(1_100)).any()
    assert np.isnan(ref.says(1_101)).all()
    assert ref.st["ready"][0] == 0
    ref.mid(5_000, 101.0)
    assert ref.says(5_000)[0] == 0.0, "what happened in the hole is no recent move"


def test_a_slip_is_not_believed_and_a_jump_is_after_three_words() -> None:
    ref = Heard()
    ref.mid(0, 100.0)
    assert not ref.mid(50, 101.0)
    assert ref.mid(100, 100.0)
    assert ref.says(100)[0] == 0.0
    assert [ref.mid(150 + i, 101.0) for i in range(3)] == [False, False, True]
    assert ref.says(152)[0] == pytest.approx(1e4 * math.log(1.01), rel=0.01)


@pytest.mark.parametrize("factor", [1e-3, 0.8, 1.2, 1000.0])
def test_another_price_level_is_another_instrument(factor: float) -> None:
    ref = Heard()
    assert not any(ref.mid(i * 10, 100.0 * factor) for i in range(50))
    assert np.isnan(ref.says(500)).all()


def test_messages_out_of_order_are_refused() -> None:
    ref = Heard()
    ref.mid(100, 100.0)
    assert not ref.mid(150, 100.1, sent_ms=90)
    assert ref.st["refused"][0] == 1


def test_a_stamp_from_the_future_silences_it_for_a_second_only() -> None:
    ref = Heard()
    ref.mid(0, 100.0)
    assert ref.mid(100, 100.0, sent_ms=10**12)
    assert not any(ref.mid(100 + i, 100.0) for i in range(200, 1_000, 100)), (
        "older than the last one, as far as it knows"
    )
    assert all(ref.mid(1_101 + 100 * i, 100.0) for i in range(20))
    assert not np.isnan(ref.says(3_001)).any()


def test_a_basis_that_changed_in_a_long_silence_is_no_move_to_follow() -> None:
    """Two hours away, the basis is 5 bps wider: it was read as a gap of 5 bps, and took minutes to be unlearned."""
    ref = Heard()
    for i in range(3_000):
        ref.mid(i * 100, 100.0)
    back_ms = 300_000 + 7_200_000
    for i in range(100):
        ref.mid(back_ms + 100 * i, 100.0 * math.exp(5e-4))
        assert abs(ref.says(back_ms + 100 * i)[1]) < 0.01


def test_a_short_silence_leaves_most_of_the_basis() -> None:
    ref = Heard()
    for i in range(12_000):
        ref.mid(i * 100, 100.0)
    ref.mid(1_200_000 + 30_000, 100.0 * math.exp(5e-4))
    assert ref.says(1_230_000)[1] == pytest.approx(5.0, abs=0.01)
    ref.mid(1_230_100, 100.0 * math.exp(5e-4))
    assert ref.st["gap_sums"][0, 0] == pytest.approx(math.exp(-30.1 / 120.0), abs=0.01)


def test_the_price_level_does_not_matter() -> None:
    said = []
    for scale in (1.0, 1000.0):
        ref, rng = Heard(), np.random.default_rng(1)
        for i, step in enumerate(np.cumsum(rng.normal(0.0, 1e-4, 300))):
            ref.mid(i * 70, scale * 100.0 * math.exp(step), own=scale * 100.0)
        said.append(ref.says(299 * 70, own=scale * 100.0))
    np.testing.assert_allclose(said[0], said[1], rtol=1e-9, atol=1e-9)
