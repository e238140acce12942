"""Regimes: frames of storms shift priors and shorten memories, and through them an order."""

from types import SimpleNamespace
from typing import Any

from portfolio_mm.engine import signals
from portfolio_mm.estimators import volatility
from tests.engine.moves import weather
from tests.engine.plain_page import step_with
from tests.engine.story import without
from tests.engine.tape import keys
from tests.engine.wire import Wire


def long(wild: bool = True, step: Any = None) -> Wire:  # noqa: FBT001, FBT002 - told or not
    """Storms long enough to learn what they are like."""
    moves = weather.stormy(420, 40, 120, 6) if wild else weather.steady(420)
    return weather.play(step, moves, weather.quick)


def test_storms_shift_the_priors_of_sigma_and_intensity() -> None:
    wild, steady = long().st, long(wild=False).st
    assert wild.regimes.skill.weight > 0.5
    assert wild.vol.prior_bps > 1.02 * wild.vol.median_bps
    assert wild.intensity.prior_shift[1] > 0.0
    assert steady.vol.prior_bps == steady.vol.median_bps
    assert (steady.intensity.prior_shift == 0.0).all()


def unchanged() -> Any:
    """The page whose volatility hears of the prior, but of no change-point."""

    def expect(st: Any, p: Any, log_shift: float, change_share: float) -> None:
        volatility.expect(st, p, log_shift, 0.0 * change_share)

    return step_with(volatility=SimpleNamespace(**{**vars(volatility), "expect": expect}))


def test_a_change_shortens_the_memory_of_sigma() -> None:
    """Less of what came before weighs on sigma, and fewer seconds stand against the prior, than without being told."""
    told, untold = long().st, long(step=unchanged()).st
    assert told.regimes.changes == untold.regimes.changes > 0
    assert told.vol.weights.sum() < 0.95 * untold.vol.weights.sum()
    assert told.vol.doubt_s < untold.vol.doubt_s
    assert long(wild=False).st.regimes.changes == 0


def test_it_is_the_part_that_does_it() -> None:
    deaf = without("regimes", "update", "observe_sweep", "observe_interest", returns=False)
    heard = weather.storms(None)
    assert keys(heard.commands) != keys(weather.storms(None, wild=False).commands)
    assert keys(weather.storms(deaf).commands) != keys(heard.commands)


def test_a_signal_switched_off_shifts_nothing() -> None:
    wire = long()
    wire.state["signals"]["applied"][0, signals.REGIME] = 0.0
    wire.book(20.0, 20.004)
    assert (wire.st.intensity.prior_shift == 0.0).all()
    assert wire.st.vol.prior_bps == wire.st.vol.median_bps
