"""Attribution (D7): no item is decoration, each is the quote with it minus the quote without it."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.attribution import ITEMS
from tests.engine.moves import test_cascade as cascade
from tests.engine.moves import test_funding as funding
from tests.engine.moves import test_walls as walls
from tests.engine.tape import Bench, allocation, event, running

SHOWN_BY_THEIR_PARTS = {
    "fair_flow",
    "fair_reference",
    "fair_leaders",
    "toxicity",
    "jump_premium",
    "impact",
    "vol_of_vol",
}
"""Items of parts whose own test in tests/engine/moves shows them at work."""


def items(bench: Bench) -> Any:
    return bench.st["quote"]["items_bps"].copy()


def with_everything() -> Bench:
    """A coin with a position, a target, a cross skew and a lopsided book."""
    bench, now_ns = running()
    bench.hear(event(EventKind.SKEW, now_ns, coin=0, px=0.004, seq=2))
    bench.hear(event(EventKind.SKEW, now_ns, coin=1, px=0.003, seq=2))
    bench.hear(allocation(now_ns, 2, px=100.0, oid=10**15))
    bench.hear(event(EventKind.FILL, now_ns, coin=1, side=0, sz_lots=300, px_ticks=1_000_000))
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=200, px_ticks=2_000_000))
    bench.quiet_book(1.0, now_ns)
    return bench


def test_every_item_is_at_work_in_some_story() -> None:
    seen = np.zeros(at.ITEM_COUNT, bool)
    for bench in (with_everything(), funding.scene(), cascade.scene(), walls.scene()):
        seen |= (np.abs(items(bench)) > 1e-9).any(axis=0)
    idle = {name for name, busy in zip(ITEMS, seen, strict=True) if not busy}
    assert idle <= SHOWN_BY_THEIR_PARTS | {"fair_book"}


@pytest.mark.parametrize("side", [0, 1])
def test_the_items_of_carry_and_deadline_are_with_minus_without(side: int) -> None:
    """The distance moves by carry and what the exact solution makes of it: all else is the same with it and without."""
    for scene, item in ((funding.scene(), at.FUNDING), (funding.scene(rate=-5e-4), at.FUNDING)):
        base = funding.scene(rate=0.0)
        moved = scene.st["quote"]["distance_bps"][side] - base.st["quote"]["distance_bps"][side]
        others = items(scene)[side] - items(base)[side]
        assert abs(others[item]) > 0.5
        assert moved == pytest.approx(others[item] + others[at.EXACT], abs=0.05)
        assert np.abs(np.delete(others, [item, at.EXACT, at.ROUNDING])).sum() < 0.05
        assert moved * others[item] > 0.0


def test_costs_are_what_a_fill_costs() -> None:
    bench = with_everything()
    for side in (0, 1):
        row = items(bench)[side]
        cost = row[[at.FEE, at.ADVERSE, at.TOXICITY, at.JUMP, at.IMPACT, at.ACTION]].sum()
        assert at.cost_bps(row) == pytest.approx(cost, abs=1e-12)
        assert bench.st["quote"]["distance_bps"][side] > cost + row[[at.OWN, at.OTHER, at.TARGET]].sum()
