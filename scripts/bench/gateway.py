"""The gateway alone, between a venue and coins in processes of their own: from a wish to the wire, and a kill.

Decide to wire is timed by the gateway itself, from a coin's frame of ten commands until the venue's socket has the
signed bytes. A kill is timed here, from the moment risk says it until a coin heard that its last order is gone: the
venue acknowledged the cancels and its order rows came. Baseline of the batch: the official SDK signing the same ten.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp
import eth_account
import msgspec
import numpy as np
from hyperliquid.utils.signing import sign_l1_action

from portfolio_mm.actors.framing import FrameKind
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.messages import Ask, Hello, View
from portfolio_mm.actors.transport import join
from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import CoinLimit, LimitSet, RiskState
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from scripts.bench.row import Row, best_us, say
from scripts.bench.sign import KEY, NONCE, plain_batch
from tests.gateway.peers import TOKEN, FakeCoin, FakePeer, FakeRisk, Key

BATCH: Final = 10
BATCHES: Final = 150
"""Placed, and cancelled again: twice as many batches."""
PAUSE_S: Final = 0.12
"""Between two batches: each finds its lane rested, as most do."""
RESTING: Final = 200
KILLS: Final = 20
CLIP_USD: Final = 20.0
LEVEL_BPS: Final = 5.0
PATIENCE_S: Final = 30.0
QUIET_S: Final = 65.0
"""A minute, for the weight of what the gateway reads by itself."""
MANY: Final = 50
USUAL: Final = ("BTC", "ETH", "SOL", "DOGE")
PROFILES: Final = {
    "no latency": "latency=Latency()",
    "realistic latency": "latency=Latency(entry=WAY, cancel=WAY, reply=WAY, feed=Lognormal(40.0, 200.0))",
}
"""The second is examples/scenarios/volatile.yaml: half of the documented 200 ms median and 900 ms p99 each way."""
VENUE: Final = """
from portfolio_mm.actors.kernel_cache import environment
import os
os.environ.update(environment())
import asyncio, sys
import msgspec
from portfolio_mm.venue.delays import Latency, Lognormal
from portfolio_mm.venue.flows.synthetic.coin import COINS
from portfolio_mm.venue.flows.synthetic_params import SyntheticParams
from portfolio_mm.venue.process import serve_until_told
from portfolio_mm.venue.settings import VenueSettings
WAY = Lognormal(100.0, 450.0)
many = tuple(msgspec.structs.replace(COINS[at % len(COINS)], coin=f"C{{at}}") for at in range({many}))
given = dict(synthetic=SyntheticParams(coins=many)) if many else dict(coins={coins})
sys.exit(asyncio.run(serve_until_told(VenueSettings(
    deposit_usd=1e6, requests_base=10**9, mode="standard", {profile}, **given))))
"""


def run() -> list[Row]:
    """Both profiles, then a quiet minute with many coins."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    rows: list[Row] = []
    async with _stage("no latency") as stage:
        rows += await _decide_to_wire(stage)
        rows += await _kills(stage, "no latency", "goal 250 ms")
    async with _stage("realistic latency") as stage:
        rows += await _kills(stage, "realistic latency", "100 ms median and 450 ms p99 each way")
    async with _stage("no latency", many=MANY) as stage:
        say(f"{MANY} coins, {QUIET_S:.0f} s")
        await asyncio.sleep(QUIET_S)
        budget = (await stage.view()).budget
        note = f"goal: within {budget.ip_weight_cap}; {MANY} coins at the default intervals"
        return [*rows, Row("IP weight of a minute's reconciliation", budget.ip_weight_used, "of 1200", note=note)]


class _Stage:
    """A gateway that may trade, and its peers."""

    def __init__(self, config: GatewayConfig, endpoint: str) -> None:
        self.config = config
        self.endpoint = endpoint
        self.risk: FakeRisk
        self.coins: list[FakeCoin] = []
        self.mids: dict[str, float] = {}

    async def join(self, mids: dict[str, str]) -> None:
        """Risk first, then a coin each."""
        self.mids = {name: float(px) for name, px in mids.items()}
        self.risk = FakeRisk((await join(self.endpoint, _hello("risk", "risk")))[0])
        self.risk.limits = _limits(self.config.instruments)
        for instrument in self.config.instruments:
            peer, welcome = await join(self.endpoint, _hello("coin", f"coin:{instrument.coin}"))
            coin = FakeCoin(peer, instrument, welcome.run, welcome.peer_epoch)
            coin.report(self.mids[instrument.coin], int(time.time() * 1000))
            self.coins.append(coin)
        await self.granted(0)

    async def granted(self, before: int) -> None:
        """Every coin has a permit that came after its first `before` events."""
        for coin in self.coins:
            await _until(partial(_has_permit, coin, before))

    def place(self, coin: FakeCoin, count: int) -> list[Key]:
        """One frame with an order on each of the first levels."""
        px, rows = self.mids[coin.instrument.coin], _commands(coin, CommandKind.PLACE, count)
        keys = [coin.key(BUY, level) for level in range(count)]
        for level, (row, key) in enumerate(zip(rows, keys, strict=True)):
            row["cloid_hi"], row["cloid_lo"] = key
            row["level"] = level
            row["px_ticks"] = coin.ticks(px * (1.0 - (level + 40) * LEVEL_BPS / 1e4), BUY)
        rows["sz_lots"] = coin.instrument.lots(CLIP_USD / px)
        coin.peer.send_records(FrameKind.COMMANDS, rows)
        return keys

    def cancel(self, coin: FakeCoin, keys: list[Key]) -> None:
        """One frame again."""
        rows = _commands(coin, CommandKind.CANCEL, len(keys))
        rows["target_hi"], rows["target_lo"] = np.array(keys, "u8").T
        coin.peer.send_records(FrameKind.COMMANDS, rows)

    async def view(self) -> View:
        eye = FakePeer((await join(self.endpoint, _hello("operator", "bench")))[0])
        eye.peer.send_message(Ask("view"))
        await _until(lambda: any(isinstance(message, View) for message in eye.messages))
        await eye.close()
        return next(message for message in eye.messages if isinstance(message, View))


async def _decide_to_wire(stage: _Stage) -> list[Row]:
    coin, began_s = stage.coins[0], time.monotonic()
    for number in range(BATCHES):
        keys = stage.place(coin, BATCH)
        await asyncio.sleep(PAUSE_S)
        await _until(partial(_all, coin, OrderEvent.ACCEPTED, keys))
        stage.cancel(coin, keys)
        await asyncio.sleep(PAUSE_S)
        await _until(partial(_all, coin, OrderEvent.CANCELLED, keys))
        coin.events.clear()
        if number % 50 == 49:
            say(f"{number + 1} of {BATCHES} batches, {time.monotonic() - began_s:.0f} s")
    told = (await stage.view()).latency_gateway
    wallet = eth_account.Account.from_key(KEY)
    sdk = best_us(partial(sign_l1_action, wallet, plain_batch(BATCH), None, NONCE, None, is_mainnet=True), 20) / 1e3
    note = f"{told.count} orders and cancels in batches of {BATCH}"
    return [
        Row("decide to wire, batch of ten, p50", told.p50_us / 1e3, "ms", sdk, "official SDK, signing only", note),
        Row("decide to wire, batch of ten, p99", told.p99_us / 1e3, "ms", note="goal 2 ms; of p50 0.5 ms"),
    ]


async def _kills(stage: _Stage, profile: str, note: str) -> list[Row]:
    each, times_ms = RESTING // len(stage.coins), []
    for number in range(KILLS):
        keys = {coin.instrument.coin: stage.place(coin, each) for coin in stage.coins}
        for coin in stage.coins:
            await _until(partial(_all, coin, OrderEvent.ACCEPTED, keys[coin.instrument.coin]))
        await asyncio.sleep(1.0)  # the lanes are rested, as they are when nothing was cancelled for a second
        began_ns = time.monotonic_ns()
        stage.risk.kill("a benchmark")
        for coin in stage.coins:
            await _until(partial(_all, coin, OrderEvent.CANCELLED, keys[coin.instrument.coin]), 0.001)
        times_ms.append((time.monotonic_ns() - began_ns) / 1e6)
        before = [len(coin.events) for coin in stage.coins]
        await asyncio.sleep(0.6)  # the refusal of a later question
        stage.risk.state = RiskState.GREEN
        for coin, seen in zip(stage.coins, before, strict=True):
            await _until(partial(_has_permit, coin, seen))
            coin.events.clear()
        if number % 10 == 9:
            say(f"{profile}: {number + 1} of {KILLS} kills")
    times_ms.sort()
    what = f"kill to last of {RESTING} orders gone, {profile}"
    return [
        Row(f"{what}, p50", times_ms[len(times_ms) // 2], "ms", note=f"{KILLS} kills, blocks of 100 ms"),
        Row(f"{what}, worst", times_ms[-1], "ms", note=note),
    ]


@contextlib.asynccontextmanager
async def _stage(profile: str, many: int = 0) -> AsyncIterator[_Stage]:
    """Venue and gateway in processes of their own, peers here."""
    source = VENUE.format(profile=PROFILES[profile], coins=USUAL, many=many)
    with tempfile.TemporaryDirectory(prefix="pmm-bench-") as place, _process("-c", source) as venue:
        ready = json.loads(await asyncio.to_thread(venue.stdout.readline))
        config, mids = await _config(Path(place), ready)
        file = Path(place) / "gateway.json"
        file.write_bytes(msgspec.json.encode(config))
        with _process("-m", "scripts.bench.gateway_side", str(file)) as gateway:
            endpoint = (await asyncio.to_thread(gateway.stdout.readline)).strip()
            stage = _Stage(config, endpoint)
            await stage.join(mids)
            try:
                yield stage
            finally:
                for peer in (stage.risk, *stage.coins):
                    await peer.close()


@contextlib.contextmanager
def _process(*arguments: str) -> Any:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


async def _config(place: Path, ready: dict[str, Any]) -> tuple[GatewayConfig, dict[str, str]]:
    account = ready["accounts"][0]
    for name, text in (("token", TOKEN), ("agent.key", account["agent"]["key"])):
        (place / name).touch(0o600)
        (place / name).write_text(text)
    async with aiohttp.ClientSession() as session:
        info = InfoClient(ready["url"], session, IpBudget())
        instruments = await load_instruments(info, ready["coins"])
        mids = await info.post({"type": "allMids"})
    return (
        GatewayConfig(
            account=account["address"],
            key_path=str(place / "agent.key"),
            url=ready["url"],
            ws_url=ready["ws"],
            mainnet=False,
            instruments=instruments,
            leverage=(10,) * len(instruments),
            hub=f"unix:{place}/hub.sock",
            token_file=str(place / "token"),
            state_db=str(place / "state.db"),
            lock_file=str(place / "gateway.lock"),
            journals=str(place / "journals"),
        ),
        mids,
    )


def _commands(coin: FakeCoin, kind: CommandKind, count: int) -> Any:
    rows = np.zeros(count, COMMAND)
    rows["kind"], rows["coin"], rows["side"] = kind, coin.instrument.index, BUY
    rows["gain_usd"], rows["cause_ns"] = 1.0, time.monotonic_ns()
    return rows


def _hello(role: Any, name: str) -> Hello:
    return Hello(role=role, name=name, token=TOKEN, pid=0)


def _limits(instruments: tuple[Instrument, ...]) -> LimitSet:
    """Far from everything: limits are not what is measured."""
    return LimitSet(
        version=1,
        coins=tuple(CoinLimit(one.coin, 1e5, 1e4) for one in instruments),
        max_gross_usd=1e7,
        max_net_usd=1e7,
        max_margin_fraction=1.0,
        max_loss_usd=1e6,
        max_drawdown_fraction=0.9,
        min_drawdown_usd=1e6,
        max_open_orders=1_000,
    )


def _all(coin: FakeCoin, status: OrderEvent, keys: list[Key]) -> bool:
    told = {
        (int(row["cloid_hi"]), int(row["cloid_lo"]))
        for row in coin.events
        if row["kind"] == EventKind.ORDER and row["status"] == status
    }
    return told.issuperset(keys)


def _has_permit(coin: FakeCoin, before: int) -> bool:
    return any(row["kind"] == EventKind.PERMIT and row["oid"] > 0 for row in coin.events[before:])


async def _until(true: Any, step_s: float = 0.01) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end_s:
            msg = "the gateway or the venue does not do what is measured"
            raise RuntimeError(msg)
        await asyncio.sleep(step_s)
