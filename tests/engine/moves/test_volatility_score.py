"""From raw bbo frames to other orders: where sigma outruns its EWMA, the last interval is believed."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from portfolio_mm.estimators import volatility
from portfolio_mm.models.skill import clear_skill, rival_weight
from tests.engine.lesson import TUNING
from tests.engine.plain_page import step_with
from tests.engine.tape import keys
from tests.engine.wire import Wire

MORE = TUNING._replace(clip_usd=1_000.0, max_position_usd=20_000.0)


def faithful() -> Any:
    """The page on which sigma is the EWMA whatever its score is."""

    def update(st: Any, *rest: Any) -> bool:
        clear_skill(st.skill)
        return bool(volatility.update(st, *rest))

    return step_with(volatility=SimpleNamespace(**{**vars(volatility), "update": update}))


def heard(ends: float, step: Any = None) -> Wire:
    """Two minutes of tides of one, then six seconds that are wild or still by `ends`; intervals of 2 s."""
    wire, rng, mid = Wire(MORE), np.random.default_rng(3), 20.0
    vol = wire.params["vol"]
    vol["grid_ns"], vol["interval_s"] = 10**8, 2.0
    if step is not None:
        wire.step = step
    wire.start()
    for i in range(1_260):
        tide = 1.2 * math.sin(2.0 * math.pi * i / 600.0) if i < 1_200 else ends
        mid += 0.001 * round(rng.normal(0.0, 1.0) * 6.0 * math.exp(tide))
        wire.bbo(mid - 0.003, mid + 0.003)
        wire.wait(0.1)
    return wire


def test_sigma_of_the_last_interval_moves_orders_where_it_has_proven_better() -> None:
    wild, still = heard(1.5), heard(-1.5)
    vol = wild.st["vol"]
    assert rival_weight(vol["skill"]) > 0.5
    assert keys(wild.commands) != keys(still.commands)
    deaf = [heard(ends, faithful()) for ends in (1.5, -1.5)]
    apart = [
        math.log(float(a.st["quote"]["sigma_bps"]) / float(b.st["quote"]["sigma_bps"]))
        for a, b in ((wild, still), deaf)
    ]
    assert apart[0] > apart[1] + 0.4
    assert keys(wild.commands) != keys(deaf[0].commands)
