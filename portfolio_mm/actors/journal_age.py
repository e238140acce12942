"""Journals end some day: segments nobody writes any more are removed when they are old enough."""

import time
from pathlib import Path

from portfolio_mm.storage.journal import segment_numbers, segment_path


def forget_old(folder: Path, name: str, keep_hours: float) -> int:
    """Remove segments last written more than `keep_hours` ago, never the newest; how many."""
    oldest_s = time.time() - keep_hours * 3600.0
    old = [
        path
        for number in segment_numbers(folder, name)[:-1]
        if _age(path := segment_path(folder, name, number)) < oldest_s
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _age(path: Path) -> float:
    """When it was last written, Unix s; never for one that is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
