"""A channel of the user stream that stalls while its socket lives is cured; one that is merely quiet is left alone."""

import asyncio
import itertools
from pathlib import Path

import pytest

from portfolio_mm.actors.gateway import stream_watch
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.stream_watch import PAUSES_NS, StreamWatch
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.faults import kinds
from tests.gateway.peers import PATIENCE_S, FakeCoin, Rig, rig, until
from tests.gateway.test_recognition import trade


def stall(made: Rig, channel: str) -> None:
    """The channel falls silent on the connections that live now; a new one has it."""
    for session in made.venue.venue.hub.sessions:
        made.venue.venue.trouble.desk.arm(kinds.Stall(channel=channel, session=session.number))


def connects(made: Rig) -> int:
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    return rhythm._parts.socket.connects


async def offered(made: Rig, coin: FakeCoin) -> None:
    """A sell order rests close to the market; where that moved towards it meanwhile it was refused: the next does."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            key = coin.place(SELL, 1.0003 * made.mid("BTC"), 100.0)
            await until(lambda: bool(coin.heard(EventKind.ORDER, None, key)), "an answer")  # noqa: B023 - awaited here
            if coin.heard(EventKind.ORDER, OrderEvent.ACCEPTED, key):
                return


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_watch, "OWES_NS", 500_000_000)


async def test_answers_without_rows_show_a_stalled_channel_and_a_new_connection_cures_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        stall(made, "orderUpdates")
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        await until(lambda: connects(made) == 2, "a new connection")
        await until(lambda: made.gateway.status()["reconciled"] is True, "everything read again")
        coin.cancel(key)
        await coin.hears(OrderEvent.CANCELLED, key)
        assert await made.open_orders() == []


async def test_a_fill_that_is_owed_shows_a_stalled_channel(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        stall(made, "userFills")
        stall(made, "user")
        state = made.venue.venue.state
        while state.users[1].szi(0) == 0:
            if not await made.open_orders():  # not yet, or its permit ran out on a busy machine
                await offered(made, coin)
            await trade(made, BUY, 20_000, 1.01 * made.mid("BTC"), account=1)
            await trade(made, SELL, 20_000, 0.99 * made.mid("BTC"), account=1)  # its margin is for the next one too
        await until(lambda: bool(coin.heard(EventKind.FILL)), "the fill, read again")
        assert connects(made) == 2
        await until(lambda: made.gateway.status()["reconciled"] is True, "everything read again")
        assert (await made.view()).positions[0].szi_lots == state.users[1].szi(0) != 0


async def test_a_quiet_account_is_no_outage(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        await asyncio.sleep(1.5)  # three times what a row may be owed
        assert connects(made) == 1
        assert not coin.heard(EventKind.ORDER, OrderEvent.CANCELLED, key)


def test_new_connections_for_a_channel_that_stays_silent_become_rare() -> None:
    watch = StreamWatch(Ledger(()), VenueClock())
    watch._owing = lambda now_ns: "orderUpdates"  # type: ignore[method-assign] # noqa: ARG005
    found = [second for second in range(600) if watch.stalled(second * 10**9)]
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert gaps[: len(PAUSES_NS)] == [pause // 10**9 for pause in PAUSES_NS]
    assert set(gaps[len(PAUSES_NS) :]) <= {PAUSES_NS[-1] // 10**9}
