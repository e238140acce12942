"""What the gateway does when a row, a reply, a disk or a frame is not what it should be."""

from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.gateway import requests
from portfolio_mm.actors.gateway.doubts import Doubts, status_update
from portfolio_mm.actors.gateway.notes import OrphanNote
from portfolio_mm.actors.gateway.reconcile import _open_row
from portfolio_mm.actors.gateway.singleton import _started
from portfolio_mm.actors.messages import Ask
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.errors import MalformedMessage, VenueUnreachable
from portfolio_mm.domain.order import OrderState
from portfolio_mm.domain.units import BUY
from portfolio_mm.hyperliquid.user import OrderUpdate
from portfolio_mm.venue.faults.kinds import HttpError, InfoAnswer
from tests.gateway.peers import rig, until
from tests.gateway.pretend import Pretend

ROW: dict[str, Any] = {
    "coin": "AAA",
    "side": "B",
    "limitPx": "100",
    "sz": "1",
    "origSz": "1",
    "oid": 5,
    "timestamp": 7,
    "cloid": None,
}


@pytest.mark.parametrize("lost", [name for name in ROW if name != "cloid"])
def test_an_open_order_or_a_status_without_a_field_is_malformed(lost: str) -> None:
    broken = {name: value for name, value in ROW.items() if name != lost}
    with pytest.raises(MalformedMessage, match=lost):
        _open_row(broken)
    reply = {"status": "order", "order": {"order": broken, "status": "open", "statusTimestamp": 8}}
    with pytest.raises(MalformedMessage, match=lost):
        status_update(reply)


def test_a_cloid_that_is_no_number_belongs_to_nobody() -> None:
    world = Pretend(1_000.0)
    row = OrderUpdate(
        coin="AAA",
        side=BUY,
        limit_px="100",
        sz="1",
        orig_sz="1",
        oid=77,
        placed_ms=1,
        status="open",
        status_ms=1,
        cloid="0xnot a number",
    )
    assert world.ledger.on_update(row) == [OrphanNote(0, 77, sz_lots=100, placed_ms=1)]


async def test_a_question_the_venue_does_not_answer_stays_open() -> None:
    """The order counts until somebody answers."""
    world = Pretend(1_000.0)
    world.wish(CommandKind.PLACE, BUY, 100, 0)
    (order,) = world.ledger.orders()
    order.state, order.asked_ns = OrderState.UNKNOWN, 1

    class Away:
        async def order_status(self, user: str, oid: int | str) -> dict[str, Any]:
            raise MalformedMessage(user, oid)

        async def exchange_status(self) -> dict[str, Any]:
            raise VenueUnreachable

    nobody: Any = None
    doubts = Doubts(info=Away(), exchange=nobody, user="0x1", ledger=world.ledger, desk=world.desk, clock=world.clock)
    await doubts.work()
    assert (order.state, order.asked_ns) == (OrderState.UNKNOWN, 1)
    assert world.ledger.exposure(0).buy_lots == 100


def test_a_process_that_is_gone_never_started() -> None:
    assert _started(2**22 + 1) == ""


async def test_a_person_is_told_what_the_venue_did_not_let_us_do(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        operator = await made.peer("operator")
        made.venue.venue.trouble.desk.arm(InfoAnswer(answer="null", requests=("userFillsByTime",)))
        answer = await operator.answer(Ask("books"))
        assert (answer.done, "MalformedMessage" in answer.text) == (False, True)


async def test_a_person_is_told_that_risk_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "RISK_ANSWER_S", 0.2)
    async with rig(tmp_path) as made:
        await made.start()
        risk, _ = await made.trading()
        monkeypatch.setattr(risk, "on_message", lambda _: None)
        operator = await made.peer("operator")
        answer = await operator.answer(Ask("resume", "ada"))
        assert (answer.done, "does not answer" in answer.text) == (False, True)


async def test_leverage_nobody_answers_for_does_not_keep_the_gateway_from_trading(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        made.venue.venue.trouble.desk.arm(HttpError(endpoint="exchange", requests=("updateLeverage",)))
        await made.start()
        _, coin = await made.trading()

        async def trades() -> bool:  # once the pause after what failed is over
            key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
            await until(lambda: bool(coin.story(key)), "a word about it")
            return "ACCEPTED" in dict(coin.story(key))

        await until(trades, "an order")
