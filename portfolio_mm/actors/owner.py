"""The command line's hold on a run: a connection to the supervisor that survives a restart of the supervisor.

When the holder dies the connection ends with it, and the supervisor ends the run. When the supervisor dies, Ray starts
another, and the holder takes hold of the run again; only when the cluster is gone, or no successor comes, has the run
vanished.
"""

import asyncio
import contextlib
import json
from typing import Any, Final

from portfolio_mm.actors.local_cluster import Cluster
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.domain.errors import PreflightError

LOOK_S: Final = 0.1
FIRST_S: Final = 120.0
AGAIN_S: Final = 30.0
"""How long a restarted supervisor may take: Ray needs a second or two, a busy machine more."""
END_S: Final = 150.0
"""A throttled venue may keep the last reading waiting for a minute, a silent gateway for its forty seconds."""


class Owner:
    """Holds one run. `take` before anything else."""

    def __init__(self, folder: RunFolder, cluster: Cluster) -> None:
        self._folder = folder
        self._cluster = cluster
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._ending = ""
        self.returns = 0
        """How often a successor of the supervisor was found."""

    async def take(self) -> None:
        """Connect as soon as the supervisor listens.

        Raises:
            PreflightError: it does not come up, or the cluster is gone.
        """
        if not await self._connect(FIRST_S):
            msg = f"the supervisor did not start within {FIRST_S:.0f} s; see {self._folder.logs}"
            raise PreflightError(msg)

    async def _connect(self, within_s: float) -> bool:
        """Whether a supervisor took our word within this time; gives up at once when the cluster is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    with contextlib.suppress(OSError, ValueError):
                        self._line = await asyncio.open_unix_connection(self._folder.supervisor_socket)
                        await self._tell({"say": "own"})
                        if await self._hear() is not None:
                            return True
                    self.close()
                    if not await asyncio.to_thread(self._cluster.alive):
                        return False
                    await asyncio.sleep(LOOK_S)
        self.close()
        return False

    async def outcome(self) -> dict[str, Any]:
        """Wait until the run has ended; what was said of it. Empty when it vanished without a word."""
        while True:
            said = None
            with contextlib.suppress(OSError, ValueError):
                said = await self._hear()
            if said is None:
                if not await self._connect(AGAIN_S):
                    return {}
                self.returns += 1
                if self._ending:
                    await self._say_end()
            elif "ended" in said:
                return dict(said["ended"])

    async def end(self, reason: str) -> dict[str, Any]:
        """Have the run ended in order; what was said of it. Empty when it vanished, or did not end in time."""
        self._ending = reason
        await self._say_end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                return await self.outcome()
        return {}

    async def _say_end(self) -> None:
        with contextlib.suppress(OSError):
            await self._tell({"say": "end", "reason": self._ending})

    async def detach(self) -> None:
        """Let the run go on without us."""
        await self._tell({"say": "detach"})
        await self._hear()
        self.close()

    def close(self) -> None:
        """Hang up; a supervisor that was not told otherwise ends the run."""
        if self._line is not None:
            self._line[1].close()
            self._line = None

    async def _tell(self, what: dict[str, str]) -> None:
        if self._line is None:
            msg = "the supervisor hung up"
            raise ConnectionError(msg)
        self._line[1].write(json.dumps(what).encode() + b"\n")
        await self._line[1].drain()

    async def _hear(self) -> dict[str, Any] | None:
        """The next word; None when the supervisor hung up."""
        line = b"" if self._line is None else await self._line[0].readline()
        said: dict[str, Any] | None = json.loads(line) if line else None
        return said
