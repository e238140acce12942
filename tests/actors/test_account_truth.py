"""The account as it is moves orders: near liquidation coins only reduce, a mode flip is no loss, lost money waits."""

import re
from functools import partial
from pathlib import Path

from hyperliquid.exchange import Exchange

from portfolio_mm.actors.messages import View
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.venue.faults.events import ModeFlip
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import Run, whole_run
from tests.actors.owner import by_owner, happen, mode_of

COINS = ("BTC", "ETH")
SMALL = {"coins.clip_usd": 15.0, "coins.max_position_usd": 60.0, "coins.max_order_usd": 30.0, "coins.levels": 1}


QUICK = {"risk.reentry_step_s": 0.1, "risk.permit_ttl_s": 1.5}


def venue(mode: str, **changes: object) -> VenueSettings:
    base = {"coins": COINS, "block_ms": 50, "ip_limit": False, "mode": mode, "fee_tier": "rebate3"}
    return VenueSettings(**{**base, **changes})  # type: ignore[arg-type]


def seen(run: Run) -> View:
    assert run.view is not None
    return run.view


def reasons(run: Run) -> set[str]:
    return {side.reason for coin in seen(run).coins for side in coin.sides}


async def test_near_liquidation_coins_only_reduce_until_there_is_room_again(tmp_path: Path) -> None:
    settings = {**SMALL, **QUICK, "risk.maintenance_multiple": 4.0, "risk.max_margin_fraction": 1.0}
    chosen = venue("standard", coins=(*COINS, "SOL"), deposit_usd=200.0)
    async with whole_run(tmp_path, COINS, venue=chosen, settings=settings) as run:
        await run.until(run.two_sided, "two-sided quotes", 60)
        state = run.venue.venue.state
        size = round(2_400.0 / state.by_coin["SOL"].context.mark_px, 1)
        await by_owner(run, lambda owner: owner.update_leverage(20, "SOL"))
        await by_owner(run, lambda owner: owner.market_open("SOL", is_buy=True, sz=size))
        await run.until(lambda: "RISK_REDUCE_ONLY" in reasons(run) and not run.two_sided(), "no quotes that add", 30)
        (pot,) = seen(run).pots
        assert 50.0 < pot.maintenance_usd < 70.0
        assert any("under 4 times its maintenance margin" in text for text in seen(run).risk_reasons)
        moves = dict(pot.coin_moves)
        assert 0.0 < pot.all_move <= moves["SOL"] < 0.1
        await by_owner(run, lambda owner: owner.market_close("SOL"))
        await run.until(run.two_sided, "two-sided quotes again", 30)


async def test_money_that_is_pooled_goes_on_quoting_and_is_no_profit(tmp_path: Path) -> None:
    async with whole_run(tmp_path, COINS, venue=venue("standard"), settings=QUICK) as run:
        await run.until(run.two_sided, "two-sided quotes", 60)
        happen(run, ModeFlip(account=1, mode="unified"))
        await run.until(lambda: seen(run).mode == "unified", "the new mode", 12)
        assert mode_of(run) == "unifiedAccount"
        await run.until(run.two_sided, "quotes go on", 30)
        view = seen(run)
        change_usd = view.equity_usd - view.start_equity_usd - view.run_transfers_usd
        assert abs(change_usd) < 50.0, "the money of before, not twice, and not none"
        assert abs(view.equity_usd - 10_000.0) < 50.0
        assert view.risk_state is RiskState.GREEN


async def test_money_left_in_spot_stops_quoting_with_words_and_no_kill(tmp_path: Path) -> None:
    async with whole_run(tmp_path, COINS, venue=venue("unified"), settings=QUICK) as run:
        await run.until(run.two_sided, "two-sided quotes", 60)
        await run.kill("risk")  # the venue takes the flip of an idle account only: without permits nothing rests
        await run.nothing_rests(10.0)
        for coin in [each.coin for each in seen(run).positions if each.szi_lots]:
            await by_owner(run, partial(Exchange.market_close, coin=coin))
        happen(run, ModeFlip(account=1, mode="standard"))
        await run.until(lambda: seen(run).mode == "standard" and seen(run).equity_usd < 1.0, "the new mode", 12)
        run.start("risk")
        await run.until(lambda: reasons(run) == {"MONEY_ELSEWHERE"}, "why nothing is quoted", 20)
        view = seen(run)
        (notice,) = view.notices
        assert re.search(r"perps holds 0\.00 USD \(spot (9,9|10,0)\d\d\.\d\d USD\): transfer USDC to perps", notice)
        assert "quoting resumes by itself" in notice
        assert await run.resting() == 0
        store = StateStore(run.spec.files.state_db)
        assert store.kill_state() is None, "the money did not get lost"
        await by_owner(run, lambda owner: owner.usd_class_transfer(5_000.0, to_perp=True))
        await run.until(run.two_sided, "quotes come back by themselves", 40)
        assert store.kill_state() is None
        assert seen(run).notices == ()
        store.close()
