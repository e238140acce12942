"""Ray: the only file that imports it. Plain classes become named, detached actors that come back when they die.

Options, and why (measured, Ray 2.60): `max_restarts=-1` with a budget of our own, for Ray's has no back-off;
`max_task_retries=0`, because a call repeated by Ray would be a second order; a small CPU number, because 0 disables
placement; constructors that only store, because one that raises kills an actor for good.
"""

import asyncio
import contextlib
import gc
import logging
import os
from functools import partial
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, Final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from portfolio_mm.actors.assembly import make
from portfolio_mm.actors.local_cluster import Cluster
from portfolio_mm.actors.loop_guard import LoopGuard
from portfolio_mm.actors.run_spec import Part, RunSpec
from portfolio_mm.actors.topology import GATEWAY, RISK, SUPERVISOR
from portfolio_mm.domain.errors import PreflightError

if TYPE_CHECKING:
    from portfolio_mm.actors.watchdog import WatchdogConfig

LOG: Final = logging.getLogger(__name__)
PINNED: Final = (GATEWAY, RISK)
"""They share the state store and an OS lock: never on another node than the store's."""
ANSWER_S: Final = 2.0
STOP_S: Final = 3.0
EXIT_MISTAKE: Final = 71
LOG_BYTES: Final = 4_000_000
FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to(spec: RunSpec, name: str) -> None:
    """Words go to standard error, which Ray shows, and to FOLDER/logs/NAME.log, which outlives Ray's own folder."""
    path = spec.files.logs / f"{name.replace(':', '-').replace('/', '-')}.log"
    kept = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=[logging.StreamHandler(), kept], force=True)


def seat_name(name: str, spec: RunSpec) -> str:
    """Name in the Ray dashboard: the gateway's says whose it is."""
    return f"{GATEWAY}:{spec.venue.account[:10]}" if name == GATEWAY else name


class Seat:
    """One actor of the run: holds a plain part and keeps it running; a mistake in it ends the process."""

    async def __init__(self, name: str, spec: RunSpec) -> None:  # type: ignore[misc] # Ray awaits it
        self._name = name
        self._spec = spec
        self._part: Part | None = None
        self._life = asyncio.create_task(self._live())

    def __repr__(self) -> str:
        kind, _, coin = self._name.partition(":")
        return f"{kind.capitalize()}({coin})" if coin else kind.capitalize()

    async def _live(self) -> None:
        log_to(self._spec, self._name)
        guard = LoopGuard(self._spec.plan.actors.stall_s)
        try:
            self._part = await asyncio.to_thread(make, self._name, self._spec)
            gc.freeze()  # what is loaded stays: a full collection of it would stop a coin for 80 ms and more
            guard.start()
            await self._part.run()
        except Exception:  # logged whole, then the process ends and Ray starts another (docs/failures.md)
            LOG.exception("%s made a mistake; ending this process", self._name)
            os._exit(EXIT_MISTAKE)
        finally:
            guard.stop()

    async def pid(self) -> int:
        """Process id."""
        return os.getpid()

    async def status(self) -> dict[str, Any]:
        """How the part is."""
        return {"starting": True} if self._part is None else dict(self._part.status())

    async def stop(self) -> None:
        """End the part in order."""
        if self._part is not None:
            await self._part.stop()
            await asyncio.wait([self._life], timeout=STOP_S)


def seat_class(name: str) -> type[Seat]:
    """A seat called after what sits in it, because Ray names processes and dashboard rows by class: `ray::Coin`."""
    return type(name.partition(":")[0].capitalize(), (Seat,), {"__doc__": Seat.__doc__})


class RayDeployer:
    """`supervisor.Deployer` on Ray."""

    def __init__(self, spec: RunSpec, cluster: Cluster, node: str) -> None:
        self._spec = spec
        self._cluster = cluster
        self._node = node

    async def ensure(self, name: str) -> bool:
        """Adopt or make."""
        seat = seat_name(name, self._spec)
        if _find(seat, self._spec) is not None:
            return False
        pinned = self._node if name in PINNED else None
        options = _options(seat, self._spec, self._cluster, pinned)
        await asyncio.to_thread(ray.remote(seat_class(name)).options(**options).remote, name, self._spec)
        return True

    async def pid(self, name: str) -> int | None:
        """Ask it; None when it does not answer in time."""
        handle = _find(seat_name(name, self._spec), self._spec)
        if handle is None:
            return None
        try:
            return int(await asyncio.wait_for(handle.pid.remote(), ANSWER_S))
        except (TimeoutError, ray.exceptions.RayError):
            return None

    async def end(self, name: str) -> None:
        """Stop in order, then for good."""
        handle = _find(seat_name(name, self._spec), self._spec)
        if handle is None:
            return
        with contextlib.suppress(TimeoutError, ray.exceptions.RayError):
            await asyncio.wait_for(handle.stop.remote(), STOP_S)
        ray.kill(handle, no_restart=True)


class SupervisorSeat:
    """The supervisor as an actor; after the orderly end it takes down what the run brought along.

    It imports what only a supervisor needs: every worker of the run imports this file, and on a small machine the time
    of a start is the sum of what they all load.
    """

    async def __init__(self, spec: RunSpec, cluster: Cluster) -> None:  # type: ignore[misc] # Ray awaits it
        self._spec = spec
        self._cluster = cluster
        self._life = asyncio.create_task(self._live())

    def __repr__(self) -> str:
        return "Supervisor"

    async def _live(self) -> None:
        from portfolio_mm.actors.ending import finish  # noqa: PLC0415 - see above
        from portfolio_mm.actors.supervisor import RestartBudget, Supervisor  # noqa: PLC0415 - see above
        from portfolio_mm.actors.teardown import from_outside  # noqa: PLC0415 - see above
        from portfolio_mm.actors.watchdog_process import WatchdogProcess  # noqa: PLC0415 - see above

        log_to(self._spec, SUPERVISOR)
        spec, actors = self._spec, self._spec.plan.actors
        files = spec.files
        guardian = WatchdogProcess(files)
        if spec.venue.watchdog_key_path is not None:
            guardian.configure(watchdog_config(spec))
        node = ray.get_runtime_context().get_node_id()
        supervisor = Supervisor(
            files,
            spec.waves(2 * (os.cpu_count() or 1)),
            deployer=RayDeployer(spec, self._cluster, node),
            guardian=guardian,
            finish=partial(finish, spec),
            budget=RestartBudget(actors.restarts, actors.restart_window_s),
        )
        try:
            await supervisor.run()
        except Exception:  # logged whole, then the process ends and Ray starts another (docs/failures.md)
            LOG.exception("the supervisor made a mistake; ending this process")
            os._exit(EXIT_MISTAKE)
        outcome = supervisor.status()["outcome"]
        if outcome:
            from_outside(files, guarded=outcome.get("orders_left") != 0)
            handle = _find(SUPERVISOR, spec)
            if handle is not None:
                ray.kill(handle, no_restart=True)

    async def pid(self) -> int:
        """Process id."""
        return os.getpid()


def watchdog_config(spec: RunSpec) -> "WatchdogConfig":
    """What the watchdog of this run guards."""
    from portfolio_mm.actors.sweeper import Target  # noqa: PLC0415 - only the supervisor needs it
    from portfolio_mm.actors.watchdog import WatchdogConfig  # noqa: PLC0415 - the same
    from portfolio_mm.hyperliquid.collateral import dexes_of  # noqa: PLC0415 - the same

    venue, risk = spec.venue, spec.plan.risk
    target = Target(
        venue.account,
        venue.url,
        venue.ws_url,
        mainnet=spec.plan.venue.mainnet,
        key_path=venue.watchdog_key_path or "",
        vault=spec.plan.account.vault,
        dexes=dexes_of(spec.plan.coin_names),
    )
    return WatchdogConfig(target, silence_s=risk.watchdog_s, heartbeat_s=spec.plan.actors.heartbeat_ms / 1e3)


def launch(spec: RunSpec, cluster: Cluster) -> None:
    """Join the cluster and leave a supervisor in it; everything else is its work.

    `cluster.environment()` must be in ours before this module is imported.

    Raises:
        PreflightError: the cluster does not let us in.
    """
    try:
        ray.init(
            address=cluster.address,
            namespace=spec.plan.cluster.namespace,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError) as error:
        msg = f"the Ray cluster at {cluster.address} does not let us in: {error}"
        raise PreflightError(msg) from None
    node = ray.get_runtime_context().get_node_id()
    options = _options(SUPERVISOR, spec, cluster, node)
    ray.remote(SupervisorSeat).options(**options).remote(spec, cluster)


def leave() -> None:
    """Leave the cluster; detached actors stay."""
    ray.shutdown()


def _find(seat: str, spec: RunSpec) -> Any | None:
    try:
        return ray.get_actor(seat, namespace=spec.plan.cluster.namespace)
    except ValueError:
        return None


def _options(seat: str, spec: RunSpec, cluster: Cluster, node: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "name": seat,
        "namespace": spec.plan.cluster.namespace,
        "lifetime": "detached",
        "get_if_exists": True,
        "max_restarts": -1,
        "max_task_retries": 0,
        "num_cpus": spec.plan.cluster.cpus_per_actor,
    }
    if node is not None:
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
    if cluster.pid == 0:  # a cluster of somebody else's does not have our variables in its environment
        options["runtime_env"] = {"env_vars": cluster.environment()}
    return options
