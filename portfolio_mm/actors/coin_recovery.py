"""What a coin knows when it begins: its last checkpoint, and the journal behind it stepped again.

`step` is a function of history, so the state comes out as it was at the end of the last life, to the last bit. Commands
of then are dropped. A record torn by the kill was never stepped. Every life begins its journal with a checkpoint, so
what is stepped again was written by one life, on one clock: another boot does not matter.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.coin_books import Books
from portfolio_mm.actors.coin_state import Saved, load, resume
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.errors import StateError
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.engine import learning
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.storage.journal_reader import JournalReader

LOG: Final = logging.getLogger(__name__)
Array = npt.NDArray[Any]
Hear = Callable[[Array, int, Array, Array, Array, int], None]
"""Told of each event that is stepped again, with the arguments of `engine.diary.collect`."""


class Recovered(NamedTuple):
    """Where a life begins; `first`: without anything this run has booked before."""

    books: Books
    first: bool


class Reading(NamedTuple):
    """Where to look."""

    checkpoint: Path
    journals: Path
    name: str
    coin: int
    run: int
    same_market: bool
    """Whether an earlier run traded the very market of this one."""


def recover(reading: Reading, state: Array, params: Array, again: Hear | None = None) -> Recovered:
    """Fill a fresh state with what earlier lives knew; `again` hears of what was stepped after the checkpoint."""
    try:
        saved = load(reading.checkpoint, reading.coin, state)
    except StateError as error:
        LOG.warning("starting cold: %s", error)
        books = Books(reading.coin)
        books.gaps = 1
        return Recovered(books, first=True)
    if saved is None:
        return Recovered(Books(reading.coin), first=True)
    if saved.lacking:
        LOG.info("%s lacks %s; they start cold", reading.checkpoint, ", ".join(saved.lacking))
    same_run = saved.run == reading.run
    if not same_run:
        if reading.same_market:
            resume(state, saved.state, same_run=False)
            learning.age(state, params, time.time_ns())
        return Recovered(Books(reading.coin), first=True)
    saved.books.gaps += not _replay(reading, saved, params, again)
    resume(state, saved.state, same_run=True)
    return Recovered(saved.books, first=False)


def _replay(reading: Reading, saved: Saved, params: Array, again: Hear | None) -> bool:
    """Step again what came after the checkpoint; False when it could not be read."""
    if saved.place is None:
        LOG.error("%s: nothing was journaled behind the last checkpoint", reading.name)
        return False
    began_s, count = time.monotonic(), 0
    commands = np.zeros(MAX_COMMANDS, COMMAND)
    reader = JournalReader(reading.journals, reading.name, EVENT)
    try:
        for written in reader.after(saved.place):
            begin_stream_anew(saved.state, written)
            rows = saved.books.unbooked(written)  # all of them, unless a second life wrote beside this one
            saved.books.hear(rows)
            for i in range(len(rows)):
                asked = step_once(rows, i, saved.state, params, commands, saved.books)
                if again is not None:
                    again(rows, i, saved.state, params, commands, asked)
            count += len(rows)
    except (StateError, OSError) as error:
        LOG.error("%s: the journal behind the checkpoint is not known: %s", reading.name, error)  # noqa: TRY400 - the text says it all
        return False
    for tail in reader.tails:
        LOG.warning("%s: %s: %d bytes at the end are lost: %s", reading.name, tail.path, tail.lost_bytes, tail.reason)
    LOG.info("%s: %d events stepped again in %.3f s", reading.name, count, time.monotonic() - began_s)
    return all(tail.torn for tail in reader.tails)


def begin_stream_anew(state: Array, rows: Array) -> None:
    """Each connection counts its events from one, so what the last one counted must not make these look old."""
    if EventKind.SYNC in rows["kind"]:
        state["account"]["seq"] = 0


def step_once(rows: Array, i: int, state: Array, params: Array, commands: Array, books: Books) -> int:  # noqa: PLR0917 - as `step`
    """Step one event; how many commands came of it. What a reading changes in the position, no fill explained."""
    if rows["kind"][i] != EventKind.POSITION:
        return int(step(rows, i, state, params, commands))
    before = int(state["pnl"]["lots"][0])
    written = int(step(rows, i, state, params, commands))
    books.strange_lots += abs(int(state["pnl"]["lots"][0]) - before)
    return written
