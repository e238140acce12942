"""From a coin's wish to the venue's socket: what waits, what does not, and how long it took."""

from pathlib import Path

from portfolio_mm.actors.gateway.latency import Histogram, TickToWire
from portfolio_mm.actors.gateway.outbox import BURST, PAUSE_NS, Lane, Outbox
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.messages import PermitRequest
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.order import OrderEvent, OrderState
from portfolio_mm.domain.units import BUY, SELL
from tests.gateway.peers import rig, until

SECOND = 10**9
PAUSE = PAUSE_NS[Lane.CANCEL]


def order(serial: int = 1) -> OwnOrder:
    return OwnOrder((7, serial), 0, BUY, 0, 100, 10, reduce_only=False, epoch=1)


def sends(outbox: Outbox, serial: int, now_ns: int) -> bool:
    """Whether a cancel queued now leaves now."""
    outbox.cancel(order(serial))
    return outbox.ready(now_ns) == [Lane.CANCEL] and bool(outbox.take_cancels())


def test_a_rested_lane_sends_a_burst_at_once_and_then_one_batch_a_pause() -> None:
    outbox, now_ns = Outbox(), 5 * SECOND
    assert [sends(outbox, serial, now_ns) for serial in range(BURST + 1)] == [True] * BURST + [False]
    assert outbox.due_ns() == now_ns + PAUSE
    assert outbox.ready(now_ns + PAUSE - 1) == []
    assert outbox.ready(now_ns + PAUSE) == [Lane.CANCEL]
    assert len(outbox.take_cancels()) == 1
    assert not sends(outbox, 99, now_ns + PAUSE)


def test_a_lane_under_load_sends_no_more_in_a_minute_than_its_pauses_and_one_burst() -> None:
    sent, outbox = 0, Outbox()
    for ms in range(60_000):
        sent += sends(outbox, ms, SECOND + ms * 10**6)
    assert sent == 60 * SECOND // PAUSE + BURST - 1


def test_a_burst_is_earned_back_by_rest() -> None:
    outbox = Outbox()
    for serial in range(BURST):
        assert sends(outbox, serial, SECOND)
    later_ns = SECOND + 3 * PAUSE
    assert [sends(outbox, serial, later_ns) for serial in range(4)] == [True, True, True, False]


def test_a_failure_holds_a_lane_back_whatever_it_has_left() -> None:
    outbox = Outbox()
    outbox.hold(Lane.CANCEL, 2 * SECOND)
    assert not sends(outbox, 1, SECOND)
    assert outbox.due_ns() == 2 * SECOND


def test_latency_quantiles_are_right_to_one_bin() -> None:
    histogram = Histogram()
    for us in range(1, 1001):
        histogram.add(1_000, 1_000 + us * 1_000)
    histogram.add(0, 5)
    view = histogram.view()
    assert view.count == 1000
    assert 500 <= view.p50_us <= 570
    assert 990 <= view.p99_us <= 1000
    assert view.max_us == 1000.0


def test_what_the_market_caused_is_told_from_the_rest_and_counted_once() -> None:
    latency = TickToWire()
    for cause in (EventKind.BBO, EventKind.BOOK, EventKind.TIMER, EventKind.ALLOCATION, EventKind.FILL):
        one = order()
        one.cause, one.cause_ns, one.heard_ns = cause, 1_000, 3_000
        latency.written(one, 5_000)
        latency.written(one, 9_000)
    latency.written(order(), 9_000)
    assert (latency.market.view().count, latency.other.view().count, latency.gateway.view().count) == (2, 3, 5)
    assert (latency.market.view().max_us, latency.gateway.view().max_us) == (4.0, 2.0)


async def test_a_cancel_is_timed_like_an_order_and_by_what_caused_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, cause=EventKind.BBO)
        await coin.hears(OrderEvent.ACCEPTED, key)
        coin.cancel(key, cause=EventKind.BOOK)
        await coin.hears(OrderEvent.CANCELLED, key)
        view = await made.view()
        assert (view.latency.count, view.latency_other.count) == (2, 0)
        assert view.latency.max_us < 1e6, "not the time the venue took"
        assert 0.0 < view.latency_gateway.p50_us <= view.latency.max_us


async def test_wishes_heard_in_one_turn_share_a_batch(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        rhythm = made.gateway._rhythm
        assert rhythm is not None
        outbox, ledger = rhythm._parts.outbox, rhythm._parts.ledger
        keys = [coin.place(side, (1.0 - 0.03 * (1 - 2 * side)) * made.mid("BTC"), 100.0) for side in (BUY, SELL)]
        for key in keys:
            await coin.hears(OrderEvent.ACCEPTED, key)
        found = [ledger.find(key) for key in keys]
        assert len({one.nonce for one in found if one is not None and one.state is OrderState.LIVE}) == 1
        assert outbox.waiting(Lane.CREATE) == 0


async def test_a_permit_is_told_once_to_each_coin(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()

        def asked() -> int:
            return sum(isinstance(message, PermitRequest) for message in risk.messages)

        before, told = asked(), len(coin.heard(EventKind.PERMIT))
        await until(lambda: asked() >= before + 6, "permits asked for")
        assert 4 <= len(coin.heard(EventKind.PERMIT)) - told <= asked() - before + 1
