"""From a raw bbo frame before a fill to other orders: what fair did while the order waited is part of its price."""

from types import SimpleNamespace
from typing import Any

from portfolio_mm.engine import account
from portfolio_mm.engine import attribution as at
from tests.engine.lesson import TUNING
from tests.engine.plain_page import step_with
from tests.engine.tape import keys
from tests.engine.wire import Wire

TICK = 0.001


def forgetful() -> Any:
    """The page that never hears how fair came to an order."""

    def on_fill(st: Any, p: Any, ev: Any) -> None:
        account.on_fill(st, p, ev)
        st.markouts.approach_n = st.markouts.approach_s1 = st.markouts.approach_s2 = 0.0

    return step_with(account=SimpleNamespace(**{**vars(account), "on_fill": on_fill}))


def filled(ticks: int, step: Any = None) -> Wire:
    """Six fills, bids and asks in turn; the frame 50 ms before each shows the market `ticks` nearer to the order."""
    wire, mid = Wire(TUNING), 20.0
    if step is not None:
        wire.step = step
    wire.start()
    for i in range(40):
        wire.book(mid - 3 * TICK, mid + 3 * TICK)
        wire.wait(0.4)
        wire.trade("AB"[i % 2], mid + (i % 2 * 2 - 1) * TICK * (5 + i % 7))
        wire.wait(0.6)
    for i in range(6):
        side = i % 2
        nearer = (2 * side - 1) * ticks * TICK
        wire.bbo(mid + nearer - 3 * TICK, mid + nearer + 3 * TICK)
        wire.now_ns += 50_000_000
        leg = wire.resting(side)[0]
        wire.fill(wire.now_ns + 50_000_000, side, int(leg["lots"]) // 4, tid=i + 1)
        wire.now_ns += 100_000_000
        wire.bbo(mid - 3 * TICK, mid + 3 * TICK)
        wire.wait(0.5)
    wire.book(mid - 3 * TICK, mid + 3 * TICK)
    wire.wait(2.0)
    return wire


def item(wire: Wire) -> float:
    return float(wire.st["quote"]["items_bps"][:, at.ADVERSE].sum())


def test_orders_that_fair_comes_to_are_quoted_further_out() -> None:
    comes, stays = filled(4), filled(0)
    assert keys(comes.commands) != keys(stays.commands)
    assert float(comes.st["markouts"]["approach_n"]) > 5.0
    assert comes.st["quote"]["distance_bps"].sum() > stays.st["quote"]["distance_bps"].sum()
    deaf = [filled(ticks, forgetful()) for ticks in (4, 0)]
    assert item(comes) - item(stays) > 0.3 > item(deaf[0]) - item(deaf[1])


def test_a_deeper_level_waits_longer_and_expects_more() -> None:
    wire = filled(4)
    wire.params["levels"] = 3
    wire.book(20.0 - 3 * TICK, 20.0 + 3 * TICK)
    wire.wait(1.0)
    legs = [wire.st["orders"]["slots"][0, level]["leg"][0] for level in range(3)]
    said = [float(leg["snap"]["adverse_bps"]) for leg in legs if leg["lots"] > 0]
    assert len(said) == 3
    assert said[0] < said[1] < said[2]
