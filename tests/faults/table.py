"""The tables in docs/reliability.md: rows written by the tests under PORTFOLIO_MM_PROOF=full, between markers."""

import fcntl
import functools
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reliability.md"
FULL: Final = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
HEAD: Final = "| fault | detected in | recovered in | lost | commit |\n|---|---|---|---|---|\n"
ROW: Final = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \| `?([\w+-]+)`? \|$", re.MULTILINE)
ALONE, PAIRS = "faults alone", "faults in pairs"


class Table:
    """Rows of one of the tables, by their fault; those written again replace what stood there."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.begin, self.end = f"<!-- {name}: written by tests/faults -->", f"<!-- end of {name} -->"

    def body(self, page: str) -> str:
        """What stands between the markers; they must both be there, once."""
        assert page.count(self.begin) == page.count(self.end) == 1, f"the markers of {self._name!r} are damaged"
        return page.partition(self.begin)[2].partition(self.end)[0]

    def rows(self, page: str) -> dict[str, tuple[str, ...]]:
        """Cells by fault: detected, recovered, lost, commit."""
        found = [row.groups() for row in ROW.finditer(self.body(page)) if row[1] not in {"fault", "---"}]
        return {row[0]: tuple(row[1:]) for row in found}

    def written(self, page: str, new: Mapping[str, tuple[str, ...]], order: Iterable[str]) -> str:
        """The page with new rows, in the order of the cases; rows of cases that are no more are left out."""
        rows = self.rows(page) | dict(new)
        lines = [f"| {name} | {' | '.join(rows[name][:3])} | `{rows[name][3]}` |\n" for name in order if name in rows]
        body = f"\nLast written on {machine()}.\n\n{HEAD}{''.join(lines)}"
        head, _, rest = page.partition(self.begin)
        return f"{head}{self.begin}\n{body}{self.end}{rest.partition(self.end)[2]}"


def write(name: str, new: Mapping[str, tuple[str, ...]], order: Iterable[str]) -> None:
    """Put rows into the page; two processes may do so at once."""
    with PAGE.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        page = Table(name).written(file.read(), new, order)
        file.seek(0)
        file.truncate()
        file.write(page)


@functools.cache
def commit() -> str:
    """The commit that is tested, as of the first question; with a plus when the tree has changes beside this page."""
    short = _git("rev-parse", "--short", "HEAD")
    changed = [line for line in _git("status", "--porcelain").splitlines() if not line.endswith("docs/reliability.md")]
    return f"{short}{'+' if changed else ''}"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def machine() -> str:
    """Where it ran."""
    cpu = next((line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")), "")
    cores = f"{os.cpu_count()} shared cores ({cpu or platform.machine()})"
    return f"{platform.system()}, {cores}, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
