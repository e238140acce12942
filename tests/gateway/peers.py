"""A gateway on a real venue, and peers that speak the real socket protocol to it."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from portfolio_mm.actors.framing import FrameKind, Records
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.messages import (
    Answer,
    Ask,
    Hello,
    KillOrder,
    Message,
    PermitAnswer,
    PermitRequest,
    Role,
    View,
)
from portfolio_mm.actors.transport import Peer, join
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.cloid import Cloid
from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import CoinLimit, LimitSet, Permit, RiskState
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.venue.process import RunningVenue, running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.lifecycle.reports import report_of

TOKEN = "the secret of this run"
COINS = ("BTC", "ETH")
PATIENCE_S = 8.0
Key = tuple[int, int]


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait for something that happens by itself; time out loudly."""
    end = time.monotonic() + within_s
    while True:
        result = condition()
        if bool(await result) if isinstance(result, Awaitable) else bool(result):
            return
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.01)


def limits(
    position_usd: float = 2_000.0,
    order_usd: float = 1_000.0,
    gross_usd: float = 4_000.0,
    version: int = 2,
    coins: Sequence[str] = COINS,
) -> LimitSet:
    return LimitSet(
        version=version,
        coins=tuple(CoinLimit(coin, position_usd, order_usd) for coin in coins),
        max_gross_usd=gross_usd,
        max_net_usd=gross_usd,
        max_margin_fraction=0.5,
        max_loss_usd=500.0,
        max_drawdown_fraction=0.2,
        min_drawdown_usd=100.0,
        max_open_orders=40,
    )


class FakePeer:
    """Reads everything it is sent."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.messages: list[Message] = []
        self.events: list[Any] = []
        self.gone = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        async for frame in self.peer:
            if isinstance(frame, Records):
                self.events.extend(frame.rows)
            else:
                self.messages.append(frame)
                self.on_message(frame)
        self.gone.set()

    def on_message(self, message: Message) -> None:
        """Subclasses answer here."""

    async def answer(self, ask: Ask) -> Answer:
        """Ask and wait for the words."""
        self.peer.send_message(ask)
        await until(lambda: any(isinstance(m, Answer) and m.what == ask.what for m in self.messages), f"{ask.what}")
        return next(m for m in reversed(self.messages) if isinstance(m, Answer))

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.peer.close()


class FakeRisk(FakePeer):
    """Answers requests for permits as told."""

    def __init__(self, peer: Peer) -> None:
        self.state = RiskState.GREEN
        self.ttl_s = 2.0
        self.limits = limits()
        self.silent = False
        self.reduce_only: tuple[str, ...] = ()
        super().__init__(peer)

    def on_message(self, message: Message) -> None:
        if isinstance(message, PermitRequest) and not self.silent:
            ttl_ns = int(self.ttl_s * 1e9) if self.state < RiskState.CANCEL_ONLY else 0
            permit = Permit(1, self.state, ttl_ns, self.limits, (), self.reduce_only)
            self.peer.send_message(PermitAnswer(message.gateway_epoch, message.asked_ns, permit))
        elif isinstance(message, Ask):
            self.state = RiskState.KILLED if message.what == "kill" else RiskState.GREEN
            self.peer.send_message(Answer(message.what, done=True, text=message.reason))

    def kill(self, reason: str) -> None:
        self.state = RiskState.KILLED
        self.peer.send_message(KillOrder(reason))


class FakeCoin(FakePeer):
    """Sends commands and keeps what it hears."""

    def __init__(self, peer: Peer, instrument: Instrument, run: int, epoch: int) -> None:
        self.instrument = instrument
        self.run = run
        self.epoch = epoch
        self.serial = 0
        super().__init__(peer)

    def heard(self, kind: EventKind, status: int | None = None, key: Key | None = None) -> list[Any]:
        return [
            row
            for row in self.events
            if row["kind"] == kind
            and (status is None or row["status"] == status)
            and (key is None or (int(row["cloid_hi"]), int(row["cloid_lo"])) == key)
        ]

    async def hears(self, status: OrderEvent, key: Key) -> Any:
        await until(
            lambda: bool(self.heard(EventKind.ORDER, status, key)), f"{status.name} of {key}: {self.story(key)}"
        )
        return self.heard(EventKind.ORDER, status, key)[0]

    def story(self, key: Key) -> list[tuple[str, int]]:
        return [(OrderEvent(row["status"]).name, int(row["oid"])) for row in self.heard(EventKind.ORDER, None, key)]

    def key(self, side: int, level: int) -> Key:
        self.serial += 1
        return cloids.encode(Cloid(self.run, self.instrument.index, side, level, self.epoch, self.serial))

    def ticks(self, px: float, side: int) -> int:
        return int(round_px(px * 10**self.instrument.px_decimals, self.instrument.px_decimals, side == 1))

    def place(self, side: int, px: float, usd: float, level: int = 0, **fields: Any) -> Key:
        key = self.key(side, level)
        lots = self.instrument.lots(usd / px)
        self.send(CommandKind.PLACE, key, side=side, level=level, px_ticks=self.ticks(px, side), sz_lots=lots, **fields)
        return key

    def send(self, kind: CommandKind, key: Key, **fields: Any) -> None:
        row = np.zeros(1, COMMAND)
        row["kind"], row["coin"] = kind, self.instrument.index
        row["cloid_hi"], row["cloid_lo"] = key
        row["gain_usd"] = 1.0
        row["cause_ns"] = time.monotonic_ns()
        for name, value in fields.items():
            row[name] = value
        self.peer.send_records(FrameKind.COMMANDS, row)

    def cancel(self, key: Key, **fields: Any) -> None:
        self.send(CommandKind.CANCEL, (0, 0), target_hi=key[0], target_lo=key[1], **fields)

    def report(self, mark_px: float, venue_ms: int) -> None:
        self.peer.send_message(report_of(self.instrument, self.epoch, mark_px, venue_ms))


class Rig:
    """One gateway, the venue below it, and its peers."""

    def __init__(self, venue: RunningVenue, config: GatewayConfig, info: InfoClient) -> None:
        self.venue = venue
        self.config = config
        self.info = info
        self.gateway = Gateway(config)
        self.life: asyncio.Task[None] | None = None
        self.peers: list[FakePeer] = []

    @property
    def user(self) -> str:
        return self.config.account

    async def start(self) -> None:
        self.life = asyncio.get_running_loop().create_task(self.gateway.run())
        ready = asyncio.get_running_loop().create_task(self.gateway.ready())
        await asyncio.wait([self.life, ready], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self.life.done():
            self.life.result()
        assert self.gateway.status()["reconciled"]

    async def crash(self) -> None:
        """End the life without any farewell."""
        assert self.life is not None
        self.life.cancel()
        await asyncio.gather(self.life, return_exceptions=True)

    def hello(self, role: Role, name: str, token: str = TOKEN) -> Hello:
        return Hello(role=role, name=name, token=token, pid=os.getpid())

    async def risk(self) -> FakeRisk:
        peer, _ = await join(self.gateway.endpoint(), self.hello("risk", "risk"))
        made = FakeRisk(peer)
        self.peers.append(made)
        return made

    async def peer(self, role: Role) -> FakePeer:
        peer, _ = await join(self.gateway.endpoint(), self.hello(role, role))
        made = FakePeer(peer)
        self.peers.append(made)
        return made

    async def coin(self, coin: str) -> FakeCoin:
        """A coin that has its snapshot, and whose mark the gateway knows."""
        instrument = next(one for one in self.config.instruments if one.coin == coin)
        peer, welcome = await join(self.gateway.endpoint(), self.hello("coin", f"coin:{coin}"))
        made = FakeCoin(peer, instrument, welcome.run, welcome.peer_epoch)
        self.peers.append(made)
        made.report(self.mid(coin), self.venue.venue.state.now_ms)
        await until(lambda: bool(made.heard(EventKind.SYNC)), "snapshot")
        return made

    async def trading(self, coin: str = "BTC") -> tuple[FakeRisk, FakeCoin]:
        """A risk peer that grants, and a coin that may trade."""
        risk, made = await self.risk(), await self.coin(coin)
        await until(lambda: any(row["oid"] > 0 for row in made.heard(EventKind.PERMIT, RiskState.GREEN)), "permit")
        return risk, made

    async def new_limits(self, risk: FakeRisk, granted: LimitSet) -> None:
        """Change the limits and wait until the gateway has them."""
        risk.limits = granted
        rhythm = self.gateway._rhythm
        assert rhythm is not None
        await until(lambda: rhythm.view().limits_version == granted.version, "new limits")

    def mid(self, coin: str) -> float:
        instrument = next(one for one in self.config.instruments if one.coin == coin)
        return instrument.px(self.venue.venue.state.by_coin[coin].mark_ticks)

    async def open_orders(self) -> list[dict[str, Any]]:
        return await self.info.frontend_open_orders(self.user)

    async def nothing_open(self) -> None:
        async def check() -> bool:
            return not await self.open_orders()

        await until(check, "no open order at the venue")

    async def view(self) -> View:
        asker = await self.peer("operator")
        asker.peer.send_message(Ask("view"))
        await until(lambda: any(isinstance(m, View) for m in asker.messages), "view")
        return next(m for m in asker.messages if isinstance(m, View))

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()
        if self.life is not None:
            await self.crash()


@contextlib.asynccontextmanager
async def rig(
    folder: Path, settings: VenueSettings | None = None, *, coins: Sequence[str] = COINS, **changes: Any
) -> AsyncIterator[Rig]:
    """A venue, and a gateway that is not started yet."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test
    (folder / "token").write_text(TOKEN)
    async with (
        running_venue(settings or VenueSettings(coins=COINS, block_ms=20, ip_limit=False, admin=True)) as venue,
        aiohttp.ClientSession() as session,
    ):
        info = InfoClient(venue.url, session, IpBudget(1_000_000))
        account = venue.accounts[0]
        key_file = folder / "agent.key"
        key_file.touch(0o600)
        key_file.write_text(account.agent.key)
        fields: dict[str, Any] = {
            "account": account.address,
            "key_path": str(key_file),
            "url": venue.url,
            "ws_url": venue.ws,
            "mainnet": False,
            "instruments": await load_instruments(info, coins),
            "leverage": (5,) * len(coins),
            "hub": f"unix:{folder}/hub.sock",
            "token_file": str(folder / "token"),
            "state_db": str(folder / "state.db"),
            "lock_file": str(folder / "gateway.lock"),
            "journals": str(folder / "journals"),
            "permit_ttl_s": 0.5,
        }
        made = Rig(venue, GatewayConfig(**(fields | changes)), info)
        try:
            yield made
        finally:
            await made.close()
