"""What happens to the orders when a part of a trading run is killed, and when the run itself is.

Everything is the real thing: the command line as a process, Ray, the venue as another process that outlives the run and
is asked at the end. After every kill the venue, the gateway and the coins must name the same orders again.
"""

import asyncio
import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.domain.limits import RiskState
from tests.kills.stand import LOOK_S, THROTTLED_S, Line, Resting, line_on_its_own_venue

pytestmark = [
    pytest.mark.ray,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:unclosed"),  # sockets of processes that were killed under us
]
Note = Callable[[str], None]
UNSHARE = ("unshare", "-m", "-p", "-n", "-f", "--kill-child", "--mount-proc")


@pytest.fixture(scope="module")
def note() -> Iterator[Note]:
    """Collects what was seen, and prints it at the end (`pytest -s`)."""
    seen: list[str] = []
    yield seen.append
    print("", *seen, sep="\n  ")  # noqa: T201 - the table of this file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    """The run whose parts are killed one after the other."""
    async with line_on_its_own_venue(tmp_path_factory.mktemp("parts")) as one:
        await one.start()
        yield one


def none_of(old: set[int]) -> Callable[[list[Resting]], bool]:
    return lambda orders: not any(one.oid in old for one in orders)


async def books_closed(line: Line) -> int:
    """The run's report explains the venue's equity to the last printed digit, whoever was killed; how many fills."""
    (path,) = line.folder.reports.glob("*.json")
    report = json.loads(path.read_text())
    fills: int = sum(coin["fills"] for coin in report["coins"])
    told = {"fills": fills, **report["pnl"], **report["closing"]}
    assert report["doubts"] == []
    assert report["closing"]["closes"], f"the report says {told}, the venue {await line.venue.earned()}"
    return fills


def oids(orders: list[Resting]) -> set[int]:
    return {one.oid for one in orders}


async def replaced(line: Line, name: str, before: int) -> float:
    """Wait for the successor of an actor; the seconds it took."""
    began_s = time.monotonic()
    async with asyncio.timeout(THROTTLED_S):
        while await line.actor(name) == before:  # noqa: ASYNC110 - only the supervisor knows
            await asyncio.sleep(LOOK_S)
    return time.monotonic() - began_s


async def test_orders_of_a_killed_coin_are_cancelled_and_no_others(line: Line, note: Note) -> None:
    await line.settled()
    before = await line.orders()
    own = {one.oid for one in before if one.coin == "XRP"}
    pid = await line.actor("coin:XRP")
    os.kill(pid, signal.SIGKILL)
    gone_s = await line.until(none_of(own), "the killed coin's orders are gone", 3)
    assert any(one.coin == "DOGE" for one in await line.orders())
    back_s = await line.settled()
    new = {one.epoch for one in await line.orders() if one.coin == "XRP"}
    assert new
    assert min(new) > max(one.epoch for one in before if one.coin == "XRP")
    note(f"coin: {len(own)} orders gone after {gone_s:.1f} s, quoting again {back_s:.1f} s later")


async def test_a_killed_gateway_clears_the_account_before_it_trades(line: Line, note: Note) -> None:
    await line.settled()
    before = await line.orders()
    pid = await line.actor("gateway")
    os.kill(pid, signal.SIGKILL)
    old, began_s, gone_s = oids(before), time.monotonic(), 0.0
    while True:  # no order of the new life beside one of the old
        orders = await line.orders()
        if not gone_s and none_of(old)(orders):
            gone_s = time.monotonic() - began_s
        fresh = {one.run for one in orders} - {before[0].run}
        if fresh:
            assert none_of(old)(orders), orders
            break
        assert time.monotonic() - began_s < THROTTLED_S
        await asyncio.sleep(LOOK_S / 2)
    await line.settled()
    back_s = time.monotonic() - began_s
    note(f"gateway: {len(old)} orders gone after {gone_s:.1f} s, quoting again after {back_s:.1f} s")


async def test_gateway_and_coin_killed_at_once_settle_again(line: Line, note: Note) -> None:
    await line.settled()
    began_s = time.monotonic()
    pids = {name: await line.actor(name) for name in ("gateway", "coin:DOGE")}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    for name, pid in pids.items():
        await replaced(line, name, pid)
    await line.settled()
    note(f"gateway and coin at once: quoting again after {time.monotonic() - began_s:.1f} s")


async def test_a_killed_risk_actor_comes_back_and_permits_again(line: Line, note: Note) -> None:
    await line.settled()
    pid = await line.actor("risk")
    began_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    least = 99
    while time.monotonic() - began_s < 30:
        least = min(least, len(await line.orders()))
        supervisor = (await line.supervisor()).get("actors", {})
        if supervisor.get("risk") not in {pid, None}:
            break
        await asyncio.sleep(LOOK_S)
    new_s = time.monotonic() - began_s
    await line.settled()
    back_s = time.monotonic() - began_s
    note(f"risk: successor after {new_s:.1f} s, quoting with its permit after {back_s:.1f} s, fewest orders {least}")


async def test_without_an_answer_of_risk_nothing_rests_and_nothing_is_placed(line: Line, note: Note) -> None:
    await line.settled()
    pid = await line.actor("risk")
    began_ms = await line.venue.now_ms()
    os.kill(pid, signal.SIGSTOP)
    try:
        gone_s = await line.until(lambda orders: not orders, "no permit, no order", 8)
        await asyncio.sleep(2.0)  # silence: coins go on wishing, nothing may come of it
        assert not await line.orders()
        last_ms = max(await line.venue.placed_ms()) - began_ms
    finally:
        os.kill(pid, signal.SIGCONT)
    assert last_ms <= 3_000
    back_s = await line.settled()
    note(
        f"risk standing still: last order placed {last_ms / 1e3:.1f} s, all gone {gone_s:.1f} s after its last word, "
        f"quoting {back_s:.1f} s after it spoke again"
    )


async def test_coins_pull_their_quotes_while_a_killed_relay_is_away(line: Line, note: Note) -> None:
    await line.settled()
    pid = await line.actor("relay")
    began_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    gone_s = await line.until(lambda orders: not orders, "no feed, no order", 5)
    await replaced(line, "relay", pid)
    await line.settled()
    back_s = time.monotonic() - began_s
    note(f"relay: all orders gone after {gone_s:.1f} s, quoting again after {back_s:.1f} s")


async def test_a_killed_watchdog_is_replaced_while_orders_rest(line: Line, note: Note) -> None:
    await line.settled()
    watchdog = WatchdogProcess(line.folder)
    before, began_s = watchdog.pid, time.monotonic()
    os.kill(before, signal.SIGKILL)
    least = 99
    while watchdog.pid == before or not watchdog.alive:
        least = min(least, len(await line.orders()))
        assert time.monotonic() - began_s < 20
        await asyncio.sleep(LOOK_S)
    new_s = time.monotonic() - began_s
    await line.settled(then=lambda view: view.watchdog_age_s < 2.0)
    assert least > 0
    note(f"watchdog: successor after {new_s:.1f} s, heard again {time.monotonic() - began_s:.1f} s, orders {least}")


async def test_without_a_watchdog_nothing_is_permitted(line: Line, note: Note) -> None:
    await line.settled()
    pid = WatchdogProcess(line.folder).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        gone_s = await line.until(lambda orders: not orders, "no watchdog, no order", 12)
    finally:
        os.kill(pid, signal.SIGCONT)
    back_s = await line.settled()
    note(f"watchdog standing still: all orders gone after {gone_s:.1f} s, quoting {back_s:.1f} s after it spoke again")


async def test_a_killed_supervisor_adopts_what_lives(line: Line, note: Note) -> None:
    await line.settled()
    names = ("gateway", "risk", "relay", "coin:XRP", "coin:DOGE")
    before = {name: await line.actor(name) for name in names}
    pid, began_s, least = line.supervisor_pid(), time.monotonic(), 99
    os.kill(pid, signal.SIGKILL)
    while not (await line.supervisor()).get("owners"):
        least = min(least, len(await line.orders()))
        assert time.monotonic() - began_s < THROTTLED_S
        await asyncio.sleep(LOOK_S)
    new_s = time.monotonic() - began_s
    assert line.supervisor_pid() != pid
    assert {name: await line.actor(name) for name in names} == before
    assert not line.ended
    await line.settled()
    assert least > 0
    note(f"supervisor: successor holds the run again after {new_s:.1f} s, nothing else changed, orders {least}")


async def test_nothing_resumes_after_the_kill_switch(line: Line, note: Note) -> None:
    await line.settled()
    line.remember()
    began_s = time.monotonic()
    code, said = await line.other("kill", "--reason", "a test")
    assert code == 0, said
    assert not await line.orders(), said
    killed_s = time.monotonic() - began_s
    pids = {name: await line.actor(name) for name in ("risk", "gateway")}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    view = None
    async with asyncio.timeout(THROTTLED_S):
        while view is None or not view.reconciled or view.risk_state is not RiskState.KILLED:
            view = await line.view()
            assert not await line.orders()
            await asyncio.sleep(LOOK_S)
    for name, pid in pids.items():
        await replaced(line, name, pid)
    end_s = time.monotonic() + 3.0
    while time.monotonic() < end_s:
        assert not await line.orders()
        await asyncio.sleep(LOOK_S)
    code, said = await line.other("resume")
    assert code == 0, said
    back_s = await line.settled()
    note(
        f"kill switch: no order {killed_s:.1f} s after the command began, none after risk and gateway came back; "
        f"quoting {back_s:.1f} s after `resume`"
    )


async def test_a_hang_up_ends_the_run_in_order(line: Line, note: Note) -> None:
    line.remember()
    began_s = time.monotonic()
    os.kill(line.pid, signal.SIGHUP)
    gone_s = await line.until(lambda orders: not orders, "told to stop: no order", 15)
    code = await line.code()
    ended_s = time.monotonic() - began_s
    assert code == 0, line.words.read_text()
    assert not await line.orders()
    await line.gone()
    fills = await books_closed(line)
    throttled = await line.venue.throttled()
    assert throttled == 0, "lives and watchdogs that used up the address's minute left none for a cancel"
    note(f"books: {fills} fills, closed after every kill above")
    note(f"SIGHUP: no order after {gone_s:.1f} s, ended in order with code {code} after {ended_s:.1f} s")


async def test_with_the_latch_on_disk_a_start_is_refused_until_a_person_resumes(line: Line, note: Note) -> None:
    code, said = await line.other("kill", "--reason", "a test")
    assert code == 0, said
    code, said = await line.other("start", "--for", "1s")
    assert code == 3, said
    assert "resume" in said
    assert not line.alive()
    code, said = await line.other("resume")
    assert code == 0, said
    note("latched: `start` ends with code 3 until `resume`")


async def test_a_killed_command_line_leaves_no_order_and_no_process(tmp_path: Path, note: Note) -> None:
    async with line_on_its_own_venue(tmp_path) as one:
        await one.start()
        os.kill(one.pid, signal.SIGKILL)
        gone_s = await one.until(lambda orders: not orders, "nobody owns the run: no order", 15)
        end_s = await one.gone()
        assert not await one.orders()
        (report,) = one.folder.reports.glob("*.json")
        assert '"orders_left_open": 0' in report.read_text() or '"orders_left_open":0' in report.read_text()
        note(f"kill -9 of the command line: no order after {gone_s:.1f} s, no process {end_s:.1f} s later")


async def test_a_closed_terminal_leaves_no_order_and_no_process(tmp_path: Path, note: Note) -> None:
    master, slave = pty.openpty()
    reading = asyncio.get_running_loop()
    reading.add_reader(master, lambda: os.read(master, 65_536))
    async with line_on_its_own_venue(tmp_path) as one:
        await one.start(before=lambda: os.login_tty(slave), terminal=slave)
        os.close(slave)
        reading.remove_reader(master)
        os.close(master)
        gone_s = await one.until(lambda orders: not orders, "the terminal is gone: no order", 15)
        assert await one.code() == 0
        end_s = await one.gone()
        assert not await one.orders()
        note(f"closed terminal: no order after {gone_s:.1f} s, no process {end_s:.1f} s later")


async def test_when_the_cluster_dies_the_watchdog_cancels_and_the_command_line_says_so(
    tmp_path: Path, note: Note
) -> None:
    async with line_on_its_own_venue(tmp_path) as one:
        await one.start()
        head = psutil.Process(int(one.folder.facts()["cluster"]["pid"]))
        for each in (head, *head.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended with its parent, a moment ago
                each.kill()
        gone_s = await one.until(lambda orders: not orders, "the watchdog cancels everything", 20)
        code = await one.code()
        said = one.words.read_text()
        assert code == 1, said
        assert "the run vanished" in said
        assert "no order is left" in said
        end_s = await one.gone()
        note(
            f"SIGKILL of the whole cluster: no order after {gone_s:.1f} s, code {code}, no process {end_s:.1f} s later"
        )


def without_namespaces() -> str:
    """Why namespaces of our own cannot be had; empty when they can."""
    if os.geteuid() != 0:
        return "needs root, to make namespaces of its own"
    absent = [program for program in ("unshare", "ip", "mount") if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}"
    probe = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "this kernel or container allows no namespaces"


async def test_after_ray_stop_the_watchdog_cancels_and_the_command_line_says_so(tmp_path: Path, note: Note) -> None:
    reason = without_namespaces()
    if reason:
        pytest.skip(reason)
    # `ray stop` ends every Ray it can see and forgets the cluster in /tmp/ray: it may see none but ours.
    script = (
        'ip link set lo up; mkdir -p /tmp/ray; mount -t tmpfs tmpfs /tmp/ray; exec "$0" -m tests.kills.ray_stop "$1"'
    )
    process = await asyncio.create_subprocess_exec(
        *(*UNSHARE, "bash", "-ec", script, sys.executable, str(tmp_path)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    seen = json.loads(said.splitlines()[-1])
    assert seen["code"] == 1, seen["words"]
    assert "the run vanished" in seen["words"]
    assert "no order is left" in seen["words"]
    note(f"ray stop --force: no order after {seen['gone_s']:.1f} s, code {seen['code']}, nothing stays")
