"""Moves of other coins change this coin's orders, by the coefficients of the allocation in force and no longer."""

import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.models.fair_row import LEADERS
from tests.engine import led
from tests.engine.moves.test_reference import touch, twin
from tests.engine.story import without
from tests.engine.tape import MS, Bench, allocation, event

SECONDS = 80.0


@pytest.fixture(scope="module")
def trained() -> Bench:
    """A coin that has followed its leader for 80 s."""
    coin = led.play("leaders", seconds=SECONDS)
    assert led.weight(coin, LEADERS) > 0.5
    return coin


def test_a_leaders_move_moves_our_orders_at_once(trained: Bench) -> None:
    now_ns = led.end_ns(SECONDS) + 20 * MS
    prices = []
    for sign in (1.0, -1.0):
        coin = twin(trained)
        px = float(coin.st["leaders"]["leader_px"][0])
        count = coin.hear(led.leader(now_ns, px * (1.0 + sign * 6e-4)))
        assert sign * led.part_bps(coin, LEADERS) > 0.5
        assert count > 0
        prices.append([int(command["px_ticks"]) for command in coin.commands[-count:]])
    assert min(prices[0]) > min(prices[1])


def test_it_is_this_part_that_moves_them() -> None:
    off = led.play("leaders", without("leaders", "update", returns=False), SECONDS)
    assert led.part_bps(off, LEADERS) == 0.0
    assert off.hear(led.leader(led.end_ns(SECONDS) + 20 * MS, touch(off) * 1.0006)) == 0


def test_an_allocation_without_leads_drops_them(trained: Bench) -> None:
    coin, now_ns = twin(trained), led.end_ns(SECONDS) + 20 * MS
    coin.hear(led.leader(now_ns, float(coin.st["leaders"]["leader_px"][0]) * 1.0006))
    assert led.part_bps(coin, LEADERS) > 0.5
    coin.hear(allocation(now_ns + MS, led.VERSION + 1, oid=10**15))
    coin.hear(event(EventKind.TIMER, now_ns + 2 * MS))
    assert led.part_bps(coin, LEADERS) == 0.0


def test_a_silent_leader_is_nothing_within_its_time(trained: Bench) -> None:
    coin, now_ns = twin(trained), led.end_ns(SECONDS)
    for i in range(22):
        coin.hear(event(EventKind.TIMER, now_ns + 20 * MS + i * 100 * MS))
    assert coin.st["leaders"]["ready"] == 0
    assert led.part_bps(coin, LEADERS) == 0.0
