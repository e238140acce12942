"""A Ray cluster of our own on this machine, as an ordinary process that outlives the command line.

Own temporary folder (short: a socket lies deep in it), free ports, token authentication, dashboard on loopback. It is
ended through its own process only, never by `ray stop`, which would end every Ray on the machine.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.actors import daemon
from portfolio_mm.actors.kernel_cache import environment
from portfolio_mm.actors.run_folder import RunFolder, private_folder, write_private
from portfolio_mm.domain.errors import PreflightError
from portfolio_mm.settings.plan import ClusterPlan

READY_S: Final = 90.0
END_S: Final = 3.0
"""Ray may take ten seconds to part with its workers; ours have ended in order before, so it need not."""
SWEEP_S: Final = 1.0
RAY: Final = "ray.scripts.scripts"
HEAD_VARIABLES: Final = {"RAY_DISABLE_IMPORT_WARNING": "1", "RAY_worker_niceness": "0"}
"""Ray makes workers nicer by 15 than all else on the machine; ours are not batch work: quotes wait for them."""
WATCHERS: Final = ("/dashboard/dashboard.py", "multiprocessing.forkserver", "ray::DashboardAgent", "ray.util.client")
NICENESS: Final = 10
"""Of Ray's processes that only look on: together they take five seconds of a core while the actors start."""
LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = ""
"""Every address of this machine: only asked whether a port is free there, never listened at."""
NODE: Final = "127.0.0.2"
"""The node itself, on loopback too: nobody outside this machine can reach it."""


class Cluster(msgspec.Struct, frozen=True):
    """Where a cluster is; `pid` 0 means that it is not ours to end. `session` is the one its processes share."""

    address: str
    token_file: str = ""
    dashboard: str = ""
    pid: int = 0
    temporary: str = ""
    session: int = 0

    def alive(self) -> bool:
        """Whether its head still runs; for one that is not ours, whether somebody answers at its address."""
        if self.pid > 0:
            return daemon.runs(self.pid, RAY)
        try:
            return _answers(self.address)
        except (OSError, ValueError):  # an address of another form, which only Ray can read
            return True

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to join."""
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": self.token_file} if self.token_file else {}
        return token | environment()


def temporary_folder(folder: RunFolder) -> Path:
    """Ray's own files; beside the sockets because of the limit on their paths."""
    return folder.sockets / "r"


def _token_file(folder: RunFolder) -> Path:
    return folder.path / "ray-token"


def environment_of(folder: RunFolder) -> dict[str, str]:
    """What a process needs to join the cluster of this folder, known before there is one."""
    return Cluster("", str(_token_file(folder))).environment()


async def start_cluster(plan: ClusterPlan, folder: RunFolder) -> Cluster:
    """Start a head and wait until it answers. A taken dashboard port is replaced by a free one.

    Raises:
        PreflightError: it ended, or did not come up in time.
    """
    temporary = temporary_folder(folder)
    await _sweep(temporary)
    private_folder(temporary)
    token_file = _token_file(folder)
    write_private(token_file, secrets.token_hex(32))
    log = folder.logs / "ray-head.log"
    log.unlink(missing_ok=True)
    variables = environment_of(folder) | HEAD_VARIABLES
    dashboard_port = _free_port(plan.dashboard_port)
    session = 0
    try:
        # Milliseconds, and not in a thread: a cancelled wait would not know the number of what it had started.
        pid = daemon.spawn(_command(plan, temporary, dashboard_port), log, variables)
        session = os.getsid(pid)
        address = await _address(pid, temporary, log)
        for watcher in (each for word in WATCHERS for each in daemon.in_session(session, word)):
            daemon.step_back(watcher, NICENESS)
    except BaseException:  # also a start that is called off half way must leave nothing behind
        await _sweep(temporary, session)
        raise
    return Cluster(address, str(token_file), f"http://{LOOPBACK}:{dashboard_port}", pid, str(temporary), session)


async def _address(pid: int, temporary: Path, log: Path) -> str:
    """Where the new head answers.

    Raises:
        PreflightError: it ended, or did not come up in time.
    """
    end_s = time.monotonic() + READY_S
    address_file = temporary / "ray_current_cluster"
    while time.monotonic() < end_s:
        if not daemon.runs(pid, RAY):
            msg = f"Ray did not start: {_tail(log)}; see {log}"
            raise PreflightError(msg)
        if _started(log) and address_file.exists():
            return address_file.read_text().strip()
        await asyncio.sleep(0.1)
    msg = f"Ray did not start within {READY_S:.0f} s; see {log}"
    raise PreflightError(msg)


def _command(plan: ClusterPlan, temporary: Path, dashboard_port: int) -> list[str]:
    """Every port free or random, so that several clusters live beside each other."""
    head_port, client_port = _other_ports(dashboard_port)
    return [
        *(sys.executable, "-m", RAY, "start", "--head", "--block", f"--port={head_port}"),
        *("--temp-dir", str(temporary), f"--node-ip-address={NODE}", "--disable-usage-stats"),
        *("--no-monitor", "--include-log-monitor=false"),  # nothing here scales, and each actor keeps its own log
        *("--include-dashboard=true", f"--dashboard-host={LOOPBACK}", f"--dashboard-port={dashboard_port}"),
        *("--min-worker-port=0", "--max-worker-port=0", f"--ray-client-server-port={client_port}"),
        f"--object-store-memory={plan.object_store_mb * 1_000_000}",
    ]


def _free_port(wanted: int, host: str = LOOPBACK) -> int:
    """The wanted port, or a free one when it is taken or 0."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    return wanted


def _other_ports(taken: int) -> tuple[int, int]:
    """Two ports free at every address. Ray refuses one number for two parts, and draws its own without asking."""
    ports: list[int] = []
    while len(ports) < 2:
        port = _free_port(0, EVERYWHERE)
        if port not in {taken, *ports}:
            ports.append(port)
    return ports[0], ports[1]


def _started(log: Path) -> bool:
    return log.exists() and "Ray runtime started" in log.read_text(errors="replace")


def _tail(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no word from it"


async def end_cluster(cluster: Cluster) -> None:
    """End a cluster of ours: the head is asked, then everything that still works in its temporary folder is made to."""
    if cluster.pid <= 0:
        return
    await daemon.end(cluster.pid, RAY, END_S)
    await _sweep(Path(cluster.temporary), cluster.session)


async def _sweep(temporary: Path, session: int = 0) -> None:
    """End what still works in a temporary folder, also of a start that was killed half way, and remove it.

    Ray's agents do not name the folder, and do not end with a raylet that was killed: the session finds them.
    """
    word = str(temporary)
    left = dict.fromkeys(daemon.in_session(session, "ray"), "ray") | dict.fromkeys(daemon.working_in(word), word)
    await asyncio.gather(*(daemon.end(pid, held, SWEEP_S) for pid, held in left.items()))
    shutil.rmtree(temporary, ignore_errors=True)


def joinable(plan: ClusterPlan, variables: Mapping[str, str] = os.environ) -> Cluster | None:
    """A running cluster the plan names: an address, RAY_ADDRESS, or the one `ray start` left on this machine."""
    if plan.address is None:
        return None
    if plan.address != "auto":
        return Cluster(plan.address)
    named = variables.get("RAY_ADDRESS", "")
    if named:
        return Cluster(named)
    standard = Path("/tmp/ray/ray_current_cluster")  # noqa: S108 - where Ray itself writes it
    address = standard.read_text().strip() if standard.exists() else ""
    return Cluster(address) if address and _answers(address) else None


def _answers(address: str) -> bool:
    """Whether somebody listens there; a file of a dead cluster stays behind."""
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, int(port))) == 0
