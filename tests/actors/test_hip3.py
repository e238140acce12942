"""Coins of a builder-deployed dex (HIP-3) beside the first one's: money, margin, fees, orders (HL §6.3, §10.4)."""

from pathlib import Path

import pytest

from portfolio_mm.actors.messages import Ask
from portfolio_mm.actors.preflight import find_venue, viable_coins
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.account import AccountTruth, read_account
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.settings.load import load
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.modes import Mode
from portfolio_mm.venue.process import RunningVenue, running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import Run, run_on
from tests.actors.owner import owner_does

TSLA = "xyz:TSLA"
COINS = ("BTC", TSLA)
DEX = PerpDex("xyz", (DexCoin("GOLD"), DexCoin("TSLA", like="ETH", px=400.0, sz_decimals=3, growth_mode=True)))


def venue(mode: Mode) -> VenueSettings:
    return VenueSettings(coins=("BTC",), dexes=(DEX,), block_ms=50, ip_limit=False, mode=mode, fee_tier="rebate3")


async def fund_dex(running: RunningVenue, usd: float) -> None:
    address = running.accounts[0].address
    await owner_does(running, lambda owner: owner.send_asset(address, "", "xyz", USDC, usd), "xyz")


async def looked_at(running: RunningVenue) -> tuple[tuple[Instrument, ...], AccountTruth, dict[str, str]]:
    async with InfoClient(running.url, None, IpBudget()) as info:
        instruments = await load_instruments(info, COINS)
        mids = await info.all_mids() | await info.all_mids("xyz")
        return instruments, await read_account(info, running.accounts[0].address, ("", "xyz")), mids


def venue_truth(run: Run, coin: str) -> tuple[int, float, float]:
    """Lots held, notional filled and fees paid, as the venue has them."""
    state = run.venue.venue.state
    user = state.by_address[run.spec.venue.account]
    fills = [row for row in user.fills if row["coin"] == coin]
    traded = sum(float(row["px"]) * float(row["sz"]) for row in fills)
    return user.szi(state.by_coin[coin].coin.index), traded, sum(float(row["fee"]) for row in fills)


async def test_money_elsewhere_makes_a_coin_of_a_dex_not_viable_until_it_is_sent() -> None:
    plan = load(None, {"coins.names": list(COINS)}).plan()
    async with running_venue(venue("standard")) as running:
        instruments, truth, mids = await looked_at(running)
        tsla = instruments[1]
        assert (tsla.asset, tsla.only_isolated) == (110_001, True)
        assert (tsla.fee_scale, tsla.rebate_scale) == pytest.approx((0.2, 0.1))
        viable, ((coin, reason),) = viable_coins(plan, instruments, truth, mids)
        assert ([each.coin for each in viable], coin) == (["BTC"], TSLA)
        assert "dex xyz holds 0.00 USD" in reason
        assert "send USDC to dex xyz" in reason
        await fund_dex(running, 3_000.0)
        instruments, truth, mids = await looked_at(running)
        assert viable_coins(plan, instruments, truth, mids)[1] == ()
        assert truth.equity_usd == 10_000.0
        assert [(pot.name, pot.equity_1e8 // 10**8) for pot in truth.pots] == [("perps", 7_000), ("dex xyz", 3_000)]
    async with running_venue(venue("unified")) as running:
        assert viable_coins(plan, *await looked_at(running))[1] == ()


async def test_the_embedded_venue_says_that_it_has_no_dexes(tmp_path: Path) -> None:
    plan = load(None, {"coins.names": list(COINS)}).plan()
    with pytest.raises(ConfigurationError, match=r"no dexes, so not xyz:TSLA; start one that does"):
        await find_venue(plan, RunFolder(tmp_path), print)


async def test_a_dex_coin_is_made_beside_others_with_its_own_money_margin_and_fee(tmp_path: Path) -> None:
    async with running_venue(venue("standard")) as running:
        await fund_dex(running, 3_000.0)
        async with run_on(running, tmp_path, COINS) as run:
            await run.until(run.two_sided, "two-sided quotes on both dexes", 60)
            await run.until(lambda: all(run.venue_fills(coin) > 0 for coin in COINS), "fills on both", 60)
            assert run.coin("BTC").maker_fee_bps == pytest.approx(-0.3)
            assert run.coin(TSLA).maker_fee_bps == pytest.approx(-0.03)
            run.ask(Ask("stop"))
            await run.until(lambda: any(one.what == "stop" and one.done for one in run.answers), "the end", 20)
            assert await run.resting() == 0
            for coin in COINS:
                _, traded, fees = venue_truth(run, coin)
                assert fees == pytest.approx(-traded * (0.3 if coin == "BTC" else 0.03) * 1e-4, rel=1e-3)

            def agrees() -> bool:
                view = run.view
                assert view is not None
                held = {one.coin: one.szi_lots for one in view.positions}
                fees = {one.coin: one.pnl.fees_1e8 / 1e8 for one in view.coins}
                return all(
                    held[coin] == venue_truth(run, coin)[0] and abs(fees[coin] + venue_truth(run, coin)[2]) < 1e-6
                    for coin in COINS
                )

            await run.until(agrees, "positions and fees are the venue's", 20)
            view = run.view
            assert view is not None
            assert {pot.name for pot in view.pots} <= {"perps", "dex xyz", f"isolated {TSLA}"}
            user = run.venue.venue.state.by_address[run.spec.venue.account]
            assert user.isolates(run.venue.venue.state.by_coin[TSLA].coin), "its margin is its own"
            assert abs(view.equity_usd - view.start_equity_usd) < 50.0


async def test_the_watchdog_sees_orders_on_a_dex(tmp_path: Path) -> None:
    async with running_venue(venue("unified")) as running, run_on(running, tmp_path, COINS) as run:
        await run.until(run.two_sided, "two-sided quotes on both dexes", 60)
        user = run.venue.venue.state.by_address[run.spec.venue.account]
        await run.until(lambda: {order.instrument.coin for order in user.live()} == set(COINS), "orders on both dexes")
        await run.kill("gateway")
        await run.nothing_rests(15.0)
        assert user.live() == []
