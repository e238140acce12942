"""What a coin has booked: once, whoever tells it how often, and in whatever order."""

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from portfolio_mm.actors.coin_books import BOOKED, KEPT, Books
from portfolio_mm.actors.coin_recovery import Reading, recover, step_once
from portfolio_mm.actors.coin_state import fresh_coin, frozen, keep, resume
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.units import BUY
from portfolio_mm.engine import pnl
from portfolio_mm.engine.emit import MAX_COMMANDS
from portfolio_mm.settings.load import load
from portfolio_mm.storage.journal import Journal
from tests.actors.sample import INSTRUMENTS


def fills(keys: list[tuple[int, int]], coin: int = 0) -> Any:
    rows = np.zeros(len(keys), EVENT)
    rows["kind"], rows["coin"] = EventKind.FILL, coin
    for i, (at_ms, tid) in enumerate(keys):
        rows["venue_ms"][i], rows["tid"][i] = at_ms, tid
    return rows


def book(books: Books, rows: Any) -> list[tuple[int, int]]:
    new = books.unbooked(rows)
    books.hear(new)
    return [(int(row["venue_ms"]), int(row["tid"])) for row in new]


def fresh() -> tuple[Any, Any]:
    return fresh_coin(INSTRUMENTS[0], len(INSTRUMENTS), load(None).plan())


def recovered(folder: Path) -> tuple[int, int]:
    """Events a coin remembers, and how often it could not."""
    state, params = fresh()
    found = recover(Reading(folder / "coin.ckpt", folder, "coin", 0, 1, same_market=False), state, params)
    return int(state["counters"]["events"][0]), found.books.gaps


def test_a_torn_record_is_no_gap_and_a_damaged_or_lost_journal_is_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "coin", EVENT)
    keep(tmp_path / "coin.ckpt", frozen(fresh()[0], Books(0), 1, journal.place))
    for n in range(4):
        timer = np.zeros(1, EVENT)
        timer["kind"], timer["recv_ns"] = EventKind.TIMER, 1 + n
        journal.append(timer)
    journal.close()
    assert recovered(tmp_path) == (4, 0)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-1])
    assert recovered(tmp_path) == (3, 0)
    journal.path.write_bytes(whole[:-400] + b"?" + whole[-399:])
    assert recovered(tmp_path) == (2, 1)
    journal.path.unlink()
    assert recovered(tmp_path) == (0, 1)
    keep(tmp_path / "coin.ckpt", frozen(fresh()[0], Books(0), 1, None))
    assert recovered(tmp_path) == (0, 1)


def test_two_lives_that_wrote_side_by_side_book_a_fill_once(tmp_path: Path) -> None:
    """A successor is started while the old process lives on, and both hear the same fill."""
    lives = [Journal(tmp_path, "coin", EVENT) for _ in range(2)]
    keep(tmp_path / "coin.ckpt", frozen(fresh()[0], Books(0), 1, lives[0].place))
    row = fills([(5, 1)])
    row["sz_lots"], row["px_ticks"] = 3, 1_000_000
    for journal in lives:
        journal.append(row)
        journal.close()
    state, params = fresh()
    recover(Reading(tmp_path / "coin.ckpt", tmp_path, "coin", 0, 1, same_market=False), state, params)
    assert int(state["counters"]["fills"][0]) == 1
    assert int(state["pnl"]["lots"][0]) == 3


keys = some.tuples(some.integers(0, 40), some.integers(0, 3))


@settings(max_examples=200, deadline=None)
@given(some.lists(some.lists(keys, max_size=8), max_size=12))
def test_every_fill_is_booked_once(told: list[list[tuple[int, int]]]) -> None:
    books, booked = Books(0), []
    for frame in told:
        booked += book(books, fills(frame))
        kept = np.zeros(1, BOOKED)
        books.pack(kept[0])
        books = Books(0)
        books.unpack(kept[0])
    assert len(booked) == len(set(booked))
    assert set(booked) == {key for frame in told for key in frame}


def test_what_is_older_than_all_remembered_counts_as_booked() -> None:
    books = Books(0)
    all_keys = [(1_000 + n // 2, n) for n in range(3 * KEPT)]
    assert book(books, fills(all_keys)) == all_keys
    assert books.since_ms == all_keys[-KEPT - 1][0]
    assert book(books, fills(all_keys)) == []
    assert book(books, fills([(10**6, 1)])) == [(10**6, 1)]


def test_fills_of_other_coins_pass_and_fundings_are_booked_by_their_time() -> None:
    books = Books(0)
    other = fills([(5, 1), (5, 1)], coin=1)
    assert len(books.unbooked(other)) == 2
    paid = np.zeros(2, EVENT)
    paid["kind"], paid["venue_ms"] = EventKind.FUNDING, 3_600_000
    assert len(books.unbooked(paid)) == 1


def test_a_position_no_fill_explains_is_counted_and_a_position_held_at_the_start_earns_nothing() -> None:
    state, params = fresh()
    books, commands = Books(0), np.zeros(MAX_COMMANDS, COMMAND)
    books.open(state, 40, 1_000_000)
    assert pnl.equity_1e8(state["pnl"][0]) == pnl.parts_1e8(state["pnl"][0]) == 0

    def hear(kind: EventKind, lots: int) -> None:
        row = np.zeros(1, EVENT)
        row["kind"], row["sz_lots"], row["side"], row["px_ticks"] = kind, lots, BUY, 1_000_000
        step_once(row, 0, state, params, commands, books)

    hear(EventKind.POSITION, 40)
    hear(EventKind.FILL, 10)
    hear(EventKind.POSITION, 50)
    assert books.strange_lots == 0
    hear(EventKind.POSITION, 43)
    assert books.strange_lots == 7


def test_what_signals_earned_outlives_a_run_and_open_intervals_do_not() -> None:
    known, _ = fresh()
    now = known["signals"]
    now["value"]["effect_usd"][0, 3], now["bans"][0, 3], now["banned_mask"] = -0.02, 1, 8
    now["head"], now["tail"], now["fill_tail"] = 5, 9, 40
    for same_run in (True, False):
        later, _ = fresh()
        resume(later, known, same_run=same_run)
        kept = later["signals"][0]
        assert (kept["value"]["effect_usd"][3], kept["bans"][3], kept["banned_mask"]) == (-0.02, 1, 8)
        assert (kept["tail"] - kept["head"], kept["fill_tail"]) == ((4, 40) if same_run else (0, 0))
