"""A real gateway on a real venue core in one process and in virtual time, with everything between them hostile.

A world lives through many schedules: a storm of a second or three, then a calm in which everything must come to rest.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from portfolio_mm.actors.gateway import parts as gateway_parts
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.limits import CoinLimit, LimitSet, RiskState
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import instruments_of
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.venue import Venue
from tests.lifecycle.checks import GROSS_USD, LIMIT_USD, Judged
from tests.lifecycle.clients import NetExchange, NetInfo
from tests.lifecycle.market import ThinFlow, Tormentor
from tests.lifecycle.net import CALM, STORM, Net, NetSocket
from tests.lifecycle.peers import TOKEN, LadderCoin, Risk
from tests.lifecycle.virtual import Clock, VirtualLoop, virtual_time
from tests.venue.still_flow import MID

COINS: Final = ("SOL", "ETH")
BLOCK_S: Final = 0.1
CALM_S: Final = 45.0
PARDON_S: Final = 8.0
"""What breaks a limit from outside must be cancelled by then, through a lost answer and a new connection."""
BIG: Final = 10**9


class World(Judged):
    """One life of everything."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.chance, self.seen = random.Random(seed), Counter[str]()
        self.clock = Clock()
        self.flow = ThinFlow()
        settings = VenueSettings(
            coins=COINS, accounts=1, ip_limit=False, requests_base=10**8, read_lag_ms=self.chance.choice((0, 250, 700))
        )
        self.venue = Venue(settings, self.flow)
        self.user = next(iter(self.venue.state.users.values()))
        account = self.venue.accounts[0]
        self.net = Net(self.venue, account.agent.address, self.chance, self.seen)
        meta = reads.answer(self.venue.state, {"type": "meta"})
        self.coins = instruments_of(meta, COINS)
        self.tormentor = Tormentor(self.venue, self.flow, self.coins, self.chance, self.seen)
        limits = LimitSet(
            version=2,
            coins=tuple(CoinLimit(coin, LIMIT_USD, 40.0) for coin in COINS),
            max_gross_usd=GROSS_USD,
            max_net_usd=GROSS_USD,
            max_margin_fraction=0.9,
            max_loss_usd=BIG,
            max_drawdown_fraction=1.0,
            min_drawdown_usd=BIG,
            max_open_orders=60,
        )
        self.risk = Risk(limits, self.chance)
        self.ladders = [LadderCoin(one, len(COINS), MID[one.coin], LIMIT_USD, self.chance) for one in self.coins]
        (folder / "token").write_text(TOKEN)
        key = folder / "agent.key"
        key.touch(0o600)
        key.write_text(account.agent.key)
        self.gateway = Gateway(
            GatewayConfig(
                account=account.address,
                key_path=str(key),
                url="http://127.0.0.1:1",
                ws_url="ws://127.0.0.1:1",
                mainnet=False,
                instruments=self.coins,
                leverage=(5,) * len(COINS),
                hub=f"unix:{folder}/hub.sock",
                token_file=str(folder / "token"),
                state_db=str(folder / "state.db"),
                lock_file=str(folder / "lock"),
                journals=str(folder / "journals"),
                permit_ttl_s=3.0,
            )
        )
        self.problems: list[str] = []
        self.storming = self.rough = False
        self._tasks: list[asyncio.Task[Any]] = []
        self._cut_until_s = self.pardon_s = 0.0

    @property
    def parts(self) -> Parts:
        rhythm = self.gateway._rhythm
        assert rhythm is not None
        return rhythm._parts

    # -- life ----------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Blocks run, the gateway lives, its peers have joined."""
        self.net.check, self.net.on_create = self.check_limits, self.check_expiry
        self._start(self._blocks())
        self._start(self.gateway.run())
        while self.gateway._rhythm is None:
            self._raise()
            await asyncio.sleep(0.05)
        self.parts.desk._now_ns = self.clock.ns
        hub = self.parts.hub
        for peer in (self.risk, *self.ladders):
            self._start(hub._serve(peer))  # type: ignore[arg-type]
        for ladder in self.ladders:
            self._start(self._walk(ladder))
        await asyncio.wait_for(self.gateway.ready(), 60.0)

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def _raise(self) -> None:
        self.raise_problem()
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _blocks(self) -> None:
        while True:
            await asyncio.sleep(BLOCK_S)
            if self.storming:
                self.tormentor.act()
                self._forced()
                self._line_fails()
            self.venue.step()
            await asyncio.sleep(0)
            self.check_limits("a block")

    def _forced(self) -> None:
        """Rarely the position moves without an order of the bot: what stands then breaks limits until it is shed."""
        dice, torment = self.chance.random(), self.tormentor
        if self.rough and (
            (dice < 0.025 and torment.force(adl=False))
            or (0.025 < dice < 0.05 and torment.force(adl=True))
            or (0.05 < dice < 0.065 and torment.by_hand("Gtc"))
            or (0.065 < dice < 0.08 and torment.by_hand("Ioc"))
        ):
            self.pardon_s = time.monotonic() + PARDON_S

    def _line_fails(self) -> None:
        socket = self.net.socket
        assert socket is not None
        if socket.connected and self.chance.random() < 0.04:
            socket.cut()
            self.seen["connection cut"] += 1
            self._cut_until_s = time.monotonic() + self.chance.choice((0.05, 0.4, 1.5))
        elif not socket.connected and time.monotonic() > self._cut_until_s:
            socket.connect()

    async def _walk(self, ladder: LadderCoin) -> None:
        rows = np.zeros(1, EVENT)
        rows["kind"] = EventKind.TIMER
        beat = 0
        while True:
            await asyncio.sleep(0.05)
            beat += 1
            if beat % 10 == 1:
                ladder.report(self.venue.state.now_ms)
            if self.storming and self.chance.random() < 0.4:
                ladder.move()
            ladder.decide(rows)

    # -- schedules -----------------------------------------------------------------------------------------------

    async def schedule(self) -> None:
        """One storm and the calm after it."""
        self.storming, self.net.weather, self.rough = True, STORM, self.chance.random() < 0.3
        for ladder in self.ladders:
            ladder.quiet = False
        self.risk.silent = self.chance.random() < 0.05
        self.risk.state = RiskState.REDUCE_ONLY if self.chance.random() < 0.05 else RiskState.GREEN
        await asyncio.sleep(self.chance.uniform(0.8, 3.0) + 3.0 * self.risk.silent)
        self._raise()
        self.storming, self.net.weather = False, CALM
        self.risk.silent, self.risk.state = False, RiskState.GREEN
        self.flow.raze()
        socket = self.net.socket
        assert socket is not None
        if not socket.connected:
            socket.connect()
        for ladder in self.ladders:
            ladder.want_all()
        await self._rest()
        self.pardon_s = min(self.pardon_s, time.monotonic())
        self.check_books()
        self.seen["schedules"] += 1

    async def _rest(self) -> None:
        end_s, still = time.monotonic() + CALM_S, 0
        while still < 3:
            await asyncio.sleep(0.2)
            self._raise()
            unrest = self.unrest()
            still = 0 if unrest else still + 1
            if time.monotonic() > end_s:
                self.fail(f"no rest after {CALM_S:.0f} s: {unrest}")


@contextmanager
def played(net: Net) -> Iterator[None]:
    """Let the gateway's parts be built on the played wire."""
    patch = pytest.MonkeyPatch()

    def info(url: str, session: Any, budget: Any) -> NetInfo:
        made = NetInfo(url, session, IpBudget(BIG))
        made.net = net
        return made

    def exchange(_ws: Any, session: Any, signer: Any, url: str, **more: Any) -> NetExchange:
        made = NetExchange(_ws, session, signer, url, **more)
        made.net = net
        return made

    patch.setattr(gateway_parts, "InfoClient", info)
    patch.setattr(gateway_parts, "ExchangeClient", exchange)
    patch.setattr(gateway_parts, "VenueSocket", lambda _url, topics, **_: NetSocket(net, topics))
    try:
        yield
    finally:
        patch.undo()


def live_through(seed: int, schedules: int, folder: Path) -> World:
    """One world and its schedules, from begin to end."""
    clock = Clock()
    logging.disable(logging.CRITICAL)  # thousands of refusals, each of them meant
    with virtual_time(clock):
        world = World(seed, folder)
        world.clock = clock
        loop = VirtualLoop(clock)
        asyncio.set_event_loop(loop)

        async def all_of_it() -> None:
            await world.begin()
            try:
                for _ in range(schedules):
                    await world.schedule()
                world.sum_up()
            finally:
                await world.end()

        try:
            with played(world.net):
                loop.run_until_complete(all_of_it())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            logging.disable(logging.NOTSET)
    return world
