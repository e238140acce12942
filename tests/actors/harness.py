"""A whole run in one event loop, without Ray: the local venue and every plain class, over real sockets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from portfolio_mm.actors.assembly import make
from portfolio_mm.actors.hub_link import HubLink
from portfolio_mm.actors.messages import Answer, Ask, CoinReport, View
from portfolio_mm.actors.preflight import held
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.run_spec import Part, RunSpec
from portfolio_mm.actors.sweeper import Sweeper, Target
from portfolio_mm.actors.topology import CONSOLE, FolderDirectory
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.actors.watchdog import Watchdog, WatchdogConfig
from portfolio_mm.hyperliquid.account import read_account
from portfolio_mm.hyperliquid.collateral import dexes_of
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.settings.load import load
from portfolio_mm.storage.journal import segment_numbers, segment_path
from portfolio_mm.venue.process import RunningVenue, running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.waiting import until

COINS = ("BTC", "ETH")
WATCHDOG = "watchdog"
NOTHING: Mapping[str, object] = {}


class Run:
    """Parts by name; each can be killed (its task cancelled, nothing said) and started again."""

    def __init__(self, spec: RunSpec, venue: RunningVenue) -> None:
        self.spec = spec
        self.venue = venue
        self.parts: dict[str, Part | Watchdog] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.view: View | None = None
        self.answers: list[Answer] = []
        self._eye = HubLink(FolderDirectory(spec.files.sockets), spec.files.token_file, role="operator", name="test")

    def start(self, name: str) -> Part | Watchdog:
        """Make a part anew and run it."""
        part = self._watchdog() if name == WATCHDOG else make(name, self.spec)
        self.parts[name] = part
        self.tasks[name] = asyncio.create_task(part.run(), name=name)
        return part

    def _watchdog(self) -> Watchdog:
        files = self.spec.files
        config = WatchdogConfig(self.target(), silence_s=2.0, heartbeat_s=0.1)
        return Watchdog(config, FolderDirectory(files.sockets), files.token_file)

    def target(self) -> Target:
        """What the watchdog's key may do."""
        venue = self.spec.venue
        key = venue.watchdog_key_path or ""
        dexes = dexes_of(self.spec.plan.coin_names)
        return Target(venue.account, venue.url, venue.ws_url, mainnet=False, key_path=key, dexes=dexes)

    async def kill(self, name: str) -> None:
        """End a part as a crash would: no orderly stop."""
        self.tasks[name].cancel()
        await asyncio.gather(self.tasks[name], return_exceptions=True)

    async def kill_9(self, *names: str) -> None:
        """End parts as `kill -9` would, all at once: what they would write on the way out is taken back."""
        files = list(self.spec.files.checkpoints.iterdir())
        before = {path: path.read_bytes() for path in files}
        for name in names:
            self.tasks[name].cancel()
        await asyncio.gather(*(self.tasks[name] for name in names), return_exceptions=True)
        if "gateway" in names:
            self.view = None  # what it said is no longer so
        for name in names:
            for path in files:
                if path.stem == name.replace(":", "-"):
                    path.write_bytes(before[path])
                    self._tear(path.stem)

    def _tear(self, journal: str) -> None:
        """The kill came in the middle of a record."""
        folder = self.spec.files.journals
        with segment_path(folder, journal, segment_numbers(folder, journal)[-1]).open("ab") as segment:
            segment.write(b"\x40\x01\x00\x00half a frame")

    async def filled(self, coin: str) -> None:
        """Wait for a block that fills an order of ours, and return before anybody can have heard of it."""
        told, hub = asyncio.Event(), self.venue.venue.hub
        before, tell = self.venue_fills(coin), hub.tell_block

        def telling() -> None:
            tell()
            if self.venue_fills(coin) > before:
                told.set()

        hub.tell_block = telling  # type: ignore[method-assign]
        try:
            async with asyncio.timeout(60):
                await told.wait()
        finally:
            hub.tell_block = tell  # type: ignore[method-assign]

    def venue_fills(self, coin: str) -> int:
        """How often the venue says we were filled."""
        user = self.venue.venue.state.by_address[self.spec.venue.account]
        return sum(row["coin"] == coin for row in user.fills)

    async def watch(self) -> None:
        """Keep the newest view, as an operator asks for it."""
        async for frame in self._eye.frames():
            if isinstance(frame, View):
                self.view = frame
            elif isinstance(frame, Answer):
                self.answers.append(frame)

    async def ask_views(self) -> None:
        while True:
            self._eye.send(Ask("view"))
            await asyncio.sleep(0.1)

    def ask(self, request: Ask) -> None:
        self._eye.send(request)

    def coin(self, name: str) -> CoinReport:
        assert self.view is not None
        return next(report for report in self.view.coins if report.coin == name)

    def two_sided(self) -> bool:
        """Whether every coin rests on both sides."""
        view = self.view
        return (
            view is not None
            and len(view.coins) == len(self.spec.instruments)
            and all(side.px for coin in view.coins for side in coin.sides)
        )

    async def resting(self) -> int:
        """Open orders as the venue counts them."""
        async with Sweeper(self.target()) as eye:
            return len(await eye.resting())

    async def nothing_rests(self, within_s: float) -> None:
        """Wait for the venue to say so."""
        async with Sweeper(self.target()) as eye, asyncio.timeout(within_s):
            while await eye.resting():  # noqa: ASYNC110 - only asking tells
                await asyncio.sleep(0.1)

    def why(self) -> str:
        """What everybody says when something did not happen."""
        lines = [f"{name}: {part.status()}" for name, part in self.parts.items()]
        for name, task in self.tasks.items():
            if task.done() and not task.cancelled():
                lines.append(f"{name} ended: {task.exception()!r}")
        if self.view is not None:
            lines.append(f"risk {self.view.risk_state.name} {self.view.risk_reasons} refused {self.view.refused}")
            lines += [f"{c.coin} {s.px} {s.reason_text}" for c in self.view.coins for s in c.sides]
        return "\n".join(lines)

    async def until(self, true: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
        try:
            await until(true, what, within_s)
        except AssertionError as error:
            msg = f"{error}\n{self.why()}"
            raise AssertionError(msg) from None


async def spec_for(
    venue: RunningVenue, folder: Path, coins: Sequence[str], settings: Mapping[str, object] = NOTHING
) -> RunSpec:
    """The record of a run at a venue in this process."""
    files = RunFolder(folder)
    files.create()
    account = venue.accounts[0]
    keys = {name: files.key_file(name) for name in ("agent", "watchdog")}
    write_private(keys["agent"], account.agent.key)
    write_private(keys["watchdog"], account.watchdog.key)
    loaded = load(
        None,
        {
            "coins.names": list(coins),
            "quoting.warmup_s": 1.0,
            "actors.console_port": 0,
            "storage.folder": str(folder),
            "portfolio.every_s": 0.5,
            **settings,
        },
    )
    info = InfoClient(venue.url, None, IpBudget())
    try:
        instruments = await load_instruments(info, coins)
        truth = await read_account(info, account.address, dexes_of(coins))
    finally:
        await info.close()
    now_ms, plan = time.time_ns() // 1_000_000, loaded.plan()
    return RunSpec(
        run=now_ms // 1000,
        started_ms=now_ms,
        folder=str(folder),
        plan=plan,
        venue=VenueAddress(
            venue.url,
            venue.ws,
            account.address,
            str(keys["agent"]),
            str(keys["watchdog"]),
            reference_url=plan.reference.url or venue.reference,
        ),
        instruments=instruments,
        start_equity_usd=truth.equity_usd,
        start_read_ms=truth.time_ms,
        held=held(instruments, truth.positions),
    )


@contextlib.asynccontextmanager
async def whole_run(
    folder: Path,
    coins: Sequence[str] = COINS,
    *,
    without: Sequence[str] = (),
    venue: VenueSettings | None = None,
    settings: Mapping[str, object] = NOTHING,
) -> AsyncIterator[Run]:
    """Everything started; ended in order, the venue last."""
    chosen = venue or VenueSettings(
        coins=tuple(coins), block_ms=50, ip_limit=False, mode="standard", fee_tier="rebate3"
    )
    async with (
        running_venue(chosen) as running,
        run_on(running, folder, coins, without=without, settings=settings) as run,
    ):
        yield run


@contextlib.asynccontextmanager
async def run_on(
    running: RunningVenue,
    folder: Path,
    coins: Sequence[str] = COINS,
    *,
    without: Sequence[str] = (),
    settings: Mapping[str, object] = NOTHING,
) -> AsyncIterator[Run]:
    """Everything but the venue, which may have seen runs before."""
    run = Run(await spec_for(running, folder, coins, settings), running)
    eyes = [asyncio.create_task(run.watch()), asyncio.create_task(run.ask_views())]
    try:
        for wave in run.spec.waves(4):
            for name in wave:
                if name not in {*without, CONSOLE}:
                    run.start(name)
        if WATCHDOG not in without:
            run.start(WATCHDOG)
        yield run
    finally:
        for part in reversed(run.parts.values()):
            await part.stop()
        await asyncio.gather(*run.tasks.values(), return_exceptions=True)
        for eye in eyes:
            eye.cancel()
        await asyncio.gather(*eyes, return_exceptions=True)
