"""Cascade: only the open interest in the raw `activeAssetCtx` differs, and the side being run over backs off."""

from typing import Any

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.attribution import CASCADE, OWN
from portfolio_mm.engine.tuning import Tuning
from tests.engine.tape import event, keys
from tests.engine.wire import Wire


def scene(step: Any = None, closed: float = 0.06, position: int = 0, max_skew_bps: float = 25.0) -> Wire:
    """A market that falls by 20 bps within five seconds while `closed` of open interest is closed.

    The hazard has earned its weight before (tests/estimators/test_cascade.py shows that it can).
    """
    wire = Wire(Tuning(levels=1))
    wire.step = step or wire.step
    wire.params["max_skew_bps"] = max_skew_bps
    wire.start()
    skill = wire.st["cascade"]["skill"]
    skill["weight"], skill["held"], skill["naive"], skill["mass"] = 1.0, 100.0, 1e6, 1e6
    if position:
        wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, sz_lots=position, px_ticks=2_000_000))
    for i in range(80):
        wire.book(19.99 + 0.001 * (i % 2), 20.01 + 0.001 * (i % 2))
        if i % 3 == 0:
            wire.context(20.0)
        wire.wait(1.0)
    for i in range(10):
        fall = 0.004 * (i + 1)
        wire.book(19.99 - fall, 20.01 - fall)
        wire.context(20.0 - fall, open_interest=1e6 * (1.0 - closed * (i + 1) / 10))
        wire.wait(0.5)
    return wire


def test_the_side_being_run_over_backs_off_and_the_other_stays() -> None:
    calm, storm = scene(closed=0.0), scene()
    assert keys(calm.commands) != keys(storm.commands)
    near, far = (wire.st["quote"]["items_bps"] for wire in (calm, storm))
    assert far[0][CASCADE] > near[0][CASCADE] + 2.0
    assert far[1][CASCADE] == near[1][CASCADE] == 0.0
    assert storm.st["quote"]["px_ticks"][0, 0] < calm.st["quote"]["px_ticks"][0, 0]


def test_it_offers_only_the_smallest_order_there() -> None:
    calm, storm = scene(closed=0.0), scene()
    assert storm.st["cascade"]["firing"] == 1
    assert calm.st["quote"]["lots"][0, 0] > 2 * storm.st["quote"]["lots"][0, 0] > 0
    assert storm.st["quote"]["lots"][1, 0] == calm.st["quote"]["lots"][1, 0]
    assert [int(leg["lots"]) for leg in storm.resting(0)] == [storm.st["quote"]["lots"][0, 0]]


def test_it_backs_off_from_where_a_full_position_has_put_it() -> None:
    """Long in a falling market, skew at its cap: the cascade's part comes on top of it."""
    near, far = scene(closed=0.0, position=900, max_skew_bps=1.0), scene(position=900, max_skew_bps=1.0)
    assert near.st["quote"]["items_bps"][0][OWN] > 2.0
    more_bps = float(far.st["quote"]["items_bps"][0][CASCADE])
    moved_bps = float(far.st["quote"]["distance_bps"][0] - near.st["quote"]["distance_bps"][0])
    assert more_bps > 2.0
    assert moved_bps > 0.8 * more_bps
    assert far.st["quote"]["px_ticks"][0, 0] < near.st["quote"]["px_ticks"][0, 0]


def test_what_reduces_the_position_stays() -> None:
    """Short in a falling market: the bid closes the position and does not back off."""
    storm = scene(position=-300)
    assert storm.st["cascade"]["firing"] == 1
    assert storm.st["quote"]["items_bps"][0][CASCADE] == 0.0
    assert storm.st["quote"]["quoting"][0] == 1


def test_without_earned_weight_nothing_backs_off() -> None:
    wire = scene()
    assert wire.st["quote"]["items_bps"][0][CASCADE] > 0.0
    wire.st["cascade"]["skill"]["weight"] = 0.0
    wire.book(19.95, 19.97)
    assert wire.st["quote"]["items_bps"][0][CASCADE] == 0.0
