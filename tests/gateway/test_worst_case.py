import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio_mm.actors.gateway import worst_case
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.wish import Approved
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import CoinLimit, LimitSet
from portfolio_mm.domain.order import OrderState
from portfolio_mm.domain.units import BUY, SIDES, SIGN
from tests.gateway.pretend import MARK, Pretend

LIMIT_USD = 60.0
LIMIT_LOTS = 60
STEP = st.one_of(
    st.tuples(st.just("place"), st.sampled_from(SIDES), st.integers(10, 40), st.integers(0, 2)),
    st.tuples(st.just("modify"), st.integers(0, 9), st.integers(10, 40)),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("process"), st.integers(0, 9), st.booleans(), st.booleans()),
    st.tuples(st.just("process"), st.just(0), st.just(False), st.just(True)),  # noqa: FBT003 - does not cross, answered
    st.tuples(st.just("trade"), st.integers(0, 9), st.integers(1, 40)),
    st.tuples(st.just("read")),
    st.tuples(st.just("trade"), st.integers(0, 9), st.just(40)),
    st.tuples(st.just("deliver"), st.sampled_from(("answers", "rows", "fills", "readings")), st.integers(1, 4)),
)


def act(world: Pretend, step: tuple[object, ...]) -> None:
    match step:
        case ("place", int(side), int(lots), int(level)):
            world.wish(CommandKind.PLACE, side, lots, level)
        case ("modify", int(at), int(lots)):
            orders = world.ledger.orders()
            if orders:
                target = orders[at % len(orders)]
                world.wish(CommandKind.MODIFY, target.side, lots, target.level, target.key)
        case ("cancel", int(at)):
            orders = world.ledger.orders()
            if orders:
                target = orders[at % len(orders)]
                world.wish(CommandKind.CANCEL, target.side, 0, target.level, target.key)
        case ("process", int(at), bool(crosses), bool(answered)) if world.network:
            world.process(at, crosses, answered)
        case ("trade", int(at), int(lots)) if world.resting:
            world.trade(at, lots)
        case ("read",):
            world.read()
        case ("deliver", str(channel), int(count)):
            for _ in range(count):
                world.deliver(channel)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=60))
def test_no_order_of_events_takes_the_true_worst_case_over_the_limit(steps: list[tuple[object, ...]]) -> None:
    world = Pretend(LIMIT_USD)
    for step in steps:
        act(world, step)
        for side in SIDES:
            assert world.true_worst(side) <= LIMIT_LOTS, step
            assert world.ledger.exposure(0).worst(side) >= world.true_worst(side), step
    world.deliver_all()
    assert world.ledger.positions[0].szi_lots == world.position
    fills = [note for note in world.told if isinstance(note, FillNote)]
    assert len(fills) == world.tids
    assert sum(SIGN[note.side] * note.sz_lots for note in fills) == world.position
    carried = [order for order in world.ledger.orders() if order.state is not OrderState.UNKNOWN]
    assert {order.key for order in carried if not order.over} == set(world.resting)


def test_a_modify_counts_both_orders_because_the_old_one_may_be_filled_in_part() -> None:
    world = Pretend(LIMIT_USD)
    world.wish(CommandKind.PLACE, 0, 30, 0)
    world.process(0, crosses=False, answered=True)
    world.deliver_all()
    (old,) = world.ledger.orders()
    world.wish(CommandKind.MODIFY, 0, 28, 0, old.key)
    assert world.ledger.exposure(0).worst(0) == 58
    world.trade(0, 29)  # before the modify reaches the venue: 1 lot of the old order is left to take away
    world.process(0, crosses=False, answered=True)
    assert world.true_worst(0) == 57  # the larger of the two would have been 30
    world.deliver_all()
    assert world.ledger.exposure(0).worst(0) == 57


def test_a_jump_of_the_position_over_the_limit_cancels_every_increasing_order_in_the_same_turn() -> None:
    world = Pretend(LIMIT_USD)
    for level in range(2):
        world.wish(CommandKind.PLACE, 0, 20, level)
    world.wish(CommandKind.PLACE, 1, 20, 0)
    while world.network:
        world.process(0, crosses=False, answered=True)
    world.deliver_all()
    assert len(world.resting) == 3
    world.desk.tell(world.ledger.on_position(0, 87, MARK, world.now_ms + 1))
    assert {order.side for order in world.ledger.orders() if order.state is OrderState.CANCELLING} == {0}
    assert sum(order.state is OrderState.CANCELLING for order in world.ledger.orders()) == 2
    world.send()
    assert len(world.network) == 2
    world.wish(CommandKind.PLACE, 0, 10, 2)
    assert len(world.network) == 2


def test_an_order_that_ended_counts_until_its_fill_rows_came() -> None:
    world = Pretend(LIMIT_USD)
    world.wish(CommandKind.PLACE, 0, 30, 0)
    world.process(0, crosses=False, answered=True)
    world.trade(0, 30)
    while world.rows:
        world.deliver("rows")  # it says "filled" before the fill itself is heard
    assert world.ledger.positions[0].szi_lots == 0
    assert world.ledger.exposure(0).worst(0) == 30
    world.deliver("fills")
    assert world.ledger.exposure(0) == (30, 0, 0)


def test_nobody_but_the_guard_makes_an_order_that_can_be_sent() -> None:
    world = Pretend(LIMIT_USD)
    world.wish(CommandKind.PLACE, 0, 20, 0)
    (order,) = world.ledger.orders()
    with pytest.raises(TypeError, match="only the guard"):
        Approved(order, None, "Alo", object())


def test_where_each_dex_has_its_own_money_the_margin_of_each_is_limited_apart() -> None:
    coins = (Instrument("BTC", 0, 0, 2, 40), Instrument("xyz:TSLA", 110_000, 1, 2, 10))
    ledger, market = Ledger(coins), worst_case.Market((5, 5))
    market.mark_px[:] = [100.0, 100.0]
    market.equity_usd = 1_000.0
    limits = LimitSet(2, tuple(CoinLimit(c.coin, 1e6, 1e6) for c in coins), 1e6, 1e6, 0.5, 1.0, 1.0, 1.0, 10)

    def fits(coin: int, usd: float) -> bool:
        return worst_case.fits(ledger, market, limits, coin=coin, side=BUY, lots=round(usd))

    assert (fits(1, 2_400.0), fits(1, 2_500.0)) == (True, False), "half of it at five times, but for the headroom"
    market.apart = [((0,), 900.0), ((1,), 100.0)]
    assert (fits(1, 240.0), fits(1, 250.0)) == (True, False)
    assert (fits(0, 2_200.0), fits(0, 2_300.0)) == (True, False)
    market.apart = []
    assert fits(1, 2_400.0)


def test_a_ledger_that_shrank_sheds_its_own_orders_and_no_others() -> None:
    coins = (Instrument("BTC", 0, 0, 2, 40), Instrument("xyz:TSLA", 110_000, 1, 2, 10))
    ledger, market = Ledger(coins), worst_case.Market((5, 5))
    market.mark_px[:] = [100.0, 100.0]
    market.equity_usd = 1_000.0
    limits = LimitSet(2, tuple(CoinLimit(c.coin, 1e6, 1e6) for c in coins), 1e6, 1e6, 0.5, 1.0, 1.0, 1.0, 10)
    for number, coin in enumerate((0, 1, 1)):
        order = OwnOrder((1, number), coin, BUY, 0, 900_000 - 10_000 * number, 200, reduce_only=False, epoch=1)
        ledger.add(order)
    market.apart = [((0,), 900.0), ((1,), 200.0)]
    assert worst_case.excess(ledger, market, limits) == []
    market.apart = [((0,), 900.0), ((1,), 100.0)]
    shed = worst_case.excess(ledger, market, limits)
    assert [(order.coin, order.key) for order in shed] == [(1, (1, 2))], "the farthest of that dex, until it fits"
