"""The watchdog: silence of the gateway cancels everything with its own key; an orderly stop does not."""

import asyncio
import contextlib
import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from portfolio_mm.actors import daemon, watchdog
from portfolio_mm.actors.messages import Heartbeat
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.sweeper import Sweeper, Target
from portfolio_mm.actors.watchdog import Watchdog, WatchdogConfig
from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.domain.errors import MalformedMessage, VenueRefused, VenueUnreachable
from portfolio_mm.domain.units import BUY
from portfolio_mm.hyperliquid.encode import order_action, order_wire
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.venue.process import RunningVenue, running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.hub import Hub
from tests.actors.waiting import until

COINS = ("BTC", "ETH")


@pytest.fixture
async def venue() -> AsyncIterator[RunningVenue]:
    async with running_venue(VenueSettings(coins=COINS, block_ms=20)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    found = RunFolder(tmp_path)
    found.create()
    return found


@pytest.fixture
async def hub(folder: RunFolder) -> AsyncIterator[Hub]:
    found = Hub(folder.sockets)
    await found.start()
    yield found
    await found.stop()


def target(venue: RunningVenue, folder: RunFolder) -> Target:
    write_private(folder.key_file("watchdog"), venue.accounts[0].watchdog.key)
    return Target(
        venue.accounts[0].address, venue.url, venue.ws, mainnet=False, key_path=str(folder.key_file("watchdog"))
    )


async def rest_orders(venue: RunningVenue, count: int) -> None:
    """Rest bids far below the market with the trading agent's key."""
    async with aiohttp.ClientSession() as session:
        info = InfoClient(venue.url, session, IpBudget())
        btc = (await load_instruments(info, COINS))[0]
        mids = await info.post({"type": "allMids"})
        exchange = ExchangeClient(
            VenueSocket(venue.ws, ()), session, Signer.from_hex(venue.accounts[0].agent.key), venue.url, mainnet=False
        )
        px_ticks = btc.ticks(round(float(mids["BTC"]) * 0.9))
        orders = [order_wire(btc, BUY, px_ticks=px_ticks, sz_lots=btc.lots(0.001)) for _ in range(count)]
        answer = await exchange.send(order_action(orders), venue.venue.clock.now_ms())
        assert [leg.error for leg in answer.legs] == [""] * count


@contextlib.asynccontextmanager
async def guarding(venue: RunningVenue, folder: RunFolder, hub: Hub) -> AsyncIterator[Watchdog]:
    config = WatchdogConfig(target(venue, folder), silence_s=0.5, heartbeat_s=0.05)
    watchdog = Watchdog(config, hub.directory, hub.token_file)
    task = asyncio.create_task(watchdog.run())
    try:
        await until(lambda: "watchdog" in hub.peers, "the watchdog joins")
        yield watchdog
    finally:
        await watchdog.stop()
        await task


async def beat_until(hub: Hub, ended: asyncio.Event) -> None:
    while not ended.is_set() and "watchdog" in hub.peers:
        hub.say("watchdog", Heartbeat(1))
        await asyncio.sleep(0.1)


async def test_sweeps_every_order_in_batches(venue: RunningVenue, folder: RunFolder) -> None:
    await rest_orders(venue, 50)
    async with Sweeper(target(venue, folder)) as sweeper:
        assert await sweeper.sweep() == 50
        assert await sweeper.sweep() == 0


async def test_an_order_it_cannot_name_keeps_no_other_from_being_cancelled(
    venue: RunningVenue, folder: RunFolder
) -> None:
    await rest_orders(venue, 3)
    user = venue.venue.state.by_address[venue.accounts[0].address]
    odd = copy.copy(next(iter(user.open.values())))
    odd.oid, odd.instrument = 7, msgspec.structs.replace(odd.instrument, coin="xyz:GOLD")
    user.open = {7: odd, **user.open}
    async with Sweeper(target(venue, folder)) as sweeper:
        with pytest.raises(MalformedMessage, match="xyz:GOLD"):
            await sweeper.sweep()
        assert [row["oid"] for row in await sweeper.resting()] == [7]
    del user.open[7]


async def test_a_dex_that_cannot_be_read_keeps_no_other_from_being_swept(
    venue: RunningVenue, folder: RunFolder
) -> None:
    await rest_orders(venue, 3)
    wide = msgspec.structs.replace(target(venue, folder), dexes=("nope", ""))
    async with Sweeper(wide) as sweeper:
        with pytest.raises(VenueUnreachable, match="frontendOpenOrders"):
            await sweeper.sweep()
    async with Sweeper(target(venue, folder)) as eye:
        assert await eye.resting() == []


async def test_a_refused_cancel_is_no_success(venue: RunningVenue, folder: RunFolder) -> None:
    await rest_orders(venue, 1)
    user = venue.venue.state.by_address[venue.accounts[0].address]
    venue.venue.state.revoke(user, venue.accounts[0].watchdog.address)
    async with Sweeper(target(venue, folder)) as sweeper:
        with pytest.raises(VenueRefused, match="does not exist"):
            await sweeper.sweep()


async def test_a_silent_gateway_loses_its_orders_and_a_beating_one_keeps_them(
    venue: RunningVenue, folder: RunFolder, hub: Hub
) -> None:
    silent = asyncio.Event()
    async with Sweeper(target(venue, folder)) as eye, guarding(venue, folder, hub) as watchdog:
        beating = asyncio.create_task(beat_until(hub, silent))
        await rest_orders(venue, 3)
        await until(lambda: hub.last("watchdog", Heartbeat) is not None, "the watchdog says it is here")
        await asyncio.sleep(1.0)  # twice the silence it tolerates: the rule is that nothing happens meanwhile
        assert len(await eye.resting()) == 3
        silent.set()
        await beating
        await until(lambda: int(watchdog.status()["swept"]) == 3, "everything cancelled")
        assert await eye.resting() == []


async def test_a_gateway_that_vanished_loses_its_orders(venue: RunningVenue, folder: RunFolder, hub: Hub) -> None:
    async with guarding(venue, folder, hub) as watchdog:
        hub.say("watchdog", Heartbeat(1))
        await rest_orders(venue, 2)
        await hub.stop()
        await until(lambda: int(watchdog.status()["swept"]) == 2, "everything cancelled")


async def test_it_says_what_its_sweeps_used_of_the_address(venue: RunningVenue, folder: RunFolder, hub: Hub) -> None:
    """Else the gateway plans with a minute that is half used, and its cancels are refused with 429."""
    await rest_orders(venue, 2)
    async with guarding(venue, folder, hub) as watchdog:
        await until(lambda: int(watchdog.status()["swept"]) == 2, "everything cancelled")
        least = 20 + 20 + 1  # a look, the universe, a cancel (HL §5.1)
        await until(
            lambda: (said := hub.last("watchdog", Heartbeat)) is not None and said.weight >= least, "its weight"
        )


async def test_after_an_orderly_stop_it_stands_down(venue: RunningVenue, folder: RunFolder, hub: Hub) -> None:
    async with Sweeper(target(venue, folder)) as eye, guarding(venue, folder, hub) as watchdog:
        hub.say("watchdog", Heartbeat(1, stopping=True))
        await asyncio.sleep(0)
        await rest_orders(venue, 1)
        await hub.stop()
        await until(lambda: watchdog.stands_down, "standing down")
        await asyncio.sleep(1.0)  # twice the silence it tolerates
        assert len(await eye.resting()) == 1


async def test_the_dead_mans_switch_is_armed_only_where_volume_allows(folder: RunFolder) -> None:
    for volume_usd, armed in ((0.0, False), (2_000_000.0, True)):
        async with running_venue(VenueSettings(coins=COINS, block_ms=20, prior_volume_usd=volume_usd)) as venue:
            sweeper = Sweeper(target(venue, folder))
            async with sweeper:
                assert (await sweeper.arm(30.0) == "") is armed
                assert await sweeper.traded_usd() == volume_usd


async def test_a_disk_that_cannot_be_read_relieves_no_watchdog(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "NAMED_S", 0.01)
    named = folder.path / "watchdog.pid"
    named.mkdir()
    guarding = asyncio.create_task(watchdog.superseded(folder))
    done, _ = await asyncio.wait([guarding], timeout=0.3)
    assert not done
    named.rmdir()
    write_private(named, "1")
    await asyncio.wait_for(guarding, 5)


async def test_as_a_program_it_cancels_ends_when_superseded_and_writes_what_it_did(
    venue: RunningVenue, folder: RunFolder
) -> None:
    process = WatchdogProcess(folder)
    process.configure(WatchdogConfig(target(venue, folder), silence_s=0.5, heartbeat_s=0.1))
    await rest_orders(venue, 2)
    assert await process.ensure()
    assert not await process.ensure()
    first = process.pid
    async with Sweeper(target(venue, folder)) as eye, asyncio.timeout(20):
        while await eye.resting():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.1)
    lines = [json.loads(line) for line in (folder.logs / "watchdog.jsonl").read_text().splitlines()]
    assert any("cancelled 2 orders" in line["text"] for line in lines)
    write_private(folder.path / "watchdog.pid", "1")
    await until(lambda: not daemon.runs(first, "actors.watchdog"), "the superseded one ends", 15)
    await process.end()
