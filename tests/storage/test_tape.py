"""Recorded tapes: frames as they were, and errors that name the line."""

from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.storage.tape import read_tape

LINES = [b'{"recv_us":%d,"msg":{"channel":"bbo","data":{"coin":"BTC", "time":%d}}}' % (n, n) for n in range(1, 4)]
RECORDED = Path(__file__).parents[3] / "shared" / "data" / "recorded" / "hlbtc_20250905" / "ws.jsonl.zst"


def tape(path: Path, *parts: bytes) -> Path:
    """Write each part as a zstd frame of its own, as a recorder that flushes does."""
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(part) for part in parts))
    return path


def test_frames_come_as_recorded_across_zstd_frames(tmp_path: Path) -> None:
    path = tape(tmp_path / "ws.jsonl.zst", LINES[0] + b"\n" + LINES[1][:30], LINES[1][30:] + b"\n\n", LINES[2])
    found = list(read_tape(path))
    assert [at for at, _ in found] == [1, 2, 3]
    assert found[0][1] == b'{"channel":"bbo","data":{"coin":"BTC", "time":1}}'


def test_a_plain_tape_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "ws.jsonl"
    path.write_bytes(b"\n".join(LINES))
    assert len(list(read_tape(path))) == 3


@pytest.mark.parametrize("bad", [b"{}", b"not json", b'{"recv_us":"x","msg":{}}', LINES[0][:20]])
def test_a_bad_line_is_named_by_number(tmp_path: Path, bad: bytes) -> None:
    path = tape(tmp_path / "ws.jsonl.zst", LINES[0] + b"\n" + bad + b"\n" + LINES[1])
    seen: list[tuple[int, bytes]] = []
    with pytest.raises(ConfigurationError, match=r"ws\.jsonl\.zst, line 2"):
        seen.extend(read_tape(path))
    assert [at for at, _ in seen] == [1]


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.zst: No such file"):
        list(read_tape(tmp_path / "none.zst"))
    (tmp_path / "plain.zst").write_bytes(b"hello there")
    with pytest.raises(ConfigurationError, match="not readable as zstd"):
        list(read_tape(tmp_path / "plain.zst"))


def test_a_cut_tape_says_so(tmp_path: Path) -> None:
    path = tape(tmp_path / "ws.jsonl.zst", b"\n".join(LINES * 500))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ConfigurationError, match="cut short"):
        list(read_tape(path))


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not beside the project")
def test_a_real_recording_reads_whole() -> None:
    found = list(read_tape(RECORDED))
    assert len(found) > 500
    assert all(a[0] <= b[0] for a, b in pairwise(found))
