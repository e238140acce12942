"""The supervisor: makes and adopts, parks what keeps dying, ends the run when its owner is gone."""

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder
from portfolio_mm.actors.supervisor import LOOK_S, RestartBudget, Supervisor
from portfolio_mm.cli.start import judge
from portfolio_mm.domain.errors import AlreadyRunningError, OtherInstanceError
from tests.actors.waiting import until

WAVES = (("gateway", "risk"), ("coin:BTC",))


class Cluster:
    """Actors as numbers: who lives, in which process, and in which order they were made and ended."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.made: list[str] = []
        self.ended: list[str] = []
        self.watchdogs = 0
        self.watchdog_alive = False
        self.finished: list[str] = []

    async def ensure(self, name: str) -> bool:
        if name in self.pids:
            return False
        self.pids[name] = 100 + len(self.made)
        self.made.append(name)
        return True

    async def pid(self, name: str) -> int | None:
        return self.pids.get(name)

    async def end(self, name: str) -> None:
        self.pids.pop(name, None)
        self.ended.append(name)

    async def finish(self, reason: str) -> dict[str, Any]:
        self.finished.append(reason)
        return {"orders_left": 0, "text": reason}


class Dog:
    """The watchdog process, which somebody kills."""

    def __init__(self) -> None:
        self.started = 0
        self.alive = False

    async def ensure(self) -> bool:
        started, self.alive = not self.alive, True
        self.started += started
        return started

    async def end(self) -> None:
        self.alive = False


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    found = RunFolder(tmp_path)
    found.create()
    return found


@contextlib.asynccontextmanager
async def supervised(
    folder: RunFolder, cluster: Cluster, dog: Dog, restarts: int = 2
) -> AsyncIterator[tuple[Supervisor, "asyncio.Task[None]"]]:
    supervisor = Supervisor(
        folder, WAVES, deployer=cluster, guardian=dog, finish=cluster.finish, budget=RestartBudget(restarts, 60.0)
    )
    task = asyncio.create_task(supervisor.run())
    try:
        await until(lambda: bool(supervisor.status()["ready"]), "ready")
        yield supervisor, task
    finally:
        await supervisor.stop()
        await asyncio.gather(task, return_exceptions=True)


class Owner:
    """A command line's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, folder: RunFolder) -> "Owner":
        owner = cls(*await asyncio.open_unix_connection(folder.supervisor_socket))
        await owner.say({"say": "own"})
        return owner

    async def say(self, what: dict[str, Any]) -> dict[str, Any]:
        self.writer.write(json.dumps(what).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self.reader.readline(), 10)
        found: dict[str, Any] = json.loads(line)
        return found

    async def leave(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def test_makes_all_actors_in_waves_and_the_watchdog(folder: RunFolder) -> None:
    cluster, dog = Cluster(), Dog()
    async with supervised(folder, cluster, dog):
        assert cluster.made == ["gateway", "risk", "coin:BTC"]
        await until(lambda: dog.started == 1, "a watchdog")
        dog.alive = False
        await until(lambda: dog.started == 2, "another watchdog")


async def test_a_successor_adopts_what_lives_and_makes_what_is_missing(folder: RunFolder) -> None:
    cluster = Cluster()
    async with supervised(folder, cluster, Dog()):
        pass
    del cluster.pids["risk"]
    async with supervised(folder, cluster, Dog()):
        assert cluster.made == ["gateway", "risk", "coin:BTC", "risk"]
        assert cluster.ended == []


def looked_at(supervisor: Supervisor, pid: int) -> bool:
    """Whether the supervisor has seen the coin in this process, or has had enough of it."""
    now = supervisor.status()
    return now["actors"].get("coin:BTC") == pid or bool(now["parked"])


async def test_an_actor_that_keeps_dying_is_parked_with_a_reason(folder: RunFolder) -> None:
    cluster = Cluster()
    async with supervised(folder, cluster, Dog(), restarts=1) as (supervisor, _):
        for pid in range(1_000, 1_004):
            if supervisor.status()["parked"]:
                break
            cluster.pids["coin:BTC"] = pid
            await until(functools.partial(looked_at, supervisor, pid), "a look")
        await until(lambda: "coin:BTC" in supervisor.status()["parked"], "parked")
        assert cluster.ended == ["coin:BTC"]
        assert "coin:BTC" not in cluster.pids


async def test_an_owner_that_vanishes_ends_the_run(folder: RunFolder) -> None:
    cluster, dog = Cluster(), Dog()
    async with supervised(folder, cluster, dog) as (_, task):
        owner = await Owner.of(folder)
        await owner.leave()
        await asyncio.wait_for(task, 10)
        assert cluster.finished == ["the command line is gone"]
        assert cluster.ended == ["coin:BTC", "gateway", "risk"]
        assert not dog.alive


async def test_what_is_being_ended_is_not_started_again(folder: RunFolder) -> None:
    class Slow(Cluster):
        async def end(self, name: str) -> None:
            await super().end(name)
            await asyncio.sleep(1.2 * LOOK_S)

    cluster, dog = Slow(), Dog()
    async with supervised(folder, cluster, dog) as (supervisor, task):
        made = list(cluster.made)
        supervisor.end_run("enough")
        await asyncio.wait_for(task, 15)
        assert cluster.made == made
        assert dog.started == 1
        assert not dog.alive


async def test_an_owner_that_detaches_leaves_the_run_alone(folder: RunFolder) -> None:
    cluster = Cluster()
    async with supervised(folder, cluster, Dog()) as (_, task):
        owner = await Owner.of(folder)
        assert (await owner.say({"say": "detach"})) == {"detached": True}
        await owner.leave()
        other = await Owner.of(folder)
        await other.say({"say": "detach"})
        await other.leave()
        assert not task.done()
        assert cluster.finished == []


async def test_whoever_asks_for_the_end_hears_the_outcome(folder: RunFolder) -> None:
    cluster = Cluster()
    async with supervised(folder, cluster, Dog()) as (supervisor, task):
        owner = await Owner.of(folder)
        assert (await owner.say({"say": "end", "reason": "enough"})) == {"ended": {"orders_left": 0, "text": "enough"}}
        await asyncio.wait_for(task, 10)
        assert supervisor.status()["outcome"]["orders_left"] == 0
        await owner.leave()


async def test_nonsense_on_the_socket_is_answered(folder: RunFolder) -> None:
    async with supervised(folder, Cluster(), Dog()) as (_, task):
        owner = await Owner.of(folder)
        assert "error" in await owner.say({"say": "sing"})
        await owner.say({"say": "detach"})
        await owner.leave()
        assert not task.done()


async def test_the_run_lock_is_held_for_as_long_as_the_run_lives(folder: RunFolder) -> None:
    async with supervised(folder, Cluster(), Dog()):
        with pytest.raises(AlreadyRunningError):
            folder.lock(RUN_LOCK).take()
    folder.lock(RUN_LOCK).take()


def test_a_budget_counts_changes_of_process_within_its_window() -> None:
    budget = RestartBudget(2, 60.0)
    assert not budget.exceeded("a", 1, 0.0)
    assert not budget.exceeded("a", 2, 1.0)
    assert not budget.exceeded("a", 3, 2.0)
    assert budget.exceeded("a", 4, 3.0)
    assert not budget.exceeded("a", 4, 100.0)
    assert not budget.exceeded("b", 9, 3.0)


async def test_a_run_whose_account_belongs_to_another_instance_is_ended_and_nothing_is_touched(
    folder: RunFolder,
) -> None:
    cluster, dog = Cluster(), Dog()
    async with supervised(folder, cluster, dog) as (_, task):
        owner = await Owner.of(folder)
        await until(lambda: dog.alive, "a watchdog")
        folder.refuse("OtherInstanceError: another instance trades on account 0x1")
        outcome = (await owner.hear())["ended"]
        await asyncio.wait_for(task, 5)
        assert cluster.finished == [], "no gateway is asked, no order counted"
        assert (dog.alive, dog.started) == (False, 1)
        with pytest.raises(OtherInstanceError, match="another instance trades on account 0x1") as refused:
            judge(outcome)
        assert refused.value.exit_code == 5
        await owner.leave()
    folder.forget_refusal()
    assert folder.refusal() == ""
