"""One run as the command line sees it: begin, watch, end. What it started it also takes down, whatever happens.

The command line owns the run through a connection to the supervisor (`owner`); when it dies, that connection ends and
the supervisor ends the run.
"""

import asyncio
import contextlib
import importlib
import os
from collections.abc import Callable
from typing import Final

import msgspec

from portfolio_mm.actors.kernel_cache import warm
from portfolio_mm.actors.local_cluster import Cluster, environment_of, joinable, start_cluster
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.owner import Owner
from portfolio_mm.actors.persevere import in_thread
from portfolio_mm.actors.ports import check_ports
from portfolio_mm.actors.preflight import Ready, check_latch, find_venue, prepare
from portfolio_mm.actors.run_folder import RUN_LOCK, START_LOCK, RunFolder
from portfolio_mm.actors.run_spec import RunSpec
from portfolio_mm.actors.teardown import Leftovers, leftovers, take_in_turn, tear_down
from portfolio_mm.actors.topology import CONSOLE, FolderDirectory
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.domain.errors import AlreadyRunningError, ProtocolError
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.state_store import StateStore

Say = Callable[[str], None]
READY_S: Final = 120.0
LOOK_S: Final = 0.1
DEPLOY: Final = "portfolio_mm.actors.deploy"


class Session:
    """A run from its beginning to its end.

    Args:
        plan: validated settings.
        folder: state folder.
        say: hears one line of progress at a time.
        lasting_s: after so long whoever began it will end it; None: nobody knows.
    """

    def __init__(self, plan: Plan, folder: RunFolder, say: Say, lasting_s: float | None = None) -> None:
        self._plan = plan
        self._lasting_s = lasting_s
        self.folder = folder
        self._say = say
        self._lock = folder.lock(START_LOCK)
        self._owner: Owner | None = None
        self.venue: VenueAddress | None = None
        self.cluster: Cluster | None = None
        self.spec: RunSpec | None = None
        self.skipped: tuple[tuple[str, str], ...] = ()

    # -- beginning -----------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Check, start what is missing, and leave when the supervisor holds the run.

        Raises:
            PortfolioMMError: anything that stands in the way, in words; nothing is left running then.
        """
        self.folder.create()
        await take_in_turn(self._lock)
        try:
            self._check_alone()
            check_latch(self.folder)
            await self._take_down_leftovers()
            check_ports(self._plan)
            try:
                await self._start()
            except BaseException:
                await self._leave(guarded=False)
                raise
        finally:
            self._lock.release()

    def _check_alone(self) -> None:
        if self.folder.lock(RUN_LOCK).held_elsewhere():
            msg = f"a run is alive in {self.folder.path}: `portfolio-mm status`, or `portfolio-mm stop` first"
            raise AlreadyRunningError(msg)

    async def _start(self) -> None:
        """The cluster beside kernels and venue: it mostly waits. For a venue that refuses it is ended, unmentioned."""
        self.folder.forget_refusal()
        cluster = asyncio.create_task(self._find_cluster())
        try:
            await warm(self._say)  # the venue runs some of them: two processes would compile the same ones
            ready = await self._ready()
            if self.cluster is None:
                self._say("starting a local Ray")
            await cluster
        except BaseException:
            cluster.cancel()
            await asyncio.gather(cluster, return_exceptions=True)
            raise
        assert self.cluster is not None
        if self.cluster.pid == 0:
            self._say(f"joining the Ray cluster at {self.cluster.address}")
        self._announce()
        self._say(f"starting {len(ready.spec.instruments) + 6} actors")
        os.environ.update(self.cluster.environment())  # Ray reads its token when it is imported
        from portfolio_mm.actors import deploy  # noqa: PLC0415 - ray takes half a second to import

        await WatchdogProcess(self.folder).end()  # one of an earlier run guards by other settings
        # To the end: a cluster taken down meanwhile would make Ray start another one.
        await in_thread(deploy.launch, ready.spec, self.cluster)
        self._owner = Owner(self.folder, self.cluster)
        await self._owner.take()
        await asyncio.to_thread(deploy.leave)  # a driver that stays would die with the cluster, and could not say so

    async def _ready(self) -> Ready:
        """Find the venue, and what may start there."""
        self.venue = await find_venue(self._plan, self.folder, self._say)
        self.folder.announce({"venue_pid": self.venue.pid})
        ready = await prepare(self._plan, self.folder, self.venue, self._say)
        if self._lasting_s is not None:  # counted from here, so that coins are flat before the end and not after
            ends_ms = ready.spec.started_ms + round(1e3 * self._lasting_s)
            ready = ready._replace(spec=msgspec.structs.replace(ready.spec, ends_ms=ends_ms))
        self.spec, self.skipped = ready.spec, ready.skipped
        for coin, reason in ready.skipped:
            self._say(f"{coin} is left out: {reason}")
        if self.venue.pid:
            self._forget_money()
        return ready

    async def _find_cluster(self) -> None:
        """Join or start a cluster."""
        self.cluster = joinable(self._plan.cluster)
        if self.cluster is not None:
            return
        os.environ.update(environment_of(self.folder))  # Ray reads its token when it is imported
        loading = asyncio.ensure_future(asyncio.to_thread(importlib.import_module, DEPLOY))
        try:  # not gathered: a start that is called off has taken its head down when this ends
            self.cluster = await start_cluster(self._plan.cluster, self.folder)
        finally:
            await asyncio.wait([loading])
        loading.result()

    def _forget_money(self) -> None:
        """A fresh embedded venue holds fresh money: an earlier run's high-water mark says nothing about it."""
        assert self.venue is not None
        with contextlib.closing(StateStore(self.folder.state_db)) as store:
            store.forget_money(self.venue.account)

    def _announce(self) -> None:
        assert self.spec is not None
        assert self.cluster is not None
        assert self.venue is not None
        self.folder.announce(
            {
                "run": self.spec.run,
                "account": self.venue.account,
                "venue": self.venue.url,
                "venue_pid": self.venue.pid,
                "cluster": msgspec.to_builtins(self.cluster),
                "pid": os.getpid(),
                "owned": True,
            }
        )

    async def _take_down_leftovers(self) -> None:
        """What a run that died half way left behind."""
        left = leftovers(self.folder)
        if left is not None:
            self._say("taking down what an earlier run left behind")
            # Its watchdog stays until a new one takes over: orders may be left.
            await tear_down(self.folder, left, guarded=True)

    # -- while it runs -------------------------------------------------------------------------------------------

    @property
    def owner(self) -> Owner:
        """Our hold on the run; only after `begin`."""
        assert self._owner is not None
        return self._owner

    async def console_url(self) -> str:
        """Where the console is; empty while it does not listen."""
        try:
            return (await FolderDirectory(self.folder.sockets).find(CONSOLE)).url
        except ProtocolError:
            return ""

    async def two_sided(self, within_s: float = READY_S) -> View:
        """Wait until every coin quotes both sides or says why it cannot; the view that shows it.

        Raises:
            ProtocolError: the gateway did not come up in time.
        """
        last: View | None = None
        end_s = asyncio.get_running_loop().time() + within_s
        while asyncio.get_running_loop().time() < end_s:
            with contextlib.suppress(ProtocolError):
                async with Operator(self.folder) as gateway:
                    while asyncio.get_running_loop().time() < end_s:
                        last = await gateway.view()
                        if self._settled(last):
                            return last
                        await asyncio.sleep(LOOK_S)
            await asyncio.sleep(LOOK_S)
        if last is None:
            msg = f"the gateway did not answer within {within_s:.0f} s; see {self.folder.logs}"
            raise ProtocolError(msg)
        return last

    def _settled(self, view: View) -> bool:
        assert self.spec is not None
        complete = len(view.coins) == len(self.spec.instruments)
        return complete and all(coin.warm and (side.px or side.reason) for coin in view.coins for side in coin.sides)

    # -- end -----------------------------------------------------------------------------------------------------

    async def abandon(self, *, guarded: bool = False) -> None:
        """Take down what was started, after an end.

        With `guarded` the watchdog stays: orders may be left, and it is the last one to cancel them.
        """
        assert self.spec is not None
        await take_in_turn(self._lock)
        try:
            left = leftovers(self.folder)
            if left is None or left.run == self.spec.run:  # else somebody began a new run already
                await self._leave(guarded=guarded)
        finally:
            self._lock.release()

    async def _leave(self, *, guarded: bool) -> None:
        if self._owner is not None:
            self._owner.close()
        if self.cluster is not None:
            from portfolio_mm.actors import deploy  # noqa: PLC0415 - ray takes half a second to import

            await asyncio.to_thread(deploy.leave)
        venue_pid = 0 if self.venue is None else self.venue.pid
        await tear_down(self.folder, Leftovers(0, self.cluster or Cluster(""), venue_pid), guarded=guarded)
