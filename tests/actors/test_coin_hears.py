"""End to end, kind by kind: a message through the socket changes what the coin sends (architecture, section 3, net 4).

FUNDING is the one kind without an effect on orders: it is money, and shows in the report.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.messages import CoinReport
from portfolio_mm.domain.events import EVENT, CoinMode, EventKind
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.storage.journal_reader import JournalReader
from tests.actors.coin_bench import ASK, BID, CoinBench, best_px, coin_bench, event, is_cancel, is_place, moves
from tests.actors.waiting import until


def live_order(bench: CoinBench) -> dict[str, int]:
    """Name of the newest best order that nothing was asked of since: it rests, and its place is worth having again."""
    gone = {(row["target_hi"], row["target_lo"]) for row in bench.commands}
    best = [row for row in bench.commands if moves(row) and row["level"] == 0]
    row = next(row for row in reversed(best) if (row["cloid_hi"], row["cloid_lo"]) not in gone)
    return {"side": row["side"], "level": row["level"], "cloid_hi": row["cloid_hi"], "cloid_lo": row["cloid_lo"]}


async def hear_bbo(bench: CoinBench) -> None:
    bench.market = (BID + 200, ASK + 200)


async def hear_book(bench: CoinBench) -> None:
    bench.market = None
    for _ in range(10):
        await bench.book(BID - 200, ASK - 200)
        await asyncio.sleep(0.1)


async def hear_context(bench: CoinBench) -> None:
    """A mark twice as high makes the same position twice the money, so the skew grows."""
    bench.tell(event(EventKind.POSITION, coin=0, sz_lots=400, px_ticks=BID * 10))
    await bench.quiet()
    await bench.context(2.0 * BID)


async def hear_fill(bench: CoinBench) -> None:
    bench.tell(event(EventKind.FILL, coin=1, side=BUY, sz_lots=5_000, px_ticks=300_000, tid=5))


async def hear_position(bench: CoinBench) -> None:
    bench.tell(event(EventKind.POSITION, coin=0, sz_lots=800, px_ticks=BID * 10))


async def hear_account(bench: CoinBench) -> None:
    bench.tell(event(EventKind.ACCOUNT, px=10_000.0, px2=10_000.0, sz=25.0, sz2=30.0, status=1))


async def hear_allocation(bench: CoinBench) -> None:
    bench.tell(*bench.allocation(target_usd=1_500.0))


async def hear_skew(bench: CoinBench) -> None:
    bench.tell(event(EventKind.POSITION, coin=1, sz_lots=20_000, px_ticks=300_000))
    await bench.quiet()
    bench.tell(*bench.allocation(skew_bps_per_usd=0.03))


async def hear_permit(bench: CoinBench) -> None:
    bench.tell(event(EventKind.PERMIT, status=RiskState.CANCEL_ONLY, oid=0, seq=2))


async def hear_mode(bench: CoinBench) -> None:
    bench.tell(event(EventKind.MODE, status=CoinMode.CANCEL_ONLY))


async def hear_order(bench: CoinBench) -> None:
    bench.tell(event(EventKind.ORDER, status=OrderEvent.CANCELLED, **live_order(bench)))


async def hear_sync(bench: CoinBench) -> None:
    bench.snapshot(epoch=2)


async def lose_feed(bench: CoinBench) -> None:
    await bench.feed.drop()


CHANGES = {
    "bbo": (hear_bbo, moves),
    "l2Book": (hear_book, moves),
    "activeAssetCtx": (hear_context, moves),
    "FILL": (hear_fill, moves),
    "POSITION": (hear_position, moves),
    "ACCOUNT": (hear_account, is_cancel),
    "ALLOCATION": (hear_allocation, moves),
    "SKEW": (hear_skew, moves),
    "PERMIT": (hear_permit, is_cancel),
    "MODE": (hear_mode, is_cancel),
    "ORDER": (hear_order, is_place),
    "SYNC": (hear_sync, is_place),
    "FEED": (lose_feed, is_cancel),
}


@pytest.mark.parametrize("kind", CHANGES)
async def test_hearing_it_changes_an_order(kind: str, tmp_path: Path) -> None:
    hear, wanted = CHANGES[kind]
    async with coin_bench(tmp_path) as bench:
        since = await bench.quiet()
        await hear(bench)
        await bench.reacts(since, wanted, f"an order that answers {kind}")


async def test_silence_of_the_market_pulls_quotes(tmp_path: Path) -> None:
    async with coin_bench(tmp_path) as bench:
        since = len(bench.commands)
        bench.market = None
        await bench.reacts(since, is_cancel, "cancels after silence")


async def test_either_quote_channel_keeps_the_book_fresh_and_nothing_else_does(tmp_path: Path) -> None:
    """Best quotes may pause for seconds, and a quiet coin has no trades: only a book heard on no channel is stale."""
    stale_s = 1.0
    async with coin_bench(tmp_path, stale_feed_s=stale_s) as bench:
        bench.market = None

        async def only(hear: Callable[[], Awaitable[None]], for_s: float) -> list[Any]:
            since, end_s = len(bench.commands), time.monotonic() + for_s
            while time.monotonic() < end_s and not any(is_cancel(row) for row in bench.commands[since:]):
                await hear()
                await asyncio.sleep(0.2)
            return [row for row in bench.commands[since:] if is_cancel(row)]

        async def rest() -> None:
            await bench.trades(ASK, "B", 1)
            await bench.context(0.5 * (BID + ASK))

        assert await only(bench.book, stale_s + 0.7) == [], "books alone"
        assert await only(bench.quote, stale_s + 0.7) == [], "best quotes alone, trades and contexts silent"
        assert await only(rest, stale_s + 2.0) != [], "trades and contexts are no book"


async def test_trades_teach_the_quote(tmp_path: Path) -> None:
    """Two asks at equally moved markets, one before and one after buyers swept far through the book."""
    async with coin_bench(tmp_path) as bench:
        distance_bps = []
        for shift in (300.0, 900.0):
            since = len(bench.commands)
            bench.market = (BID + shift, ASK + shift)
            await bench.reacts(since, lambda row: moves(row) and row["side"] == SELL, "another ask")
            await bench.quiet()
            mid = 0.5 * (BID + ASK) + shift
            distance_bps.append((best_px(bench, SELL) / mid - 1.0) * 1e4)
            if shift == 300.0:
                for _ in range(60):
                    await bench.trades((ASK + shift) * 1.002, "B", 3)
                    await asyncio.sleep(0.05)
        assert abs(distance_bps[1] - distance_bps[0]) > 1.0


async def test_a_refusal_backs_off_and_tries_again(tmp_path: Path) -> None:
    async with coin_bench(tmp_path) as bench:
        bench.answering = False
        since = await bench.quiet()
        bench.market = (BID + 300, ASK + 300)
        row = await bench.reacts(since, moves, "a move")
        await asyncio.sleep(0)
        name = {key: row[key] for key in ("side", "level", "cloid_hi", "cloid_lo")}
        bench.tell(event(EventKind.ORDER, status=OrderEvent.REFUSED, oid=int(Refusal.MARGIN), **name))
        bench.answering = True
        again = len(bench.commands)
        await bench.reacts(again, lambda new: moves(new) and new["side"] == row["side"], "another try on that side")


async def test_a_side_waits_as_long_as_the_gateway_says_and_does_not_guess(tmp_path: Path) -> None:
    async with coin_bench(tmp_path) as bench:
        bench.answering = False
        since = await bench.quiet()
        bench.market = (BID + 300, ASK + 300)
        row = await bench.reacts(since, moves, "a move")
        await asyncio.sleep(0)
        name = {key: row[key] for key in ("side", "level", "cloid_hi", "cloid_lo")}
        refused, wait_s = int(Refusal.BUDGET), 0.4  # a guess would be ten seconds
        bench.tell(event(EventKind.ORDER, status=OrderEvent.REFUSED, oid=refused, tid=int(wait_s * 1e9), **name))
        bench.answering, began_s, again = True, time.monotonic(), len(bench.commands)
        await bench.reacts(again, lambda new: moves(new) and new["side"] == row["side"], "another try on that side")
        assert wait_s <= time.monotonic() - began_s < 5.0


async def test_malformed_frames_are_counted_and_do_not_stop_the_coin(tmp_path: Path) -> None:
    async with coin_bench(tmp_path) as bench:
        for bad in (
            "{",
            '{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[{"px":"-5","sz":"1","n":1},null]}}',
            "[]",
        ):
            await bench.feed.say(bad)
        await until(lambda: int(bench.coin.status()["malformed"]) == 3, "three counted")
        since = len(bench.commands)
        await hear_bbo(bench)
        await bench.reacts(since, moves, "an order, all the same")
        reported = len(bench.hub.heard)

        def said() -> bool:
            news = bench.hub.heard[reported:]
            return any(isinstance(heard, CoinReport) and heard.malformed >= 3 for _, heard in news)

        await until(said, "the report says so")


async def test_what_was_learned_survives_and_what_was_owned_does_not(tmp_path: Path) -> None:
    async with coin_bench(tmp_path) as bench:
        bench.tell(event(EventKind.POSITION, coin=0, sz_lots=800, px_ticks=BID * 10))
        await until(lambda: inventory(bench) == 800, "a position")
        seen = int(bench.coin.status()["events"])
    async with coin_bench(tmp_path) as bench:
        assert int(bench.coin.status()["events"]) > seen
        await until(lambda: bench.hub.last("coin:BTC", CoinReport) is not None, "a report")
        assert inventory(bench) == 0
    kinds = {int(kind) for rows in JournalReader(tmp_path / "journals", "coin-BTC", EVENT) for kind in rows["kind"]}
    assert {EventKind.BBO, EventKind.TIMER, EventKind.SYNC, EventKind.PERMIT, EventKind.FEED} <= kinds


def inventory(bench: CoinBench) -> int:
    found = bench.hub.last("coin:BTC", CoinReport)
    return found.inventory_lots if found is not None else -1


async def test_the_step_is_not_late(tmp_path: Path) -> None:
    async with coin_bench(tmp_path) as bench:
        since, began_s = await bench.quiet(), time.monotonic()
        await bench.quote(BID + 500, ASK + 500)
        bench.market = (BID + 500, ASK + 500)
        await bench.reacts(since, lambda _: True, "any answer")
        assert time.monotonic() - began_s < 2.0
