"""Checkpoints: by field name over versions, whole or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.errors import StateError
from portfolio_mm.domain.records import record
from portfolio_mm.storage import checkpoint

PART = record([("seen", "i8"), ("level", "f8", (3,))])
OLD = record([("version", "i4"), ("part", PART), ("slots", PART, (2,)), ("removed", "f8")])
NEW_PART = record([("level", "f8", (4,)), ("seen", "i8"), ("fresh", "f8")])
NEW = record([("part", NEW_PART), ("added", "i8"), ("slots", NEW_PART, (2,)), ("version", "i8")])


def old_state() -> Any:
    state = np.zeros(1, OLD)
    state["version"] = 3
    state["part"]["seen"] = 7
    state["part"]["level"] = [1.5, 2.5, 3.5]
    state["slots"]["seen"] = [[11, 12]]
    state["removed"] = 9.0
    return state


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    state = old_state()
    checkpoint.save(tmp_path / "coin.ckpt", state)
    loaded = np.zeros(1, OLD)
    result = checkpoint.load(tmp_path / "coin.ckpt", loaded)
    assert result == checkpoint.Loaded(1, ())
    assert loaded.tobytes() == state.tobytes()


def test_a_new_version_keeps_what_it_knows_and_its_own_defaults(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "coin.ckpt", old_state())
    state = np.zeros(1, NEW)
    state["added"], state["part"]["fresh"] = 42, 0.5
    state["part"]["level"] = -1.0
    result = checkpoint.load(tmp_path / "coin.ckpt", state)
    assert result == checkpoint.Loaded(1, ("part.fresh", "added", "slots.fresh"))
    assert (state["version"][0], state["added"][0], state["part"]["seen"][0]) == (3, 42, 7)
    assert state["part"]["level"][0].tolist() == [1.5, 2.5, 3.5, -1.0]
    assert state["part"]["fresh"][0] == 0.5
    assert state["slots"]["seen"][0].tolist() == [11, 12]


def test_no_checkpoint_is_a_cold_start(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "none.ckpt", np.zeros(1, OLD)) is None


@pytest.mark.parametrize("damage", [b"", b"PMMCKPT1", b"x" * 50, None])
def test_a_damaged_checkpoint_is_refused_and_kept(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "coin.ckpt"
    checkpoint.save(path, old_state())
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    content = bytes(data) if damage is None else damage
    path.write_bytes(content)
    state = np.zeros(1, OLD)
    with pytest.raises(StateError, match=r"coin\.ckpt is damaged.*not changed"):
        checkpoint.load(path, state)
    assert path.read_bytes() == content
    assert not state.tobytes().strip(b"\0")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "coin.ckpt"
    target.mkdir()
    with pytest.raises(StateError, match=r"coin\.ckpt"):
        checkpoint.save(target, old_state())
    assert [p.name for p in tmp_path.iterdir()] == ["coin.ckpt"]


def test_another_count_of_records_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "coin.ckpt", old_state())
    with pytest.raises(StateError, match="holds 1 records, 2 are asked for"):
        checkpoint.load(tmp_path / "coin.ckpt", np.zeros(2, OLD))
