"""From a raw frame to another order by P(adverse): a very wide spread, where only "wider than usual" counts."""

from types import SimpleNamespace
from typing import Any

from portfolio_mm.engine import attribution as at
from portfolio_mm.engine import learning
from portfolio_mm.estimators import toxicity
from tests.engine.lesson import TUNING, quick, two_faced_tape
from tests.engine.plain_page import step_with
from tests.engine.tape import T0, S, allocation, keys
from tests.engine.wire import Wire

SECONDS = 40
EAGER = TUNING._replace(actions_per_s=5.0, clip_usd=1_000.0, max_position_usd=20_000.0)
"""Actions are cheap beside what an order is worth: what is wanted is sent."""


def without_probability() -> Any:
    """The page on which P(adverse) is never better than its rival."""

    def look(st: Any, p: Any) -> None:
        st.toxicity.skill[toxicity.BOTH].weight = 0.0
        learning.look(st, p)

    return step_with(learning=SimpleNamespace(**{**vars(learning), "look": look}))


def taught(half: float, step: Any = None) -> Wire:
    """A coin that has seen forty seconds of it hears a calm second, then a bbo 10 bps higher and 2 `half` wide."""
    wire = Wire(EAGER)
    quick(wire.params)
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(two_faced_tape(SECONDS))
    mid = round(float(wire.st["book"]["px"].sum()) / 2.0, 3)
    wire.now_ns = T0 + SECONDS * S
    wire.hear(allocation(wire.now_ns, 2, px2=20_000.0, sz=5e-5, oid=10**15))
    wire.bbo(mid - 0.003, mid + 0.003)
    wire.wait(1.0)
    wire.bbo(mid + 0.02 - half, mid + 0.02 + half)
    wire.wait(1.0)
    return wire


def item(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.TOXICITY])


def prices(wire: Wire) -> list[int]:
    """Where the best order of each side rests."""
    return [int(wire.resting(side)[0]["px_ticks"]) for side in range(2)]


def test_a_moment_that_is_probably_adverse_moves_the_orders() -> None:
    """Only the prices of one bbo frame differ, its mid does not; all weights were earned from the tape.

    With P(adverse) the two moments are told apart by more than a line does, whose slope suits neither.
    """
    wires = [taught(half) for half in (0.003, 0.023)]
    deaf = [taught(half, without_probability()) for half in (0.003, 0.023)]
    usual, wide = (wire.st["toxicity"] for wire in wires)
    assert toxicity.share_of_probability(wide) > 0.5
    assert (wide["adverse_probability"] > usual["adverse_probability"] + 0.5).all()
    assert keys(wires[0].commands) != keys(wires[1].commands)
    for side in range(2):
        apart, without = (item(pair[1], side) - item(pair[0], side) for pair in (wires, deaf))
        assert apart > without + 0.3 > 3.0
    assert [prices(one) for one in wires] != [prices(one) for one in deaf]
    assert wires[1].resting(1)[0]["px_ticks"] > wires[0].resting(1)[0]["px_ticks"] + 500
