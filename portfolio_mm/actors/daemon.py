"""Processes that must outlive whoever started them, and finding them again by what they are, not by number alone."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

END_S: Final = 5.0
BEGIN_S: Final = 1.0
SHELL: Final = "/bin/sh"
DETACH: Final = '"$@" </dev/null >>"$PMM_OUTPUT" 2>>"$PMM_ERRORS" & echo $!'
"""The shell ends at once, so its child belongs to nobody: supervision that kills the children of an actor's process
does not find it."""


def spawn(
    command: Sequence[str], errors: Path, variables: Mapping[str, str] | None = None, output: Path | None = None
) -> int:
    """Start a process in a session of its own whose parent is not us; its process id.

    What it writes goes to the file `errors`, its standard output to `output` when that is named; `variables` are added
    to its environment.
    """
    files = {"PMM_ERRORS": str(errors), "PMM_OUTPUT": str(output or errors)}
    done = subprocess.run(  # noqa: S603 - our own programs, arguments are not parsed by the shell
        [SHELL, "-c", DETACH, SHELL, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=os.environ | dict(variables or {}) | files,
        start_new_session=True,
        check=True,
    )
    pid = int(done.stdout)
    _await_program(pid, command[0])
    return pid


def _await_program(pid: int, program: str) -> None:
    """Wait (a millisecond) until the shell's child is the program: in between it has no words to be known by."""
    path, end_s = Path(f"/proc/{pid}/cmdline"), time.monotonic() + BEGIN_S
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended already
        while path.read_bytes().split(b"\0")[0] != program.encode() and time.monotonic() < end_s:
            time.sleep(0.0005)


def runs(pid: int, word: str) -> bool:
    """Whether this process lives and its command line holds `word` (numbers are used again, words tell)."""
    if pid <= 0:
        return False
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # collects it when it was ours
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return word.encode() in command


async def end(pid: int, word: str, within_s: float = END_S) -> None:
    """Ask one process to end, then make it; harmless when it is gone or is another one."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not runs(pid, word):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        end_s = time.monotonic() + within_s
        while runs(pid, word) and time.monotonic() < end_s:  # noqa: ASYNC110 - nobody signals that a stranger ended
            await asyncio.sleep(0.05)


def working_in(folder: str) -> list[int]:
    """Processes of this user that name the folder on their command line."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if pid != os.getpid() and runs(pid, folder)]


def in_session(session: int, word: str) -> list[int]:
    """Processes of one session whose command line holds `word`.

    A child that renamed itself, and lost its parent, still belongs to the session its first ancestor began.
    """
    if session <= 0:
        return []
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if pid != os.getpid() and _session(pid) == session and runs(pid, word)]


def step_back(pid: int, niceness: int) -> None:
    """Let a process wait behind those that trade. Linux keeps niceness per thread; children inherit it."""
    with contextlib.suppress(OSError):  # it ended meanwhile
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
