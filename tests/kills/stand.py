"""A venue that outlives the runs on it, and the real command line as a process on it: what a kill is tried on."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import psutil
import yaml

from portfolio_mm.actors import daemon
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.errors import PortfolioMMError, ProtocolError

COINS: Final = ("XRP", "DOGE")
LOOK_S: Final = 0.1
THROTTLED_S: Final = 100.0
"""Several lives in a minute use up the address's request weight: what is left to wait is that minute."""
QUOTES_S: Final = 90.0
"""From the start of a cold run to resting orders, on a busy machine."""


class Resting(NamedTuple):
    """One open order as the venue shows it. `run` is the gateway's life and `epoch` the coin's that placed it."""

    coin: str
    side: str
    px: float
    run: int
    epoch: int
    oid: int


def resting_of(row: dict[str, Any]) -> Resting:
    mine = cloids.decode(*cloids.from_text(row["cloid"]))
    return Resting(row["coin"], row["side"], float(row["limitPx"]), mine.run, mine.epoch, int(row["oid"]))


class VenueStand:
    """The venue's own word, asked through its door for tests, which costs no IP weight."""

    def __init__(self, ready: dict[str, Any], folder: Path) -> None:
        self.url = str(ready["url"])
        self._ready = ready
        self._folder = folder

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        async with aiohttp.ClientSession() as session, session.post(self.url + path, json=body) as answer:
            return await answer.json()

    async def orders(self) -> list[Resting]:
        """What rests now."""
        (user,) = (await self._post("/admin", {"op": "state"}))["users"]
        return [resting_of(row) for row in user["openOrders"]]

    async def earned(self) -> dict[str, float]:
        """How many fills the account had, and their fees and fundings, USD."""
        user = self._ready["accounts"][0]["address"]
        fills = await self._post("/info", {"type": "userFills", "user": user})
        fundings = await self._post("/info", {"type": "userFunding", "user": user, "startTime": 0})
        return {
            "fills": len(fills),
            "fees": sum(float(row["fee"]) for row in fills),
            "fundings": sum(float(row["delta"]["usdc"]) for row in fundings),
        }

    async def placed_ms(self) -> list[int]:
        """Block times at which orders were placed, newest 2000."""
        account = self._ready["accounts"][0]["address"]
        rows = await self._post("/info", {"type": "historicalOrders", "user": account})
        return [int(row["order"]["timestamp"]) for row in rows]

    async def throttled(self) -> int:
        """Requests it refused for want of IP weight."""
        return int((await self._post("/admin", {"op": "state"}))["throttled"])

    async def now_ms(self) -> int:
        return int((await self._post("/admin", {"op": "state"}))["time"])

    def config(self) -> Path:
        """Settings of a run on its account: keys by path, free ports."""
        account = self._ready["accounts"][0]
        keys = {}
        for part in ("agent", "watchdog"):
            keys[part] = self._folder / f"{part}.key"
            keys[part].write_text(account[part]["key"])
            keys[part].chmod(0o600)
        settings = {
            "account": {
                "address": account["address"],
                "key_path": str(keys["agent"]),
                "watchdog_key_path": str(keys["watchdog"]),
            },
            "venue": {"url": self.url, "ws_url": self._ready["ws"], "mainnet": False},
            "coins": {"names": list(COINS)},
            "quoting": {"warmup_s": 1.0},
            "actors": {"console_port": 0},
            "cluster": {"address": None, "dashboard_port": 0},
            "storage": {"folder": str(self._folder / "state")},
        }
        path = self._folder / "trade.yaml"
        path.write_text(yaml.safe_dump(settings))
        return path


@contextlib.asynccontextmanager
async def venue_stand(folder: Path) -> AsyncIterator[VenueStand]:
    """A venue in a process of its own, with one account, and the fee tier at which all coins quote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "portfolio_mm.venue", "--port", "0", "--seed", "5", "--admin"),
        *("--coins", ",".join(COINS), "--fee-tier", "rebate3", "--accounts", "1"),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            ready = json.loads(await process.stdout.readline())
        yield VenueStand(ready, folder)
    finally:
        process.terminate()
        await process.wait()


class Line:
    """One `portfolio-mm start`, looked at from outside."""

    def __init__(self, venue: VenueStand, folder: Path) -> None:
        self.venue = venue
        self.config = venue.config()
        self.folder = RunFolder(folder / "state")
        self.words = folder / "words"
        self._process: asyncio.subprocess.Process | None = None
        self._family: dict[int, psutil.Process] = {}

    @property
    def command(self) -> list[str]:
        return [str(Path(sys.executable).with_name("portfolio-mm"))]

    async def start(self, before: Callable[[], None] | None = None, terminal: int | None = None) -> None:
        """Begin, and wait until orders rest; `before` runs in the child, `terminal` takes its words."""
        with self.words.open("ab") as words:
            self._process = await asyncio.create_subprocess_exec(
                *(*self.command, "start", "--config", str(self.config)),
                *(("--plain",) if terminal is None else ()),
                stdin=asyncio.subprocess.DEVNULL if terminal is None else terminal,
                stdout=words if terminal is None else terminal,
                stderr=asyncio.subprocess.STDOUT,
                preexec_fn=before,
                start_new_session=before is None,
            )
        await self.settled(QUOTES_S)
        self._family = self._relatives()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        assert self._process is not None
        return self._process.returncode is not None

    async def code(self, within_s: float = THROTTLED_S) -> int:
        """Wait for the exit code."""
        assert self._process is not None
        async with asyncio.timeout(within_s):
            return await self._process.wait()

    async def other(self, *arguments: str, within_s: float = 60.0) -> tuple[int, str]:
        """Another command on the same folder: exit code and everything it said."""
        process = await asyncio.create_subprocess_exec(
            *(*self.command, *arguments, "--config", str(self.config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(within_s):
            said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    # -- looking ---------------------------------------------------------------------------------------------------

    async def orders(self) -> list[Resting]:
        return await self.venue.orders()

    async def view(self) -> View | None:
        """The gateway's word; None while there is none."""
        try:
            async with Operator(self.folder) as gateway:
                return await gateway.view()
        except ProtocolError:
            return None

    async def supervisor(self) -> dict[str, Any]:
        """The supervisor's word; empty while there is none."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.folder.supervisor_socket)
        except OSError:
            return {}
        try:
            writer.write(b'{"say":"status"}\n')
            async with asyncio.timeout(5):
                line = await reader.readline()
                return dict(json.loads(line)) if line else {}
        except (OSError, TimeoutError):
            return {}
        finally:
            writer.close()

    async def actor(self, name: str) -> int:
        """Living process of an actor, as the supervisor knows it."""
        async with asyncio.timeout(30):
            while True:
                pid = (await self.supervisor()).get("actors", {}).get(name)
                if pid and psutil.pid_exists(pid):
                    return int(pid)
                await asyncio.sleep(LOOK_S)

    def supervisor_pid(self) -> int:
        """Process that holds the run lock."""
        return int((self.folder.path / "run.lock").read_text())

    # -- waiting ---------------------------------------------------------------------------------------------------

    async def until(self, true: Callable[[list[Resting]], bool], what: str, within_s: float) -> float:
        """Wait for something to be true of the orders at the venue; the seconds it took."""
        began_s, orders = time.monotonic(), []
        while time.monotonic() - began_s < within_s:
            orders = await self.orders()
            if true(orders):
                return time.monotonic() - began_s
            await asyncio.sleep(LOOK_S)
        msg = f"not within {within_s} s: {what}; at the venue {orders}; {self._tail()}"
        raise AssertionError(msg)

    async def settled(self, within_s: float = THROTTLED_S, then: Callable[[View], bool] = lambda _: True) -> float:
        """Wait until every coin quotes both sides and exactly what the gateway shows rests; the seconds it took."""
        began_s, view, orders = time.monotonic(), None, []
        while time.monotonic() - began_s < within_s:
            if self.ended:
                msg = f"the command line ended with {await self.code()}: {self._tail()}"
                raise AssertionError(msg)
            view = await self.view()
            orders = await self.orders()
            if view is not None and view.permit_left_s > 0 and then(view) and agree(view, orders):
                return time.monotonic() - began_s
            await asyncio.sleep(LOOK_S)
        shown = None if view is None else (shown_by(view), view.risk_state, view.risk_reasons, why(view))
        msg = f"not settled within {within_s} s: gateway {shown}, venue {orders}; {self._tail()}"
        raise AssertionError(msg)

    def _tail(self) -> str:
        return self.words.read_text(errors="replace")[-1500:]

    # -- ending ----------------------------------------------------------------------------------------------------

    def _relatives(self) -> dict[int, psutil.Process]:
        """Every process of the run that lives now: the head of its Ray and all below it, watchdog, command line."""
        facts = self.folder.facts()
        roots = [self.pid, int(facts["cluster"]["pid"]), *daemon.working_in(str(self.folder.path))]
        roots += daemon.working_in(str(self.folder.sockets))
        found: dict[int, psutil.Process] = {}
        for pid in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                found |= {one.pid: one for one in (root, *root.children(recursive=True))}
        return found

    def alive(self) -> list[str]:
        """Processes of the run that still live (a number used again is another process)."""
        names = []
        for one in self._family.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                    names.append(f"{one.pid} {' '.join(one.cmdline())[:120]}")
        return names + [
            str(pid) for folder in (self.folder.path, self.folder.sockets) for pid in daemon.working_in(str(folder))
        ]

    async def gone(self, within_s: float = 60.0) -> float:
        """Wait until no process of the run is left; the seconds it took."""
        began_s = time.monotonic()
        while left := self.alive():
            if time.monotonic() - began_s > within_s:
                msg = f"still there after {within_s} s: {left}"
                raise AssertionError(msg)
            await asyncio.sleep(LOOK_S)
        return time.monotonic() - began_s

    def remember(self) -> None:
        """Note who belongs to the run now, before it is ended."""
        self._family |= self._relatives()

    async def end(self) -> None:
        """Whatever happened: nothing of this run stays."""
        with contextlib.suppress(PortfolioMMError, KeyError, psutil.Error):
            self.remember()
        if self._process is not None and not self.ended:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await self.code(40)
        for one in self._family.values():
            with contextlib.suppress(psutil.Error):
                one.kill()
        for pid in daemon.working_in(str(self.folder.path)):
            os.kill(pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def line_on_its_own_venue(folder: Path) -> AsyncIterator[Line]:
    """A command line that was not started yet; at the end nothing of it and of its venue stays."""
    async with venue_stand(folder) as venue:
        line = Line(venue, folder)
        try:
            yield line
        finally:
            await line.end()


def shown_by(view: View) -> list[tuple[str, str, float]]:
    """(coin, side, price) of everything the coins say they have resting."""
    return sorted(
        (coin.coin, "BA"[i], px) for coin in view.coins for i, side in enumerate(coin.sides) for px in side.px
    )


def why(view: View) -> list[tuple[str, str]]:
    """Why sides do not quote."""
    return [(coin.coin, side.reason_text) for coin in view.coins for side in coin.sides if side.reason]


def agree(view: View, orders: list[Resting]) -> bool:
    """Whether both sides of every coin rest, and venue, gateway and coins name the same orders."""
    at_venue = sorted((one.coin, one.side, one.px) for one in orders)
    sides = {(coin, side) for coin, side, _ in at_venue}
    complete = sides == {(coin, side) for coin in COINS for side in "BA"}
    return complete and at_venue == shown_by(view) and view.orders_open == len(orders) and not view.orders_unknown
