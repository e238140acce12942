"""The venue under load in a process of its own: ten sockets of a hundred subscriptions, 1,000 order legs a second.

Half of the legs place, in batches of ten post-only orders, half cancel them. The answer is timed from the moment the
request is written; the block it waits for (10 ms here) is part of it. Baseline: the same requests without subscribers.
"""

import asyncio
import json
import subprocess
import sys
import time
from typing import Any, Final

import aiohttp
import eth_account
import psutil
from hyperliquid.utils.signing import sign_l1_action

from scripts.bench.row import Row

SOCKETS: Final = 10
TOPICS: Final = 100
BATCH: Final = 10
BATCHES_PER_S: Final = 100
LASTING_S: Final = 10
BLOCK_MS: Final = 10
MOST_OPEN: Final = 900
"""A user may have 1,000 (HL §5.3)."""
SETTINGS: Final = f"""
from portfolio_mm.actors.kernel_cache import environment
import os
os.environ.update(environment())
import asyncio, sys
from portfolio_mm.venue.process import serve_until_told
from portfolio_mm.venue.settings import VenueSettings
sys.exit(asyncio.run(serve_until_told(VenueSettings(
    block_ms={BLOCK_MS}, ip_limit=False, deposit_usd=1e9, requests_base=10**9, accounts=2))))
"""
KINDS: Final = ("bbo", "trades", "activeAssetCtx")
COARSE: Final[tuple[dict[str, int], ...]] = (
    {},
    {"nSigFigs": 5},
    {"nSigFigs": 4},
    {"nSigFigs": 3},
    {"nSigFigs": 2},
    {"nSigFigs": 5, "mantissa": 2},
    {"nSigFigs": 5, "mantissa": 5},
)


def run() -> list[Row]:
    """Both loads, one venue each."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    alone, _, _ = await _load(0)
    times_ms, share, frames = await _load(SOCKETS)
    cut = [times_ms[int(len(times_ms) * q)] for q in (0.5, 0.99)]
    base = [alone[int(len(alone) * q)] for q in (0.5, 0.99)]
    note = f"{2 * BATCH * len(times_ms) // 2} legs in {LASTING_S} s, {SOCKETS} sockets x {TOPICS} subscriptions"
    return [
        Row("batch of ten answered by the venue, p50", cut[0], "ms", base[0], "no subscribers", note),
        Row("batch of ten answered by the venue, p99", cut[1], "ms", base[1], "no subscribers", "goal 20 ms"),
        Row("share of a core the venue takes", 100.0 * share, "%", note=f"{frames / LASTING_S:.0f} frames/s sent"),
    ]


async def _load(sockets: int) -> tuple[list[float], float, int]:
    """(sorted answer times ms, share of a core, frames heard)."""
    venue = subprocess.Popen([sys.executable, "-c", SETTINGS], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        assert venue.stdout is not None
        ready = json.loads(await asyncio.to_thread(venue.stdout.readline))
        async with aiohttp.ClientSession() as http:
            heard = [0]
            listeners = [asyncio.create_task(_listen(http, ready, heard)) for _ in range(sockets)]
            sender = _Sender(http, ready)
            await sender.warm()
            process = psutil.Process(venue.pid)
            before, first = process.cpu_times(), heard[0]
            times_ms = await sender.send(BATCHES_PER_S * LASTING_S)
            after, frames = process.cpu_times(), heard[0] - first
            for task in listeners:
                task.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
        share = (after.user + after.system - before.user - before.system) / LASTING_S
        return sorted(times_ms), share, frames
    finally:
        venue.terminate()
        venue.wait(10)


async def _listen(http: aiohttp.ClientSession, ready: dict[str, Any], heard: list[int]) -> None:
    async with http.ws_connect(ready["ws"], max_msg_size=0) as socket:
        for subscription in _subscriptions(ready["coins"]):
            await socket.send_json({"method": "subscribe", "subscription": subscription})
        async for _ in socket:
            heard[0] += 1


def _subscriptions(coins: list[str]) -> list[dict[str, Any]]:
    """TOPICS different ones: what moves by block, and books of every coarseness."""
    found: list[dict[str, Any]] = [{"type": kind, "coin": coin} for kind in KINDS for coin in coins]
    for coarse in COARSE:
        found += [{"type": "l2Book", "coin": coin, **coarse, "fast": fast} for coin in coins for fast in (True, False)]
    return found[:TOPICS]


class _Sender:
    """Signed batches at an even pace, whatever the answers take."""

    def __init__(self, http: aiohttp.ClientSession, ready: dict[str, Any]) -> None:
        self._http, self._url = http, ready["url"] + "/exchange"
        self._wallet = eth_account.Account.from_key(ready["accounts"][0]["agent"]["key"])
        self._nonce = time.time_ns() // 1_000_000
        self._oids: list[int] = []
        self._open = 0

    async def warm(self) -> None:
        """One after another: the first orders may compile, and all of them must not wait for that."""
        for _ in range(BATCHES_PER_S):
            await self._one()

    async def send(self, batches: int) -> list[float]:
        """Answer times in ms."""
        start, tasks = time.monotonic(), []
        for number in range(batches):
            await asyncio.sleep(max(0.0, start + number / BATCHES_PER_S - time.monotonic()))
            tasks.append(asyncio.create_task(self._one()))
        return [await task for task in tasks]

    async def _one(self) -> float:
        if len(self._oids) >= BATCH:
            oids, self._oids = self._oids[:BATCH], self._oids[BATCH:]
            action: dict[str, Any] = {"type": "cancel", "cancels": [{"a": 0, "o": oid} for oid in oids]}
            self._open -= BATCH
        elif self._open >= MOST_OPEN:
            return float("inf")  # the venue is so far behind that no more may rest: a batch that was never answered
        else:
            self._open += BATCH
            legs = [
                {"a": 0, "b": True, "p": f"{50_000 + at}", "s": "0.001", "r": False, "t": {"limit": {"tif": "Alo"}}}
                for at in range(BATCH)
            ]
            action = {"type": "order", "orders": legs, "grouping": "na"}
        self._nonce += 1
        body = {
            "action": action,
            "nonce": self._nonce,
            "signature": sign_l1_action(self._wallet, action, None, self._nonce, None, is_mainnet=False),
            "vaultAddress": None,
        }
        start = time.perf_counter()
        async with self._http.post(self._url, json=body) as reply:
            told = await reply.json()
        took_ms = (time.perf_counter() - start) * 1e3
        statuses = told["response"]["data"]["statuses"]
        wrong = [row for row in statuses if "error" in row] if action["type"] == "order" else []
        if wrong:
            msg = f"the venue refused a leg of the load: {wrong[0]}"
            raise RuntimeError(msg)
        if action["type"] == "order":
            self._oids += [row["resting"]["oid"] for row in statuses]
        return took_ms
