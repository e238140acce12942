"""The whole actor tree on real Ray, six synthetic coins: time to quotes, tick to wire, memory.

Started three times, because the first start reads everything from disk; the last run goes on for a minute.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil

from portfolio_mm.actors import kernel_cache
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.domain.errors import ProtocolError
from scripts.bench.row import Row, say

STARTS: Final = 3
LASTING_S: Final = 60
PATIENCE_S: Final = 180
COINS: Final = 6
PROGRAM: Final = (sys.executable, "-c", "from portfolio_mm.cli.main import run; run()")
SETTINGS: Final = "actors: {console_port: 0}\ncluster: {address: null, dashboard_port: 0}\n"
"""Nothing that could meet another run of this machine."""


def run() -> list[Row]:
    """Three starts, warm kernels."""
    asyncio.run(kernel_cache.warm(say))
    load = f"{os.getloadavg()[0]:.2g}"
    with tempfile.TemporaryDirectory(prefix="pmm-bench-") as place:
        times_s = []
        for turn in range(1, STARTS):
            times_s.append(_short(Path(place) / f"run{turn}"))
            say(f"start {turn} of {STARTS}: quotes after {times_s[-1]:.1f} s")
        report = _Long(Path(place) / f"run{STARTS}")
    times_s.append(report.quotes_s)
    return _rows(report, statistics.median(times_s), load)


def _start(place: Path, *options: str) -> tuple["subprocess.Popen[bytes]", RunFolder]:
    place.mkdir()
    folder, settings = RunFolder(place / "state"), place / "settings.yaml"
    settings.write_text(SETTINGS)
    command = [*PROGRAM, "start", "--plain", "--seed", "11", "--config", str(settings), *options]
    with (place / "words").open("wb") as words:
        process = subprocess.Popen(
            [*command, "--state-folder", str(folder.path)], stdout=words, stderr=words, env=_environment()
        )
    return process, folder


def _environment() -> dict[str, str]:
    """Ours, but bytecode is kept between starts, as usual: without it every process compiles each source it imports."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _short(place: Path) -> float:
    """Seconds from the start of the command to quotes or reasons on all coins; then the run is ended in order."""
    began_s = time.monotonic()
    process, folder = _start(place)
    try:
        asyncio.run(_until(folder, _complete))
        return time.monotonic() - began_s
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


class _Long:
    """A run of a minute: its report, its memory, and the time to quotes."""

    def __init__(self, place: Path) -> None:
        began_s, report = time.monotonic(), place / "report.json"
        process, folder = _start(place, "--for", f"{LASTING_S}s", "--json", str(report))
        try:
            asyncio.run(_until(folder, _complete))
            self.quotes_s = time.monotonic() - began_s
            say(f"start {STARTS} of {STARTS}: quotes after {self.quotes_s:.1f} s; trading for {LASTING_S} s")
            time.sleep(LASTING_S / 3)
            self.memory_mib = asyncio.run(_memory(folder))
            process.wait(PATIENCE_S)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)
        self.found: dict[str, Any] = json.loads(report.read_text())


async def _memory(folder: RunFolder) -> dict[str, float]:
    """Unshared memory of each actor, MiB."""
    reader, writer = await asyncio.open_unix_connection(folder.supervisor_socket)
    writer.write(b'{"say": "status"}\n')
    actors = json.loads(await reader.readline())["actors"]
    writer.close()
    return {name: psutil.Process(pid).memory_full_info().uss / 2**20 for name, pid in actors.items() if pid}


async def _until(folder: RunFolder, true: Callable[[View], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with Operator(folder) as gateway:
                    while not true(await gateway.view()):  # noqa: ASYNC110 - a view is asked for
                        await asyncio.sleep(0.1)
                    return
            except ProtocolError:
                await asyncio.sleep(0.1)


def _complete(view: View) -> bool:
    """Every coin quotes both sides, or says why a side cannot pay."""
    sides = [side for coin in view.coins for side in coin.sides]
    return len(view.coins) == COINS and all(coin.warm for coin in view.coins) and all(s.px or s.reason for s in sides)


def _rows(report: _Long, quotes_s: float, load: str) -> list[Row]:
    market, other, inside = (report.found[name] for name in ("latency", "latency_other", "latency_gateway"))
    coins = [uss for name, uss in report.memory_mib.items() if name.startswith("coin:")]
    cores = f"{COINS} coins and the venue on {os.cpu_count()} cores, load {load} before"
    rows = []
    for what, one in (("market frames", market), ("timers and fills", other), ("both inside the gateway", inside)):
        note = f"{one['count']} sends in {LASTING_S} s; {cores}"
        rows += [
            Row(f"tick to wire of {what}, p50", one["p50_us"] / 1e3, "ms", note=f"goal 1 ms; {note}"),
            Row(f"tick to wire of {what}, p99", one["p99_us"] / 1e3, "ms", note="goal 5 ms"),
        ]
    return [
        *rows,
        Row("memory of one coin actor (USS)", sum(coins) / max(1, len(coins)), "MiB"),
        Row("memory of the gateway (USS)", report.memory_mib.get("gateway", 0.0), "MiB"),
        Row("start to quotes or reasons on all six coins", quotes_s, "s", note=f"goal 20 s, warm kernels; {cores}"),
    ]
