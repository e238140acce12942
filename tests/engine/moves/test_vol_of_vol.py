"""Vol-of-vol: frames in which sigma moves from one moment to the next widen the quote beyond what sigma says."""

from portfolio_mm.engine import attribution as at
from tests.engine.moves import weather
from tests.engine.story import without
from tests.engine.tape import keys


def test_a_sigma_that_moves_adds_to_the_risk_buffer() -> None:
    gusty, steady = weather.gusts(None), weather.gusts(None, wild=False)
    assert keys(gusty.commands) != keys(steady.commands)
    items = gusty.st.quote.items_bps
    assert (items[:, at.VOL_OF_VOL] > 0.1 * items[:, at.RISK]).all()
    assert (steady.st.quote.items_bps[:, at.VOL_OF_VOL] == 0.0).all()


def test_it_is_the_part_that_does_it() -> None:
    deaf = without("vol_of_vol", "update", returns=True)
    assert keys(weather.gusts(deaf).commands) != keys(weather.gusts(None).commands)
    assert keys(weather.gusts(deaf, wild=False).commands) == keys(weather.gusts(None, wild=False).commands)
