"""What is missing or unsafe on this machine and account, and which protection is in force."""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from portfolio_mm.actors.kernel_cache import cache_folder
from portfolio_mm.actors.ports import ports_of, trouble
from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder
from portfolio_mm.cli.choice import plan_of
from portfolio_mm.cli.doctor_account import Grade, account_findings, key_findings
from portfolio_mm.cli.doctor_reference import reference_findings
from portfolio_mm.cli.output import as_json as json_text
from portfolio_mm.cli.output import out
from portfolio_mm.cli.version import versions
from portfolio_mm.domain.errors import PortfolioMMError, StateError
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.state_store import StateStore

LEAST_GIB: Final = 3.0
LEAST_CORES: Final = 2
LEAST_FREE_GIB: Final = 1.0
RAY: Final = (2, 60)
"""What the cluster part was measured with."""
Row = tuple[str, Grade, str]
STYLE: Final[dict[Literal["ok", "warn", "bad"], str]] = {"ok": "green", "warn": "yellow", "bad": "red"}


class Finding(msgspec.Struct, frozen=True):
    """One check: its name, how it went, and what to do."""

    name: str
    grade: Grade
    text: str


def examine(config: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """Run every check and print them.

    Raises:
        PortfolioMMError: something is bad.
    """
    plan = plan_of(config, {}, folder)
    place = RunFolder(plan.storage.path)
    rows = [
        *_machine(),
        *_folder(place),
        *_ports(plan, place),
        *key_findings(plan),
        *asyncio.run(account_findings(plan, place)),
        *asyncio.run(reference_findings(plan, place)),
    ]
    findings = [Finding(*row) for row in rows]
    if as_json:
        out().print(json_text(findings), markup=False)
    else:
        for each in findings:
            out().print(f"[{STYLE[each.grade]}]{each.grade:>4}[/]  {each.name:<12} ", end="")
            out().print(each.text, markup=False)
    bad = [each.name for each in findings if each.grade == "bad"]
    if bad:
        msg = f"not fit to trade: {', '.join(bad)}"
        raise PortfolioMMError(msg)


def _machine() -> Iterator[Row]:
    found = versions()
    missing = [name for name, text in found.items() if text.startswith("missing")]
    python = f"Python {sys.version.split()[0]}"
    yield "packages", "bad" if missing else "ok", f"{python}; missing: {', '.join(missing) or 'nothing'}"
    if "ray" not in missing:
        known = tuple(int(part) for part in found["ray"].split(".")[:2]) == RAY
        advice = "" if known else f"; this program was tried with {RAY[0]}.{RAY[1]}: run scripts/setup"
        yield "ray", "ok" if known else "warn", f"{found['ray']}{advice}"
    gib, cores = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, len(os.sched_getaffinity(0))
    enough = gib >= LEAST_GIB and cores >= LEAST_CORES
    text = f"{cores} cores, {gib:.0f} GiB (at least {LEAST_CORES} and {LEAST_GIB:.0f} advised)"
    yield "machine", "ok" if enough else "warn", text
    warm = any(cache_folder().rglob("*.nbi"))
    text = "compiled" if warm else "not compiled yet: the first start takes a minute longer"
    yield "kernels", "ok" if warm else "warn", text


def _folder(folder: RunFolder) -> Iterator[Row]:
    place = folder.path
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield "state", "bad", f"{folder.path} is not writable; choose another with --state-folder"
        return
    if place == folder.path and place.stat().st_mode & 0o077:
        yield "state", "bad", f"others may enter {place}: run `chmod 700 {place}`"
    free_gib = shutil.disk_usage(place).free / 2**30
    grade: Grade = "ok" if free_gib > LEAST_FREE_GIB else "bad"
    yield "disk", grade, f"{folder.path}, {free_gib:.0f} GiB free (at least {LEAST_FREE_GIB:.0f} needed)"
    yield _latch(folder)
    yield _instance(folder)


def _latch(folder: RunFolder) -> Row:
    if not folder.state_db.exists():
        return "kill switch", "ok", "open (nothing ran in this folder yet)"
    try:
        with contextlib.closing(StateStore(folder.state_db)) as store:
            killed = store.kill_state()
    except StateError as error:
        return "kill switch", "bad", str(error)
    if killed is None:
        return "kill switch", "ok", "open"
    return "kill switch", "bad", f"latched: {killed.reason}; look at why, then `portfolio-mm resume`"


def _instance(folder: RunFolder) -> Row:
    try:
        folder.facts()
    except StateError as error:
        return "run", "bad", str(error)
    alive = _alive(folder)
    return "run", "ok", "a run is alive here" if alive else "nothing runs here"


def _alive(folder: RunFolder) -> bool:
    return (folder.path / RUN_LOCK).exists() and folder.lock(RUN_LOCK).held_elsewhere()


def _ports(plan: Plan, folder: RunFolder) -> Iterator[Row]:
    """Ports of a run that is alive are taken by itself."""
    if _alive(folder):
        return
    taken = [
        f"{key} {host}:{port} {why}; choose another port, 0 takes a free one"
        for key, host, port in ports_of(plan)
        if (why := trouble(host, port))
    ]
    yield "ports", "bad" if taken else "ok", "; ".join(taken) or "free"
