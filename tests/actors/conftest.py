"""Socket folders live outside of pytest's own; each test takes its own away again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio_mm.actors.run_folder import RunFolder


@pytest.fixture(autouse=True)
def clean_sockets(tmp_path: Path) -> Iterator[None]:
    yield
    for path in (tmp_path, tmp_path / "state"):
        shutil.rmtree(RunFolder(path).sockets, ignore_errors=True)
