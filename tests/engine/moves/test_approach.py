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


def blind() -> Any:
    """The page that does not watch its orders wait."""

    def learn_exposure(st: Any, p: Any, is_heard: bool) -> None:  # noqa: FBT001 - as the real one
        account.learn_exposure(st, p, is_heard)
        st.markouts.approach.waited_s = st.markouts.approach.waited_bps = 0.0

    return step_with(account=SimpleNamespace(**{**vars(account), "learn_exposure": learn_exposure}))


def watched(ticks: int, step: Any = None) -> Wire:
    """Forty seconds: the market goes `ticks` up and comes back each second, while actions are too dear to follow it."""
    wire, mid = Wire(TUNING), 20.0
    if step is not None:
        wire.step = step
    wire.params["requote_ns"] = 3 * 10**9
    wire.start()
    for i in range(80):
        away = (i % 3 - 1) * ticks * TICK
        wire.book(mid + away - 3 * TICK, mid + away + 3 * TICK)
        wire.wait(0.2)
        wire.trade("AB"[i % 2], mid + away + (i % 2 * 2 - 1) * TICK * (5 + i % 7))
        wire.wait(0.3)
    wire.book(mid - 3 * TICK, mid + 3 * TICK)
    wire.wait(3.0)
    return wire


def item(wire: Wire) -> float:
    return float(wire.st["quote"]["items_bps"][:, at.ADVERSE].sum())


def test_orders_that_fair_comes_to_are_quoted_further_out() -> None:
    """Only the prices of book frames and prints differ, by a few ticks that cancel."""
    comes, stays = watched(6), watched(0)
    assert keys(comes.commands) != keys(stays.commands)
    assert float(comes.st["markouts"]["approach"]["waited_s"]) > 5.0
    gap = comes.st["viability"]["approach_bps"].sum() - stays.st["viability"]["approach_bps"].sum()
    unseen = watched(6, blind())
    assert gap > 0.1
    assert item(comes) > item(unseen) + 0.1
    assert keys(comes.commands) != keys(unseen.commands)


def test_a_deeper_level_expects_more() -> None:
    wire = watched(6)
    wire.params["levels"] = 3
    wire.book(20.0 - 3 * TICK, 20.0 + 3 * TICK)
    wire.wait(1.0)
    legs = [wire.st["orders"]["slots"][0, level]["leg"][0] for level in range(3)]
    said = [float(leg["snap"]["adverse_bps"]) for leg in legs if leg["lots"] > 0]
    assert len(said) == 3
    assert said[0] < said[1] < said[2]
