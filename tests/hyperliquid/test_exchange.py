"""Orders through the real wire of the local venue: placed, refused, replaced, cancelled, sent twice, sent over HTTP."""

from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.order import Refusal
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.answer import LegState
from portfolio_mm.hyperliquid.errors import is_gone, is_signature_unknown
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.user import Fill, OrderUpdate
from tests.hyperliquid.rig import Rig, rig

STRANGER = Signer.from_hex("0x" + "7" * 64)


async def order(
    r: Rig, side: int, away: float, *, serial: int, tif: encode.Tif = "Alo", usd: float = 50.0
) -> encode.OrderWire:
    """An order at `away` (a fraction, outwards) from the mid, worth about `usd`."""
    px = await r.mid() * (1 - away if side == BUY else 1 + away)
    ticks = round_px(px * 10**r.coin.px_decimals, r.coin.px_decimals, side == SELL)
    lots = max(1, r.coin.lots(usd / px))
    return encode.order_wire(r.coin, side, px_ticks=ticks, sz_lots=lots, cloid=(7 << 32, serial), tif=tif)


def updates(r: Rig, oid: int, status: str) -> list[OrderUpdate]:
    return [m for m in r.heard.user if isinstance(m, OrderUpdate) and m.oid == oid and m.status == status]


async def test_an_order_rests_shows_in_the_stream_and_is_cancelled_once() -> None:
    async with rig() as r:
        answer = await r.exchange.send(encode.order_action([await order(r, BUY, 0.02, serial=1)]), r.next_nonce())
        (leg,) = answer.legs
        assert (answer.accepted, leg.state) == (True, LegState.RESTING)
        assert answer.answered_ns > answer.sent_ns
        await r.heard.until(lambda: bool(updates(r, leg.oid, "open")))
        cloid = cloids.text(7 << 32, 1)
        assert updates(r, leg.oid, "open")[0].cloid == cloid
        assert [row["oid"] for row in await r.info.frontend_open_orders(r.user)] == [leg.oid]
        assert (await r.info.order_status(r.user, cloid))["order"]["order"]["oid"] == leg.oid

        cancel = encode.cancel_by_cloid_action([(r.coin.asset, cloid)])
        assert (await r.exchange.send(cancel, r.next_nonce())).legs[0].state is LegState.SUCCESS
        await r.heard.until(lambda: bool(updates(r, leg.oid, "canceled")))
        again = await r.exchange.send(encode.cancel_action([(r.coin.asset, leg.oid)]), r.next_nonce())
        assert again.legs[0].state is LegState.ERROR
        assert is_gone(again.legs[0].error)
        assert await r.info.frontend_open_orders(r.user) == []


async def test_legs_of_a_batch_fail_alone() -> None:
    async with rig() as r:
        small = await order(r, BUY, 0.02, serial=1, usd=1.0)
        crossing = await order(r, BUY, -0.01, serial=2)
        good = await order(r, SELL, 0.02, serial=3)
        answer = await r.exchange.send(encode.order_action([small, crossing, good]), r.next_nonce())
        assert answer.accepted
        assert [leg.refusal for leg in answer.legs] == [Refusal.MIN_NOTIONAL, Refusal.WOULD_CROSS, Refusal.NONE]
        assert answer.legs[2].state is LegState.RESTING


async def test_a_modify_gives_the_new_oid_and_ends_the_old() -> None:
    async with rig() as r:
        first = await r.exchange.send(encode.order_action([await order(r, BUY, 0.02, serial=1)]), r.next_nonce())
        old = first.legs[0].oid
        action = encode.batch_modify_action([(cloids.text(7 << 32, 1), await order(r, BUY, 0.03, serial=2))])
        (leg,) = (await r.exchange.send(action, r.next_nonce())).legs
        assert leg.state is LegState.RESTING
        assert leg.oid != old
        await r.heard.until(lambda: bool(updates(r, old, "canceled")) and bool(updates(r, leg.oid, "open")))
        (leg,) = (await r.exchange.send(action, r.next_nonce())).legs
        assert is_gone(leg.error)


async def test_a_taking_order_fills_with_its_fee() -> None:
    async with rig() as r:
        action = encode.order_action([await order(r, BUY, -0.02, serial=1, tif="Ioc")])
        (leg,) = (await r.exchange.send(action, r.next_nonce())).legs
        assert leg.state is LegState.FILLED
        live = [m for m in r.heard.user if isinstance(m, Fill) and not m.is_snapshot]
        await r.heard.until(lambda: any(isinstance(m, Fill) and not m.is_snapshot for m in r.heard.user))
        live = [m for m in r.heard.user if isinstance(m, Fill) and not m.is_snapshot]
        assert {(f.oid, f.side, f.crossed, f.cloid) for f in live} == {(leg.oid, BUY, True, cloids.text(7 << 32, 1))}
        assert live[0].fee_1e8 > 0


async def test_the_same_bytes_twice_act_once() -> None:
    async with rig() as r:
        signed = r.exchange.sign(encode.order_action([await order(r, BUY, 0.02, serial=1)]), r.next_nonce())
        assert (await r.exchange.send_signed(signed)).accepted
        again = await r.exchange.resend(signed)
        assert not again.accepted
        assert "duplicate nonce" in again.error
        assert again.legs[0].refusal is Refusal.STALE
        assert len(await r.info.frontend_open_orders(r.user)) == 1


async def test_a_burnt_nonce_stops_what_was_signed_with_it() -> None:
    async with rig() as r:
        signed = r.exchange.sign(encode.order_action([await order(r, BUY, 0.02, serial=1)]), r.next_nonce())
        assert (await r.exchange.send(encode.noop_action(), signed.nonce)).accepted
        assert not (await r.exchange.send_signed(signed)).accepted
        assert await r.info.frontend_open_orders(r.user) == []


async def test_an_expired_action_is_refused_whole() -> None:
    async with rig() as r:
        action = encode.order_action([await order(r, BUY, 0.02, serial=1)])
        answer = await r.exchange.send(action, r.next_nonce(), expires_after=r.venue.venue.state.now_ms - 1000)
        assert (answer.accepted, answer.legs[0].refusal) == (False, Refusal.STALE)


async def test_a_stranger_and_the_wrong_network_are_unknown_signers() -> None:
    async with rig() as r:
        action = encode.noop_action()
        stranger = ExchangeClient(r.socket, r.session, STRANGER, r.venue.url, mainnet=False)
        answer = await stranger.send(action, r.next_nonce())
        assert is_signature_unknown(answer.error)
        assert STRANGER.address in answer.error
        elsewhere = ExchangeClient(r.socket, r.session, r.signer, r.venue.url, mainnet=True)
        assert is_signature_unknown((await elsewhere.send(action, r.next_nonce())).error)


async def test_settings_of_the_account_are_accepted() -> None:
    async with rig() as r:
        leverage = encode.update_leverage_action(r.coin.asset, 3)
        assert (await r.exchange.send(leverage, r.next_nonce())).legs[0].state is LegState.SUCCESS
        armed = await r.exchange.send(
            encode.schedule_cancel_action(r.venue.venue.state.now_ms + 10_000), r.next_nonce()
        )
        assert "enough volume traded" in armed.error


async def test_without_a_websocket_the_action_goes_over_http() -> None:
    async with rig() as r:
        await r.socket.close()
        answer = await r.exchange.send(encode.order_action([await order(r, SELL, 0.02, serial=1)]), r.next_nonce())
        assert answer.legs[0].state is LegState.RESTING
        assert len(await r.info.frontend_open_orders(r.user)) == 1
