"""End to end: a raw frame of Binance's stream, through every socket on its way, changes an outgoing order."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest

from portfolio_mm.actors.reference_feed import ReferenceFeed
from portfolio_mm.actors.topology import RELAY, Address, FolderDirectory
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.models.fair_row import REFERENCE
from portfolio_mm.reference.symbols import Symbol
from tests.actors.test_reference import relayed
from tests.actors.waiting import until
from tests.engine import led
from tests.engine.story import without
from tests.engine.tape import COIN, MS, STEP, Bench, bbo, venue_ms

SECONDS = 60.0
MULTIPLIER = 1_000.0
"""As where a symbol is a thousand of our coins."""


def copy(coin: Bench) -> Bench:
    """The same coin once more, with what it still waits for."""
    other = led.bench(coin.step)
    other.state, other.params = coin.state.copy(), coin.params.copy()
    other.commands, other._waiting = list(coin.commands), list(coin._waiting)
    return other


def quoted_after(coin: Bench, trained: Bench, now_ns: int) -> dict[int, int]:
    """Last prices it sent by side since it was copied, once its own market has moved as well.

    What was heard may be worth an action by itself; if not, a move of its own market by 12 bps is, in every run.
    """
    bid, ask = (int(ticks) + 24 * STEP for ticks in trained.st["book"]["ticks"])
    for i in range(8):
        coin.hear(bbo(now_ns + i * 100 * MS, bid, ask))
    rows = [row for row in coin.commands[len(trained.commands) :] if row["kind"] != CommandKind.CANCEL]
    return {int(row["side"]): int(row["px_ticks"]) for row in rows}


def mid_of(coin: Bench) -> float:
    return float(coin.st["fair"]["mid_px"])


@contextlib.asynccontextmanager
async def heard(folder: Path, coin: Bench) -> AsyncIterator[Callable[[str], Awaitable[npt.NDArray[Any]]]]:
    """Say a frame at the reference venue; what the coin's feed makes of it, as the engine's clock has it now."""
    async with relayed() as (leading, relay, _):
        directory = FolderDirectory(folder)
        directory.announce(RELAY, Address(relay.url, 0))
        feed = ReferenceFeed(directory, Symbol("BTCUSDT", MULTIPLIER), COIN.index, lambda: mid_of(coin), "")
        rows: list[npt.NDArray[Any]] = []

        async def listen() -> None:
            async for row in feed.events():
                rows.append(row.copy())  # noqa: PERF401 - one by one, while it goes on

        listening = asyncio.create_task(listen())
        await until(lambda: feed.view().state != "down", "the feed connected")

        async def say(frame: str) -> npt.NDArray[Any]:
            before = len(rows)
            await leading.feed.say(frame)
            await until(lambda: len(rows) > before, "its event")
            return rows[before]

        try:
            yield say
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def ticker(mid: float, number: int, ms: int) -> str:
    """`bookTicker` of a symbol that is a thousand of our coins, half a basis point wide."""
    bid, ask = (f"{mid * MULTIPLIER * (1.0 + side * 0.25e-4):.4f}" for side in (-1.0, 1.0))
    data = {"e": "bookTicker", "u": number, "s": "BTCUSDT", "b": bid, "B": "0.05", "a": ask, "A": "0.05", "T": ms}
    return json.dumps({"stream": "btcusdt@bookTicker", "data": data}, separators=(",", ":"))


async def orders_after(folder: Path, trained: Bench, moved_bps: float) -> dict[int, int]:
    """Prices the coin sends when the reference stands so far from its mid, in a frame and nothing else."""
    coin = copy(trained)
    now_ns = led.rest(coin, SECONDS)
    async with heard(folder, coin) as say:
        for i in range(4):
            at_ns = now_ns + (1 + i) * 20 * MS
            row = await say(ticker(mid_of(trained) * (1.0 + moved_bps * 1e-4), 1 + i, venue_ms(at_ns)))
            row["recv_ns"] = at_ns
            coin.hear(row)
    return quoted_after(coin, trained, now_ns + 100 * MS)


@pytest.fixture(scope="module")
def trained() -> Bench:
    """A coin that has followed its reference for a minute."""
    coin = led.play("reference", seconds=SECONDS)
    assert led.weight(coin, REFERENCE) > 0.5
    return coin


async def test_a_raw_frame_of_the_reference_venue_moves_an_order(tmp_path: Path, trained: Bench) -> None:
    up = await orders_after(tmp_path, trained, 6.0)
    down = await orders_after(tmp_path, trained, -6.0)
    assert set(up) == set(down) != set()
    assert all(up[side] > down[side] for side in up)


async def test_without_the_part_the_same_frames_move_nothing(tmp_path: Path) -> None:
    off = led.play("reference", without("reference", "hear", returns=False), SECONDS)
    assert await orders_after(tmp_path, off, 6.0) == await orders_after(tmp_path, off, -6.0) != {}


async def test_a_frame_of_another_price_never_reaches_the_engine(tmp_path: Path, trained: Bench) -> None:
    """Two percent away is another asset, or ours is: nothing comes."""
    with pytest.raises(AssertionError, match="its event"):
        await orders_after(tmp_path, trained, 200.0)
