"""SIGKILL of the gateway process at its worst moments: no orphan, no order twice, no nonce twice (architecture §2).

The gateway and the watchdog are processes of their own, the venue serves real sockets and is asked for its own record.
A hundred kills in `make proof`, three in `make test`.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portfolio_mm.domain import cloid as cloids
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.protocol.actions import BatchModify, CancelByCloid, Order
from portfolio_mm.venue.settings import VenueSettings
from tests.kills.lone_stand import COINS, Stand

FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
KILLS = 100 if FULL else 3
ORPHAN_S = 5.0
MOMENTS = ("commanded", "place sent", "modify sent", "cancel sent", "answered", "resting")
"""When the signal is sent: with commands on their way in, with actions on their way to a block, right after the block
that answered, or while all rests."""
pytestmark = pytest.mark.timeout(3_000 if FULL else 180)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    settings = VenueSettings(coins=COINS, accounts=1, ip_limit=False, requests_base=10**7, block_ms=50)
    async with running_venue(settings) as venue:
        made = Stand(venue, tmp_path / "run", seed=1)
        try:
            await made.watchdog.ensure()
            await made.start()
            made.begin()
            yield made
        finally:
            await made.end()


async def moment(stand: Stand, name: str) -> None:
    """Wait for the moment to kill at."""
    if name == "resting":
        await stand.until_settled()
        return
    if name == "commanded":
        before = [ladder.commanded_ns for ladder in stand.ladders]
        while [ladder.commanded_ns for ladder in stand.ladders] == before:  # noqa: ASYNC110 - a coin has no event
            await asyncio.sleep(0)
        return
    kinds = {"place sent": Order, "modify sent": BatchModify, "cancel sent": CancelByCloid}.get(name, Order)
    stand.arrivals.clear()
    while not any(isinstance(one.action, kinds) for one in stand.arrivals):
        stand.arrived.clear()
        await asyncio.wait_for(stand.arrived.wait(), 20.0)
    if name == "answered":
        blocks = stand.core.blocks
        while stand.core.blocks == blocks:  # noqa: ASYNC110 - a block has no event
            await asyncio.sleep(0)
        await asyncio.sleep(stand.chance.uniform(0.0, 0.002))


def in_flight(stand: Stand, seen: Counter[str]) -> None:
    """What was on its way when the process died."""
    queued = [signed.action for signed, _ in stand.core._queue]
    seen["places sent, not executed"] += sum(isinstance(one, Order) for one in queued)
    seen["modifies sent, not executed"] += sum(isinstance(one, BatchModify) for one in queued)
    seen["cancels sent, not executed"] += sum(isinstance(one, CancelByCloid) for one in queued)
    here = {order.cloid for order in stand.user.records.values()}
    for ladder in stand.ladders:
        for key, (state, _) in ladder.legs().items():
            text = cloids.text(*key)
            if state == 1:
                known = text in here or stand.cloids[text]
                seen["executed, the coin not told" if text in here else "wished, never sent"] += (
                    text in here or not known
                )
            seen["resting"] += state == 2
            seen["being modified"] += state == 4
            seen["being cancelled"] += state == 3


async def test_a_killed_gateway_leaves_no_orphan_no_double_and_no_nonce_used_twice(stand: Stand) -> None:
    seen: Counter[str] = Counter()
    back: list[float] = []
    await stand.until_settled()
    for trial in range(KILLS):
        await asyncio.sleep(stand.chance.uniform(0.1, 0.6))
        name = MOMENTS[trial % len(MOMENTS)] if FULL else MOMENTS[(1, 0, 4)[trial]]
        await moment(stand, name)
        stand.kill()
        killed_s = time.monotonic()
        in_flight(stand, seen)
        old = {made.run for made in stand.resting()}
        assert stand.process is not None
        await stand.process.wait()
        await asyncio.sleep(stand.chance.uniform(0.0, 0.3))
        await stand.start()
        while any(made.run in old for made in stand.resting()):
            assert time.monotonic() - killed_s < ORPHAN_S, f"{name}: {stand.resting()} of runs {old}"
            await asyncio.sleep(0.02)
        seen["kills"] += 1
        await stand.until_settled()
        back.append(time.monotonic() - killed_s)
        assert not stand.problems, stand.problems[0]
    twice = [nonce for nonce, count in stand.nonces.items() if count > 1]
    assert not twice
    assert not [cloid for cloid, count in stand.cloids.items() if count > 1]
    assert seen["kills"] == KILLS
    print(dict(seen), f"settled again after {sorted(back)[len(back) // 2]:.1f} s (median), {max(back):.1f} s (longest)")  # noqa: T201
    if FULL:
        for phase in ("wished, never sent", "places sent, not executed", "executed, the coin not told"):
            assert seen[phase] > 0, phase
