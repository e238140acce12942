"""Two instances of this program on one account, from different state folders (E6)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from portfolio_mm.actors.gateway.causes import Cause
from portfolio_mm.actors.gateway_part import GatewayPart
from portfolio_mm.domain.errors import OtherInstanceError
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY, SELL
from tests.gateway.peers import TOKEN, FakeCoin, Rig, rig, until


@contextlib.asynccontextmanager
async def second(made: Rig, folder: Path) -> AsyncIterator[Rig]:
    """A gateway that began later on the same venue and account, with a folder of its own."""
    folder.mkdir()  # noqa: ASYNC240 - a test
    (folder / "token").write_text(TOKEN)
    config = msgspec.structs.replace(
        made.config,
        hub=f"unix:{folder}/hub.sock",
        token_file=str(folder / "token"),
        state_db=str(folder / "state.db"),
        lock_file=str(folder / "gateway.lock"),
        journals=str(folder / "journals"),
    )
    other = Rig(made.venue, config, made.info)
    other.gateway.now_s = lambda: time.time() + 60.0
    try:
        yield other
    finally:
        await other.close()


async def requote(coin: FakeCoin, made: Rig, every_s: float) -> None:
    """A coin that lives: a new order now and then, in place of the one before."""
    last = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
    while True:
        await coin.hears(OrderEvent.ACCEPTED, last)
        await asyncio.sleep(every_s)
        coin.cancel(last)
        await coin.hears(OrderEvent.CANCELLED, last)
        last = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)


async def test_a_second_instance_is_refused_while_the_first_one_quotes_and_touches_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path / "one", watch_s=4.0) as first, second(first, tmp_path / "two") as other:
        await first.start()
        _, coin = await first.trading()
        still = coin.place(SELL, 1.03 * first.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, still)
        living = asyncio.create_task(requote(coin, first, 0.3))
        with pytest.raises(OtherInstanceError, match=r"another instance trades on account 0x.*BTC order .*started 20"):
            await other.start()
        living.cancel()
        assert OtherInstanceError.exit_code == 5
        assert OrderEvent.CANCELLED.name not in dict(coin.story(still))
        assert [row["oid"] for row in await first.open_orders() if row["side"] == "A"]


async def test_a_predecessor_of_another_folder_that_is_silent_is_taken_for_dead_and_cleaned_up(tmp_path: Path) -> None:
    async with rig(tmp_path / "one", watch_s=1.0) as first, second(first, tmp_path / "two") as other:
        await first.start()
        _, coin = await first.trading()
        await coin.hears(OrderEvent.ACCEPTED, coin.place(BUY, 0.97 * first.mid("BTC"), 100.0))
        await first.crash()
        await other.start()
        assert await first.open_orders() == []


async def test_own_predecessors_are_known_and_nothing_is_waited_for(tmp_path: Path) -> None:
    async with rig(tmp_path / "one", watch_s=60.0) as made:
        await made.start()
        _, coin = await made.trading()
        await coin.hears(OrderEvent.ACCEPTED, coin.place(BUY, 0.97 * made.mid("BTC"), 100.0))
        await made.crash()
        await made.start()
        assert await made.open_orders() == []


async def test_of_two_that_run_the_younger_one_cancels_its_own_and_leaves(tmp_path: Path) -> None:
    async with rig(tmp_path / "one") as first, second(first, tmp_path / "two") as other:
        await asyncio.gather(first.start(), other.start())
        (_, older), (_, younger) = await first.trading("BTC"), await other.trading("ETH")
        await asyncio.sleep(first.config.permit_ttl_s + 0.1)  # before, orders may be left over by a crash
        own = younger.place(BUY, 0.97 * first.mid("ETH"), 100.0)
        await younger.hears(OrderEvent.ACCEPTED, own)
        kept = older.place(BUY, 0.97 * first.mid("BTC"), 100.0)
        await older.hears(OrderEvent.ACCEPTED, kept)
        assert other.life is not None
        with pytest.raises(OtherInstanceError, match="was placed by its run"):
            await asyncio.wait_for(other.life, 5.0)
        assert [row["coin"] for row in await first.open_orders()] == ["BTC"]
        view = await first.view()
        assert dict(view.others)[Cause.INSTANCE_ORDER.name] >= 1, "and the older one says so"
        late = older.place(SELL, 1.03 * first.mid("BTC"), 100.0)
        await older.hears(OrderEvent.ACCEPTED, late)


async def test_the_watchdog_of_the_one_that_leaves_is_told_to_leave_too(tmp_path: Path) -> None:
    async with rig(tmp_path / "one", watch_s=4.0) as first, second(first, tmp_path / "two") as other:
        await first.start()
        _, coin = await first.trading()
        await coin.hears(OrderEvent.ACCEPTED, coin.place(BUY, 0.97 * first.mid("BTC"), 100.0))
        living = asyncio.create_task(requote(coin, first, 0.3))
        said: list[str] = []
        part = GatewayPart(other.gateway, said.append)
        life = asyncio.create_task(part.run())
        await until(lambda: bool(other.gateway.endpoint()), "its hub")
        watchdog = await other.peer("watchdog")
        await until(lambda: any(getattr(m, "refused", False) for m in watchdog.messages), "a word to the watchdog")
        await until(lambda: bool(said), "a word to the supervisor")
        assert said[0].startswith("OtherInstanceError: another instance trades on account")
        assert not life.done()
        await asyncio.sleep(0.5)
        assert len(said) == 1, "it is not tried again"
        living.cancel()
        await part.stop()
        await asyncio.wait_for(life, 5.0)
