"""The supervisor: makes the actors of a run, adopts those that live, watches their restarts, and ends the run.

It is the holder of the run lock. The command line keeps a connection to its socket; when that connection ends without
a word (`detach`), the command line died, and the run is ended in order. After a restart of its own it adopts whatever
lives and goes on; a command line that was there then has OWNER_GRACE_S to come back.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from portfolio_mm.actors.persevere import first_of, persevere
from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder
from portfolio_mm.actors.topology import SUPERVISOR

LOG: Final = logging.getLogger(__name__)
LOOK_S: Final = 1.0
OWNER_GRACE_S: Final = 10.0


class Deployer(Protocol):
    """What can be done with actors; `deploy.py` does it with Ray, the tests with tasks."""

    async def ensure(self, name: str) -> bool:
        """Make sure an actor of this name exists; True when it was made, False when it was adopted."""
        ...

    async def pid(self, name: str) -> int | None:
        """Process id of the living actor; None while it does not answer."""
        ...

    async def end(self, name: str) -> None:
        """End it for good; harmless when it is gone."""
        ...


class Guardian(Protocol):
    """The watchdog process, as seen from here."""

    async def ensure(self) -> bool:
        """Start it when it does not live; True when it was started."""
        ...

    async def end(self) -> None:
        """End it."""
        ...


class RestartBudget:
    """How often one actor may come back within a window."""

    def __init__(self, restarts: int, window_s: float) -> None:
        self._restarts = restarts
        self._window_s = window_s
        self._seen: dict[str, int] = {}
        self._times: dict[str, deque[float]] = {}

    def exceeded(self, name: str, pid: int, now_s: float) -> bool:
        """Note the process an actor lives in; True when it changed too often."""
        times = self._times.setdefault(name, deque())
        if self._seen.get(name, pid) != pid:
            times.append(now_s)
        self._seen[name] = pid
        while times and times[0] < now_s - self._window_s:
            times.popleft()
        return len(times) > self._restarts


class Supervisor:
    """Keeps the roster of one run alive.

    Args:
        folder: state folder of the run.
        waves: names of actors in the order in which they must exist, made a wave at a time.
        deployer, guardian: hands.
        finish: the orderly end (cancel, verify, report); gives the words for the command line.
        budget: restarts within a window.
    """

    def __init__(
        self,
        folder: RunFolder,
        waves: Sequence[Sequence[str]],
        *,
        deployer: Deployer,
        guardian: Guardian,
        finish: Callable[[str], Awaitable[dict[str, Any]]],
        budget: RestartBudget,
    ) -> None:
        self._folder = folder
        self._waves = waves
        self._deployer = deployer
        self._guardian = guardian
        self._finish = finish
        self._budget = budget
        self._lock = folder.lock(RUN_LOCK)
        self._parked: dict[str, str] = {}
        self._pids: dict[str, int | None] = {}
        self._made = 0
        self._ready = asyncio.Event()
        self._owners: set[asyncio.StreamWriter] = set()
        self._end_reason: asyncio.Future[str] | None = None
        self._outcome: dict[str, Any] = {}
        self._ending = False
        self._hands = asyncio.Lock()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Build, watch, and end the run."""
        await persevere(SUPERVISOR, self._once, self._stopping)

    async def _once(self) -> None:
        self._lock.take()
        self._end_reason = asyncio.get_running_loop().create_future()
        path = self._folder.supervisor_socket
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._converse, path)
        try:
            await first_of(self._stopping, self._build_and_watch(), self._finish_when_told())
        finally:
            server.close()
            self._lock.release()

    async def stop(self) -> None:
        """End `run` and leave the actors alone: a successor adopts them."""
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        """Who lives, who is parked and why."""
        return {
            "ready": self._ready.is_set(),
            "actors": dict(self._pids),
            "parked": dict(self._parked),
            "made": self._made,
            "owners": len(self._owners),
            "outcome": self._outcome,
        }

    def end_run(self, reason: str) -> None:
        """Begin the orderly end; harmless twice."""
        if self._end_reason is not None and not self._end_reason.done():
            self._end_reason.set_result(reason)

    async def _build_and_watch(self) -> None:
        for wave in self._waves:
            made = await asyncio.gather(*(self._deployer.ensure(name) for name in wave))
            self._made += sum(made)
        self._ready.set()
        if self._folder.facts().get("owned"):
            asyncio.get_running_loop().call_later(OWNER_GRACE_S, self._miss_owner)
        while True:
            async with self._hands:
                if not self._ending:  # what is being ended must not be started again
                    await self._look()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        """One round: restarts, the watchdog, and actors that are missing."""
        refusal = await asyncio.to_thread(self._folder.refusal)
        if refusal:  # nothing is looked after any more: a watchdog would cancel another instance's orders
            self.end_run(refusal)
            return
        if await self._guardian.ensure():
            LOG.warning("the watchdog was not there; started it")
        for name in (name for wave in self._waves for name in wave if name not in self._parked):
            pid = await self._deployer.pid(name)
            self._pids[name] = pid
            if pid is None:
                await self._deployer.ensure(name)
            elif self._budget.exceeded(name, pid, time.monotonic()):
                self._parked[name] = "restarted too often; fix the cause and start the run again"
                LOG.error("%s is parked: %s", name, self._parked[name])
                await self._deployer.end(name)

    def _miss_owner(self) -> None:
        if not self._owners and self._folder.facts().get("owned"):
            self.end_run("the command line is gone")

    async def _finish_when_told(self) -> None:
        assert self._end_reason is not None
        reason = await self._end_reason
        LOG.info("ending the run: %s", reason)
        self._outcome = _refused(reason) if self._folder.refusal() else await self._finish(reason)
        self._ending = True
        async with self._hands:
            for wave in reversed(self._waves):
                await asyncio.gather(*(self._deployer.end(name) for name in wave))
            if self._outcome.get("orders_left") == 0:  # else it is the last one to cancel them
                await self._guardian.end()
        for writer in tuple(self._owners):
            with contextlib.suppress(OSError):
                await _say(writer, {"ended": self._outcome})
                writer.close()
        self._stopping.set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command line: it owns the run until it says `detach`."""
        self._owners.add(writer)
        owner = False
        try:
            while line := await reader.readline():
                match json.loads(line):
                    case {"say": "own"}:
                        owner = True
                        await _say(writer, self.status())
                    case {"say": "status"}:
                        await _say(writer, self.status())
                    case {"say": "detach"}:
                        owner = False
                        self._folder.announce(self._folder.facts() | {"owned": False})
                        await _say(writer, {"detached": True})
                    case {"say": "end", "reason": str(reason)}:
                        self.end_run(reason)
                    case _:
                        await _say(writer, {"error": "say own, status, detach or end"})
        except (OSError, ValueError) as error:
            LOG.info("a command line left: %s", error)
        finally:
            self._owners.discard(writer)
            writer.close()
        if owner:
            self.end_run("the command line is gone")


def _refused(reason: str) -> dict[str, Any]:
    """How a run ends whose gateway refused its account: nothing of ours is left, nothing is touched."""
    return {"text": reason, "report": "", "orders_left": 0, "killed": False, "problem": reason, "refused": True}


async def _say(writer: asyncio.StreamWriter, what: dict[str, Any]) -> None:
    writer.write(json.dumps(what).encode() + b"\n")
    await writer.drain()
