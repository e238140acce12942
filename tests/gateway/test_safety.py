import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.messages import Ask
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import CoinMode, EventKind
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.encode import order_action, order_wire
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, Rig, limits, rig, until


async def test_without_a_permit_nothing_is_placed(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        coin = await made.coin("BTC")
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, key))["oid"] == Refusal.NO_PERMIT
        assert coin.heard(EventKind.PERMIT)[-1]["status"] == RiskState.CANCEL_ONLY


async def test_a_permit_that_runs_out_cancels_everything(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        risk.silent = True
        await coin.hears(OrderEvent.CANCELLED, key)
        await made.nothing_open()
        late = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, late))["oid"] == Refusal.NO_PERMIT


async def test_a_lost_risk_actor_ends_trading_and_its_return_resumes_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        risk.peer.abort()
        await coin.hears(OrderEvent.CANCELLED, key)
        seen = len(coin.events)
        await made.risk()
        await until(
            lambda: any(row["kind"] == EventKind.PERMIT and row["oid"] > 0 for row in coin.events[seen:]), "a permit"
        )
        again = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, again)


async def test_a_kill_order_cancels_everything_and_only_a_new_grant_reopens(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        keys = [coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, level=level) for level in range(3)]
        for key in keys:
            await coin.hears(OrderEvent.ACCEPTED, key)
        risk.kill("loss")
        for key in keys:
            await coin.hears(OrderEvent.CANCELLED, key)
        await made.nothing_open()
        await until(lambda: coin.heard(EventKind.PERMIT)[-1]["status"] == RiskState.KILLED, "killed")


async def test_a_person_kills_and_hears_that_nothing_is_left(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        operator = await made.peer("operator")
        answer = await operator.answer(Ask("kill", "enough"))
        assert answer.done
        assert "no open order" in answer.text
        assert await made.open_orders() == []
        assert any(isinstance(m, Ask) and m.what == "kill" for m in risk.messages)


async def test_a_kill_without_a_risk_actor_is_latched_on_disk(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        operator = await made.peer("operator")
        assert (await operator.answer(Ask("kill", "nobody watches"))).done
        store = StateStore(tmp_path / "state.db")
        kill = store.kill_state()
        assert kill is not None
        assert kill.reason == "nobody watches"
        store.close()


async def test_a_stop_leaves_no_order_and_tells_the_watchdog(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        watchdog = await made.peer("watchdog")
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        operator = await made.peer("operator")
        assert (await operator.answer(Ask("stop"))).done
        assert await made.open_orders() == []
        await until(lambda: any(getattr(m, "stopping", False) for m in watchdog.messages), "a stopping heartbeat")
        await until(lambda: coin.heard(EventKind.MODE)[-1]["status"] == CoinMode.CANCEL_ONLY, "mode")
        late = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, late))["oid"] == Refusal.NO_PERMIT


async def get_filled(made: Rig, coin: Any) -> int:
    """Quote at the touch until something is bought; signed lots held."""
    for level in range(8):
        px = made.mid("BTC") * (1 - 0.0001 * level)
        coin.place(BUY, px, 200.0, level=level)
    await until(lambda: bool(coin.heard(EventKind.FILL)), "a fill")
    return int(coin.heard(EventKind.FILL)[0]["sz_lots"])


async def test_flatten_closes_positions_and_holds_the_coins(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        assert await get_filled(made, coin) > 0
        operator = await made.peer("operator")
        operator.peer.send_message(Ask("flatten"))
        await until(lambda: any(getattr(m, "what", "") == "flatten" for m in operator.messages), "the answer")
        answer = operator.messages[-1]
        assert getattr(answer, "done", False), answer
        state = await made.info.clearinghouse_state(made.user)
        assert state["assetPositions"] == []
        assert await made.open_orders() == []


async def test_reduce_only_keeps_what_reduces_and_cancels_what_adds(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        await get_filled(made, coin)
        risk.state = RiskState.REDUCE_ONLY
        await until(lambda: coin.heard(EventKind.PERMIT)[-1]["status"] == RiskState.REDUCE_ONLY, "reduce only")
        await made.nothing_open()
        more = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, more))["oid"] == Refusal.REDUCE_ONLY
        held = next(row for row in reversed(coin.heard(EventKind.POSITION)) if row["coin"] == 0)
        less = coin.key(SELL, 0)
        px_ticks = coin.ticks(1.03 * made.mid("BTC"), SELL)
        coin.send(CommandKind.PLACE, less, side=SELL, px_ticks=px_ticks, sz_lots=held["sz_lots"])
        await coin.hears(OrderEvent.ACCEPTED, less)
        rows = await made.open_orders()
        assert [row["reduceOnly"] for row in rows] == [True]


async def test_limits_that_shrink_cancel_the_farthest_orders_first(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        risk, coin = await made.trading()
        keys = [coin.place(BUY, share * made.mid("BTC"), 100.0, level=i) for i, share in enumerate((0.97, 0.96, 0.95))]
        for key in keys:
            await coin.hears(OrderEvent.ACCEPTED, key)
        await made.new_limits(risk, limits(position_usd=150.0, version=4))
        await coin.hears(OrderEvent.CANCELLED, keys[2])
        await coin.hears(OrderEvent.CANCELLED, keys[1])
        rows = await made.open_orders()
        assert len(rows) == 1
        assert not coin.heard(EventKind.ORDER, OrderEvent.CANCELLED, keys[0])


async def rest_foreign_order(made: Rig, cloid: tuple[int, int] | None = None) -> None:
    """An order placed by nobody the gateway knows."""
    instrument = made.config.instruments[0]
    px_ticks = int(0.95 * made.mid("BTC")) * 10**instrument.px_decimals
    action = order_action([order_wire(instrument, BUY, px_ticks=px_ticks, sz_lots=200, cloid=cloid)])
    signer = Signer.from_hex(made.venue.accounts[0].key)
    socket = VenueSocket(made.venue.ws, [])
    session = made.info._session
    assert session is not None
    client = ExchangeClient(socket, session, signer, made.venue.url, mainnet=False)
    answer = await client.send(action, made.venue.venue.state.now_ms)
    assert answer.accepted, answer


async def test_orphans_found_at_the_start_are_cancelled_before_trading(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await rest_foreign_order(made)
        assert len(await made.open_orders()) == 1
        await made.start()
        assert await made.open_orders() == []


async def test_an_order_nobody_knows_is_cancelled_while_trading(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        await rest_foreign_order(made)
        await made.nothing_open()


async def test_a_lost_connection_reconciles_before_anything_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fees, a third of a reading's request weight, are not asked for twice in a minute."""
    asked: list[str] = []
    post = InfoClient.post

    async def counted(self: InfoClient, body: Mapping[str, Any], *, urgent: bool = False) -> Any:
        asked.append(str(body["type"]))
        return await post(self, body, urgent=urgent)

    monkeypatch.setattr(InfoClient, "post", counted)
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        made.venue.venue.hub.drop_all()
        await until(lambda: not made.gateway.status()["reconciled"], "the loss is noticed")
        early = coin.place(SELL, 1.03 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, early))["oid"] == Refusal.RECONCILING
        await until(lambda: made.gateway.status()["reconciled"] is True, "reconciled again")
        assert len(await made.open_orders()) == 1
        late = coin.place(SELL, 1.03 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, late)
        assert asked.count("userFees") == 1
        assert asked.count("userAbstraction") == asked.count("userRateLimit") >= 3


async def test_an_answer_that_is_lost_is_uncertain_until_it_is_known(tmp_path: Path) -> None:
    settings = VenueSettings(coins=COINS, block_ms=50, latency_ms=300, ip_limit=False, admin=True)
    async with rig(tmp_path, settings) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await asyncio.sleep(0.15)  # in flight: the venue has it and has not answered
        made.venue.venue.hub.drop_all()
        await coin.hears(OrderEvent.UNCERTAIN, key)
        assert worst(made) > 0
        await until(lambda: len(coin.story(key)) > 1, "the truth")
        rows = await made.open_orders()
        assert (OrderEvent.ACCEPTED.name in dict(coin.story(key))) == bool(rows)


def worst(made: Rig) -> int:
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    return rhythm.view().positions[0].worst_long_lots


async def test_a_crashed_gateway_comes_back_above_every_nonce_and_without_orders(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        rhythm = made.gateway._rhythm
        assert rhythm is not None
        last = rhythm._parts.nonces.next(0)
        epoch = rhythm.view().gateway_epoch
        await made.crash()
        await rest_foreign_order(made, (key[0], key[1] + 1))  # what a gateway that was killed leaves behind
        assert await made.open_orders()
        await made.start()
        assert await made.open_orders() == []
        again = made.gateway._rhythm
        assert again is not None
        assert again._parts.nonces.next(0) > last
        assert again.view().gateway_epoch == epoch + 1


async def test_an_orderly_stop_releases_the_account(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        assert "no open order" in await made.gateway.stop()
        assert made.life is not None
        await asyncio.wait_for(made.life, 2.0)
        store = StateStore(tmp_path / "state.db")
        owner = store.owner("gateway", made.user)
        assert owner is not None
        assert owner.holder == "released"
        store.close()


async def test_the_view_shows_the_account_and_latency(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        view = await made.view()
        assert view.equity_usd == 10_000.0
        assert view.mode == "standard"
        assert view.positions[0].open_orders == 1
        assert view.positions[0].worst_long_lots > 0
        assert view.latency_other.count == 1
        assert view.orders_open == 1
        assert 0.0 < view.permit_left_s <= 3.0
        assert view.user_stream_age_s < 10.0


async def test_a_loop_that_is_ended_while_it_wakes_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets a cancellation that comes with what it waits for: the life went on."""
    monkeypatch.setattr("portfolio_mm.actors.gateway.rhythm.LOOK_S", 0.1)
    async with rig(tmp_path) as made:
        await made.start()
        rhythm = made.gateway._rhythm
        assert rhythm is not None
        for loop, wakes in (
            (rhythm.reconcile, rhythm._stale),
            (rhythm.watch_account, rhythm._parts.lookout.account_moved),
        ):
            for steps in range(5):
                task = asyncio.create_task(loop())
                await asyncio.sleep(0.3)
                wakes.set()
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                done, _ = await asyncio.wait([task], timeout=2.0)
                assert done, f"{loop.__name__} goes on, ended {steps} steps after it was woken"


def test_an_order_that_ended_owes_its_fills() -> None:
    order = OwnOrder((1, 1), 0, BUY, 0, 100, 10, reduce_only=False, epoch=1)
    order.ended_lots = 6
    assert order.remaining_lots == 6
    order.filled_lots = 6
    assert order.remaining_lots == 0
