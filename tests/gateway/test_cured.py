"""Defects that the schedules of the life cycle found, each as small as it can be told (tests/lifecycle)."""

import pytest

from portfolio_mm.actors.gateway.doubts import AGAIN_NS, Doubts
from portfolio_mm.actors.gateway.notes import OrderNote
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.errors import OutcomeUnknown
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.hyperliquid.answer import LegState, read_legs
from portfolio_mm.hyperliquid.errors import is_nonce_used
from tests.gateway.pretend import Pretend

LIMIT_USD = 100.0


def resting(world: Pretend, lots: int = 20) -> OwnOrder:
    world.wish(CommandKind.PLACE, 0, lots, 0)
    world.process(0, crosses=False, answered=True)
    world.deliver_all()
    (order,) = world.ledger.orders()
    return order


def state(order: OwnOrder) -> OrderState:
    return order.state


def told(world: Pretend, event: OrderEvent) -> list[OrderNote]:
    return [note for note in world.told if isinstance(note, OrderNote) and note.event is event]


def test_an_order_whose_modify_removed_it_can_be_cancelled_before_its_row_has_come() -> None:
    world = Pretend(LIMIT_USD)
    old = resting(world)
    world.wish(CommandKind.MODIFY, 0, 22, 0, old.key)
    world.process(0, crosses=True, answered=True)  # the old order is gone, the new one was refused
    world.deliver("answers")
    assert state(old) is OrderState.MODIFYING
    world.desk.cancel(old)  # went round for ever once
    assert state(old) is OrderState.CANCELLING
    world.deliver_all()
    assert not world.ledger.orders()


def test_a_cancel_wanted_while_a_modify_was_on_its_way_is_sent_when_that_was_refused() -> None:
    world = Pretend(LIMIT_USD)
    old = resting(world)
    world.wish(CommandKind.MODIFY, 0, 22, 0, old.key)
    world.desk.cancel(old)
    (heir,) = [order for order in world.ledger.orders() if order is not old]
    world.desk.modify_failed(heir, Refusal.VENUE_OTHER)
    assert old.state is OrderState.CANCELLING
    world.send()
    assert [action.cancel for action in world.network if action.cancel is not None] == [old]


def test_a_late_fill_of_a_replaced_order_is_no_news_of_a_living_one() -> None:
    world = Pretend(LIMIT_USD)
    old = resting(world)
    world.wish(CommandKind.MODIFY, 0, 22, 0, old.key)
    world.trade(0, 5)
    world.process(0, crosses=False, answered=True)
    world.deliver("answers")  # the new order lives: the coin is told that it replaced the old one
    assert [note.key for note in told(world, OrderEvent.REPLACED)] == [old.replaced_by]
    world.deliver("fills")
    assert not told(world, OrderEvent.SHRUNK)
    assert world.ledger.positions[0].szi_lots == 5


def test_a_nonce_that_was_used_says_that_the_action_came_through() -> None:
    assert is_nonce_used("Invalid nonce: duplicate nonce 1764221206959")
    assert not is_nonce_used("Invalid nonce: nonce too low 1 < 2")


def answer(*entries: object) -> object:
    return {"status": "ok", "response": {"type": "order", "data": {"statuses": list(entries)}}}


def test_one_refusal_of_the_payload_is_every_legs() -> None:
    legs, error = read_legs(answer({"error": "Price must be divisible by tick size."}), 3)
    assert [leg.state for leg in legs] == [LegState.ERROR] * 3
    assert error


@pytest.mark.parametrize(
    "text",
    ["Post only order would have immediately matched, bbo was 1@2. asset=0", "Insufficient margin to place order."],
)
def test_a_refusal_by_market_or_account_speaks_for_its_own_leg_only(text: str) -> None:
    with pytest.raises(OutcomeUnknown):
        read_legs(answer({"error": text}), 3)
    with pytest.raises(OutcomeUnknown):
        read_legs(answer({"error": text}, {"error": text}), 3)


def test_what_was_just_looked_up_waits_a_second_and_lets_others_pass() -> None:
    world = Pretend(1e6)
    for level in range(3):
        world.wish(CommandKind.PLACE, 0, 20, level)
    for order in world.ledger.orders():
        world.desk.uncertain(order, 1)
    doubts = Doubts(info=None, exchange=None, user="", ledger=world.ledger, desk=world.desk, clock=world.clock)  # type: ignore[arg-type]
    now_ns = 10 * AGAIN_NS
    first, second, third = doubts.open(now_ns)
    first.looked_ns = now_ns
    assert doubts.open(now_ns) == [second, third]
    assert doubts.open(now_ns + AGAIN_NS) == [second, third, first]


def test_a_filled_reduce_only_order_counts_until_its_fill_rows_came() -> None:
    world = Pretend(LIMIT_USD)
    world.position = 30
    world.read()
    world.deliver("readings")
    order = resting_sale(world, 30)
    order.reduce_only = True
    world.trade(0, 30)
    while world.rows:
        world.deliver("rows")
    assert world.ledger.exposure(0).worst(1) == 0  # sold already, though the position still shows 30 lots
    world.deliver_all()
    assert world.ledger.exposure(0).worst(1) == 0


def resting_sale(world: Pretend, lots: int) -> OwnOrder:
    world.wish(CommandKind.PLACE, 1, lots, 0)
    world.process(0, crosses=False, answered=True)
    world.deliver_all()
    (order,) = world.ledger.orders()
    return order
