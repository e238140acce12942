from pathlib import Path

import msgspec
import numpy as np
import pytest

from portfolio_mm.actors.framing import FrameKind
from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import BUY, SELL
from tests.gateway.peers import limits, rig, until


async def test_a_placed_order_rests_at_the_venue_and_a_cancel_ends_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        event = await coin.hears(OrderEvent.ACCEPTED, key)
        rows = await made.open_orders()
        assert [row["oid"] for row in rows] == [event["oid"]]
        coin.cancel(key)
        await coin.hears(OrderEvent.CANCELLED, key)
        assert await made.open_orders() == []


async def test_leverage_that_cannot_be_set_counts_margin_in_full(tmp_path: Path) -> None:
    """5,000 USD of 10,000 may be margin: enough for 6,000 USD at 5x, but not once the venue refused to set 100x."""
    for leverage, event in ((5, OrderEvent.ACCEPTED), (100, OrderEvent.REFUSED)):
        folder = tmp_path / str(leverage)
        folder.mkdir()
        async with rig(folder) as made:
            tall = tuple(msgspec.structs.replace(one, max_leverage=100) for one in made.config.instruments)
            made.gateway = Gateway(msgspec.structs.replace(made.config, instruments=tall, leverage=(leverage, 5)))
            await made.start()
            risk, coin = await made.trading()
            await made.new_limits(
                risk, limits(position_usd=20_000.0, order_usd=20_000.0, gross_usd=20_000.0, version=3)
            )
            await coin.hears(event, coin.place(BUY, 0.97 * made.mid("BTC"), 6_000.0))


async def test_the_snapshot_begins_with_sync_and_ends_with_the_last_bit(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        coin = await made.coin("BTC")
        kinds = [EventKind(row["kind"]) for row in coin.events]
        assert kinds[:3] == [EventKind.SYNC, EventKind.POSITION, EventKind.POSITION]
        assert {EventKind.ACCOUNT, EventKind.MODE, EventKind.PERMIT} <= set(kinds)
        sync = coin.events[0]
        assert (sync["oid"], sync["tid"]) == (coin.epoch, coin.run)
        assert sum(int(row["bits"]) & 1 for row in coin.events) == 1
        account = coin.heard(EventKind.ACCOUNT)[0]
        assert account["px"] == 10_000.0
        assert account["sz"] == pytest.approx(1.5)


async def test_a_modify_moves_the_order_under_a_new_cloid(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        old = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        first = await coin.hears(OrderEvent.ACCEPTED, old)
        new = coin.key(BUY, 0)
        px_ticks = coin.ticks(0.98 * made.mid("BTC"), BUY)
        coin.send(
            CommandKind.MODIFY,
            new,
            side=BUY,
            px_ticks=px_ticks,
            sz_lots=first["sz_lots"],
            target_hi=old[0],
            target_lo=old[1],
        )
        event = await coin.hears(OrderEvent.REPLACED, new)
        assert event["oid"] != first["oid"]
        rows = await made.open_orders()
        assert [row["oid"] for row in rows] == [event["oid"]]
        assert coin.instrument.ticks(rows[0]["limitPx"]) == px_ticks


async def test_a_modify_that_would_cross_leaves_nothing_and_says_so_of_both_orders(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        old = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, old)
        new = coin.key(BUY, 0)
        px_ticks = coin.ticks(1.03 * made.mid("BTC"), BUY)
        coin.send(CommandKind.MODIFY, new, side=BUY, px_ticks=px_ticks, sz_lots=100, target_hi=old[0], target_lo=old[1])
        event = await coin.hears(OrderEvent.REFUSED, new)
        assert event["oid"] == Refusal.WOULD_CROSS
        await coin.hears(OrderEvent.CANCELLED, old)
        assert await made.open_orders() == []


async def test_a_post_only_order_that_would_cross_is_refused_by_class(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        for far in (0.97, 0.96):
            event = await coin.hears(OrderEvent.REFUSED, coin.place(SELL, far * made.mid("BTC"), 100.0))
            assert event["oid"] == Refusal.WOULD_CROSS
        said = [line for line in caplog.messages if "Post only order would have immediately matched" in line]
        assert len(said) == 1, "its words are written down once, not once an order"


async def test_no_order_passes_the_worst_case(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        await made.new_limits(risk, limits(position_usd=250.0, order_usd=120.0, version=4))
        px = 0.97 * made.mid("BTC")
        keys = [coin.place(BUY, px, 100.0, level=level) for level in range(3)]
        await coin.hears(OrderEvent.ACCEPTED, keys[0])
        await coin.hears(OrderEvent.ACCEPTED, keys[1])
        refused = await coin.hears(OrderEvent.REFUSED, keys[2])
        assert refused["oid"] == Refusal.LIMIT
        large = coin.place(SELL, 1.03 * made.mid("BTC"), 140.0)
        assert (await coin.hears(OrderEvent.REFUSED, large))["oid"] == Refusal.LIMIT
        assert len(await made.open_orders()) == 2


async def test_creates_for_one_level_coalesce_to_the_newest(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        first = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, first)  # the lane is busy from now on
        keys = [coin.place(BUY, share * made.mid("BTC"), 100.0, level=1) for share in (0.95, 0.96, 0.965)]
        await coin.hears(OrderEvent.ACCEPTED, keys[2])
        await coin.hears(OrderEvent.CANCELLED, keys[0])
        assert len(await made.open_orders()) == 2


async def test_fills_of_all_coins_reach_every_coin_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, bitcoin = await made.trading("BTC")
        ether = await made.coin("ETH")
        book = made.venue.venue.state.by_coin["BTC"]
        key = bitcoin.place(BUY, made.mid("BTC") * 0.9999, 200.0)
        await until(lambda: bool(bitcoin.heard(EventKind.FILL)) or bool(bitcoin.story(key)), "any news")
        await until(lambda: bool(ether.heard(EventKind.FILL)), f"a fill near {book.mark_ticks}")
        fill = ether.heard(EventKind.FILL)[0]
        assert (int(fill["cloid_hi"]), int(fill["cloid_lo"])) == key
        position = next(row for row in reversed(ether.heard(EventKind.POSITION)) if row["coin"] == 0)
        filled = sum(int(row["sz_lots"]) for row in ether.heard(EventKind.FILL))
        assert position["sz_lots"] == filled
        tids = [(row["venue_ms"], row["tid"]) for row in ether.heard(EventKind.FILL)]
        assert len(tids) == len(set(tids))
        assert [row["seq"] for row in ether.events if row["kind"] in {10, 11, 12, 15}] == sorted(
            row["seq"] for row in ether.events if row["kind"] in {10, 11, 12, 15}
        )


async def test_commands_of_another_incarnation_are_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        coin.epoch -= 1
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, key))["oid"] == Refusal.STALE


async def test_a_closed_coin_stream_cancels_its_orders(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        coin.peer.abort()
        await made.nothing_open()


async def test_a_second_connection_supersedes_the_first_and_starts_without_orders(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        again = await made.coin("BTC")
        assert again.epoch > coin.epoch
        assert not again.heard(EventKind.ORDER)
        assert await made.open_orders() == []
        await coin.gone.wait()


async def test_a_peer_that_says_what_its_role_may_not_is_hung_up_on(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        console = await made.peer("console")
        console.peer.send_records(FrameKind.COMMANDS, np.zeros(1, COMMAND))
        await console.gone.wait()
