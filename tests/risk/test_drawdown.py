"""Loss and drawdown: one definition, blind to transfers, never reset by anything but the day or a person."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.risk.drawdown import MS_PER_DAY, Marks, accepted, first_marks, next_marks

DAY_MS = 20_000 * MS_PER_DAY + 1_000


def follow(readings: list[tuple[float, float]], start_ms: int = DAY_MS) -> Marks:
    """Marks after (equity, net transfers) readings, one second apart."""
    marks = first_marks(start_ms, *readings[0])
    for i, (equity_usd, transfers_usd) in enumerate(readings[1:], start=1):
        marks = next_marks(marks, start_ms + 1_000 * i, equity_usd, transfers_usd)
    return marks


def test_drawdown_is_measured_from_peak_equity_not_from_peak_profit() -> None:
    marks = follow([(100.0, 0.0), (110.0, 0.0), (99.0, 0.0)])
    assert marks.drawdown_fraction == pytest.approx(0.10)
    assert marks.drawdown_usd == pytest.approx(11.0)


def test_a_tiny_profit_lost_on_a_large_account_is_a_tiny_drawdown() -> None:
    marks = follow([(100.0, 0.0), (100.02, 0.0), (99.9832, 0.0)])
    assert marks.drawdown_fraction == pytest.approx(0.0004, abs=5e-5)
    assert marks.drawdown_usd == pytest.approx(0.0368)


@pytest.mark.parametrize("transfer_usd", [50.0, 10_000.0, -50.0])
@pytest.mark.parametrize("before", [False, True])
def test_a_transfer_leaves_loss_and_drawdown_unchanged(transfer_usd: float, before: bool) -> None:  # noqa: FBT001
    plain = follow([(100.0, 0.0), (110.0, 0.0), (99.0, 0.0)])
    if before:
        path = [
            (100.0, 0.0),
            (110.0, 0.0),
            (110.0 + transfer_usd, transfer_usd),
            (0.9 * (110 + transfer_usd), transfer_usd),
        ]
        assert follow(path).drawdown_fraction == pytest.approx(0.10)
        return
    moved = follow([(100.0, 0.0), (110.0, 0.0), (99.0, 0.0), (99.0 + transfer_usd, transfer_usd)])
    assert moved.drawdown_fraction == pytest.approx(plain.drawdown_fraction)
    assert moved.drawdown_usd == pytest.approx(plain.drawdown_usd)
    assert moved.day_loss_usd == pytest.approx(plain.day_loss_usd)


def test_a_withdrawal_does_not_hide_what_the_rest_loses() -> None:
    marks = follow([(10_000.0, 0.0), (1_000.0, -9_000.0), (500.0, -9_000.0)])
    assert marks.drawdown_fraction == pytest.approx(0.5)
    assert marks.drawdown_usd == pytest.approx(500.0)


def test_midnight_restarts_the_day_but_not_the_high_water_mark() -> None:
    marks = follow([(100.0, 0.0), (110.0, 0.0), (99.0, 0.0)])
    marks = next_marks(marks, DAY_MS + MS_PER_DAY, 98.0, 0.0)
    assert marks.day_loss_usd == pytest.approx(1.0)
    assert marks.day_drawdown_fraction == pytest.approx(1 - 98 / 99)
    assert marks.drawdown_fraction == pytest.approx(1 - 98 / 110)


def test_a_clock_set_back_does_not_restart_the_day() -> None:
    marks = follow([(100.0, 0.0), (90.0, 0.0)])
    later = next_marks(marks, DAY_MS - MS_PER_DAY, 90.0, 0.0)
    assert later.day == marks.day
    assert later.day_loss_usd == pytest.approx(10.0)


def test_a_reading_that_is_not_a_number_changes_nothing() -> None:
    marks = follow([(100.0, 0.0), (90.0, 0.0)])
    assert next_marks(marks, DAY_MS, float("nan"), 0.0) == marks


def test_resuming_accepts_the_loss() -> None:
    marks = accepted(follow([(100.0, 0.0), (50.0, 0.0)]))
    assert (marks.drawdown_fraction, marks.drawdown_usd, marks.day_loss_usd) == (0.0, 0.0, 0.0)


def test_an_emptied_account_that_is_funded_again_has_a_defined_drawdown() -> None:
    marks = follow([(100.0, 0.0), (0.0, -100.0), (500.0, 400.0), (450.0, 400.0)])
    assert 0.0 <= marks.drawdown_fraction <= 1.0


def test_marks_survive_encoding() -> None:
    marks = follow([(100.0, 0.0), (110.0, 0.0)])
    assert msgspec.json.decode(msgspec.json.encode(marks), type=Marks) == marks


money = st.floats(1.0, 1e7)


@settings(deadline=None)
@given(st.lists(money, min_size=2, max_size=30), st.lists(st.integers(0, 40), min_size=29, max_size=29))
def test_marks_never_fall_and_drawdown_is_a_fraction(equities: list[float], hours: list[int]) -> None:
    marks = first_marks(DAY_MS, equities[0], 0.0)
    now_ms = DAY_MS
    for equity_usd, hour in zip(equities[1:], hours, strict=False):
        now_ms += hour * 3_600_000
        later = next_marks(marks, now_ms, equity_usd, 0.0)
        assert later.peak_index >= marks.peak_index
        assert later.peak_earned_usd >= marks.peak_earned_usd
        assert 0.0 <= later.day_drawdown_fraction <= later.drawdown_fraction + 1e-12 <= 1.0 + 1e-12
        assert later.drawdown_fraction == pytest.approx(later.drawdown_usd / later.peak_earned_usd, abs=1e-9)
        marks = later
