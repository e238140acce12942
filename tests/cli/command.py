"""The command as a person runs it, and what it must never leave behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

from portfolio_mm.actors.run_folder import RunFolder

GONE_S = 5.0
"""A process that was told to end is given this long on a busy machine."""
COMMAND = [sys.executable, "-c", "from portfolio_mm.cli.main import run; run()"]


def run(*arguments: str | Path, seed: int | None = None) -> tuple[int, str]:
    """Exit code and everything it said; never a traceback."""
    given = [*COMMAND, *(str(each) for each in arguments), *([] if seed is None else ["--seed", str(seed)])]
    done = subprocess.run(given, capture_output=True, text=True, timeout=120, check=False)
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return done.returncode, text


def settings(folder: Path, text: str) -> Path:
    path = folder / "trade.yaml"
    path.write_text(text)
    return path


def living(*words: str) -> list[str]:
    """Command lines of other processes that hold one of the words."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(word in line for word in words):
            found.append(line)
    return found


def assert_nothing_happened(path: Path, *words: str) -> None:
    """No process of this folder (nor with one of the words), no order, no report.

    Whatever sends an order journals it first, in a folder that is made before anything else.
    """
    folder = RunFolder(path)
    words = (str(path), str(folder.sockets), *words)
    end_s = time.monotonic() + GONE_S
    while (left := living(*words)) and time.monotonic() < end_s:
        time.sleep(0.1)
    assert left == [], left
    for place in (folder.journals, folder.reports):
        assert not place.exists() or list(place.iterdir()) == []
