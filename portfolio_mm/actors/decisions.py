"""Reading a coin's decision journal back: rows of each kind as NumPy columns, joined by id (docs/signals.md).

The key of an order is its cloid (run and coin are part of it), of a fill the cloid with its trade id.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.cloid import text
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.engine.attribution import ITEMS
from portfolio_mm.engine.diary import DECISION, FILL, INTERVAL, MARKOUT, ORDER, OUTCOME
from portfolio_mm.models.features import FEATURES
from portfolio_mm.storage.journal import Place, segment_numbers
from portfolio_mm.storage.journal_reader import JournalReader

Array = npt.NDArray[Any]
DECISIONS: Final = "-decisions"
OUTCOMES: Final = "-outcomes"
"""Names of the two journals, behind the name of the coin's journal of inputs (`coin-BTC`)."""
NOT_FOUND: Final = -1


class Diary(NamedTuple):
    """Rows of DECISION, and of OUTCOME by kind, each in the order in which they were written."""

    decisions: Array
    orders: Array
    fills: Array
    markouts: Array
    intervals: Array


class Joined(NamedTuple):
    """Which row belongs to which; NOT_FOUND where there is none.

    `fill_decision[i]` is the row in `decisions` of the order that fill i belongs to, `fill_interval[i]` the row in
    `intervals`, `markout_fill[i]` the row in `fills` of markout i, `decision_order[i]` the first row in `orders` about
    decision i.
    """

    decision_order: Array
    fill_decision: Array
    fill_interval: Array
    markout_fill: Array


def read_diary(folder: Path | str, name: str) -> Diary:
    """Read everything a coin has written.

    Args:
        folder: the run folder's `journals`.
        name: of the coin's journal of inputs, for example `coin-BTC`.

    Raises:
        StateError: a segment is damaged; it is named and left alone.
    """
    outcomes = _all(folder, f"{name}{OUTCOMES}", OUTCOME)
    kinds = (outcomes[outcomes["kind"] == kind] for kind in (ORDER, FILL, MARKOUT, INTERVAL))
    return Diary(_all(folder, f"{name}{DECISIONS}", DECISION), *kinds)


def last_event(folder: Path | str, name: str, dtype: np.dtype[Any], run: int) -> int:
    """Event number of the newest row a run has written; -1 when it has written none.

    Raises:
        StateError: a segment is damaged.
    """
    reader = JournalReader(folder, name, dtype)
    for number in reversed(segment_numbers(Path(folder), name)):
        newest = None
        for newest in reader.after(Place(number, 0)):  # noqa: B007 - the last one is wanted
            pass
        if newest is not None:
            return int(newest["event"][-1]) if newest["run"][-1] == run else -1
    return -1


def join(diary: Diary) -> Joined:
    """Find each row's partner by id."""
    cloids = ("cloid_hi", "cloid_lo")
    fill = (*cloids, "tid")
    return Joined(
        decision_order=_lookup(diary.decisions, diary.orders, cloids),
        fill_decision=_lookup(diary.fills, diary.decisions, cloids),
        fill_interval=_lookup(diary.fills, diary.intervals, ("run", "interval")),
        markout_fill=_lookup(diary.markouts, diary.fills, fill),
    )


def columns(rows: Array) -> dict[str, Array]:
    """Flat columns of rows: nested records, features and items by their names, cloids as the venue prints them."""
    found: dict[str, Array] = {}
    for name in rows.dtype.names or ():
        part = rows[name]
        if name in {"pad_", "cloid_lo", "target_lo"}:
            continue
        if name in {"cloid_hi", "target_hi"}:
            found[name[:-3]] = _cloids(part, rows[f"{name[:-3]}_lo"])
        elif part.dtype.names:
            found |= columns(part)
        elif part.ndim == 2:
            names, prefix = (FEATURES, "") if name == "features" else (ITEMS, "item_")
            found |= {f"{prefix}{each}": part[:, k] for k, each in enumerate(names)}
        else:
            found[name] = part
    return found


def write_parquet(rows: Array, path: Path | str) -> None:
    """One table of `columns` as Parquet.

    Raises:
        ConfigurationError: the extra `parquet` is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        msg = "Parquet needs pyarrow: pip install 'portfolio-mm[parquet]'"
        raise ConfigurationError(msg) from error
    parquet.write_table(pa.table({name: pa.array(values) for name, values in columns(rows).items()}), path)


def _all(folder: Path | str, name: str, dtype: np.dtype[Any]) -> Array:
    parts = list(JournalReader(folder, name, dtype))
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _lookup(wanting: Array, offered: Array, keys: tuple[str, ...]) -> Array:
    """Row in `offered` with the same keys as each row of `wanting`, the first of several."""
    rows: dict[tuple[int, ...], int] = {}
    for i, key in enumerate(zip(*(offered[name].tolist() for name in keys), strict=True)):
        rows.setdefault(key, i)
    asked = zip(*(wanting[name].tolist() for name in keys), strict=True)
    return np.array([rows.get(key, NOT_FOUND) for key in asked], np.int64)


def _cloids(hi: Array, lo: Array) -> Array:
    return np.array([text(high, low) for high, low in zip(hi.tolist(), lo.tolist(), strict=True)], "U34")
