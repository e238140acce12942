"""Planted defects: each must be caught by the schedules of the life cycle, or these prove nothing."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.gateway import dispatch, doubts, worst_case
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.dispatch import Dispatch
from portfolio_mm.actors.gateway.exposure import Exposure
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.nonces import Nonces
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.positions import SeenFills
from portfolio_mm.actors.gateway.reconcile import Reconciler
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from tests.lifecycle.world import live_through

FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
PLANTED = 15 if FULL else 3
WORLDS = 40
SCHEDULES = 10
pytestmark = pytest.mark.timeout(600)
Plant = Callable[[pytest.MonkeyPatch], None]
REMAINING: Any = OwnOrder.remaining_lots


def the_larger_of_a_modify(patch: pytest.MonkeyPatch) -> None:
    """Counts a modify as the larger order, not as both."""

    def exposure(self: Ledger, coin: int) -> Exposure:
        sums = [0, 0]
        for order in self.orders(coin):
            old = self.find(order.replaces) if order.replaces is not None else None
            sums[order.side] += max(0, order.remaining_lots - (old.remaining_lots if old is not None else 0))
        return Exposure(self.positions[coin].szi_lots, *sums)

    patch.setattr(Ledger, "exposure", exposure)


def nothing_unknown(patch: pytest.MonkeyPatch) -> None:
    """Forgets orders of unknown fate."""
    patch.setattr(
        OwnOrder,
        "remaining_lots",
        property(lambda self: 0 if self.state is OrderState.UNKNOWN else REMAINING.fget(self)),
    )


def nothing_owed(patch: pytest.MonkeyPatch) -> None:
    """Forgets that an order that ended may owe fill rows."""
    patch.setattr(OwnOrder, "remaining_lots", property(lambda self: 0 if self.over else REMAINING.fget(self)))


def gone_when_cancelled(patch: pytest.MonkeyPatch) -> None:
    """Retires an order when its cancel is sent."""
    cancel = Desk.cancel

    def wrong(self: Desk, order: OwnOrder) -> None:
        cancel(self, order)
        if order.state is OrderState.CANCELLING:
            self.tell(self._ledger.withdraw(order, OrderEvent.CANCELLED))

    patch.setattr(Desk, "cancel", wrong)


def refused_when_unanswered(patch: pytest.MonkeyPatch) -> None:
    """Takes a lost answer for a refusal, so that the coin places again."""

    def wrong(self: Desk, order: OwnOrder, now_ns: int) -> None:
        if not order.over and order.state is OrderState.PENDING:
            self.tell(self._ledger.withdraw(order, OrderEvent.REFUSED, Refusal.VENUE_OTHER))

    patch.setattr(Desk, "uncertain", wrong)


def refused_when_the_nonce_was_used(patch: pytest.MonkeyPatch) -> None:
    """Takes the answer to a copy for the answer to the action."""
    patch.setattr(dispatch, "is_nonce_used", lambda _: False)


def held_back_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Never tells what it held back."""
    patch.setattr(Ledger, "_released", lambda *_: [])


def fills_again(patch: pytest.MonkeyPatch) -> None:
    """Counts a fill as often as it comes."""
    patch.setattr(SeenFills, "is_new", lambda *_: True)


def no_fills_read(patch: pytest.MonkeyPatch) -> None:
    """Does not read the fills of a gap, and does not get them with the subscription."""

    async def wrong(*_: Any) -> None:
        return

    patch.setattr(Reconciler, "_read_fills", wrong)
    patch.setattr("portfolio_mm.hyperliquid.user._events", _without_snapshots())


def _without_snapshots() -> Callable[[Any], Any]:
    from portfolio_mm.hyperliquid import user  # noqa: PLC0415

    events = user._events
    return lambda data: () if data.is_snapshot else events(data)


def cancels_dropped(patch: pytest.MonkeyPatch) -> None:
    """Gives up a cancel that could not be sent."""
    patch.setattr(Dispatch, "_again", lambda *_: None)


def lost_at_the_first_word(patch: pytest.MonkeyPatch) -> None:
    """Believes one `unknownOid` before the expiry, and burns no nonce."""

    async def burn_nothing(*_: Any) -> None:
        return

    patch.setattr(doubts.Doubts, "_burn", burn_nothing)
    patch.setattr(doubts, "count_unknown", lambda order, _, now_ns: order.unknown_ns.append(now_ns))
    patch.setattr(doubts, "proven_lost", lambda _: True)


def no_limit(patch: pytest.MonkeyPatch) -> None:
    """Lets everything pass."""
    patch.setattr(worst_case, "fits", lambda *_, **__: True)


def same_nonce(patch: pytest.MonkeyPatch) -> None:
    """Takes the clock for a nonce."""
    patch.setattr(Nonces, "next", lambda _, venue_ms: venue_ms)


def clock_ahead(patch: pytest.MonkeyPatch) -> None:
    """Lets orders land after the permit has ended."""
    now_ms = VenueClock.now_ms
    patch.setattr(VenueClock, "now_ms", lambda self, mono_ns: now_ms(self, mono_ns) + 2_500)


def not_asked_about(patch: pytest.MonkeyPatch) -> None:
    """Never asks how an order ended."""
    patch.setattr(doubts.Doubts, "open", lambda *_: [])


PLANTS: tuple[Plant, ...] = (
    the_larger_of_a_modify,
    fills_again,
    same_nonce,
    no_limit,
    gone_when_cancelled,
    refused_when_unanswered,
    nothing_owed,
    nothing_unknown,
    refused_when_the_nonce_was_used,
    held_back_for_ever,
    no_fills_read,
    cancels_dropped,
    lost_at_the_first_word,
    clock_ahead,
    not_asked_about,
)
"""Those that show soonest stand first."""


@pytest.mark.parametrize("plant", PLANTS[:PLANTED], ids=lambda one: one.__name__)
def test_a_planted_defect_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plant(monkeypatch)
    for seed in range(WORLDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            live_through(seed, SCHEDULES, folder)
        except AssertionError as error:
            print(f"{plant.__name__}: world {seed}: {str(error)[:160]}")  # noqa: T201 - what caught it (pytest -s)
            return
    pytest.fail(f"{plant.__doc__} Nobody noticed in {WORLDS * SCHEDULES} schedules.")
