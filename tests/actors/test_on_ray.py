"""The same run as real Ray actors: names, and what happens when each process is ended with signal 9."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from portfolio_mm.actors import daemon
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder
from portfolio_mm.actors.session import Session
from portfolio_mm.actors.sweeper import Sweeper
from portfolio_mm.actors.watchdog import read_config
from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.settings.load import load

pytestmark = [
    pytest.mark.ray,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore"),  # Ray's own, which are not ours to mend
]
COINS = ("BTC", "ETH")
CHOSEN = {
    "coins.names": list(COINS),
    "venue.embedded.fee_tier": "rebate3",
    "venue.embedded.account_mode": "standard",
    "quoting.warmup_s": 1.0,
    "actors.console_port": 0,
    "cluster.dashboard_port": 0,
    "cluster.address": None,
}


class Running:
    """A run on Ray, and a look at it from outside."""

    def __init__(self, session: Session, folder: RunFolder) -> None:
        self.session = session
        self.folder = folder

    async def supervisor(self) -> dict[str, Any]:
        """What the supervisor says of its actors."""
        reader, writer = await asyncio.open_unix_connection(self.folder.supervisor_socket)
        writer.write(b'{"say":"status"}\n')
        try:
            async with asyncio.timeout(5):
                found: dict[str, Any] = json.loads(await reader.readline())
                return found
        finally:
            writer.close()

    async def pid(self, name: str) -> int:
        async with asyncio.timeout(30):
            while not (pid := (await self.supervisor())["actors"].get(name)):  # noqa: ASYNC110 - only asking tells
                await asyncio.sleep(0.2)
        return int(pid)

    async def view(self, true: Callable[[View], bool], what: str, within_s: float = 60.0) -> View:
        """Wait for a view of which something is true."""
        last: View | None = None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        async with Operator(self.folder) as gateway:
                            while True:
                                last = await gateway.view()
                                if true(last):
                                    return last
                                await asyncio.sleep(0.1)
                    except ProtocolError:
                        await asyncio.sleep(0.1)
        except TimeoutError:
            sides = [] if last is None else [(c.coin, s.px, s.reason_text) for c in last.coins for s in c.sides]
            reasons = () if last is None else last.risk_reasons
            raise AssertionError(f"not within {within_s} s: {what}; {sides} {reasons}") from None  # noqa: EM102, TRY003


def two_sided(view: View) -> bool:
    return len(view.coins) == len(COINS) and all(side.px for coin in view.coins for side in coin.sides)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    path = tmp_path_factory.mktemp("run")
    folder = RunFolder(path)
    session = Session(load(None, {**CHOSEN, "storage.folder": str(path)}).plan(), folder, lambda _: None)
    await session.begin()
    found = Running(session, folder)
    try:
        await found.view(two_sided, "two-sided quotes everywhere", 120)
        yield found
    finally:
        outcome = await session.owner.end("the tests are over")
        await session.abandon()
        assert outcome.get("orders_left") == 0, outcome


async def test_every_actor_has_a_readable_name(running: Running) -> None:
    import ray  # noqa: PLC0415 - only with a cluster

    assert running.session.cluster is not None
    ray.init(address=running.session.cluster.address, logging_level="ERROR", log_to_driver=False)
    names = {entry["name"] for entry in ray.util.list_named_actors(all_namespaces=True)}
    ray.shutdown()
    account = running.folder.facts()["account"]
    expected = {
        "supervisor",
        "relay",
        f"gateway:{account[:10]}",
        "risk",
        "portfolio",
        "console",
        "coin:BTC",
        "coin:ETH",
    }
    assert expected <= names
    assert daemon.runs(await running.pid("coin:BTC"), "ray::Coin")
    assert daemon.runs(await running.pid("gateway"), "ray::Gateway")


async def test_actors_are_not_nicer_than_everything_else(running: Running) -> None:
    for name in ("coin:BTC", "gateway", "relay"):
        assert os.getpriority(os.PRIO_PROCESS, await running.pid(name)) == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize("name", ["portfolio", "console"])  # the others: tests/kills
async def test_an_actor_ended_by_signal_9_comes_back_and_trading_goes_on(running: Running, name: str) -> None:
    before = await running.pid(name)
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(40):
        while (await running.supervisor())["actors"].get(name) in {before, None}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await running.view(two_sided, f"quotes after {name} came back")


def command_line(tmp_path: Path, *options: str) -> tuple[RunFolder, list[str]]:
    """`portfolio-mm start` on one coin, with a state folder and a cluster of its own."""
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "coins: {names: [BTC]}\nquoting: {warmup_s: 1.0}\nactors: {console_port: 0}\n"
        "cluster: {address: null, dashboard_port: 0}\nvenue: {embedded: {fee_tier: rebate3, account_mode: standard}}\n"
    )
    folder = RunFolder(tmp_path / "state")
    program = str(Path(sys.executable).with_name("portfolio-mm"))
    where = ["--config", str(settings), "--state-folder", str(folder.path)]
    return folder, [program, "start", *where, "--plain", *options]


def one_coin_quotes(view: View) -> bool:
    return bool(view.coins) and all(side.px for side in view.coins[0].sides)


def outside(folder: RunFolder) -> Running:
    return Running(Session(load(None, CHOSEN).plan(), folder, lambda _: None), folder)


async def test_when_all_of_ray_is_killed_at_once_the_watchdog_cancels_and_a_new_start_cleans_up(tmp_path: Path) -> None:
    folder, command = command_line(tmp_path, "--detach")
    first = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    assert await first.wait() == 0
    one = outside(folder)
    await one.view(one_coin_quotes, "quotes", 60)
    supervisor = int((folder.path / RUN_LOCK).read_text())  # it would hold the run for another second
    actors = [pid for pid in (await one.supervisor())["actors"].values() if pid]
    for pid in [*daemon.working_in(str(folder.sockets / "r")), supervisor, *actors]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    async with Sweeper(read_config(folder).target) as eye, asyncio.timeout(20):
        while await eye.resting():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.2)
    assert WatchdogProcess(folder).alive
    old_venue = int(folder.facts()["venue_pid"])
    again = await asyncio.create_subprocess_exec(*command[:-1], "--for", "5s", stdout=asyncio.subprocess.DEVNULL)
    assert await again.wait() == 0
    assert not daemon.runs(old_venue, "portfolio_mm.venue")
    assert not WatchdogProcess(folder).alive
    assert daemon.working_in(str(folder.sockets)) == []
