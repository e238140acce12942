"""Moves of other coins change this coin's orders, by the coefficients of the allocation in force and no longer."""

import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.models.fair_row import LEADERS
from tests.engine import led
from tests.engine.moves.test_reference import now_of, placed_after, twin
from tests.engine.story import without
from tests.engine.tape import MS, STEP, Bench, allocation, event


@pytest.fixture(scope="module")
def trained() -> Bench:
    """A coin that has followed its leader for 80 s and now rests."""
    coin = led.play("leaders")
    led.rest(coin)
    assert led.weight(coin, LEADERS) > 0.5
    return coin


def leader_px(coin: Bench) -> float:
    return float(coin.st["leaders"]["leader_px"][0])


def up_and_down(coin: Bench) -> list[list[int]]:
    """Orders placed after the leader went 8 bps up, and down."""
    px = leader_px(coin) if leader_px(coin) > 0.0 else 20.0
    return [
        placed_after(coin, lambda now_ns, sign=sign: led.leader(now_ns, px * (1.0 + sign * 8e-4)))  # type: ignore[misc]
        for sign in (1.0, -1.0)
    ]


def test_a_leaders_move_moves_our_orders(trained: Bench) -> None:
    up, down = up_and_down(trained)
    assert len(up) == len(down) == 2
    assert min(high - low for high, low in zip(up, down, strict=True)) >= 2 * STEP


def test_it_is_this_part_that_moves_them() -> None:
    off = led.play("leaders", without("leaders", "update", returns=False))
    led.rest(off)
    up, down = up_and_down(off)
    assert up == down
    assert len(up) == 2


def test_the_next_book_need_not_come(trained: Bench) -> None:
    coin, now_ns = twin(trained), now_of(trained) + 50 * MS
    coin.hear(led.leader(now_ns, leader_px(coin) * 1.0008))
    assert coin.st["quote"]["last_ns"] == now_ns
    assert coin.st["quote"]["fair_px"] == coin.st["fair"]["fair_px"]


def test_an_allocation_without_leads_drops_them(trained: Bench) -> None:
    coin, now_ns = twin(trained), now_of(trained)
    coin.hear(led.leader(now_ns + 20 * MS, leader_px(coin) * 1.0006))
    assert led.part_bps(coin, LEADERS) > 0.5
    coin.hear(allocation(now_ns + 21 * MS, led.VERSION + 1, oid=10**15))
    coin.hear(event(EventKind.TIMER, now_ns + 22 * MS))
    assert led.part_bps(coin, LEADERS) == 0.0


def test_a_silent_leader_is_nothing_within_its_time(trained: Bench) -> None:
    coin, now_ns = twin(trained), now_of(trained)
    for i in range(22):
        coin.hear(event(EventKind.TIMER, now_ns + 20 * MS + i * 100 * MS))
    assert coin.st["leaders"]["ready"] == 0
    assert led.part_bps(coin, LEADERS) == 0.0
