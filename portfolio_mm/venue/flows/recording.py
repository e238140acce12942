"""Recorded feeds as flat arrays on each coin's grid, one set per coin, and where the recording was blind.

Events are put in block order, trades before the books that show their result. A silence of the recorder starts a new
session: what it lost is a gap, which nothing fills. History that the venue repeats on every (re)subscription to
`trades` is left out: trades already seen, trades older than the books around them or than the first book of a session.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import PERP_MAX_DECIMALS
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind
from portfolio_mm.venue.flows.listed import LISTED
from portfolio_mm.venue.flows.neighbours import meant
from portfolio_mm.venue.flows.parquet import read_columns
from portfolio_mm.venue.flows.raw_frames import read_frames
from portfolio_mm.venue.flows.rows import COLUMNS
from portfolio_mm.venue.flows.soundness import GRID, Soundness

Array = np.ndarray[Any, Any]
GAP_MS: Final = 3_000
"""A recorder of at least one book every 0.5 s that hears nothing for so long has lost its connection."""
RECV, MS, KIND, SIDE, PX, SZ, N, ASK_PX, ASK_SZ, ASK_N, ROW, AT = range(len(COLUMNS))


class CoinNumbers(Protocol):
    """What a reader of a file gives for one coin."""

    n_books: int

    def numbers(self) -> tuple[Array, Array]:
        """Rows of `COLUMNS` in receive order, and books [row, side, level, (px, sz, n)]."""
        ...


class Recording(msgspec.Struct, frozen=True):
    """One coin: TAPE_EVENT records, snapshots [row, side, level, (ticks, lots, orders)], and its size decimals."""

    coin: str
    sz_decimals: int
    events: Array
    snapshots: Array


class Recorded(msgspec.Struct, frozen=True):
    """A set: its coins, and the times (from, to) in block ms between which the recorder heard nothing."""

    coins: tuple[Recording, ...]
    gaps: tuple[tuple[int, int], ...]


def read_recordings(path: Path, coins: Sequence[str]) -> Recorded:
    """Read the chosen coins (all when none is named), in the order asked for, else in the order of `LISTED`.

    A folder is a set in Parquet, a file one of raw frames.

    Raises:
        ConfigurationError: the file is missing or damaged, a line is malformed, a coin is not in it or has no book.
    """
    found: Mapping[str, CoinNumbers] = read_columns(path) if path.is_dir() else read_frames(path)
    order = [*LISTED, *sorted(found.keys() - LISTED.keys())]
    numbers = {coin: found[coin].numbers() for coin in order if coin in found}
    held = [coin for coin, (rows, _) in numbers.items() if _has_book(rows)]
    missing = [coin for coin in coins if coin not in held]
    if missing or not held:
        msg = f"recording {path} has no order book of {', '.join(missing) or 'any coin'}; {meant(missing, held)}"
        raise ConfigurationError(msg)
    starts = _sessions(np.concatenate([rows[:, RECV] for rows, _ in numbers.values()]))
    live = {coin: _live(numbers[coin][0], starts) for coin in held}
    recordings = tuple(_recording(path, coin, live[coin], numbers[coin][1]) for coin in coins or held)
    return Recorded(recordings, _gaps(np.concatenate([rows[:, [RECV, MS]] for rows in live.values()]), starts))


def _has_book(rows: Array) -> bool:
    return bool(_shows_book(rows).any())


def _shows_book(rows: Array) -> Array:
    """Which rows show both sides: a full book, or both best prices."""
    shows: Array = (rows[:, KIND] == TapeKind.BOOK) | ((rows[:, PX] > 0.0) & (rows[:, ASK_PX] > 0.0))
    return shows


def _sessions(recv_ms: Array) -> Array:
    """Receive times at which the recorder hears again after a silence."""
    heard = np.unique(recv_ms)
    starts: Array = heard[1:][np.diff(heard) > GAP_MS]
    return starts


def _gaps(times: Array, starts: Array) -> tuple[tuple[int, int], ...]:
    """Block times around each silence: the newest one heard before it, the first one that is live after it.

    Args:
        times: rows (receive ms, block ms) of all coins, history left out.
        starts: see `_sessions`.
    """
    gaps = []
    for start in starts.tolist():
        before, after = times[times[:, 0] < start, 1], times[times[:, 0] >= start, 1]
        if len(before) and len(after) and after.min() - before.max() > GAP_MS:
            gaps.append((int(before.max()), int(after.min())))
    return tuple(gaps)


def _recording(path: Path, coin: str, values: Array, books: Array) -> Recording:
    """Numbers of one coin on its grid, in block order."""
    sound = Soundness(path, coin, values, books)
    sound.check_numbers()
    sz_decimals = _sz_decimals(coin, np.concatenate([values[:, SZ], values[:, ASK_SZ], books[..., 1].ravel()]))
    px_decimals = PERP_MAX_DECIMALS - sz_decimals
    sound.check_grid(sz_decimals)
    events = np.zeros(len(values), TAPE_EVENT)
    events["ms"], events["kind"], events["side"], events["row"] = values[:, [MS, KIND, SIDE, ROW]].T
    events["orders"], events["ask_orders"] = values[:, [N, ASK_N]].T
    for ticks, lots, column in (("px_ticks", "sz_lots", PX), ("ask_ticks", "ask_lots", ASK_PX)):
        events[ticks] = np.rint(values[:, column] * 10.0**px_decimals)
        events[lots] = np.rint(values[:, column + 1] * 10.0**sz_decimals)
    events = events[np.lexsort((events["kind"], events["ms"]))]
    grid = np.array([10.0**px_decimals, 10.0**sz_decimals, 1.0])
    return Recording(coin, sz_decimals, events, np.rint(books * grid).astype(np.int64))


def _live(values: Array, starts: Array) -> Array:
    """The rows that are no history: of each session, those from its first book on."""
    session = np.searchsorted(starts, values[:, RECV], side="right")
    live = np.zeros(len(values), np.bool_)
    for number in np.unique(session).tolist():
        here = session == number
        first = values[here & _shows_book(values), MS]
        if len(first):
            live |= here & (values[:, MS] >= first.min())
    kept: Array = values[live]
    return kept


def _sz_decimals(coin: str, sizes: Array) -> int:
    """Fewest decimals on which all sizes lie, and at least those listed for the coin."""
    decimals = LISTED[coin].sz_decimals if coin in LISTED else 0
    while decimals < PERP_MAX_DECIMALS:
        scaled = sizes * 10.0**decimals
        if np.all(np.abs(scaled - np.rint(scaled)) < GRID):
            break
        decimals += 1
    return decimals
