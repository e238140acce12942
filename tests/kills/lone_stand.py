"""A gateway process that may be killed at a chosen moment, its peers, and the venue's own record of everything."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.actors.framing import Frame, FrameKind, Records
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.messages import Hello, Message, PermitAnswer, PermitRequest, Role
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.sweeper import Target
from portfolio_mm.actors.transport import Peer, join
from portfolio_mm.actors.watchdog import WatchdogConfig
from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.domain.cloid import Cloid, decode, from_text
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.limits import CoinLimit, LimitSet, Permit, RiskState
from portfolio_mm.hyperliquid.meta import instruments_of
from portfolio_mm.venue.exchange.execution import Reply
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.protocol.actions import BatchModify, Noop, Order
from portfolio_mm.venue.protocol.signatures import SignedAction
from tests.lifecycle.peers import LadderCoin

COINS: Final = ("ETH", "SOL")
LIMIT_USD: Final = 400.0
BACK_S: Final = 20.0
"""From the start of a gateway process to settled orders, on a busy machine."""


class SocketCoin(LadderCoin):
    """The ladder over the real socket: joins again whenever the gateway is back."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.peer: Peer | None = None
        self.commanded_ns = 0

    def say(self, frame: Frame) -> None:
        if self.peer is None:
            return
        if isinstance(frame, Records):
            self.commanded_ns = time.monotonic_ns()
            self.peer.send_records(FrameKind.COMMANDS, frame.rows)
        else:
            self.peer.send_message(frame)


class Stand:
    """Everything of one trial but the venue."""

    def __init__(self, venue: RunningVenue, folder: Path, seed: int) -> None:
        self.venue, self.core, self.chance = venue, venue.venue, random.Random(seed)
        self.folder = RunFolder(folder)
        self.folder.create()
        self.user = next(iter(self.core.state.users.values()))
        self.coins = instruments_of(reads.answer(self.core.state, {"type": "meta"}), COINS)
        account = venue.accounts[0]
        for name, key in (("agent", account.agent.key), ("watchdog", account.watchdog.key)):
            write_private(self.folder.key_file(name), key)
        self.watchdog = WatchdogProcess(self.folder)
        target = Target(
            account.address, venue.url, venue.ws, mainnet=False, key_path=str(self.folder.key_file("watchdog"))
        )
        self.watchdog.configure(WatchdogConfig(target, silence_s=3.0, heartbeat_s=0.25))
        self.config = self.folder.path / "gateway.json"
        self.config.write_bytes(
            msgspec.json.encode(
                GatewayConfig(
                    account=account.address,
                    key_path=str(self.folder.key_file("agent")),
                    url=venue.url,
                    ws_url=venue.ws,
                    mainnet=False,
                    instruments=self.coins,
                    leverage=(5, 5),
                    hub=f"unix:{self.folder.hub_socket}",
                    token_file=str(self.folder.token_file),
                    state_db=str(self.folder.state_db),
                    lock_file=str(self.folder.path / "gateway.lock"),
                    journals=str(self.folder.journals),
                    permit_ttl_s=1.5,
                )
            )
        )
        self.limits = LimitSet(
            2, tuple(CoinLimit(one, LIMIT_USD, 100.0) for one in COINS), 1e4, 1e4, 0.9, 1e6, 1.0, 1e6, 60
        )
        self.ladders = [SocketCoin(one, len(COINS), self.mark(one.coin), LIMIT_USD, self.chance) for one in self.coins]
        self.process: asyncio.subprocess.Process | None = None
        self.nonces: Counter[tuple[str, int]] = Counter()
        self.cloids: Counter[str] = Counter()
        self.problems: list[str] = []
        self.arrived = asyncio.Event()
        self.arrivals: list[SignedAction] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.moving = True
        self._watch_arrivals()
        self.core.witnesses.append(self._after_block)

    def mark(self, coin: str) -> float:
        book = self.core.state.by_coin[coin]
        return book.coin.px(book.mark_ticks)

    # -- the venue's own record --------------------------------------------------------------------------------

    def _watch_arrivals(self) -> None:
        enter = self.core._in_next_block

        async def entered(signed: SignedAction) -> Reply:
            if not isinstance(signed.action, Noop):
                self.nonces[signed.signer, signed.nonce] += 1
            if isinstance(signed.action, Order):
                self.cloids.update(leg.c or "" for leg in signed.action.orders)
            elif isinstance(signed.action, BatchModify):
                self.cloids.update(leg.order.c or "" for leg in signed.action.modifies)
            self.arrivals.append(signed)
            self.arrived.set()
            return await enter(signed)

        self.core._in_next_block = entered  # type: ignore[method-assign]

    def _after_block(self, _now_ms: int) -> None:
        levels = Counter((made.coin, made.side, made.level) for made in self.resting())
        twice = [level for level, count in levels.items() if count > 1]
        if twice:
            self.problems.append(f"two live orders at one level: {twice}")

    def resting(self) -> list[Cloid]:
        """Names of all live orders of the account."""
        return [decode(*from_text(order.cloid)) for order in self.user.open.values() if order.cloid is not None]

    # -- processes and peers -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin a life. This venue counts no weight: what earlier lives spent would only make it wait a minute."""
        for kept in self.folder.state_db.parent.glob("weight-*.json"):
            kept.unlink()
        with (self.folder.logs / "gateway.err").open("ab") as words:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.kills.lone_gateway", str(self.config)), stdout=words, stderr=words
            )

    def kill(self) -> None:
        """SIGKILL, now."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)

    def begin(self) -> None:
        """Peers join whenever there is a hub."""
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._risk()))
        for ladder in self.ladders:
            self._tasks += [loop.create_task(self._coin(ladder)), loop.create_task(self._walk(ladder))]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        await self.watchdog.end()

    @contextlib.asynccontextmanager
    async def _joined(self, role: Role, name: str) -> AsyncIterator[tuple[Peer, Message]]:
        while True:
            hello = Hello(role=role, name=name, token=self.folder.token(), pid=os.getpid())
            try:
                peer, welcome = await join(f"unix:{self.folder.hub_socket}", hello)
            except (OSError, ProtocolError):
                await asyncio.sleep(0.05)
                continue
            break
        try:
            yield peer, welcome
        finally:
            peer.abort()

    async def _risk(self) -> None:
        while True:
            async with self._joined("risk", "risk") as (peer, _):
                async for frame in peer:
                    if isinstance(frame, PermitRequest):
                        permit = Permit(1, RiskState.GREEN, 1_500_000_000, self.limits, (), ())
                        peer.send_message(PermitAnswer(frame.gateway_epoch, frame.asked_ns, permit))

    async def _coin(self, ladder: SocketCoin) -> None:
        while True:
            async with self._joined("coin", f"coin:{ladder.instrument.coin}") as (peer, welcome):
                ladder.on_message(welcome)
                ladder.peer = peer
                ladder.report(self.core.state.now_ms)
                async for frame in peer:
                    if isinstance(frame, Records):
                        ladder.on_rows(frame.rows)
                ladder.peer, ladder.permit_ends_ns = None, 0

    async def _walk(self, ladder: SocketCoin) -> None:
        timer, beat = np.zeros(1, EVENT), 0
        timer["kind"] = EventKind.TIMER
        while True:
            await asyncio.sleep(0.03)
            beat += 1
            ladder.gap = 3 if self.moving else 15
            if self.moving:
                ladder.mid_px = self.mark(ladder.instrument.coin)
            if beat % 10 == 0:
                ladder.report(self.core.state.now_ms)
            if self.moving and self.chance.random() < 0.3:
                ladder.move()
            ladder.decide(timer)

    # -- waiting -------------------------------------------------------------------------------------------------

    def settled(self) -> bool:
        """Venue and coins name the same orders, and as many as are wanted; positions agree."""
        names = sorted(self.resting())
        legs = sorted(decode(*key) for ladder in self.ladders for key in ladder.legs())
        held = all(
            int(ladder.state[0].account.lots[ladder.instrument.index])
            == self.user.szi(self.core.state.by_coin[ladder.instrument.coin].coin.index)
            for ladder in self.ladders
        )
        return bool(names) and names == legs and held and all(ladder.settled() for ladder in self.ladders)

    async def until_settled(self) -> float:
        """Seconds until all is at rest."""
        self.moving = False
        for ladder in self.ladders:
            ladder.want_all()
        began_s, still = time.monotonic(), 0
        while still < 3:
            await asyncio.sleep(0.1)
            still = still + 1 if self.settled() else 0
            if time.monotonic() - began_s > BACK_S:
                words = (self.folder.logs / "gateway.err").read_text()[-1500:]
                legs = [(ladder.instrument.coin, ladder.legs()) for ladder in self.ladders]
                msg = f"not settled: venue {self.resting()}, coins {legs}; {words}"
                raise AssertionError(msg)
        self.moving = True
        for ladder in self.ladders:
            ladder.quiet = False
        return time.monotonic() - began_s
