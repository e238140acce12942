"""Funding: only the raw `activeAssetCtx` differs, and quotes stand elsewhere."""

from typing import Any

import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.attribution import FUNDING
from portfolio_mm.engine.tuning import Tuning
from tests.engine.tape import COIN, T0, S, event, keys
from tests.engine.wire import Wire


def scene(step: Any = None, rate: float = 5e-4, position: int = 0) -> Wire:
    """Two minutes before a full hour the venue publishes `rate` for a minute."""
    wire = Wire(Tuning(levels=1))
    wire.step = step or wire.step
    wire.start()
    wire.now_ns = T0 + 2_680 * S
    if position:
        wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, sz_lots=position, px_ticks=2_000_000))
    for i in range(120):
        wire.book(19.99, 20.01)
        if i % 6 == 0:
            wire.context(20.0, funding=rate)
        wire.wait(0.5)
    return wire


def test_a_positive_rate_lowers_both_quotes() -> None:
    nothing, paid = scene(rate=0.0), scene(rate=5e-4)
    assert keys(nothing.commands) != keys(paid.commands)
    for side in (0, 1):
        assert paid.resting(side)[0]["px_ticks"] < nothing.resting(side)[0]["px_ticks"]
    received = scene(rate=-5e-4)
    for side in (0, 1):
        assert received.resting(side)[0]["px_ticks"] > nothing.resting(side)[0]["px_ticks"]


@pytest.mark.parametrize("position", [-300, 0, 300])
def test_the_shift_does_not_ask_for_the_position(position: int) -> None:
    items = scene(position=position).st["quote"]["items_bps"]
    assert items[0][FUNDING] == pytest.approx(-items[1][FUNDING])
    assert items[0][FUNDING] == pytest.approx(scene().st["quote"]["items_bps"][0][FUNDING], rel=0.05)
    assert 0.5 < items[0][FUNDING] <= 5.0


def test_a_null_rate_changes_no_order() -> None:
    known, null = scene(), scene()
    sent = len(null.commands)
    ctx = {"markPx": "20.0", "oraclePx": "20.0", "funding": None, "openInterest": None, "premium": None}
    null.frame("activeAssetCtx", {"coin": COIN.coin, "ctx": ctx})
    assert null.st["funding"]["refused"] == 1
    assert len(null.commands) == sent
    assert null.st["funding"]["carry_bps"] == known.st["funding"]["carry_bps"] == pytest.approx(5.0)


def test_a_rate_of_long_ago_is_not_applied() -> None:
    wire = scene()
    wire.now_ns += 700 * S
    for _ in range(8):
        wire.book(19.99, 20.01)
        wire.wait(1.0)
    assert wire.st["quote"]["items_bps"][0][FUNDING] == 0.0
