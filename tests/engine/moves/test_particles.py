"""The particle filter: frames of a storm move an order sooner through the share of sigma that it has earned."""

from tests.engine.moves import weather
from tests.engine.story import without
from tests.engine.tape import keys


def test_storms_move_the_sigma_of_quotes() -> None:
    wild, steady = weather.storms(None), weather.storms(None, wild=False)
    assert keys(wild.commands) != keys(steady.commands)
    assert wild.st.particles.skill.weight > 0.1
    assert wild.st.quote.sigma_bps > 1.05 * wild.st.vol.sigma_bps
    assert steady.st.quote.sigma_bps == steady.st.vol.sigma_bps


def test_it_is_the_part_that_does_it() -> None:
    deaf = without("particles", "update", returns=True)
    assert keys(weather.storms(deaf).commands) != keys(weather.storms(None).commands)


def test_the_cap_and_risk_do_not_see_it() -> None:
    wild = weather.storms(None).st
    assert wild.quote.sigma_bps <= 10.0 * wild.vol.median_bps
    deaf = weather.storms(without("particles", "update", returns=True)).st
    assert deaf.vol.sigma_raw_bps == wild.vol.sigma_raw_bps
