"""Where compiled kernels are kept, and compiling them once per node before anyone trades.

Numba's own cache does not see a change in a function of another file, so the folder is named by a hash of every source
that can hold a kernel, of numba, NumPy, the interpreter and the CPU: any change starts an empty folder.

`python -m portfolio_mm.actors.kernel_cache` compiles what is missing and prints a line per step; it is run as a process
of its own, because the folder must be named before numba is imported.
"""

import asyncio
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from portfolio_mm.domain.errors import StateError

PACKAGE: Final = Path(__file__).resolve().parent.parent
KERNEL_ROOMS: Final = ("domain", "models", "estimators", "engine", "matching", "venue/flows/synthetic/kernels")
VENUE_WARM: Final = "venue/warm.py"
"""Holds no kernel, but says which ones of the venue are compiled."""
VARIABLE: Final = "NUMBA_CACHE_DIR"
MAX_WARM_S: Final = 600.0
FIRST, SECOND = "first", "second"


def fingerprint(package: Path = PACKAGE) -> str:
    """Hash of everything compiled code depends on; `package` holds the rooms."""
    digest = hashlib.sha256()
    for source in _sources(package):
        digest.update(str(source.relative_to(package)).encode() + b"\0" + source.read_bytes())
    versions = [importlib.metadata.version(name) for name in ("numba", "llvmlite", "numpy")]
    digest.update(repr((versions, sys.version_info[:3], platform.machine(), _cpu())).encode())
    return digest.hexdigest()[:16]


def _sources(package: Path) -> list[Path]:
    return [source for room in KERNEL_ROOMS for source in sorted((package / room).rglob("*.py"))]


def _cpu() -> str:
    """Model and features of the processor, which compiled code may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def cache_folder() -> Path:
    """Folder of the kernels of this very source."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "portfolio_mm" / "kernels" / fingerprint()


def environment() -> dict[str, str]:
    """What every process that runs kernels must have in its environment before it starts."""
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {VARIABLE: str(folder)}


def _list(package: Path) -> Path:
    """Where `compile_all` names what it left. Numba holds a kernel for stale when its source is elsewhere or newer."""
    sources = (*_sources(package), package / VENUE_WARM)
    stamps = [(str(source), source.stat().st_mtime_ns) for source in sources]
    return cache_folder() / f"compiled-{hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]}.json"


def _compiled(folder: Path) -> dict[str, int]:
    """Every kernel in the cache and its size in bytes."""
    return {str(each.relative_to(folder)): each.stat().st_size for each in folder.rglob("*.nbc")}


def complete(package: Path = PACKAGE) -> bool:
    """Whether `compile_all` has been through, and nothing it left has gone. Far quicker than loading the kernels."""
    try:
        named = json.loads(_list(package).read_text())
    except (OSError, ValueError):  # not yet, or torn: then it is done again
        return False
    found = _compiled(cache_folder())
    return bool(named) and all(found.get(name) == size for name, size in named.items())


async def warm(progress: Callable[[str], None]) -> float:
    """Compile what is missing on this node, in a process of its own; seconds it took.

    Without a process when nothing is: it would load everything to find that out.

    Raises:
        StateError: it failed; the text is the compiler's last word.
    """
    began_s = time.monotonic()
    if complete():
        return time.monotonic() - began_s
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "portfolio_mm.actors.kernel_cache"),
        env=os.environ | environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(MAX_WARM_S):
            errors = asyncio.create_task(process.stderr.read())
            async for line in process.stdout:
                progress(line.decode().rstrip())
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        said = (await errors).decode(errors="replace").strip().splitlines()
        msg = f"kernels did not compile: {said[-1] if said else f'exit code {code}'}"
        raise StateError(msg)
    errors.cancel()
    return time.monotonic() - began_s


def compile_all(say: Callable[[str], None]) -> None:
    """Compile the page and everything under it, and what the local venue runs, in two processes at once.

    Raises:
        StateError: the second process failed.
    """
    began_s = time.monotonic()
    if not any(cache_folder().rglob("*.nbi")):
        say("compiling the kernels of this version (once per machine, a minute or two)")
    command = [sys.executable, "-m", "portfolio_mm.actors.kernel_cache", SECOND]
    with subprocess.Popen(command) as second:  # noqa: S603 - our own module
        _compile(FIRST)
    if second.returncode != 0:
        msg = f"the second process that compiles ended with {second.returncode}"
        raise StateError(msg)
    folder = cache_folder()
    if os.environ.get(VARIABLE) == str(folder):  # else numba kept them elsewhere
        _write(_list(PACKAGE), json.dumps(_compiled(folder)))
    say(f"kernels are ready after {time.monotonic() - began_s:.1f} s")


def _compile(half: str) -> None:
    """One of two halves: the page from its beginning; the page from its end, and the venue."""
    from portfolio_mm.actors import lean_compile  # noqa: PLC0415 - numba reads its folder's name when it is imported
    from portfolio_mm.engine import warm  # noqa: PLC0415 - the same

    lean_compile.take_turns(cache_folder() / "turn.lock")
    lean_compile.lean_compiler()
    if half == FIRST:
        warm.warm_up()
        return
    from portfolio_mm.venue import warm as venue  # noqa: PLC0415 - the same

    warm.warm_up_end()
    venue.warm_up()


def _write(path: Path, text: str) -> None:
    """Whole or not at all: others may read meanwhile."""
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(text)
    new.replace(path)


if __name__ == "__main__":
    if sys.argv[1:] == [SECOND]:
        _compile(SECOND)
    elif not complete():
        os.environ.update(environment())
        compile_all(print)
