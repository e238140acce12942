"""No fill is lost from the books when actors are killed within a run, and none is booked twice.

The whole without Ray, on the synthetic market: a part is killed in the very block that fills one of its orders, before
it can hear of it, and what it would write on its way out is taken back.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.actors import ending
from portfolio_mm.actors.coin import Coin
from portfolio_mm.actors.coin_recovery import Reading, recover
from portfolio_mm.actors.coin_state import fresh_coin
from portfolio_mm.actors.ending import finish
from portfolio_mm.domain.instrument import usd_1e8
from portfolio_mm.venue.admin import AdminRequest, perform
from portfolio_mm.venue.clearinghouse import funding
from portfolio_mm.venue.faults.kinds import Timeout
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import COINS, Run, run_on, whole_run

pytestmark = pytest.mark.timeout(240)


async def report_of(run: Run) -> dict[str, Any]:
    """End the run; its report."""
    said = await finish(run.spec, "the end of a test")
    assert said["problem"] == "", said["problem"]
    return read(said["report"])


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def assert_closed(run: Run, report: dict[str, Any]) -> None:
    """Nothing is missing and nothing is double."""
    assert report["doubts"] == []
    assert report["closing"]["closes"], report["closing"]
    assert {coin["coin"]: coin["fills"] for coin in report["coins"]} == {coin: run.venue_fills(coin) for coin in COINS}


async def killed_when_filled(run: Run, names: Sequence[str], coin: str) -> None:
    """Kill parts in the block of a fill, start them again, wait for quotes."""
    await run.filled(coin)
    await run.kill_9(*names)
    if "gateway" in names:
        await run.nothing_rests(15)  # by the watchdog; until then there may be more fills
    for name in names:
        run.start(name)
    await run.until(run.two_sided, "quotes again", 60)


def known(run: Run) -> int:
    """Fills as the gateway counts them."""
    return -1 if run.view is None else run.view.fills


def fill_unheard(run: Run, coin: str) -> bool:
    """Whether the part that died had not booked the last fill."""
    dead = run.parts[f"coin:{coin}"]
    assert isinstance(dead, Coin)
    return int(dead._state["counters"]["fills"][0]) < run.venue_fills(coin)


async def test_a_coin_killed_while_it_is_filled_books_every_fill_once(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        for _ in range(2):
            await run.filled("BTC")
            await run.kill_9("coin:BTC")
            assert fill_unheard(run, "BTC")
            funding.pay_all(run.venue.venue.state, run.venue.venue.state.now_ms)
            run.venue.venue.hub.tell_block()
            run.start("coin:BTC")
            await run.until(run.two_sided, "quotes again", 60)
        assert_closed(run, await report_of(run))


async def test_a_gateway_killed_while_its_coins_are_filled_tells_them_every_fill_once(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await killed_when_filled(run, ["gateway"], "ETH")
        await run.until(
            lambda: known(run) == sum(run.venue_fills(coin) for coin in COINS), "every fill of the run known"
        )
        await killed_when_filled(run, ["gateway"], "BTC")
        assert_closed(run, await report_of(run))


async def test_fundings_paid_while_the_gateway_is_dead_are_booked(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.filled("BTC")
        await run.until(lambda: run.coin("BTC").inventory_lots != 0, "a position")
        await run.kill_9("gateway")
        funding.pay_all(run.venue.venue.state, run.venue.venue.state.now_ms)
        await run.nothing_rests(15)
        run.start("gateway")
        await run.until(run.two_sided, "quotes again", 60)
        report = await report_of(run)
        assert_closed(run, report)
        assert report["pnl"]["funding_1e8"] != 0


async def held_over_an_hour(run: Run) -> None:
    """Funding is paid on a position of any size."""
    state = run.venue.venue.state
    user = state.by_address[run.spec.venue.account]
    await run.until(lambda: any(user.szi(book.coin.index) for book in state.books), "a position")
    funding.pay_all(state, state.now_ms)
    run.venue.venue.hub.tell_block()
    assert any(float(row["delta"]["usdc"]) for row in user.fundings)


def assert_funded(run: Run, report: dict[str, Any]) -> None:
    """Every payment is booked to the last digit; those of two coins may cancel out but for a few."""
    assert_closed(run, report)
    user = run.venue.venue.state.by_address[run.spec.venue.account]
    assert report["pnl"]["funding_1e8"] == sum(usd_1e8(row["delta"]["usdc"]) for row in user.fundings)


def silence(run: Run, *channels: str) -> None:
    """The venue's streams of this account say nothing any more."""
    for channel in channels:
        perform(run.venue.venue, AdminRequest("pause_channel", channel=channel))


async def test_an_hour_of_funding_that_no_stream_tells_is_in_the_last_books(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        silence(run, "userFundings", "userEvents")
        await held_over_an_hour(run)
        assert_funded(run, await report_of(run))


async def test_a_last_fill_that_no_stream_tells_is_in_the_last_books(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        silence(run, "userFills", "userEvents")
        await run.filled("BTC")
        assert_closed(run, await report_of(run))


async def test_an_hour_that_ends_between_the_last_order_and_the_last_reading_is_booked(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.filled("BTC")
        silent = Timeout(endpoint="info", requests=("clearinghouseState",), hold_s=1.0)
        perform(run.venue.venue, AdminRequest("fault", fault=silent))
        ending_run = asyncio.create_task(report_of(run))
        await run.nothing_rests(15)
        await asyncio.sleep(1.5)
        await held_over_an_hour(run)
        perform(run.venue.venue, AdminRequest("clear_faults"))
        assert_funded(run, await ending_run)


async def test_a_gateway_killed_at_the_very_end_is_waited_for(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.filled("BTC")
        await run.kill_9("gateway")
        ending_run = asyncio.create_task(report_of(run))
        run.start("gateway")
        assert_closed(run, await ending_run)


async def test_gateway_and_coin_killed_at_once_close_their_books(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await killed_when_filled(run, ["gateway", "coin:BTC", "coin:ETH"], "BTC")
        assert_closed(run, await report_of(run))


async def test_a_killed_coin_comes_back_with_the_very_state_it_died_with(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.filled("BTC")
        await run.until(lambda: run.coin("BTC").fills > 0, "a fill in the books")
        await run.kill_9("coin:BTC")
        dead, files, plan = run.parts["coin:BTC"], run.spec.files, run.spec.plan
        assert isinstance(dead, Coin)
        state, params = fresh_coin(run.spec.instruments[0], len(COINS), plan)
        reading = Reading(
            checkpoint=files.checkpoints / "coin-BTC.ckpt",
            journals=files.journals,
            name="coin-BTC",
            coin=0,
            run=run.spec.run,
            same_market=False,
        )
        found = recover(reading, state, params)
        assert found.books.gaps == 0
        for part in ("fair", "vol", "intensity", "depth", "markouts", "pnl"):
            assert state[part].tobytes() == dead._state[part].tobytes(), part
        for name in ("events", "heard", "placed", "modified", "fills", "volume_1e8", "quoting_s"):
            assert np.array_equal(state["counters"][name], dead._state["counters"][name]), name
        run.start("coin:BTC")
        await run.until(run.two_sided, "quotes again", 60)
        assert_closed(run, await report_of(run))


async def test_without_checkpoint_and_journal_the_venue_closes_the_books(tmp_path: Path) -> None:
    """Nothing that can be lost on disk is needed for the money; what was learned is, and the report says so."""
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.filled("BTC")
        await run.kill_9("coin:BTC")
        (run.spec.files.checkpoints / "coin-BTC.ckpt").write_bytes(b"not a checkpoint")
        run.start("coin:BTC")
        await run.until(run.two_sided, "quotes again", 60)
        report = await report_of(run)
        assert report["closing"]["closes"], report["closing"]
        assert [doubt for doubt in report["doubts"] if doubt.startswith("BTC: 1 restarts could not read")]


async def test_positions_of_an_earlier_run_earn_only_from_the_start_of_this_one(tmp_path: Path) -> None:
    async with running_venue(VenueSettings(coins=COINS, block_ms=50, ip_limit=False, fee_tier="rebate3")) as venue:
        async with run_on(venue, tmp_path / "first") as run:
            await run.filled("BTC")
            await run.filled("ETH")
        async with run_on(venue, tmp_path / "second") as run:
            assert run.spec.held
            await run.until(run.two_sided, "two-sided quotes everywhere", 60)
            await run.filled("BTC")
            await run.kill_9("coin:BTC", "coin:ETH")
            run.start("coin:BTC")
            run.start("coin:ETH")
            await run.until(run.two_sided, "quotes again", 60)
            report = await report_of(run)
            assert report["doubts"] == []
            assert report["closing"]["closes"], report["closing"]


async def test_a_coin_that_is_away_at_the_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "BOOKS_S", 0.5)
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.kill_9("coin:BTC")
        report = await report_of(run)
        assert report["doubts"] == ["BTC: the coin was away, its books are those of its last report"]
