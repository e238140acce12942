"""From raw frames to other orders: that deep sweeps lose more is charged to deep quotes, as far as it is shown."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from portfolio_mm.engine import viability
from portfolio_mm.estimators import depth_profile
from portfolio_mm.models.depth_grid import place_of
from tests.engine.lesson import TUNING
from tests.engine.plain_page import step_with
from tests.engine.tape import allocation, keys
from tests.engine.wire import Wire

TICK = 0.001


def level() -> Any:
    """The page on which every depth loses what all sweeps lose."""

    def update(st: Any, *rest: Any) -> bool:
        heard = bool(depth_profile.update(st, *rest))
        st.pool.adverse_bps[:] = st.pool.adverse_bps[0]
        return heard

    return step_with(depth_profile=SimpleNamespace(**{**vars(depth_profile), "update": update}))


def heard(informed: str, step: Any = None) -> Wire:
    """A sweep each second, of 5 or 25 ticks in turn of two; the mid follows those of one kind, 18 ticks."""
    wire, mid = Wire(TUNING), 20.0
    rng = np.random.default_rng(8)
    wire.params["depth"]["block_ns"] = 10**9
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(allocation(wire.now_ns, 2, sz=0.0, oid=10**15))
    for second in range(100):
        wire.book(mid - 3 * TICK, mid + 3 * TICK)
        wire.wait(0.4)
        sign, is_deep = 1 if rng.random() < 0.5 else -1, second // 2 % 2 == 1
        wire.trade("B" if sign > 0 else "A", mid + sign * TICK * (25 if is_deep else 5))
        wire.wait(0.3)
        if (informed == "deep") == is_deep:
            mid += sign * TICK * 18
        wire.bbo(mid - 3 * TICK, mid + 3 * TICK)
        wire.wait(0.3)
    return wire


def deep_bps(wire: Wire) -> float:
    """What the table of the verdict charges a quote at 9 bps more than one at 0.1."""

    def at(depth_bps: float) -> float:
        return float(viability.adverse_at(wire.st["viability"], *place_of(depth_bps))[0])

    return at(9.0) - at(0.1)


def test_losses_by_depth_move_orders() -> None:
    """The same prints; only which of them the mid follows, differs. Where it is shallow ones, no depth loses less."""
    deep, unknown, shallow = heard("deep"), heard("deep", level()), heard("shallow")
    assert deep_bps(deep) > 0.8 > 8.0 * abs(deep_bps(unknown))
    assert deep_bps(shallow) == 0.0
    assert keys(deep.commands) != keys(unknown.commands)
    assert keys(deep.commands) != keys(shallow.commands)
