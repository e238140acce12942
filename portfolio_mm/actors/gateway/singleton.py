"""One gateway per account: an OS lock on the node, and the owner row in the state store.

A gateway that finds the lock held gives the holder half a second, then ends it by process id: a successor is only
started when the old one is believed dead, so a live holder hangs. The lock falls with its process, so whoever has it
knows that no predecessor on this node can sign any more; what such a predecessor had in flight lands or expires within
the time to live of its last permit.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import time
from pathlib import Path
from typing import Final

from portfolio_mm.domain.errors import AlreadyRunningError
from portfolio_mm.storage.state_store import StateStore

LOG: Final = logging.getLogger(__name__)
PATIENCE_S: Final = 0.5
ENDED_S: Final = 5.0
STEP_S: Final = 0.02
ROLE: Final = "gateway"
RELEASED: Final = "released"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot: tells a process from a later one with the same id."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


class NodeLock:
    """Exclusive lock on one file, with the holder's process id and start time in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    async def take(self) -> None:
        """Lock; ends a holder that does not let go.

        Raises:
            AlreadyRunningError: the holder is this very process, is not known, or cannot be ended.
        """
        if await self._try_for(PATIENCE_S):
            return
        holder, started = self._holder()
        if holder <= 0 or holder == os.getpid() or _started(holder) != started:
            msg = f"{self._path} is held by process {holder or 'unknown'}: stop that run first"
            raise AlreadyRunningError(msg)
        LOG.warning("process %d holds %s and does not let go: ending it", holder, self._path)
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGKILL)
        if not await self._try_for(ENDED_S):
            msg = f"{self._path} is still held after process {holder} was ended: stop that run first"
            raise AlreadyRunningError(msg)

    async def _try_for(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self._try():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(STEP_S)
        return True

    def _try(self) -> bool:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {_started(os.getpid())}".encode(), 0)
        self._fd = fd
        return True

    def _holder(self) -> tuple[int, str]:
        pid, _, started = self._path.read_text().partition(" ")
        return (int(pid) if pid.isdigit() else 0), started

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Ownership:
    """The owner row of one account."""

    def __init__(self, store: StateStore, account: str) -> None:
        self._store = store
        self._account = account
        self.epoch = 0
        self.was_released = True

    def take(self, now_ms: int) -> int:
        """Become the owner; gives the epoch, above every earlier one."""
        before = self._store.owner(ROLE, self._account)
        self.was_released = before is None or before.holder == RELEASED
        self.epoch = self._store.take(ROLE, self._account, f"process {os.getpid()}", now_ms)
        return self.epoch

    def holds(self) -> bool:
        """Whether nobody took over since."""
        owner = self._store.owner(ROLE, self._account)
        return owner is not None and owner.epoch == self.epoch

    def release(self, now_ms: int) -> None:
        """Say that nothing of ours is in flight, so that a successor need not wait."""
        self._store.take_from(ROLE, self._account, RELEASED, now_ms, expected=self.epoch)
