"""One coin between a public feed and a hub, both under the test's thumb: sockets in, sockets out."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.coin import Coin, CoinConfig
from portfolio_mm.actors.framing import FrameKind, Records
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.topology import RELAY, Address
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import EVENT, LAST, REPLAYED, EventKind
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.settings.load import load
from tests.actors.hub import Hub
from tests.actors.public_feed import PublicFeed
from tests.actors.sample import BTC, INSTRUMENTS
from tests.actors.waiting import until

NAME = "coin:BTC"
BID, ASK = 99_990.0, 100_010.0
LONG_NS = 600_000_000_000


def event(kind: EventKind, **fields: Any) -> npt.NDArray[Any]:
    """One event as the gateway would send it."""
    row = np.zeros(1, EVENT)
    row["kind"] = kind
    for name, value in fields.items():
        row[name] = value
    row["recv_ns"] = time.monotonic_ns()
    return row


def frame(channel: str, data: Any) -> str:
    return json.dumps({"channel": channel, "data": data})


def levels(px: float, step: float) -> list[dict[str, Any]]:
    return [{"px": str(px + step * i), "sz": "2.0", "n": 3} for i in range(5)]


class CoinBench:
    """Answers every command as a venue with no other traders would: accepted, replaced, cancelled."""

    def __init__(self, hub: Hub, feed: PublicFeed, coin: Coin) -> None:
        self.hub, self.feed, self.coin = hub, feed, coin
        self.commands: list[Any] = []
        self.answering = True
        self.ahead_ns = 0
        """By how much the clock of the gateway's host is ahead of ours."""
        self._read = 0
        self._seq = 0
        self._version = 0
        self._last_s = time.monotonic()
        self._ms = time.time_ns() // 1_000_000

    def tell(self, *rows: npt.NDArray[Any]) -> None:
        """Through the hub's socket."""
        whole = np.concatenate(rows)
        whole["recv_ns"] += self.ahead_ns
        for i in range(len(whole)):
            if whole["kind"][i] in {EventKind.ORDER, EventKind.FILL, EventKind.POSITION, EventKind.SYNC}:
                self._seq += 1
                whole["seq"][i] = self._seq
        assert self.hub.peers[NAME].send_records(FrameKind.EVENTS, whole)

    async def say(self, channel: str, data: dict[str, Any]) -> None:
        """Through the market's websocket."""
        self._ms = max(self._ms + 1, time.time_ns() // 1_000_000)
        await self.feed.say(frame(channel, {"coin": "BTC", "time": self._ms, **data}))

    async def quote(self, bid: float = BID, ask: float = ASK) -> None:
        await self.say("bbo", {"bbo": [levels(bid, -1)[0], levels(ask, 1)[0]]})

    async def book(self, bid: float = BID, ask: float = ASK) -> None:
        await self.say("l2Book", {"levels": [levels(bid, -5.0), levels(ask, 5.0)], "fast": True})

    async def trades(self, px: float, side: str, count: int) -> None:
        self._ms += 1
        rows = [
            {
                "coin": "BTC",
                "side": side,
                "px": str(px),
                "sz": "0.5",
                "time": self._ms,
                "hash": "0x0",
                "tid": self._ms + n,
            }
            for n in range(count)
        ]
        await self.feed.say(frame("trades", rows))

    async def context(self, mark: float) -> None:
        ctx = {"funding": "0.00001", "openInterest": "1.0", "oraclePx": str(mark), "markPx": str(mark)}
        await self.feed.say(frame("activeAssetCtx", {"coin": "BTC", "ctx": ctx}))

    def allocation(self, *, target_usd: float = 0.0, skew_bps_per_usd: float = 0.01) -> tuple[npt.NDArray[Any], ...]:
        self._version += 1
        return (
            event(EventKind.SKEW, coin=0, px=skew_bps_per_usd, seq=self._version),
            event(EventKind.SKEW, coin=1, px=skew_bps_per_usd / 2, seq=self._version),
            event(
                EventKind.ALLOCATION,
                px=target_usd,
                px2=2_000.0,
                sz=0.0005,
                sz2=1e-4,
                oid=LONG_NS,
                seq=self._version,
            ),
        )

    def snapshot(self, epoch: int = 1) -> None:
        """What a gateway tells a coin that joins."""
        rows = [
            event(EventKind.SYNC, oid=epoch, tid=7),
            event(EventKind.POSITION, coin=0),
            event(EventKind.POSITION, coin=1),
            event(EventKind.ACCOUNT, px=10_000.0, px2=10_000.0, sz=-0.3, sz2=2.0, status=1),
            event(EventKind.MODE),
            event(EventKind.PERMIT, status=RiskState.GREEN, oid=LONG_NS, seq=1),
            *self.allocation(),
        ]
        whole = np.concatenate(rows)
        whole["bits"] |= REPLAYED
        whole["bits"][-1] |= LAST
        self.tell(whole)

    def work(self) -> None:
        """Read what the coin said; answer its commands."""
        for who, heard in self.hub.heard[self._read :]:
            if who == NAME and isinstance(heard, Records):
                for row in heard.rows:
                    self.commands.append(row)
                    self._last_s = time.monotonic()
                    if self.answering:
                        self.tell(answer(row))
        self._read = len(self.hub.heard)

    async def serve(self) -> None:
        """Answer for ever, and keep the market alive without moving it."""
        turn = 0
        while True:
            self.work()
            turn += 1
            if turn % 20 == 0 and self.feed.connections and self.market is not None:
                await self.quote(*self.market)
            await asyncio.sleep(0.01)

    market: tuple[float, float] | None = (BID, ASK)

    async def quiet(self, for_s: float = 1.2) -> int:
        """Wait until the coin is content; how many commands it has sent by then."""
        await until(lambda: time.monotonic() - self._last_s > for_s, "the coin content", 40)
        return len(self.commands)

    async def reacts(self, since: int, wanted: Callable[[Any], bool], what: str) -> Any:
        """Wait for a command after the first `since` that is as wanted."""
        await until(lambda: any(wanted(row) for row in self.commands[since:]), what, 15)
        return next(row for row in self.commands[since:] if wanted(row))


def answer(command: Any) -> npt.NDArray[Any]:
    """What the gateway says about a command the venue took."""
    status = {
        CommandKind.PLACE: OrderEvent.ACCEPTED,
        CommandKind.MODIFY: OrderEvent.REPLACED,
        CommandKind.CANCEL: OrderEvent.CANCELLED,
    }[CommandKind(int(command["kind"]))]
    named = "target" if command["kind"] == CommandKind.CANCEL else "cloid"
    return event(
        EventKind.ORDER,
        side=command["side"],
        level=command["level"],
        status=status,
        oid=1 + int(command["cloid_lo"] % 1_000_000),
        px_ticks=command["px_ticks"],
        sz_lots=command["sz_lots"],
        cloid_hi=command[f"{named}_hi"],
        cloid_lo=command[f"{named}_lo"],
    )


@contextlib.asynccontextmanager
async def coin_bench(folder: Path, ahead_ns: int = 0, **quoting: Any) -> AsyncIterator[CoinBench]:
    """A coin that quotes both sides and has come to rest."""
    files = RunFolder(folder)
    files.create()
    hub, feed = Hub(files.sockets), PublicFeed()
    await hub.start()
    hub.directory.announce(RELAY, Address(await feed.start(), os.getpid()))
    chosen: dict[str, Any] = {"coins.names": ["BTC", "ETH"], "quoting.warmup_s": 0.5, "storage.folder": str(folder)}
    chosen |= {f"quoting.{name}": value for name, value in quoting.items()}
    config = CoinConfig(
        coin="BTC",
        run=1,
        plan=load(None, chosen).plan(),
        instruments=INSTRUMENTS,
        token_file=str(hub.token_file),
        journals=str(files.journals),
        checkpoints=str(files.checkpoints),
    )
    coin = Coin(config, hub.directory)
    bench = CoinBench(hub, feed, coin)
    bench.ahead_ns = ahead_ns
    running = asyncio.create_task(coin.run())
    try:
        await until(lambda: NAME in hub.peers and len(feed.subscribed) == 4, "the coin joins")
        bench.snapshot()
        await bench.context(0.5 * (BID + ASK))
        await bench.book()
        serving = asyncio.create_task(bench.serve())
        await until(lambda: {int(row["side"]) for row in bench.commands} == {0, 1}, "quotes on both sides", 40)
        await bench.quiet()
        yield bench
    finally:
        serving.cancel()
        await coin.stop()
        await asyncio.gather(running, serving, return_exceptions=True)
        await hub.stop()
        await feed.stop()


def is_place(row: Any) -> bool:
    return bool(row["kind"] == CommandKind.PLACE)


def is_cancel(row: Any) -> bool:
    return bool(row["kind"] == CommandKind.CANCEL)


def moves(row: Any) -> bool:
    """Puts an order at a price."""
    return bool(row["kind"] != CommandKind.CANCEL)


def best_px(bench: CoinBench, side: int) -> float:
    """Price of the newest first-level order of a side."""
    return BTC.px(next(int(row["px_ticks"]) for row in reversed(bench.commands) if row["side"] == side and moves(row)))
