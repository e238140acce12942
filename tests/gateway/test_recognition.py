"""What others did to the account is recognised, counted, shown, and acted upon (HL §8.3, §8.4, §13)."""

import json
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.gateway.causes import Cause
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote, OrderNote, OrphanNote
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.hyperliquid.encode import order_action, order_wire
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.user import Fill, OrderUpdate, parse_user
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, Rig, rig, until
from tests.gateway.pretend import INSTRUMENT, RUN, Pretend

ME = "0x00000000000000000000000000000000000000aa"
OTHER = "0x00000000000000000000000000000000000000bb"
OURS = cloids.text(*cloids.encode(cloids.Cloid(RUN, 0, BUY, 0, 3, 1)))


def fill_frame(**fields: Any) -> bytes:
    """One row of `userFills` as the venue sends it (HL §1.12)."""
    row = {
        "coin": "AAA",
        "px": "100.0",
        "sz": "1.0",
        "side": "B",
        "time": 1_000_001,
        "startPosition": "0.0",
        "dir": "Open Long",
        "closedPnl": "0.0",
        "hash": "0x0",
        "oid": 77,
        "crossed": True,
        "fee": "0.0",
        "tid": 5,
        "feeToken": "USDC",
    }
    return json.dumps({"channel": "userFills", "data": {"user": ME, "fills": [row | fields]}}).encode()


def liquidated(whose: str) -> dict[str, str]:
    return {"liquidatedUser": whose, "markPx": "99.0", "method": "market"}


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"cloid": OURS}, Cause.OURS),
        ({}, Cause.MANUAL_FILL),
        ({"cloid": "0x00000000000000000000000000000001"}, Cause.MANUAL_FILL),
        ({"dir": "Close Long", "side": "A", "liquidation": liquidated(ME)}, Cause.LIQUIDATION),
        (
            {"dir": "Close Long", "side": "A", "liquidation": liquidated("0x" + "0" * 38 + "AA")},
            Cause.LIQUIDATION,
        ),
        ({"dir": "Liquidated Cross Long", "side": "A", "liquidation": liquidated(ME)}, Cause.LIQUIDATION),
        ({"cloid": OURS, "crossed": False, "liquidation": liquidated(OTHER)}, Cause.OURS),
        ({"dir": "Auto-Deleveraging", "crossed": False, "liquidation": liquidated(OTHER)}, Cause.DELEVERAGING),
        ({"dir": "Settlement"}, Cause.SETTLEMENT),
    ],
)
def test_every_fill_has_its_cause(fields: dict[str, Any], cause: Cause) -> None:
    ledger = Ledger((INSTRUMENT,), ME)
    ledger.on_position(0, 0, 0.0, 1_000_000)
    (message,) = parse_user(fill_frame(**fields))
    assert isinstance(message, Fill)
    assert [note.cause for note in ledger.on_fill(message) if isinstance(note, FillNote)] == [cause]
    assert ledger.on_fill(message) == [], "once"


def order_frame(world: Pretend, status: str) -> bytes:
    """A row of `orderUpdates` about the only order that rests."""
    ((key, order),) = world.resting.items()
    order_row = {
        "coin": "AAA",
        "side": "B",
        "limitPx": "99.0",
        "sz": INSTRUMENT.sz_text(order.left),
        "oid": order.oid,
        "timestamp": world.now_ms,
        "origSz": INSTRUMENT.sz_text(order.asked),
        "cloid": cloids.text(*key),
    }
    row = {"order": order_row, "status": status, "statusTimestamp": world.now_ms}
    return json.dumps({"channel": "orderUpdates", "data": [row]}).encode()


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("canceled", Cause.OURS),
        ("marginCanceled", Cause.MARGIN_CANCEL),
        ("selfTradeCanceled", Cause.SELF_TRADE_CANCEL),
        ("liquidatedCanceled", Cause.LIQUIDATION_CANCEL),
        ("delistedCanceled", Cause.DELISTING_CANCEL),
        ("scheduledCancel", Cause.SCHEDULED_CANCEL),
        ("openInterestCapCanceled", Cause.INTEREST_CANCEL),
    ],
)
def test_every_end_of_an_order_has_its_cause_and_want_of_margin_is_not_tried_again_at_once(
    status: str, cause: Cause
) -> None:
    """HL §1.11."""
    world, now_ns = Pretend(1_000.0), 5 * 10**9
    world.desk._now_ns = lambda: now_ns
    world.wish(CommandKind.PLACE, BUY, 100, 0)
    world.process(0, crosses=False, answered=True)
    world.deliver("answers")
    world.deliver("rows")
    (row,) = parse_user(order_frame(world, status))
    assert isinstance(row, OrderUpdate)
    world.desk.tell(world.ledger.on_update(row))
    ended = [note for note in world.told if isinstance(note, OrderNote) and note.event is OrderEvent.CANCELLED]
    assert [note.cause for note in ended] == [cause]
    assert dict(world.others.counts) == ({} if cause is Cause.OURS else {cause: 1})
    world.resting.clear()
    again = world.guard.place(world.made_wish(CommandKind.PLACE, BUY, 100), 3, now_ns)
    assert (again is Refusal.MARGIN) == (cause is Cause.MARGIN_CANCEL)
    later = world.guard.place(world.made_wish(CommandKind.PLACE, BUY, 100), 3, now_ns + 6 * 10**9)
    assert later is not Refusal.MARGIN


def test_a_tolerated_order_counts_in_the_worst_case_until_it_is_gone() -> None:
    ledger = Ledger((INSTRUMENT,), ME)
    ledger.on_position(0, 0, 0.0, 1_000_000)
    ledger.tolerate(OrphanNote(0, 77, SELL, 300))
    assert ledger.exposure(0) == (0, 0, 300)
    (message,) = parse_user(fill_frame(side="A", dir="Open Short"))
    assert isinstance(message, Fill)
    ledger.on_fill(message)
    assert ledger.exposure(0) == (-100, 0, 200)
    ledger.forget_others({78})
    assert ledger.exposure(0) == (-100, 0, 0)


# -- on the real venue -------------------------------------------------------------------------------------------


async def trade(made: Rig, side: int, lots: int, px: float, *, tif: Any = "Ioc", account: int = 0) -> None:
    """A person trades with the account's own key, or with another account's."""
    instrument = made.config.instruments[0]
    ticks = int(px) * 10**instrument.px_decimals
    action = order_action([order_wire(instrument, side, px_ticks=ticks, sz_lots=lots, tif=tif)])
    session = made.info._session
    assert session is not None
    signer = Signer.from_hex(made.venue.accounts[account].key)
    client = ExchangeClient(VenueSocket(made.venue.ws, []), session, signer, made.venue.url, mainnet=False)
    answer = await client.send(action, made.venue.venue.state.now_ms)
    assert answer.accepted, answer
    assert not any(leg.error for leg in answer.legs), answer


def others(made: Rig) -> dict[str, int]:
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    return dict(rhythm.view().others)


async def test_a_manual_order_is_tolerated_when_asked_and_counts_in_the_worst_case(tmp_path: Path) -> None:
    async with rig(tmp_path, foreign_orders="tolerate", reconcile_s=0.3) as made:
        mid = made.mid("BTC")
        await trade(made, BUY, 200, 0.95 * mid, tif="Gtc")
        await made.start()
        _, coin = await made.trading()
        await trade(made, BUY, 300, 0.94 * mid, tif="Gtc")
        await until(lambda: others(made).get("MANUAL_ORDER") == 2, "both are seen")
        position = (await made.view()).positions[0]
        assert position.worst_long_lots == 500
        key = coin.place(BUY, 0.97 * mid, 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        coin.cancel(key)
        await coin.hears(OrderEvent.CANCELLED, key)
        assert len(await made.open_orders()) == 2, "they were not touched"


async def test_manual_trades_are_told_from_our_own(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        await made.trading()
        await trade(made, BUY, 200, 1.02 * made.mid("BTC"))
        await until(lambda: others(made).get("MANUAL_FILL", 0) >= 1, "the fill")
        view = await made.view()
        assert "by an order of nobody here" in view.others_text
        assert view.reconciled, "nothing is wrong with it"


async def test_our_own_liquidation_reconciles_before_anything_new_and_risk_hears_of_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        state = made.venue.venue.state
        await trade(made, BUY, 2_000, 1.02 * made.mid("BTC"))
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        me = state.users[1]
        me.raw_1e8 -= margin.equity_1e8(me, state.marks) - 10 * USD_1E8
        await coin.hears(OrderEvent.CANCELLED, key)
        await until(lambda: others(made).get("LIQUIDATION", 0) >= 1, "the liquidation")
        assert others(made)["LIQUIDATION_CANCEL"] == 1
        late = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, late))["oid"] == Refusal.RECONCILING
        view = await made.view()
        assert view.liquidated_age_s < 60.0
        assert view.positions[0].szi_lots == state.users[1].szi(0) == 0


async def test_deleveraging_is_recognised_and_nothing_new_is_placed_before_it_was_read(tmp_path: Path) -> None:
    settings = VenueSettings(coins=COINS, block_ms=20, ip_limit=False, accounts=2)
    async with rig(tmp_path, settings) as made:
        await made.start()
        await made.trading()
        state, mid = made.venue.venue.state, made.mid("BTC")
        await trade(made, SELL, 2_000, 0.98 * mid)
        await trade(made, BUY, 2_000, 1.02 * mid, account=1)
        me, loser = state.users[1], state.users[2]
        me.positions[0].cost_1e8 -= 100 * USD_1E8  # only who is in profit is deleveraged
        loser.raw_1e8 -= margin.equity_1e8(loser, state.marks) + 10 * USD_1E8
        await until(lambda: others(made).get("DELEVERAGING", 0) >= 1, "the deleveraging")
        view = await made.view()
        assert view.deleveraged_age_s < 60.0 < view.liquidated_age_s
        await until(lambda: made.gateway.status()["reconciled"] is True, "read again")
        assert (await made.view()).positions[0].szi_lots == me.szi(0) == 0
