"""Taking down what a run brought along: its embedded venue and its own Ray. What it only joined stays.

`python -m portfolio_mm.actors.teardown FOLDER` does it from outside: the supervisor lives in the cluster that is to
end, so it leaves this to a process that does not.
"""

import argparse
import asyncio
import shutil
import sys
from typing import Final

import msgspec

from portfolio_mm.actors import daemon
from portfolio_mm.actors.local_cluster import Cluster, end_cluster
from portfolio_mm.actors.run_folder import START_LOCK, FolderLock, RunFolder
from portfolio_mm.actors.venue_process import MODULE as VENUE
from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.domain.errors import AlreadyRunningError, PortfolioMMError, StateError

MODULE: Final = "portfolio_mm.actors.teardown"
PATIENCE_S: Final = 15.0
STEP_S: Final = 0.1


class Leftovers(msgspec.Struct, frozen=True):
    """What run.json names that may still live."""

    run: int = 0
    cluster: Cluster = Cluster("")
    venue_pid: int = 0


def leftovers(folder: RunFolder) -> Leftovers | None:
    """What the last run left to take down; None when there is nothing.

    Raises:
        StateError: run.json is damaged; it is left untouched.
    """
    facts = folder.facts()
    try:
        return msgspec.convert(facts, Leftovers) if facts else None
    except msgspec.ValidationError as error:
        msg = f"{folder.run_json} is damaged ({error}): move it away after looking at it"
        raise StateError(msg) from None


async def tear_down(folder: RunFolder, left: Leftovers, *, guarded: bool = False) -> None:
    """End the watchdog (unless the account is to stay `guarded`), the embedded venue, then the cluster.

    Harmless for what is gone or was not ours. Only with START_LOCK held, so that no new run is in the way.
    """
    unguarded = not guarded or left.venue_pid > 0  # at a venue that ends here nothing can be left
    if unguarded:
        await WatchdogProcess(folder).end()
    await daemon.end(left.venue_pid, VENUE)
    await end_cluster(left.cluster)
    if unguarded:  # a supervisor that had just begun may have started another
        await WatchdogProcess(folder).end()
    shutil.rmtree(folder.sockets, ignore_errors=True)
    folder.announce({})


async def take_in_turn(lock: FolderLock) -> None:
    """Take START_LOCK; somebody who takes a run down lets go of it within seconds.

    Raises:
        AlreadyRunningError: it is still held.
    """
    end_s = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            lock.take()
        except AlreadyRunningError:
            if asyncio.get_running_loop().time() > end_s:
                raise
            await asyncio.sleep(STEP_S)
        else:
            return


def from_outside(folder: RunFolder, *, guarded: bool) -> None:
    """Have a process of its own do it."""
    command = [sys.executable, "-m", MODULE, str(folder.path), *(("--guarded",) if guarded else ())]
    daemon.spawn(command, folder.logs / "teardown.err")


async def _main(folder: RunFolder, *, guarded: bool) -> None:
    lock = folder.lock(START_LOCK)
    await take_in_turn(lock)
    left = leftovers(folder)
    if left is not None:
        await tear_down(folder, left, guarded=guarded)


def main(arguments: list[str]) -> int:
    """Exit 0 when nothing is left."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("folder", help="state folder of the run")
    parser.add_argument("--guarded", action="store_true", help="leave the watchdog alone: orders may be left")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(_main(RunFolder(given.folder), guarded=given.guarded))
    except PortfolioMMError as error:
        sys.stderr.write(f"teardown: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
