"""Jumps: a raw frame of the book moves an order through the premium for being picked off."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.snapshot import describe
from portfolio_mm.models import features
from tests.engine.moves import weather
from tests.engine.story import without
from tests.engine.tape import keys


def premium_bps(st: Any) -> float:
    return float(st.quote.items_bps[:, at.JUMP].sum())


def test_a_jump_of_the_book_widens_the_quote() -> None:
    jumped, steady = weather.jumps(None), weather.jumps(None, wild=False)
    assert keys(jumped.commands) != keys(steady.commands)
    assert premium_bps(jumped.st) > 0.5
    assert premium_bps(steady.st) == 0.0


def test_it_is_the_part_that_does_it() -> None:
    deaf = without("jumps", "update", "observe_sweep", returns=True)
    assert keys(weather.jumps(deaf).commands) != keys(weather.jumps(None).commands)
    assert keys(weather.jumps(deaf, wild=False).commands) == keys(weather.jumps(None, wild=False).commands)


def test_a_jump_that_traded_all_its_way_is_charged_as_adverse_selection_only() -> None:
    silent, traded = weather.jumps(None), weather.jumps(None, swept=True)
    assert premium_bps(traded.st) == 0.0
    assert traded.st.jumps.jump_count == pytest.approx(silent.st.jumps.jump_count)
    assert traded.st.depth.pool.adverse_bps.max() > silent.st.depth.pool.adverse_bps.max()


def test_what_is_known_of_the_weather_would_be_kept_with_an_order() -> None:
    wire = weather.jumps(None, seconds=150)
    row = np.empty(features.N_FEATURES, np.float32)
    describe(wire.st, wire.params[0], row)
    assert row[features.SIGMA_RATIO] > 0.1
    assert np.isfinite(row[features.JUMP_Z])
    assert 0.0 <= row[features.STORM] <= 1.0
