"""High traffic: a user has twice the maker share of the day before (HL §5.2)."""

import asyncio
import json
from typing import Any

import eth_account
from hyperliquid.utils import signing

from portfolio_mm.venue.clearinghouse.congestion import admit, part
from portfolio_mm.venue.clearinghouse.fees import DailyVolume
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.venue import Venue
from tests.venue.still_flow import StillFlow


def test_the_share_is_that_of_the_day_before() -> None:
    mine, exchange = DailyVolume(), DailyVolume()
    exchange.add(0, 1_000, crossed=False)
    mine.add(0, 100, crossed=False)
    mine.add(0, 500, crossed=True)
    assert [part(mine, exchange, day, 100) for day in (0, 1, 2)] == [0, 20, 0]
    assert part(DailyVolume(), exchange, 1, 100) == 0


def test_what_exceeds_the_share_waits_in_its_order() -> None:
    waiting = [("a", 1, 3), ("b", 1, 1), ("c", 1, 1), ("d", 2, 9), ("e", 2, 1)]
    assert admit(waiting, {1: 4, 2: 0}.__getitem__) == (["a", "b", "d"], ["c", "e"])


async def test_an_action_beyond_the_share_is_answered_by_a_later_block() -> None:
    venue = Venue(VenueSettings(congestion_legs=100), StillFlow())
    key = eth_account.Account.from_key(venue.accounts[0].key)

    def noop(nonce: int) -> bytes:
        made: Any = signing.sign_l1_action(key, {"type": "noop"}, None, nonce, None, is_mainnet=False)
        return json.dumps({"action": {"type": "noop"}, "nonce": nonce, "signature": made}).encode()

    first = venue.clock.now_ms()
    replies = [asyncio.ensure_future(venue.act("here", noop(first + i))) for i in range(3)]
    for done in range(1, 4):
        await asyncio.sleep(0)
        venue.step()
        for _ in range(3):
            await asyncio.sleep(0)  # a reply may leave after the frames of its block
        assert [reply.done() for reply in replies] == [i < done for i in range(3)]
    assert [reply.result()["status"] for reply in replies] == ["ok"] * 3
