"""Journals: nothing written is lost to a kill, nothing torn is read."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.errors import StateError
from portfolio_mm.domain.events import EVENT
from portfolio_mm.domain.records import record
from portfolio_mm.storage.journal import Journal, segment_numbers
from portfolio_mm.storage.journal_reader import JournalReader


def events(first: int, count: int) -> Any:
    out = np.zeros(count, EVENT)
    out["seq"] = np.arange(first, first + count)
    out["px"] = out["seq"] * 0.5
    return out


def read(folder: Path, dtype: Any = EVENT) -> tuple[list[int], JournalReader]:
    reader = JournalReader(folder, "coin", dtype)
    return [int(n) for frame in reader for n in frame["seq"]], reader


def test_records_come_back_in_order_over_segments_and_restarts(tmp_path: Path) -> None:
    at = 0
    for _ in range(2):
        journal = Journal(tmp_path, "coin", EVENT, segment_bytes=4000)
        for count in (1, 3, 0, 10, 7):
            journal.append(events(at, count))
            at += count
        journal.close()
        journal.close()
    assert segment_numbers(tmp_path, "coin") == [0, 1, 2, 3]
    seen, reader = read(tmp_path)
    assert seen == list(range(42))
    assert reader.tails == []
    frame = next(iter(reader))
    assert frame["px"][0] == 0.0
    frame["px"][0] = 1.0  # the caller's own copy


def test_reading_goes_on_from_a_place_over_later_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "coin", EVENT, segment_bytes=4000)
    journal.append(events(0, 3))
    place = journal.place
    for at in range(3, 30):
        journal.append(events(at, 1))
    journal.close()
    reader = JournalReader(tmp_path, "coin", EVENT)
    assert [int(n) for frame in reader.after(place) for n in frame["seq"]] == list(range(3, 30))
    assert list(reader.after(journal.place)) == []
    lost = place._replace(size=10**6)
    assert next(reader.after(lost))["seq"][0] > 3
    assert reader.tails[0].reason == "ends before the place that was asked for"
    with pytest.raises(StateError, match="is gone"):
        next(reader.after(place._replace(segment=99)))


@pytest.mark.parametrize("sync_s", [0.0, 1e-9, float("inf")])
def test_how_often_the_disk_is_forced_changes_nothing_read(tmp_path: Path, sync_s: float) -> None:
    journal = Journal(tmp_path, "coin", EVENT, sync_s=sync_s, segment_bytes=20_000)
    for n in range(200):
        journal.append(events(n, 1))
    journal.sync()
    assert read(tmp_path)[0] == list(range(200))
    journal.close()
    assert journal.records == 200


def test_other_journals_in_the_folder_are_not_read(tmp_path: Path) -> None:
    for name in ("coin", "coin.extra", "coins"):
        journal = Journal(tmp_path, name, EVENT)
        journal.append(events(len(name), 1))
        journal.close()
    assert read(tmp_path)[0] == [4]


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 6000))
def test_a_torn_tail_is_reported_and_everything_before_it_read(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    journal = Journal(folder, "coin", EVENT)
    header = journal.path.stat().st_size
    for n in range(10):
        journal.append(events(n, 1))
    journal.close()
    path = journal.path
    whole = path.read_bytes()
    path.write_bytes(whole[: max(len(whole) - cut, header)])
    seen, reader = read(folder)
    frame = 8 + EVENT.itemsize
    lost = min(cut, len(whole) - header)
    assert seen == list(range(10 - -(-lost // frame)))
    assert [t.path for t in reader.tails] == ([] if lost % frame == 0 else [path])
    assert all(t.good_bytes + t.lost_bytes == path.stat().st_size for t in reader.tails)


def test_a_flipped_bit_ends_the_segment_and_the_next_one_goes_on(tmp_path: Path) -> None:
    for first in (0, 5):
        journal = Journal(tmp_path, "coin", EVENT)
        for n in range(5):
            journal.append(events(first + n, 1))
        journal.close()
    path = tmp_path / "coin.0.seg"
    data = bytearray(path.read_bytes())
    data[-1 - 2 * (8 + EVENT.itemsize)] ^= 1
    path.write_bytes(bytes(data))
    seen, reader = read(tmp_path)
    assert seen == [0, 1, 5, 6, 7, 8, 9]
    assert [t.reason for t in reader.tails] == ["a frame's checksum does not match"]


def test_a_segment_killed_within_its_header_is_only_a_torn_tail(tmp_path: Path) -> None:
    (tmp_path / "coin.0.seg").write_bytes(b"PMMJ")
    journal = Journal(tmp_path, "coin", EVENT)
    journal.append(events(0, 2))
    journal.close()
    seen, reader = read(tmp_path)
    assert (seen, len(reader.tails)) == ([0, 1], 1)


def test_a_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "coin.0.seg").write_bytes(b"x" * 100)
    with pytest.raises(StateError, match=r"coin\.0\.seg.*header is damaged"):
        read(tmp_path)


def test_older_layouts_are_read_by_field_name(tmp_path: Path) -> None:
    old = record([("seq", "i4"), ("gone", "f8"), ("px", "f8")])
    rows = np.zeros(3, old)
    rows["seq"], rows["gone"], rows["px"] = [1, 2, 3], 9.0, 0.25
    journal = Journal(tmp_path, "coin", old)
    journal.append(rows)
    journal.close()
    (frame,) = JournalReader(tmp_path, "coin", EVENT)
    assert frame.dtype == EVENT
    assert (frame["seq"].tolist(), frame["px"].tolist(), frame["sz"].tolist()) == ([1, 2, 3], [0.25] * 3, [0.0] * 3)


def test_records_of_another_type_are_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "coin", EVENT)
    with pytest.raises(TypeError, match="the journal holds"):
        journal.append(np.zeros(1, record([("seq", "i8")])))
    journal.close()


WRITER = """
import sys
import numpy as np
from portfolio_mm.domain.events import EVENT
from portfolio_mm.storage.journal import Journal
journal = Journal(sys.argv[1], "coin", EVENT, sync_s=float("inf"), segment_bytes=100_000)
rows = np.zeros(3, EVENT)
n = 0
while True:
    rows["seq"] = range(n, n + 3)
    journal.append(rows)
    n += 3
    print(n, flush=True)
"""


def test_everything_appended_survives_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(400)]
        os.kill(process.pid, signal.SIGKILL)
        said += [int(line) for line in process.stdout if line.endswith("\n") and line.strip()]
    seen, _ = read(tmp_path)
    assert len(seen) >= said[-1]
    assert seen == list(range(len(seen)))
    assert len(segment_numbers(tmp_path, "coin")) > 1


def test_a_full_disk_names_the_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file/coin"):
        Journal(tmp_path / "file", "coin", EVENT)
