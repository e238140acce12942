"""Run benchmarks, print a table, and with `--write` put it into docs/benchmarks.md with the machine it ran on."""

import argparse
import importlib
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from portfolio_mm.actors.kernel_cache import environment
from scripts.bench.row import Row, say

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
ALL = ("decode", "sign", "step", "matching", "market", "replay", "server", "hft", "gateway", "tree")
MARK = "<!-- measured -->"
SECTION = re.compile(r"^### (\w+)$", re.MULTILINE)


def machine() -> str:
    """Processor, cores, memory, Python: what a number needs to be read with."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Python {platform.python_version()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def commit() -> str:
    """The commit measured, with a + when the tree has changes."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def table(rows: list[Row]) -> str:
    """Markdown table."""
    lines = ["| what | measured | baseline | times faster | note |", "|---|---:|---:|---:|---|"]
    for row in rows:
        baseline = f"{row.baseline:,.4g} {row.unit} ({row.against})" if row.baseline else ""
        lines.append(f"| {row.what} | {row.value:,.4g} {row.unit} | {baseline} | {row.faster} | {row.note} |")
    return "\n".join(lines)


def sections(text: str) -> dict[str, str]:
    """What the page holds of each benchmark, by name."""
    parts = SECTION.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def page(text: str, measured: dict[str, list[Row]]) -> str:
    """The page with the sections of what was measured written anew; the others stay."""
    head, _, rest = text.partition(MARK)
    stamp = f"Measured {datetime.now(tz=UTC):%Y-%m-%d} at commit {commit()} on {machine()}."
    found = sections(rest) | {name: f"{stamp}\n\n{table(rows)}" for name, rows in measured.items()}
    told = [f"### {name}\n\n{found[name]}" for name in ALL if name in found]
    return "\n\n".join([f"{head}{MARK}", *told]) + "\n"


def main() -> None:
    """Entry of `python -m scripts.bench`."""
    parser = argparse.ArgumentParser(prog="scripts.bench", description=__doc__)
    parser.add_argument("names", nargs="*", default=ALL, help=f"some of {', '.join(ALL)}")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    args = parser.parse_args()
    os.environ.update(environment())  # numba's own cache does not see a change in another file
    measured: dict[str, list[Row]] = {}
    unknown = [name for name in args.names if name not in ALL]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(ALL)}")
    for at, name in enumerate(args.names, 1):
        print(f"measuring {name} ({at} of {len(args.names)}) ...", file=sys.stderr, flush=True)
        began_s = time.monotonic()
        measured[name] = importlib.import_module(f"scripts.bench.{name}").run()
        say(f"{time.monotonic() - began_s:.0f} s")
        print(table(measured[name]), flush=True)
    if args.write:
        PAGE.write_text(page(PAGE.read_text(), measured))


if __name__ == "__main__":
    main()
