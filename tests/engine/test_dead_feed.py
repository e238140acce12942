"""While the market is not heard no time passes for those who count how often somebody came."""

from typing import Any

import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import account
from tests.engine.rush import ASK, BID, standing
from tests.engine.tape import S, event

COUNTED = ("intensity", "depth", "arrivals")
STALE_S = 5.0
"""After this long without a frame the feed is dead."""


def observed(st: Any) -> list[float]:
    """Seconds in which somebody could have been seen coming."""
    return [float(st[part]["observed_s"]) for part in COUNTED] + [float(st["cascade"]["seconds"])]


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "silent"])
def test_a_dead_feed_is_no_quiet_market(is_told: bool) -> None:  # noqa: FBT001 - a case
    """A minute, and another when it is back: neither the minute nor its end counts as a time in which nobody came."""
    wire = standing(seconds=5)
    before, a_per_s = observed(wire.st), wire.st["intensity"]["market_a_per_s"].copy()
    if is_told:
        wire.hear(event(EventKind.FEED, wire.now_ns, status=0))
    for _ in range(60):
        wire.now_ns += S
        wire.hear(event(EventKind.TIMER, wire.now_ns))
    allowed_s = 0.2 if is_told else STALE_S + 0.2
    assert observed(wire.st) == pytest.approx(before, abs=allowed_s)
    if is_told:
        wire.hear(event(EventKind.FEED, wire.now_ns, status=1))
    wire.bbo(BID, ASK)
    wire.wait(0.5)
    assert observed(wire.st) == pytest.approx(before, abs=allowed_s + 0.6)
    assert wire.st["intensity"]["market_a_per_s"] == pytest.approx(a_per_s, rel=0.1 if is_told else 0.5)


def test_own_orders_rest_unwatched_while_nobody_knows_where_fair_is() -> None:
    wire = standing(seconds=5)
    st, p = wire.st, wire.params[0]
    for is_heard in (False, True):
        kept_s = float(st["markouts"]["approach"]["waited_s"])
        for _ in range(2):
            st["clock"]["venue_ns"] += S
            account.learn_exposure(st, p, is_heard)
        assert (float(st["markouts"]["approach"]["waited_s"]) > kept_s) == is_heard
