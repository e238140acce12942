"""The venue's moods change what is sent, say why, and pass by themselves (HL §7.5)."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.gateway.account_view import AccountView
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.lookout import Lookout
from portfolio_mm.actors.gateway.moods import Moods
from portfolio_mm.actors.messages import Ask
from portfolio_mm.domain.events import CoinMode, EventKind, Mood
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.faults import events
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, FakeCoin, Rig, limits, rig, until
from tests.gateway.pretend import Pretend

TSLA = "xyz:TSLA"
WITH_DEX = (*COINS, TSLA)
QUICK: dict[str, Any] = {"moody_s": 0.3, "universe_s": 0.5}


def venue(**changes: Any) -> VenueSettings:
    base = {"coins": COINS, "block_ms": 20, "ip_limit": False, "admin": True}
    return VenueSettings(**{**base, **changes})


def with_dex() -> VenueSettings:
    dex = PerpDex("xyz", (DexCoin("TSLA", like="SOL", px=400.0, sz_decimals=3),))
    return venue(dexes=(dex,), mode="unified")


def happen(made: Rig, event: events.EventKind) -> None:
    trouble = made.venue.venue.trouble
    trouble.schedule.add(event, trouble.desk.now_ms)


async def asked(coin: FakeCoin, mode: CoinMode, mood: Mood) -> None:
    """Wait until this is the newest thing asked of the coin."""

    def newest() -> bool:
        row = coin.heard(EventKind.MODE)[-1]
        return (row["status"], row["oid"]) == (mode, mood)

    await until(newest, f"{mode.name} for {mood.name}")


async def refused(coin: FakeCoin, side: int, px: float) -> Refusal:
    key = coin.place(side, px, 100.0)
    return Refusal(int((await coin.hears(OrderEvent.REFUSED, key))["oid"]))


async def quotes(made: Rig, coin: FakeCoin) -> None:
    name = coin.instrument.coin
    coin.report(made.mid(name), made.venue.venue.state.now_ms)
    key = coin.place(BUY, 0.97 * made.mid(name), 100.0, level=3)
    await coin.hears(OrderEvent.ACCEPTED, key)
    coin.cancel(key)
    await coin.hears(OrderEvent.CANCELLED, key)


async def holding(made: Rig, coin: FakeCoin, usd: float = 200.0) -> None:
    """Let the market sell to a resting buy of this size."""
    name = coin.instrument.coin
    book = made.venue.venue.state.by_coin[name]
    best = book.coin.px(book.market.bbo()[0].px_ticks)  # type: ignore[union-attr]
    coin.place(BUY, best, usd, level=4)
    lots = coin.instrument.lots(usd / best)

    async def filled() -> bool:
        happen(made, events.Sweep(coin=name, side="sell", usd=2_000_000.0))
        return sum(int(row["sz_lots"]) for row in coin.heard(EventKind.FILL)) >= lots

    await until(filled, "the position")


async def test_at_a_cap_of_open_interest_a_coin_only_reduces_until_it_is_lifted(tmp_path: Path) -> None:
    async with rig(tmp_path, venue(), **QUICK) as made:
        await made.start()
        _, coin = await made.trading()
        await quotes(made, coin)
        state = made.venue.venue.state
        state.oi_caps[state.by_coin["BTC"].coin.index] = 0
        assert await refused(coin, BUY, 0.97 * made.mid("BTC")) is Refusal.VENUE_WINDOW, "the venue says so first"
        await asked(coin, CoinMode.REDUCE_ONLY, Mood.OI_CAP)
        assert await refused(coin, BUY, 0.97 * made.mid("BTC")) is Refusal.REDUCE_ONLY, "now we know by ourselves"
        (words,) = (await made.view()).notices
        assert words.startswith("BTC: open interest is at the venue's cap")
        del state.oi_caps[state.by_coin["BTC"].coin.index]
        await asked(coin, CoinMode.TRADE, Mood.NONE)
        await quotes(made, coin)


async def test_a_delisted_coin_is_closed_and_its_settlement_booked(tmp_path: Path) -> None:
    async with rig(tmp_path, venue(), **QUICK) as made:
        await made.start()
        _, coin = await made.trading()
        await holding(made, coin)
        key = coin.place(SELL, 1.03 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        happen(made, events.Delist(coin="BTC"))
        await coin.hears(OrderEvent.CANCELLED, key)
        await asked(coin, CoinMode.CANCEL_ONLY, Mood.DELISTED)
        assert await refused(coin, BUY, 0.97 * made.mid("BTC")) is Refusal.NO_PERMIT

        async def settled() -> bool:
            view = await made.view()
            truth = await made.info.clearinghouse_state(made.user)
            equity_usd = float(truth["marginSummary"]["accountValue"])
            return view.positions[0].szi_lots == 0 and abs(view.equity_usd - equity_usd) < 1e-6

        await until(settled, "the position is gone, and its money is the venue's")
        assert "BTC: delisted by the venue" in (await made.view()).notices[0]
        assert made.venue.venue.state.by_address[made.user].szi(0) == 0


async def test_a_halted_coin_waits_and_comes_back(tmp_path: Path) -> None:
    async with rig(tmp_path, with_dex(), coins=WITH_DEX, **QUICK) as made:
        await made.start()
        risk, coin = await made.trading(TSLA)
        await made.new_limits(risk, limits(version=4, coins=WITH_DEX))
        key = coin.place(BUY, 0.97 * made.mid(TSLA), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        happen(made, events.Halt(coin=TSLA))
        await coin.hears(OrderEvent.CANCELLED, key)
        await asked(coin, CoinMode.CANCEL_ONLY, Mood.HALTED)
        assert await refused(coin, BUY, 0.97 * made.mid(TSLA)) is Refusal.NO_PERMIT
        happen(made, events.Halt(coin=TSLA, halted=False))
        await asked(coin, CoinMode.TRADE, Mood.NONE)
        await quotes(made, coin)


def config(instruments: tuple[Instrument, ...]) -> GatewayConfig:
    """For parts that look at coins and rhythms only."""
    paths: dict[str, Any] = dict.fromkeys(
        ("key_path", "url", "ws_url", "hub", "token_file", "state_db", "lock_file", "journals"), ""
    )
    return GatewayConfig(account="0x1", mainnet=False, instruments=instruments, leverage=(5,), **paths)


async def test_what_cannot_be_read_changes_no_mood() -> None:
    instrument = Instrument(TSLA, 110_000, 0, 3, 10)
    moods = Moods((instrument,), [CoinMode.TRADE], 30.0)
    moods.closed({TSLA}, "xyz")
    world = Pretend(10.0)
    spent = IpBudget(1)  # every read would have to wait: none is sent
    lookout = Lookout(
        InfoClient("http://127.0.0.1:9", None, spent, max_wait_s=0.0),
        moods,
        AccountView(world.ledger, world.market),
        config((instrument,)),
    )
    looking = asyncio.get_running_loop().create_task(lookout.run())
    await asyncio.sleep(0.3)
    assert not looking.done(), "it goes on looking"
    assert moods.of(0) is Mood.HALTED
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def test_refusals_that_no_reading_explains_cost_less_and_less() -> None:
    instrument = Instrument("BTC", 0, 0, 5, 40)
    moods, world = Moods((instrument,), [CoinMode.TRADE], 30.0), Pretend(10.0)
    info = InfoClient("http://127.0.0.1:9", None, IpBudget())
    lookout = Lookout(info, moods, AccountView(world.ledger, world.market), config((instrument,)))
    followed = []
    for tick in range(1_200):  # two minutes of a refusal every tenth of a second
        lookout.hint(Refusal.VENUE_WINDOW)
        if lookout._follows_hint(100.0 + tick / 10):
            followed.append(tick / 10)
            lookout._learned(new=False)
    assert followed == pytest.approx([0.0, 2.0, 7.0, 22.0, 82.0], abs=0.2)
    lookout._learned(new=True)
    lookout.hint(Refusal.VENUE_WINDOW)
    assert lookout._follows_hint(100.0 + 121.0), "one that taught something is followed by the next at once"


async def test_a_silent_oracle_leaves_reducing(tmp_path: Path) -> None:
    async with rig(tmp_path, with_dex(), coins=WITH_DEX, oracle_s=2.5, **QUICK) as made:
        await made.start()
        risk, coin = await made.trading(TSLA)
        await made.new_limits(risk, limits(version=4, coins=WITH_DEX))
        await quotes(made, coin)
        happen(made, events.OracleSilence(dex="xyz", for_s=5.0))
        await asked(coin, CoinMode.REDUCE_ONLY, Mood.ORACLE_SILENT)
        assert await refused(coin, BUY, 0.97 * made.mid(TSLA)) is Refusal.REDUCE_ONLY
        assert re.search(r"no oracle price for \d s", (await made.view()).notices[0])
        await asked(coin, CoinMode.TRADE, Mood.NONE)
        await quotes(made, coin)


async def test_after_an_upgrade_quotes_go_on_and_takers_wait(tmp_path: Path) -> None:
    async with rig(tmp_path, venue(), **QUICK) as made:
        await made.start()
        _, coin = await made.trading()
        await holding(made, coin)
        happen(made, events.Upgrade(down_s=0.2, post_only_s=3.0))
        await until(lambda: made.venue.venue.trouble.desk.down, "the upgrade")
        await until(lambda: made.venue.venue.state.post_only, "the window")

        async def noticed() -> bool:
            return any("post-only orders only" in text for text in (await made.view()).notices)

        await until(noticed, "the window is known")
        await until(lambda: made.gateway.status()["reconciled"] is True, "the venue is back")
        await quotes(made, coin)
        operator = await made.peer("operator")
        answer = await operator.answer(Ask("flatten"))
        assert answer.done, answer.text
        assert not made.venue.venue.state.post_only, "it waited"
        assert dict((await made.view()).refused).get("VENUE_WINDOW", 0) < 5, "it tried every two seconds, no more"
