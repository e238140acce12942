"""Where compiled kernels are kept, and compiling them once per node before anyone trades.

Numba's own cache does not see a change in a function of another file, so the folder is named by a hash of every source
that can hold a kernel, of numba, NumPy, the interpreter and the CPU: any change starts an empty folder.

`python -m portfolio_mm.actors.kernel_cache` compiles what is missing and prints a line per step; it is run as a process
of its own, because the folder must be named before numba is imported.
"""

import asyncio
import hashlib
import importlib.metadata
import os
import platform
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


def marker(package: Path = PACKAGE) -> Path:
    """File that says all of this checkout is compiled; named by what numba trusts a source by: place, size and time."""
    digest = hashlib.sha256()
    for source in (*_sources(package), *package.glob(VENUE_WARM)):
        stat = source.stat()
        digest.update(f"{source}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return cache_folder() / f"complete-{digest.hexdigest()[:16]}"


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


async def warm(progress: Callable[[str], None]) -> float:
    """Compile what is missing on this node, in a process of its own; seconds it took.

    Raises:
        StateError: it failed; the text is the compiler's last word.
    """
    began_s = time.monotonic()
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
    """Compile the page and everything under it, and what the local venue runs."""
    complete = marker()
    if complete.exists():
        say("kernels are ready")
        return
    began_s = time.monotonic()
    if not any(cache_folder().rglob("*.nbi")):
        say("compiling the kernels of this version (once per machine, a minute or two)")
    from portfolio_mm.engine.warm import warm_up  # noqa: PLC0415 - numba reads its folder's name when it is imported
    from portfolio_mm.venue import warm as venue  # noqa: PLC0415 - the same

    warm_up()
    venue.warm_up()
    complete.touch()
    say(f"kernels are ready after {time.monotonic() - began_s:.1f} s")


if __name__ == "__main__":
    os.environ.update(environment())
    compile_all(print)
