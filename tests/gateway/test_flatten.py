"""Flatten closes what is held whatever the venue's reads do, and says what it could not verify."""

import os
import time
from pathlib import Path

import pytest

from portfolio_mm.actors.gateway import flatten
from portfolio_mm.actors.messages import Answer, Ask
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, FakeCoin, Rig, rig, until
from tests.gateway.test_faults import arm


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what cannot come."""
    monkeypatch.setattr(flatten, "VERIFY_S", 0.8)
    monkeypatch.setattr(flatten, "READ_S", 0.3)
    monkeypatch.setattr(flatten, "WINDOW_STEP_S", 0.3)
    monkeypatch.setattr(flatten, "CANCELS_S", 0.5)


async def holding(made: Rig, levels: int = 6, usd: float = 200.0) -> FakeCoin:
    """Something held, and orders resting on both sides."""
    await made.start()
    _, coin = await made.trading()
    for level in range(levels):
        coin.place(BUY, made.mid("BTC") * (1 - 0.0001 * level), usd, level=level)
    await until(lambda: bool(coin.heard(EventKind.FILL)), "a fill")
    for level in range(3):
        coin.place(SELL, made.mid("BTC") * (1.02 + 0.01 * level), 200.0, level=level)
    return coin


def left(made: Rig) -> tuple[int, int]:
    """Signed lots and open orders as the venue itself has them, whatever it tells."""
    user = made.venue.venue.state.by_address[made.user]
    return user.szi(made.venue.venue.state.by_coin["BTC"].coin.index), len(user.live())


async def flattened(made: Rig) -> Answer:
    operator = await made.peer("operator")
    return await operator.answer(Ask("flatten"))


LOST_READS: dict[str, kinds.FaultKind] = {
    "errors": kinds.HttpError(status=500, endpoint="info"),
    "empty": kinds.InfoAnswer(answer="empty"),
    "null": kinds.InfoAnswer(answer="null"),
    "throttled": kinds.HttpError(status=429, endpoint="info"),
    "silence": kinds.Timeout(endpoint="info", hold_s=1.0),
}
FAULTS = 5 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 2


@pytest.mark.parametrize("name", list(LOST_READS)[:FAULTS])
async def test_it_closes_without_reading_and_says_what_is_not_verified(tmp_path: Path, name: str) -> None:
    async with rig(tmp_path) as made:
        await holding(made)
        arm(made, LOST_READS[name])
        answer = await flattened(made)
        assert left(made) == (0, 0)
        assert not answer.done
        assert "by fills and answers every position is closed" in answer.text
        assert "NOT verified, positions could not be read" in answer.text
        made.venue.venue.trouble.desk.clear()


@pytest.mark.parametrize("name", ["orders", "fills", "positions"][:FAULTS])
async def test_one_kind_of_reading_that_fails_is_named(tmp_path: Path, name: str) -> None:
    requests = {
        "orders": ("frontendOpenOrders",),
        "fills": ("userFills", "userFillsByTime"),
        "positions": ("clearinghouseState", "spotClearinghouseState"),
    }[name]
    async with rig(tmp_path) as made:
        await holding(made)
        arm(made, kinds.HttpError(status=502, endpoint="info", requests=requests))
        answer = await flattened(made)
        assert left(made) == (0, 0)
        named = {"orders": "open orders could not be read", "positions": "positions could not be read"}
        assert named.get(name, "the venue confirms it") in answer.text
        assert answer.done is (name == "fills")
        made.venue.venue.trouble.desk.clear()


async def test_an_empty_reading_that_is_believed_does_not_hide_a_position(tmp_path: Path) -> None:
    """A small position may vanish from the ledger without a doubt about equity; it is closed all the same."""
    unified = VenueSettings(coins=COINS, block_ms=20, ip_limit=False, admin=True, mode="unified")
    async with rig(tmp_path, unified, account_s=0.1) as made:
        coin = await holding(made, levels=1, usd=15.0)
        arm(made, kinds.InfoAnswer(answer="empty", requests=("clearinghouseState",)))
        seen = len(coin.events)
        await until(
            lambda: any(row["kind"] == EventKind.POSITION and not row["sz_lots"] for row in coin.events[seen:]),
            "a ledger that was misled",
        )
        await flattened(made)
        assert left(made) == (0, 0)
        made.venue.venue.trouble.desk.clear()


async def test_a_position_the_streams_never_told_is_closed_by_answers(tmp_path: Path) -> None:
    """Neither reads nor streams: answers to our own orders are all there is."""
    async with rig(tmp_path) as made:
        await holding(made)
        streams = ("orderUpdates", "userFills", "userEvents", "user")
        arm(made, kinds.HttpError(status=500, endpoint="info"), *(kinds.Stall(channel=name) for name in streams))
        await flattened(made)
        assert left(made)[0] == 0
        assert left(made)[1] == 0
        made.venue.venue.trouble.desk.clear()


async def test_it_waits_for_the_end_of_a_post_only_window(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await holding(made)
        state = made.venue.venue.state
        state.post_only_until_ms = state.now_ms + 1_500
        began = time.monotonic()
        answer = await flattened(made)
        assert answer.done, answer.text
        assert time.monotonic() - began > 1.0
        assert left(made) == (0, 0)


async def test_a_post_only_window_that_does_not_end_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatten, "WINDOW_S", 1.5)
    monkeypatch.setattr(flatten, "CLOSE_S", 0.5)
    async with rig(tmp_path) as made:
        await holding(made)
        state = made.venue.venue.state
        state.post_only_until_ms = state.now_ms + 60_000
        answer = await flattened(made)
        assert not answer.done
        assert "not closed: BTC" in answer.text
        assert "only post-only orders" in answer.text
        assert left(made)[1] == 0
        state.post_only_until_ms = 0
        assert (await flattened(made)).done
        assert left(made) == (0, 0)
