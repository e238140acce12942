"""What the gateway passes on to coins beside their own account: the end of the run, and whom they follow."""

import itertools
import time
from pathlib import Path

import msgspec

from portfolio_mm.actors.assembly import make
from portfolio_mm.actors.gateway.allotment import Allotment
from portfolio_mm.actors.gateway_part import GatewayPart
from portfolio_mm.actors.messages import Allocation, CoinAllocation, Lead
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import spec_for
from tests.gateway.peers import COINS, rig, until

S = 1_000_000_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_coins_are_told_every_second_how_long_they_may_hold_something(tmp_path: Path) -> None:
    async with rig(tmp_path, ends_ms=now_ms() + 8_000) as made:
        await made.start()
        _, coin = await made.trading()
        await until(lambda: len(coin.heard(EventKind.DEADLINE)) >= 3, "the end, three times")
        left = [int(row["oid"]) for row in coin.heard(EventKind.DEADLINE)]
        assert all(row["coin"] == coin.instrument.index for row in coin.heard(EventKind.DEADLINE))
        assert left[0] < 8 * S
        assert all(0.8 * S < before - after < 3.0 * S for before, after in itertools.pairwise(left))


async def test_a_deadline_that_is_over_is_not_none_and_a_far_one_is_not_told(tmp_path: Path) -> None:
    async with rig(tmp_path / "over", ends_ms=now_ms() - 60_000) as made:
        await made.start()
        _, coin = await made.trading()
        await until(lambda: bool(coin.heard(EventKind.DEADLINE)), "the end")
        assert coin.heard(EventKind.DEADLINE)[0]["oid"] == 1
    async with rig(tmp_path / "far", ends_ms=now_ms() + 3_600_000) as made:
        await made.start()
        _, coin = await made.trading()
        await until(lambda: len(coin.heard(EventKind.ACCOUNT)) >= 4, "a few seconds")
        assert coin.heard(EventKind.DEADLINE) == []


async def test_the_end_of_the_run_reaches_the_gateway_only_when_asked_for(tmp_path: Path) -> None:
    async with running_venue(VenueSettings(coins=COINS, ip_limit=False)) as venue:
        for number, wanted in enumerate((False, True)):
            spec = await spec_for(venue, tmp_path / str(number), COINS, {"quoting.flat_at_end": wanted})
            part = make("gateway", msgspec.structs.replace(spec, ends_ms=123))
            assert isinstance(part, GatewayPart)
            assert part._gateway._config.ends_ms == (123 if wanted else 0)


def test_leads_stand_before_the_allocation_of_their_version() -> None:
    instruments = [Instrument(coin, at, at, 4, 10) for at, coin in enumerate(("BTC", "ETH", "SOL"))]
    leads = (Lead("BTC", 0.7, 0.3), Lead("GONE", 0.5, 0.2))
    shares = (
        CoinAllocation("BTC", 0.0, 1_000.0, 1e-4, (0.1, 0.2)),
        CoinAllocation("ETH", 5.0, 900.0, 1e-4, (0.2, 0.3), leads),
    )
    allotment = Allotment(instruments)
    assert allotment.take(Allocation(1, 9, 60 * S, 0.01, shares, "optimal", (), 1.0), 0)
    rows = allotment.rows(1, 10 * S, 1e9, 0.01)
    kinds = [EventKind.SKEW, EventKind.SKEW, EventKind.LEAD, EventKind.ALLOCATION]
    assert list(rows["kind"]) == kinds
    assert set(rows["seq"]) == {9}
    assert (rows["coin"][2], rows["px"][2], rows["sz"][2]) == (0, 0.7, 0.3)
    assert EventKind.LEAD not in allotment.rows(0, 10 * S, 1e9, 0.01)["kind"]
    again = msgspec.json.decode(msgspec.json.encode(allotment.allocation), type=Allocation)
    assert again.coins[1].leads == leads
