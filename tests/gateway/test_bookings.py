"""Fills as coins must book them: told again from a block time on, before the snapshot, and whoever was away."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from portfolio_mm.actors.gateway.bookings import Bookings
from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.gateway.hub import NOTHING_MISSED, Link
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote, FundingNote, PositionNote
from portfolio_mm.actors.messages import Hello
from portfolio_mm.actors.transport import join
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.user import Fill
from tests.gateway.peers import FakeCoin, Rig, rig, until
from tests.gateway.pretend import INSTRUMENT
from tests.gateway.test_safety import get_filled


def venue_fills(made: Rig) -> list[dict[str, Any]]:
    return list(made.venue.venue.state.by_address[made.user.lower()].fills)


async def joined_since(made: Rig, since_ms: int) -> list[int]:
    """Kinds of events a coin is told that has booked everything up to a block time."""
    hello = msgspec.structs.replace(made.hello("coin", "coin:BTC"), since_ms=since_ms)
    peer, welcome = await join(made.gateway.endpoint(), hello)
    coin = FakeCoin(peer, made.config.instruments[0], welcome.run, welcome.peer_epoch)
    made.peers.append(coin)
    await until(lambda: bool(coin.heard(EventKind.PERMIT)), "a snapshot")
    return [int(row["kind"]) for row in coin.events]


async def test_a_coin_that_joins_is_told_the_fills_it_lacks_before_its_snapshot(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        await get_filled(made, coin)
        coin.peer.abort()
        await made.nothing_open()
        times = [int(row["time"]) for row in venue_fills(made)]
        for since_ms in (0, times[0], times[-1] - 1, times[-1]):
            missed = sum(at_ms > since_ms for at_ms in times)
            kinds = await joined_since(made, since_ms)
            assert kinds[: missed + 1] == [EventKind.FILL] * missed + [EventKind.SYNC]


@pytest.mark.parametrize("of_the_run", [True, False])
async def test_a_gateway_that_comes_back_knows_the_fills_of_the_run_and_no_older_ones(
    tmp_path: Path,
    of_the_run: bool,  # noqa: FBT001 - parametrised
) -> None:
    async with rig(tmp_path) as made:
        began_ms = made.venue.venue.state.now_ms
        await made.start()
        _, coin = await made.trading()
        await get_filled(made, coin)
        coin.peer.abort()
        await made.nothing_open()
        await made.crash()
        count = len(venue_fills(made))
        if of_the_run:
            made.config = msgspec.structs.replace(made.config, start_read_ms=began_ms)
        made.gateway = Gateway(made.config)
        await made.start()
        view = await made.view()
        assert view.fills == (count if of_the_run else 0)
        assert (view.volume_usd > 0.0) is of_the_run
        kinds = await joined_since(made, 0)
        assert kinds.count(EventKind.FILL) == (count if of_the_run else 0)


async def test_a_reading_of_positions_waits_for_the_fills_that_led_to_it(tmp_path: Path) -> None:
    """The stream is deaf: a reading knows of a fill first. The coin must hear the fill, and the position behind it."""
    async with rig(tmp_path, account_s=0.1, reconcile_s=60.0) as made:
        await made.start()
        _, coin = await made.trading()
        rhythm = made.gateway._rhythm
        assert rhythm is not None
        hear = rhythm._hear
        rhythm._hear = lambda raw, recv_ns: None if b"fills" in raw else hear(raw, recv_ns)  # type: ignore[method-assign]
        lots = await get_filled(made, coin)
        about = [row for row in coin.events if row["coin"] == 0 and row["kind"] in {EventKind.FILL, EventKind.POSITION}]
        first = next(i for i, row in enumerate(about) if row["kind"] == EventKind.FILL)
        assert all(row["sz_lots"] == 0 for row in about[:first])
        assert lots == about[first]["sz_lots"]


def fill(at_ms: int, tid: int) -> FillNote:
    return FillNote(0, BUY, 100, 1, 0, 7, tid, at_ms, taker=False)


def test_bookings_are_told_in_the_order_of_blocks() -> None:
    bookings = Bookings((INSTRUMENT,))
    for note in (fill(5, 1), fill(9, 2), fill(7, 3), FundingNote(0, -4, 8)):
        bookings.add(note)
    assert bookings.since(0, 5)["venue_ms"].tolist() == [7, 8, 9]
    assert bookings.since(0, 5)["fee_1e8"].tolist() == [0, -4, 0]
    assert len(bookings.since(0, 9)) == 0


def test_what_a_slow_coin_could_not_be_sent_comes_before_its_next_snapshot() -> None:
    nobody: Any = None
    link = Link(nobody, Hello("coin", "coin:BTC", "", 1), 1, coin=0)
    rows = np.zeros(3, EVENT)
    rows["kind"], rows["coin"] = [EventKind.FILL, EventKind.FILL, EventKind.ORDER], [0, 1, 0]
    rows["venue_ms"] = [40, 30, 20]
    assert link.missed_ms == NOTHING_MISSED
    link.miss(rows[1:])
    assert (link.missed_ms, link.lagging) == (NOTHING_MISSED, True)
    link.miss(rows)
    assert link.missed_ms == 39


def test_a_fill_that_a_reading_contains_is_booked_and_moves_no_position() -> None:
    ledger = Ledger((INSTRUMENT,))
    ledger.on_position(0, 0, 0.0, 900)
    ledger.on_position(0, 5, 100.0, 1_000)
    late: dict[str, Any] = {"coin": "AAA", "px": "100.0", "sz": "0.05", "side": BUY, "time_ms": 990, "tid": 4}
    rest: dict[str, Any] = {
        "start_position": "0",
        "direction": "",
        "closed_pnl_1e8": 0,
        "fee_1e8": 0,
        "fee_token": "USDC",
        "hash": "",
    }
    notes = ledger.on_fill(Fill(**late, **rest, oid=1, crossed=False))
    assert isinstance(notes[0], FillNote)
    assert notes[0].contained
    assert ledger.positions[0].szi_lots == 5
    assert notes[-1] == ledger.on_hand(0)._replace(venue_ms=990)
    assert ledger.on_fill(Fill(**late, **rest, oid=1, crossed=False)) == []


def test_two_fills_that_undo_each_other_behind_a_reading_are_no_lots_nobody_explains() -> None:
    """Both are in the reading and come after it: a word on the position between them would undo it twice."""
    ledger = Ledger((INSTRUMENT,))
    ledger.on_position(0, 5, 100.0, 1_000)
    row: dict[str, Any] = {
        "coin": "AAA",
        "px": "100.0",
        "start_position": "0",
        "direction": "",
        "closed_pnl_1e8": 0,
        "fee_1e8": 0,
        "fee_token": "USDC",
        "hash": "",
        "oid": 1,
        "crossed": False,
    }
    first = ledger.on_fill(Fill(**row, sz="0.03", side=SELL, time_ms=980, tid=1))
    assert [type(note) for note in first] == [FillNote]
    assert ledger.positions[0].ahead == -3, "whoever counts fills alone is off, and the next reading looks for more"
    second = ledger.on_fill(Fill(**row, sz="0.03", side=BUY, time_ms=990, tid=2))
    assert (ledger.positions[0].szi_lots, ledger.positions[0].ahead) == (5, 0)
    assert [note for note in second if isinstance(note, PositionNote)] == []
