"""What ends something, or needs another account or market: each on a run of its own, with the end that is right."""

import asyncio
from pathlib import Path

import pytest

from portfolio_mm.actors.messages import View
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.faults.events import Halt
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import COINS, Run, whole_run
from tests.actors.test_transfers import by_owner
from tests.faults import table, truth
from tests.faults.cases import DELIST, FLIP_IN, FLIP_OUT, HALT, ORACLE
from tests.faults.conftest import Rows, cells, held
from tests.faults.stage import NOTHING, Outcome, Stage, stage

pytestmark = pytest.mark.timeout(180)
HIP3 = ("BTC", "xyz:TSLA")


def view_of(run: Run) -> View:
    assert run.view is not None
    return run.view


def in_full_order(run: Run) -> bool:
    return view_of(run).risk_state is RiskState.GREEN


async def test_from_standard_to_unified_the_run_goes_on(tmp_path: Path, rows: Rows) -> None:
    async with stage(tmp_path) as made:
        outcome = await made.through(
            FLIP_IN, also=lambda: in_full_order(made.run) and view_of(made.run).mode == "unified"
        )
        rows[table.ALONE][FLIP_IN.name] = cells(outcome, "")
        held(outcome, FLIP_IN)


async def test_from_unified_to_standard_nothing_is_quoted_until_the_money_is_moved(tmp_path: Path, rows: Rows) -> None:
    """The venue leaves the money in spot, where it backs no perps (HL §8.7): its owner must move it."""
    unified = VenueSettings(coins=COINS, block_ms=50, ip_limit=False, mode="unified", fee_tier="rebate3")
    coins = [f"coin:{coin}" for coin in COINS]
    async with whole_run(tmp_path, venue=unified, without=coins) as run:
        await run.until(lambda: run.view is not None and run.view.reconciled, "a view")
        made = Stage(run)
        made.signs.begin()
        made.arm(FLIP_OUT)  # nothing rests and nothing is held: else the venue refuses it
        await run.until(lambda: made.signs.look() is not None, "a sign", 40)
        for name in coins:
            run.start(name)
        await run.until(lambda: len(view_of(run).coins) == len(COINS), "reports")
        await asyncio.sleep(3.0)
        assert await run.resting() == 0
        assert view_of(run).risk_state is not RiskState.KILLED
        await by_owner(run, lambda exchange: exchange.usd_class_transfer(9_000.0, to_perp=True))
        moved_s = asyncio.get_running_loop().time()
        await run.until(lambda: made.quotes(COINS), "quotes, once there is money", 60)
        took_s = asyncio.get_running_loop().time() - moved_s
        await run.until(lambda: truth.differences(run) == [], "the venue's truth")
        outcome = Outcome(made.signs.first, took_s, NOTHING, tuple(made.worst.broken), 0)
        held(outcome, FLIP_OUT)
        seen, took, lost, commit = cells(outcome, "")
        rows[table.ALONE][FLIP_OUT.name] = seen, f"{took} after its owner moved the money", lost, commit


async def test_a_delisted_coin_ends_and_the_others_go_on(tmp_path: Path, rows: Rows) -> None:
    """Its orders end, its position is settled by a fill (HL §7.5)."""
    async with stage(tmp_path) as made:
        outcome = await made.through(DELIST, coins=("BTC",), also=lambda: in_full_order(made.run))
        seen, took, lost, commit = cells(outcome, "")
        rows[table.ALONE][DELIST.name] = seen, f"{took}: the others; this one is over", lost, commit
        held(outcome, DELIST)
        run = made.run
        assert [order for order in truth.user(run).live() if order.instrument.coin == "ETH"] == []
        assert run.coin("ETH").inventory_lots == 0
        await run.until(lambda: all(side.reason for side in run.coin("ETH").sides), "a reason on both sides")


def with_dex() -> VenueSettings:
    """One coin of the first dex, one of a deployer, one balance for both."""
    dexes = (PerpDex("xyz", (DexCoin("TSLA"),)),)
    return VenueSettings(coins=("BTC",), dexes=dexes, block_ms=50, ip_limit=False, mode="unified", fee_tier="rebate3")


async def test_a_halted_coin_waits_and_comes_back(tmp_path: Path, rows: Rows) -> None:
    """Its orders end and its position is settled (HL §7.5); resumed, it is quoted again without help."""
    async with stage(tmp_path, HIP3, with_dex()) as made:
        halted = await made.through(HALT, coins=("BTC",))
        held(halted, HALT)
        assert [order for order in truth.user(made.run).live() if ":" in order.instrument.coin] == []
        over = HALT._replace(events=(Halt(coin="xyz:TSLA", halted=False),), invisible="over")
        resumed = await made.through(over, coins=HIP3)
        held(resumed, HALT._replace(invisible="over"))
        both = halted._replace(recovered_s=resumed.recovered_s)
        rows[table.ALONE][HALT.name] = cells(both, "")


async def test_a_silent_oracle_costs_nothing(tmp_path: Path, rows: Rows) -> None:
    async with stage(tmp_path, HIP3, with_dex()) as made:
        silent = ORACLE._replace(lasts_s=16.0, invisible="marks fall back to the book")
        outcome = await made.through(silent, coins=HIP3)
        rows[table.ALONE][ORACLE.name] = cells(outcome, silent.invisible)
        held(outcome, silent)
