"""Keeping the watchdog process alive: started detached, found again by its process id and its command line."""

import asyncio
import sys
from typing import Final

import msgspec

from portfolio_mm.actors import daemon
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.watchdog import PID_FILE, WatchdogConfig, named_watchdog

MODULE: Final = "portfolio_mm.actors.watchdog"


class WatchdogProcess:
    """The watchdog of one folder. It outlives us, so whoever comes next finds it in FOLDER/watchdog.pid."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._pid_file = folder.path / PID_FILE

    def configure(self, config: WatchdogConfig) -> None:
        """Write FOLDER/watchdog.json."""
        write_private(self._folder.path / "watchdog.json", msgspec.json.encode(config).decode())

    @property
    def pid(self) -> int:
        """Process id last started here; 0 when none was."""
        return named_watchdog(self._folder)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return daemon.runs(self.pid, MODULE)

    async def ensure(self) -> bool:
        """Start it when it does not run; True when it was started."""
        if self.alive:
            return False
        command = [sys.executable, "-m", MODULE, "--run-folder", str(self._folder.path)]
        pid = await asyncio.to_thread(daemon.spawn, command, self._folder.logs / "watchdog.err")
        write_private(self._pid_file, str(pid))
        return True

    async def end(self) -> None:
        """End it."""
        await daemon.end(self.pid, MODULE)
        self._pid_file.unlink(missing_ok=True)
