"""When the page decides anew: at news, when fair has drifted, when a stance changes; else four times a second."""

import pytest

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import authority
from portfolio_mm.engine.quoting import LOOK_BPS, LOOK_NS
from tests.engine import led
from tests.engine.moves.test_leaders import leader_px
from tests.engine.moves.test_reference import now_of
from tests.engine.tape import MS, T0, VENUE_MS, Bench, allocation, book, event, permit, running, trade

BID, ASK = 1_999_700, 2_000_300


@pytest.fixture
def standing() -> tuple[Bench, int]:
    """A coin that has just heard a book of a market that stands, and when; no verdict falls due."""
    coin, now_ns = running()
    coin.params["viability_ns"] = 10**18
    coin.hear(book(now_ns, BID, ASK))
    return coin, now_ns


def decided(coin: Bench) -> int:
    return int(coin.st["quote"]["seen"])


def tick(coin: Bench, now_ns: int) -> int:
    """A TIMER; how often it made the coin decide."""
    before = decided(coin)
    coin.hear(event(EventKind.TIMER, now_ns))
    return decided(coin) - before


def test_time_alone_decides_four_times_a_second(standing: tuple[Bench, int]) -> None:
    coin, now_ns = standing
    assert coin.st["quote"]["last_ns"] == now_ns
    ticks = [tick(coin, now_ns + i * 50 * MS) for i in range(1, 21)]
    assert ticks == [0, 0, 0, 0, 1] * 4
    assert LOOK_NS == 250 * MS


def test_the_timer_after_a_trade_decides(standing: tuple[Bench, int]) -> None:
    coin, now_ns = standing
    coin.hear(trade(now_ns + 10 * MS, 0, ASK))
    assert coin.st["quote"]["last_ns"] == now_ns, "prints of a block come in one frame"
    assert [tick(coin, now_ns + 20 * MS), tick(coin, now_ns + 30 * MS)] == [1, 0]


def test_a_permit_that_ends_pulls_at_the_next_tick(standing: tuple[Bench, int]) -> None:
    coin, now_ns = standing
    assert coin.resting(0)
    assert coin.resting(1)
    coin.hear(permit(now_ns + MS, left_s=0.1))
    before = len(coin.commands)
    tick(coin, now_ns + 60 * MS)
    assert len(coin.commands) == before
    tick(coin, now_ns + 110 * MS)
    assert [command["kind"] for command in coin.commands[before:]] == [CommandKind.CANCEL] * 2


def test_a_stance_that_changes_decides_at_once(standing: tuple[Bench, int]) -> None:
    coin, now_ns = standing
    coin.hear(allocation(now_ns + MS, 7, oid=100 * MS))
    assert tick(coin, now_ns + 60 * MS) == 0
    assert tick(coin, now_ns + 110 * MS) == 1
    assert coin.st["authority"]["stance"] == authority.REDUCE
    assert list(coin.st["quote"]["lots"][:, 0] > 0).count(True) <= 1, "nothing opens without an allocation"


def test_an_interval_of_the_experiment_begins_with_a_decision(standing: tuple[Bench, int]) -> None:
    coin, _ = standing
    begins_ns = T0 + int(coin.st["signals"]["next_ns"]) - (VENUE_MS - 100) * MS
    coin.hear(book(begins_ns - 60 * MS, BID, ASK))
    assert [tick(coin, begins_ns - 10 * MS), tick(coin, begins_ns + 10 * MS)] == [0, 1]


def test_small_moves_of_a_leader_add_up() -> None:
    coin = led.play("leaders")
    led.rest(coin)
    px, start_ns, before = leader_px(coin), now_of(coin), decided(coin)
    drifts = []
    for i in range(1, 41):
        coin.hear(led.leader(start_ns + i * MS, px * (1.0 + i * 2e-7)))
        drifts.append(1e4 * abs(float(coin.st["fair"]["fair_px"] / coin.st["quote"]["fair_px"]) - 1.0))
    assert 2 <= decided(coin) - before <= 20
    assert max(drifts) < LOOK_BPS * 1.01
