"""Money that comes and goes without trading: equity and the count of transfers always move together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal

import eth_account
import msgspec
import pytest
from hyperliquid.exchange import Exchange

from portfolio_mm.actors.gateway import readings
from portfolio_mm.actors.gateway.readings import Readings
from portfolio_mm.actors.messages import View
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.venue.admin import AdminRequest, perform
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, PATIENCE_S, Rig, rig, until

Mode = Literal["standard", "unified"]
START_USD = 10_000.0


def settings(mode: Mode) -> VenueSettings:
    return VenueSettings(coins=COINS, block_ms=20, ip_limit=False, admin=True, mode=mode)


def view_of(made: Rig) -> View:
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    return rhythm.view()


def readings_of(made: Rig) -> Readings:
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    return rhythm._parts.readings


def deposit(made: Rig, usd: float) -> None:
    perform(made.venue.venue, AdminRequest("deposit", user=made.user, usd=usd))


async def by_owner(made: Rig, act: Callable[[Exchange], Any]) -> None:
    """An action signed with the master key, through the official SDK, which blocks."""

    def work() -> Any:
        wallet = eth_account.Account.from_key(made.venue.accounts[0].key)
        exchange = Exchange(wallet, made.venue.url, timeout=PATIENCE_S)
        try:
            return act(exchange)
        finally:
            exchange.session.close()
            exchange.info.session.close()

    assert (await asyncio.to_thread(work))["status"] == "ok"


async def withdraw(made: Rig, usd: float) -> None:
    await by_owner(made, lambda exchange: exchange.withdraw_from_bridge(usd, made.user))


@contextlib.asynccontextmanager
async def watched(made: Rig) -> AsyncIterator[list[View]]:
    """Every view anybody could be told meanwhile."""
    seen: list[View] = []

    async def look() -> None:
        while True:
            seen.append(view_of(made))
            await asyncio.sleep(0.002)

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def earned(view: View) -> float:
    return view.equity_usd - view.net_transfers_usd


@pytest.mark.parametrize("mode", ["standard", "unified"])
@pytest.mark.parametrize("way", ["by the stream", "by reading", "minutes late"])
async def test_no_view_ever_shows_a_transfer_as_profit_or_loss(tmp_path: Path, mode: Mode, way: str) -> None:
    async with rig(tmp_path, settings(mode), account_s=0.3) as made:
        await made.start()
        if way == "by reading":
            perform(made.venue.venue, AdminRequest("pause_channel", channel="userNonFundingLedgerUpdates"))
        async with watched(made) as seen:
            for turn in range(4):
                due_usd = 1_500.0 * (turn + 1)
                if way == "minutes late":
                    perform(made.venue.venue, AdminRequest("hold_ledger"))
                deposit(made, 3_000.0)
                await withdraw(made, 1_500.0)
                if way == "minutes late":
                    await until(lambda: readings_of(made).in_doubt, "a reading that is not believed")
                    perform(made.venue.venue, AdminRequest("show_ledger"))
                await until(lambda: view_of(made).net_transfers_usd == due_usd, f"transfers of turn {turn}")  # noqa: B023 - awaited here
                await until(lambda: not readings_of(made).in_doubt, "a reading that is believed")
        assert view_of(made).net_transfers_usd == pytest.approx(6_000.0)
        assert view_of(made).equity_usd == pytest.approx(START_USD + 6_000.0)
        assert max(abs(earned(view) - START_USD) for view in seen) < 1e-6
        assert len({view.net_transfers_usd for view in seen}) > 2


async def test_moves_between_the_own_ledgers_and_modes_count_where_they_change_equity(tmp_path: Path) -> None:
    async with rig(tmp_path, settings("standard"), account_s=0.3, reconcile_s=0.5) as made:
        await made.start()
        async with watched(made) as seen:
            await by_owner(made, lambda exchange: exchange.usd_class_transfer(2_500.0, to_perp=False))
            await until(lambda: view_of(made).net_transfers_usd == -2_500.0, "the transfer")
            await by_owner(made, lambda exchange: exchange.user_set_abstraction(made.user, "unifiedAccount"))
            await until(lambda: view_of(made).mode == "unified", "the new mode")
        assert view_of(made).net_transfers_usd == pytest.approx(0.0)
        assert view_of(made).equity_usd == pytest.approx(START_USD)
        assert max(abs(earned(view) - START_USD) for view in seen) < 1e-6


async def test_the_count_goes_on_after_a_crash_and_contains_what_moved_meanwhile(tmp_path: Path) -> None:
    async with rig(tmp_path, settings("standard"), account_s=0.3) as made:
        start_ms = made.venue.venue.state.now_ms
        made.gateway._config = msgspec.structs.replace(
            made.config, start_equity_usd=START_USD, start_read_ms=start_ms, permit_ttl_s=0.1
        )
        await made.start()
        deposit(made, 400.0)
        await until(lambda: view_of(made).net_transfers_usd == 400.0, "the deposit")
        await made.crash()
        await withdraw(made, 1_500.0)
        await made.start()
        view = view_of(made)
        assert (view.net_transfers_usd, view.run_transfers_usd) == (-1_100.0, -1_100.0)
        assert earned(view) == pytest.approx(START_USD)
        await made.crash()
        later_ms = made.venue.venue.state.now_ms
        made.gateway._config = msgspec.structs.replace(made.config, start_equity_usd=8_900.0, start_read_ms=later_ms)
        await made.start()
        assert (view_of(made).net_transfers_usd, view_of(made).run_transfers_usd) == (-1_100.0, 0.0)


async def test_a_jump_nobody_explains_ages_the_account_and_is_believed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path, settings("standard"), account_s=0.3) as made:
        await made.start()
        made.venue.venue.state.by_address[made.user].raw_1e8 -= 1_500 * 10**8
        await until(lambda: readings_of(made).in_doubt, "doubt")
        await until(lambda: view_of(made).account_age_s > 0.5, "an account that ages")
        assert view_of(made).equity_usd == pytest.approx(START_USD)
        monkeypatch.setattr(readings, "BELIEVED_S", 0.1)
        await until(lambda: view_of(made).equity_usd < 8_600.0, "a loss after all")
        assert view_of(made).net_transfers_usd == 0.0
        assert view_of(made).account_age_s < 0.5


async def test_a_row_nobody_understands_is_written_down_and_counts_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path, settings("standard"), account_s=0.3) as made:
        await made.start()
        state = made.venue.venue.state
        first_ms = state.now_ms
        await until(lambda: state.now_ms > first_ms, "the next block")
        for delta in ({"type": "someNewThing", "usdc": "5"}, {"type": "withdraw", "fee": "1"}):
            state.write_ledger(state.by_address[made.user], delta)
        with contextlib.closing(StateStore(made.config.state_db)) as store:
            await until(lambda: len(store.incidents()) == 2, "two incidents")
            assert {one.kind for one in store.incidents()} == {"ledger"}
        assert view_of(made).net_transfers_usd == 0.0
        assert view_of(made).reconciled
