"""A thread that ends the process when its event loop hangs.

Nobody else notices a hang: supervision sees a live process. So the thread dumps every stack and exits with code 70,
and whoever supervises starts a successor.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

EXIT_HUNG: Final = 70
TURN_S: Final = 0.1


def _exit_now() -> None:
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os._exit(EXIT_HUNG)


class LoopGuard:
    """Watches the loop it was started in.

    Args:
        stall_s: silence of the loop that counts as a hang.
        on_hang: what to do then; the default dumps stacks to standard error and exits at once with `EXIT_HUNG`.
    """

    def __init__(self, stall_s: float = 2.0, on_hang: Callable[[], None] = _exit_now) -> None:
        self._stall_s = stall_s
        self._on_hang = on_hang
        self._turned_at = 0.0
        self._ended = threading.Event()
        self._beat: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._turned_at = time.monotonic()
        self._beat = asyncio.get_running_loop().create_task(self._turn())
        self._thread = threading.Thread(target=self._watch, name="loop guard", daemon=True)
        self._thread.start()

    async def _turn(self) -> None:
        while True:
            self._turned_at = time.monotonic()
            await asyncio.sleep(TURN_S)

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(TURN_S):
            now = time.monotonic()
            asleep = now - last > self._stall_s
            last = now
            if asleep:  # this thread stood still too: the process was stopped or the host slept, not the loop
                self._turned_at = now
            elif now - self._turned_at > self._stall_s:
                self._on_hang()
                return

    def stop(self) -> None:
        """Watch no longer."""
        self._ended.set()
        if self._beat is not None:
            self._beat.cancel()
        if self._thread is not None:
            self._thread.join(1.0)
