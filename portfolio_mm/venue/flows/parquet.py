"""Reads a recorded set in columns: a folder of `<COIN>/<channel>.parquet`, one row an event (l2Book, bbo, trades).

Columns read: `coin`, `recv_ms`, `exch_ms`; trades `px`, `sz`, `side` (aggressor), `tid` and, where it is there,
`backfill` (history sent on subscribing: left out); bbo and l2Book `bid_px`, `bid_sz`, `ask_px`, `ask_sz`, of which a
book has lists, best first. The layout does not say how many orders stand at a price: each counts as one.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.queue_state import SNAPSHOT_LEVELS
from portfolio_mm.matching.queue_tape import TapeKind
from portfolio_mm.venue.flows.rows import COLUMNS

Array = np.ndarray[Any, Any]
SIDES: Final = ("bid", "ask")
CHANNELS: Final = ("trades", "l2Book", "bbo")
AT: Final = COLUMNS.index("at")
EXTRA: Final = "reading Parquet needs pyarrow: pip install 'portfolio-mm[parquet]', or give the set's ws.jsonl.zst"


class Columns:
    """Numbers of one coin as `Rows` gives them."""

    def __init__(self, values: Array, books: Array) -> None:
        order = np.lexsort((values[:, COLUMNS.index("kind")], values[:, COLUMNS.index("recv_ms")]))
        self._values, self._books = values[order], books
        self.n_books = len(books)

    def numbers(self) -> tuple[Array, Array]:
        """Rows of `COLUMNS` in receive order, and books [row, side, level, (px, sz, n)]."""
        return self._values, self._books


def read_columns(folder: Path) -> dict[str, Columns]:
    """Numbers by coin, of every folder below that holds a channel.

    Raises:
        ConfigurationError: pyarrow is missing, a file is damaged or lacks a column or a value, or there are no files.
    """
    places = sorted({path.parent for channel in CHANNELS for path in folder.rglob(f"{channel}.parquet")})
    found: dict[str, Columns] = {}
    for place in places:
        tables = {channel: _table(place / f"{channel}.parquet") for channel in CHANNELS}
        held = {channel: table for channel, table in tables.items() if table is not None and table.num_rows}
        if held:
            coin = str(next(iter(held.values())).column("coin")[0].as_py())
            found[coin] = _columns(place, held)
    if not found:
        msg = f"recording {folder}: no <COIN>/<channel>.parquet in it; give the folder of a recorded set"
        raise ConfigurationError(msg)
    return found


def _table(path: Path) -> Any:
    """The table of a channel; None when it was not recorded."""
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra (decision 7)
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - the same
    except ImportError as error:
        raise ConfigurationError(EXTRA) from error
    if not path.exists():
        return None
    try:
        with ParquetFile(path) as file:
            return file.read()
    except (ArrowException, OSError) as error:
        msg = f"recording {path}: not a whole Parquet file ({error}); copy it again"
        raise ConfigurationError(msg) from error


def _columns(place: Path, tables: dict[str, Any]) -> Columns:
    books = np.zeros((0, 2, SNAPSHOT_LEVELS, 3))
    parts = []
    for channel, table in tables.items():
        try:
            if channel == "l2Book":
                books = _books(table)
            parts.append(_whole(PARTS[channel](table), books))
        except (KeyError, ValueError, TypeError) as error:
            msg = f"recording {place / channel}.parquet: {error.args[0]}; give a set in the recorded layout"
            raise ConfigurationError(msg) from error
    return Columns(np.concatenate(parts), books)


def _whole(part: Array, books: Array) -> Array:
    """The rows, if no number is missing; ValueError names the first row that lacks one."""
    lacks = np.isnan(part).any(1)
    if lacks.any():
        msg = f"row {int(part[lacks][0, AT])} lacks a time, a price or a size"
        raise ValueError(msg)
    if np.isnan(books).any():
        msg = f"row {int(np.isnan(books).any((1, 2, 3)).argmax()) + 1} lacks a price or a size"
        raise ValueError(msg)
    return part


def _number(table: Any, name: str) -> Array:
    """A column as float64, NaN for null."""
    numbers: Array = np.asarray(table.column(name).to_numpy(), np.float64)
    return numbers


def _rows(table: Any, kind: TapeKind) -> Array:
    part = np.zeros((table.num_rows, len(COLUMNS)))
    part[:, COLUMNS.index("recv_ms")] = _number(table, "recv_ms")
    part[:, COLUMNS.index("ms")] = _number(table, "exch_ms")
    part[:, COLUMNS.index("kind")] = kind
    part[:, AT] = np.arange(1, table.num_rows + 1)
    return part


def _trades(table: Any) -> Array:
    part = _rows(table, TapeKind.TRADE)
    sides = table.column("side").to_numpy()
    strange = (sides != "A") & (sides != "B")
    if strange.any():
        msg = f"row {int(strange.argmax()) + 1} has side {sides[strange.argmax()]}, must be A or B"
        raise ValueError(msg)
    part[:, COLUMNS.index("side")] = np.where(sides == "B", BUY, SELL)
    part[:, COLUMNS.index("px")] = _number(table, "px")
    part[:, COLUMNS.index("sz")] = _number(table, "sz")
    _, first = np.unique(table.column("tid").to_numpy(), return_index=True)
    kept = np.zeros(len(part), np.bool_)
    kept[first] = True
    if "backfill" in table.column_names:
        kept &= ~table.column("backfill").to_numpy().astype(np.bool_)
    return part[kept]


def _booked(table: Any) -> Array:
    part = _rows(table, TapeKind.BOOK)
    part[:, COLUMNS.index("row")] = np.arange(len(part))
    return part


def _bests(table: Any) -> Array:
    part = _rows(table, TapeKind.BBO)
    for prefix, px in zip(SIDES, ("px", "ask_px"), strict=True):
        at = COLUMNS.index(px)
        part[:, at] = _number(table, f"{prefix}_px")
        part[:, at + 1] = _number(table, f"{prefix}_sz")
        part[:, at + 2] = 1
        part[np.isnan(part[:, at]), at : at + 3] = 0.0
    return part


def _books(table: Any) -> Array:
    books = np.zeros((table.num_rows, 2, SNAPSHOT_LEVELS, 3))
    for side, prefix in enumerate(SIDES):
        for at, name in enumerate((f"{prefix}_px", f"{prefix}_sz")):
            lists = table.column(name).combine_chunks()
            if not str(lists.type).startswith(("list<", "large_list<")):
                msg = f"column {name} holds {lists.type}, must be a list of numbers, best first"
                raise ValueError(msg)
            counts = np.diff(lists.offsets.to_numpy())
            row = np.repeat(np.arange(len(counts)), counts)
            level = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
            shown = level < SNAPSHOT_LEVELS
            books[row[shown], side, level[shown], at] = lists.flatten().to_numpy(zero_copy_only=False)[shown]
        books[:, side, :, 2] = books[:, side, :, 0] > 0.0
    return books


PARTS: Final = {"trades": _trades, "l2Book": _booked, "bbo": _bests}
