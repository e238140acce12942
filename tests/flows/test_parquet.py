"""A set in columns plays like the same set in frames."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.market import Level, Print
from portfolio_mm.venue.flows.recording import read_recordings
from portfolio_mm.venue.flows.tape import TapeFlow
from tests.flows import recordings
from tests.flows.sets import START


def columns(folder: Path, coin: str, channel: str, rows: list[dict[str, Any]]) -> None:
    """One Parquet file of a set; rows have `recv_ms`, `exch_ms` and the channel's columns."""
    place = folder / "hyperliquid" / coin
    place.mkdir(parents=True, exist_ok=True)
    full = [{"coin": coin, "channel": channel, "recv_us": row["recv_ms"] * 1000, **row} for row in rows]
    pq.write_table(pa.Table.from_pylist(full), place / f"{channel}.parquet", compression="zstd")


TRADE = {"px": 4000.0, "sz": 0.7, "side": "A", "tid": 2, "backfill": False}
TRADES: list[dict[str, Any]] = [
    {"recv_ms": START + 320, "exch_ms": START - 90, **TRADE, "tid": 1, "backfill": True},
    {"recv_ms": START + 330, "exch_ms": START + 250, **TRADE, "tid": 9, "backfill": True},
    {"recv_ms": START + 340, "exch_ms": START + 200, **TRADE},
    {"recv_ms": START + 345, "exch_ms": START + 200, **TRADE},
    {"recv_ms": START + 460, "exch_ms": START + 300, **TRADE, "side": "B", "px": 4000.2, "tid": 3},
]
BOOKS = [
    {
        "recv_ms": START + ms + 100,
        "exch_ms": START + ms,
        "bid_px": [4000.0, 3999.9][:depth],
        "bid_sz": [1.0, 2.0][:depth],
        "ask_px": [4000.2],
        "ask_sz": [2.0],
    }
    for ms, depth in ((0, 2), (400, 1))
]
BESTS = [
    {"recv_ms": START + 600, "exch_ms": START + 500, "bid_px": None, "bid_sz": None, "ask_px": 4000.2, "ask_sz": 3.0}
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for channel, rows in (("trades", TRADES), ("l2Book", BOOKS), ("bbo", BESTS)):
        columns(tmp_path, "ETH", channel, rows)
    return tmp_path


def test_columns_become_blocks_without_history_or_repeats(folder: Path) -> None:
    flow = TapeFlow(folder)
    market = flow.markets()["ETH"]
    assert market.levels(3) == ([Level(400_000, 10_000, 1), Level(399_990, 20_000, 1)], [Level(400_020, 20_000, 1)])
    prints = {}
    while (at := flow.next_ms()) is not None:
        prints[at - START] = [row for part in flow.advance(at).coins for row in part.prints]
    assert prints == {
        200: [Print(400_000, 7_000, SELL)],
        300: [Print(400_020, 7_000, BUY)],
        400: [],
        500: [],
        1_500: [],
    }
    assert market.bbo() == (None, Level(400_020, 30_000, 1))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda rows: [*rows[:4], {**rows[4], "sz": None}], r"trades\.parquet: row 5 lacks a time, a price or a size"),
        (lambda rows: [{key: value for key, value in row.items() if key != "side"} for row in rows], "side"),
        (lambda rows: [*rows[:2], {**rows[2], "side": "S"}, *rows[3:]], "row 3 has side S, must be A or B"),
        (lambda rows: [{**row, "px": "many"} for row in rows], "could not convert string to float"),
        (
            lambda rows: [*rows[:2], {**rows[2], "px": 4000.12}, *rows[3:]],
            "row 3 of ETH/trades.parquet: ETH trades price 4000.12 is not on the grid",
        ),
        (lambda rows: [*rows[:4], {**rows[4], "sz": -1.0}], "row 5 of ETH/trades.parquet: .*not a positive number"),
        (lambda rows: [*rows[:4], {**rows[4], "exch_ms": 10**18}], "row 5 .* time is not in milliseconds since 1970"),
    ],
)
def test_a_set_that_lacks_something_is_refused_with_its_place(folder: Path, change: Any, complaint: str) -> None:
    columns(folder, "ETH", "trades", change(TRADES))
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        TapeFlow(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"bid_px": [3999.9, 4000.0]}, "row 1 of ETH/l2Book.parquet: ETH l2Book levels are not in order"),
        ({"bid_px": [4000.2, 3999.9]}, "row 1 .* best bid is not below the best ask"),
        ({"bid_px": [4000.0, float("inf")]}, "row 1 .* price or size is not a positive number"),
        ({"bid_sz": [1.0]}, "row 1 .* price or size is not a positive number"),
        ({"bid_sz": [1.0, 0.000_000_3]}, "row 1 .* has more than 6 decimals"),
        ({"bid_px": [4000.0, None]}, r"l2Book\.parquet: row 1 lacks a price or a size"),
        ({"ask_px": 4000.2}, "column ask_px holds double, must be a list of numbers"),
    ],
)
def test_a_book_that_cannot_be_is_refused_with_its_row(folder: Path, change: Any, complaint: str) -> None:
    rows = [{**row, **change} if at == 0 or "ask_px" in change else row for at, row in enumerate(BOOKS)]
    columns(folder, "ETH", "l2Book", rows)
    with pytest.raises(ConfigurationError, match=complaint):
        TapeFlow(folder)


def test_a_damaged_or_empty_folder_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "hyperliquid/ETH/bbo.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ConfigurationError, match="not a whole Parquet file"):
        TapeFlow(folder)
    shutil.rmtree(folder / "hyperliquid")
    with pytest.raises(ConfigurationError, match="no <COIN>"):
        TapeFlow(tmp_path)


@pytest.mark.recorded
@recordings.needed
def test_the_recorded_set_is_the_same_in_columns_and_in_frames() -> None:
    frames, table = read_recordings(recordings.SET / "ws.jsonl.zst", ()), read_recordings(recordings.SET, ())
    assert frames.gaps == table.gaps
    for one, other in zip(frames.coins, table.coins, strict=True):
        assert (one.coin, one.sz_decimals) == (other.coin, other.sz_decimals)
        for field in ("ms", "kind", "side", "px_ticks", "sz_lots", "ask_ticks", "ask_lots"):
            assert np.array_equal(np.sort(one.events[field]), np.sort(other.events[field])), field
        assert np.array_equal(one.snapshots, other.snapshots)
