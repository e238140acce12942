"""The gateway lives through what the venue's faults do to it, and ends up with the venue's truth."""

from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.delays import Constant
from portfolio_mm.venue.faults import events, kinds
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, FakeCoin, Rig, rig, until
from tests.gateway.pretend import Pretend

SETTLED = {"ACCEPTED", "REFUSED", "CANCELLED", "UNCERTAIN", "LOST"}


def arm(made: Rig, *faults: kinds.FaultKind) -> None:
    for fault in faults:
        made.venue.venue.trouble.desk.arm(fault)


def happen(made: Rig, event: events.EventKind) -> None:
    trouble = made.venue.venue.trouble
    trouble.schedule.add(event, trouble.desk.now_ms)


async def agrees(made: Rig, coin: FakeCoin) -> None:
    """Faults over: the gateway is reconciled, counts what rests at the venue, and trades."""
    made.venue.venue.trouble.desk.clear()
    await until(lambda: made.gateway.status()["reconciled"] is True, "reconciled")

    async def same() -> bool:
        return (await made.view()).orders_open == len(await made.open_orders())

    await until(same, "the venue's truth")

    async def trades() -> bool:  # an order may come while the gateway has just noticed a loss: then it is refused
        key = coin.place(SELL, 1.04 * made.mid("BTC"), 100.0, level=5)
        await until(lambda: bool(coin.story(key)), "a word about it")
        return "ACCEPTED" in dict(coin.story(key))

    await until(trades, "trading again")


NOISE: dict[str, tuple[kinds.FaultKind, ...]] = {
    "changed frames": (
        kinds.Duplicate(rate=0.5),
        kinds.UnknownField(rate=0.5),
        kinds.UnknownChannel(rate=0.3),
        kinds.Reorder(channel="orderUpdates", behind=2, rate=0.5),
        kinds.Hold(by=Constant(60.0), rate=0.3),
    ),
    "lost and cut frames of orders": (
        kinds.Drop(channel="orderUpdates", rate=0.5),
        kinds.Truncate(channel="orderUpdates", rate=0.5),
    ),
    "a silent channel": (kinds.Stall(channel="orderUpdates"),),
    "answers without entries": (kinds.PartialAnswer(keep=0), kinds.PartialAnswer(form="one_error")),
    "stale reads": (kinds.InfoAnswer(requests=("orderStatus", "frontendOpenOrders"), age_s=0.5),),
}


@pytest.mark.parametrize("name", NOISE)
async def test_orders_keep_their_truth_through(name: str, tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        arm(made, *NOISE[name])
        px = 0.97 * made.mid("BTC")
        keys = [coin.place(BUY, px, 100.0, level=level) for level in range(3)]
        await until(lambda: all(SETTLED & dict(coin.story(key)).keys() for key in keys), "something of each order")
        coin.cancel(keys[0])
        await agrees(made, coin)


@pytest.mark.parametrize("landed", [True, False])
async def test_an_order_never_answered_is_found_out(landed: bool, tmp_path: Path) -> None:  # noqa: FBT001
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        arm(made, kinds.Timeout(landed=landed, hold_s=1.0, requests=("order",)))
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        hub = made.venue.venue.hub
        await until(lambda: any(session.posts_pending for session in hub.sessions), "the order is at the venue")
        await until(lambda: bool(coin.story(key)) == landed, "its row, if it landed")
        made.venue.venue.trouble.desk.clear()
        hub.drop_all()  # nobody answers: the client gives the connection up
        await until(lambda: bool(SETTLED - {"UNCERTAIN"} & dict(coin.story(key)).keys()), "the truth")
        await agrees(made, coin)


async def test_a_storm_and_an_upgrade_are_waited_out(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        happen(made, events.Disconnect(times=4, every_s=0.1))
        happen(made, events.Upgrade(at_s=0.5, down_s=0.5, post_only_s=0.5))
        await until(lambda: len(made.venue.venue.trouble.happened) == 5, "all of it")
        await until(lambda: not made.venue.venue.trouble.desk.down, "the venue is back")
        await agrees(made, coin)


async def test_a_mode_flip_is_noticed(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        await made.trading()
        happen(made, events.ModeFlip(account=1, mode="unified"))
        await until(lambda: made.venue.venue.state.users[1].unified, "the flip")
        made.venue.venue.hub.drop_all()  # the gateway reads the mode when it comes back

        async def known() -> bool:
            view = await made.view()
            return view.mode == "unified" and view.equity_usd == 10_000.0

        await until(known, "the new mode, and the same money")


async def test_orders_of_a_delisted_coin_end_and_new_ones_are_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        happen(made, events.Delist(coin="BTC"))
        await coin.hears(OrderEvent.CANCELLED, key)
        late = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.REFUSED, late)
        assert await made.open_orders() == []


async def test_errors_instead_of_answers_are_no_orders(tmp_path: Path) -> None:
    settings = VenueSettings(coins=COINS, block_ms=20, ip_limit=False)
    async with rig(tmp_path, settings) as made:
        await made.start()
        _, coin = await made.trading()
        statuses: tuple[Any, ...] = (429, 500, 502)
        arm(made, *(kinds.HttpError(status=status, endpoint="exchange", rate=0.6) for status in statuses))
        keys = [coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, level=level) for level in range(3)]
        await until(lambda: all(SETTLED & dict(coin.story(key)).keys() for key in keys), "something of each order")
        await agrees(made, coin)


def test_an_order_whose_end_was_lost_with_the_answer_of_its_modify_is_asked_about_and_can_be_cancelled() -> None:
    """The venue moved it; the answer and the row of the old order are lost, and the new one is gone before the old."""
    world = Pretend(1_000.0)
    world.wish(CommandKind.PLACE, BUY, 100, 0)
    world.process(0, crosses=False, answered=True)
    world.deliver_all()
    (old,) = world.ledger.orders()
    world.wish(CommandKind.MODIFY, BUY, 100, 0, target=old.key)
    world.process(0, crosses=False, answered=False)
    world.rows.popleft()  # that the old order ended
    world.deliver("answers")
    world.deliver("rows")
    assert old.asked_ns, "its successor rests, so it is gone: how much of it was filled must be asked"
    world.trade(0, 100)
    world.deliver_all()
    assert world.ledger.orders() == (old,)
    world.desk.cancel_all()
    world.send()
    assert [one.cancel for one in world.network] == [old]


async def test_what_the_venue_throttles_is_counted(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        arm(made, kinds.HttpError(status=429, endpoint="exchange"))
        await coin.hears(OrderEvent.REFUSED, coin.place(BUY, 0.97 * made.mid("BTC"), 100.0))
        assert dict((await made.view()).refused) == {"RATE_LIMIT": 1}
        await agrees(made, coin)


def test_a_node_that_lags_does_not_end_the_question_of_a_cancelled_order() -> None:
    """The venue took the cancel and the row is lost; a read of an older state says the order rests (HL §12.3)."""
    world = Pretend(1_000.0)
    world.wish(CommandKind.PLACE, BUY, 100, 0)
    world.process(0, crosses=False, answered=True)
    rests = world.rows[0]
    world.deliver_all()
    (order,) = world.ledger.orders()
    world.desk.cancel(order)
    order.cancel_acked, order.asked_ns = True, 7
    world.desk.tell(world.ledger.on_update(rests))
    assert order.asked_ns == 7
