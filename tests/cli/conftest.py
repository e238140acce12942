"""Socket folders live outside of pytest's own; each test takes its own away again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio_mm.actors.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state folder that does not exist yet."""
    path = tmp_path / "state"
    yield path
    shutil.rmtree(RunFolder(path).sockets, ignore_errors=True)
