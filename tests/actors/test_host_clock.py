"""The gateway may run on another host, whose monotonic clock began another day."""

from pathlib import Path

import pytest

from portfolio_mm.actors.host_clock import HostClock
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.limits import RiskState
from tests.actors.coin_bench import coin_bench, event, is_cancel

S, DAYS_NS = 10**9, 3 * 86_400 * 10**9


@pytest.mark.parametrize("ahead_ns", [0, DAYS_NS, -DAYS_NS])
def test_what_waited_on_the_way_is_as_old_as_it_is(ahead_ns: int) -> None:
    clock, now_ns = HostClock(), 50 * S
    for i in range(40):
        sent_ns = now_ns + i * S // 4
        heard_ns = clock.local_ns(sent_ns + ahead_ns, sent_ns + 1_000)
        assert sent_ns <= heard_ns <= sent_ns + 1_000
    sent_ns = now_ns + 10 * S
    assert clock.local_ns(sent_ns + ahead_ns, sent_ns + 4 * S) == pytest.approx(sent_ns, abs=S // 500)


@pytest.mark.parametrize("ppm", [-100, 100])
def test_clocks_that_run_apart_are_followed(ppm: int) -> None:
    clock, began_ns = HostClock(), 50 * S
    for i in range(4 * 3_600):
        now_ns = began_ns + i * S
        sent_ns = DAYS_NS + i * (S + ppm * S // 1_000_000)
        assert now_ns - S // 1_000 <= clock.local_ns(sent_ns, now_ns) <= now_ns


@pytest.mark.parametrize("ahead_ns", [DAYS_NS, -DAYS_NS])
async def test_a_lease_ends_whatever_the_clock_of_the_gateway_says(ahead_ns: int, tmp_path: Path) -> None:
    async with coin_bench(tmp_path, ahead_ns) as bench:  # it quotes: the lease began
        since = len(bench.commands)
        bench.tell(event(EventKind.PERMIT, status=RiskState.GREEN, oid=S, seq=1))
        await bench.reacts(since, is_cancel, "cancels at the end of the lease")
        sent_ns = [int(row["cause_ns"]) for row in bench.commands]
        assert max(sent_ns) - min(sent_ns) < DAYS_NS // 2, "causes are on one clock"


async def test_silence_of_the_market_is_noticed_whatever_the_clock_of_the_gateway_says(tmp_path: Path) -> None:
    async with coin_bench(tmp_path, DAYS_NS) as bench:
        since = len(bench.commands)
        bench.market = None
        await bench.reacts(since, is_cancel, "cancels after silence")
