"""What the reference venue says changes an order; when it falls silent, nothing of it is left."""

from collections.abc import Callable

import numpy as np
import pytest

from portfolio_mm.domain.events import CoinMode, EventKind
from portfolio_mm.models.fair_row import REFERENCE
from tests.engine import led
from tests.engine.story import without
from tests.engine.tape import MS, STEP, T0, Array, Bench, bbo, event, keys


@pytest.fixture(scope="module")
def trained() -> Bench:
    """A coin that has followed its reference for 80 s and now rests."""
    coin = led.play("reference")
    led.rest(coin)
    assert led.weight(coin, REFERENCE) > 0.5
    return coin


def now_of(coin: Bench) -> int:
    """Receive time of its last event."""
    return int(coin.st["clock"]["recv_ns"])


def twin(coin: Bench) -> Bench:
    """The same coin once more."""
    other = led.bench()
    other.state, other.params = coin.state.copy(), coin.params.copy()
    return other


def placed_after(coin: Bench, word: Callable[[int], Array]) -> list[int]:
    """Prices of the orders a twin places that was pulled, hears one word made for its time, and may trade again."""
    other, now_ns = twin(coin), now_of(coin)
    other.step = coin.step
    other.hear(event(EventKind.MODE, now_ns + MS, status=CoinMode.CANCEL_ONLY))
    other.hear(word(now_ns + 300 * MS))
    before = len(other.commands)
    other.hear(event(EventKind.MODE, now_ns + 310 * MS, status=CoinMode.TRADE))
    return [int(command["px_ticks"]) for command in other.commands[before:]]


def touch(coin: Bench) -> float:
    """Its mid, USD."""
    return float(coin.st["fair"]["mid_px"])


def up_and_down(coin: Bench) -> list[list[int]]:
    """Orders placed after the reference went 4 bps up, and down."""
    mid = touch(coin)
    return [
        placed_after(coin, lambda now_ns, sign=sign: led.reference(now_ns, mid * (1.0 + sign * 4e-4)))  # type: ignore[misc]
        for sign in (1.0, -1.0)
    ]


def test_a_move_there_moves_our_orders(trained: Bench) -> None:
    up, down = up_and_down(trained)
    assert len(up) == len(down) == 2
    assert min(high - low for high, low in zip(up, down, strict=True)) >= 2 * STEP


def test_it_is_this_part_that_moves_them() -> None:
    off = led.play("reference", without("reference", "hear", returns=False))
    led.rest(off)
    up, down = up_and_down(off)
    assert up == down
    assert len(up) == 2


def test_the_next_book_need_not_come(trained: Bench) -> None:
    """Its own message decides quotes anew, and in the story one of them has brought about a command."""
    coin, now_ns = twin(trained), now_of(trained) + 50 * MS
    coin.hear(led.reference(now_ns, touch(coin) * 1.0004))
    assert coin.st["quote"]["last_ns"] == now_ns
    assert coin.st["quote"]["fair_px"] == coin.st["fair"]["fair_px"]
    assert EventKind.REFERENCE in {int(command["cause"]) for command in trained.commands}


def test_a_pulled_feed_is_nothing_within_a_second(trained: Bench) -> None:
    coin, now_ns = twin(trained), now_of(trained)
    coin.hear(led.reference(now_ns + 10 * MS, touch(coin) * 1.0002))
    assert led.part_bps(coin, REFERENCE) > 0.05
    for i in range(11):
        coin.hear(event(EventKind.TIMER, now_ns + 20 * MS + i * 100 * MS))
    assert led.part_bps(coin, REFERENCE) == 0.0
    assert coin.st["quote"]["items_bps"][:, 2].tolist() == [0.0, 0.0]


def test_without_the_feed_or_without_weight_every_order_is_the_same() -> None:
    """A coin that hears of a reference which leads nothing sends, to the last bit, what one without it sends."""
    rng = np.random.default_rng(8)
    sent = []
    for hears in (True, False):
        coin, walk = led.bench(), np.random.default_rng(9)
        path = np.cumsum(rng.normal(0.0, 0.3, 600)) if hears else np.zeros(600)
        mid = 2_000_000
        for i in range(600):
            now_ns = T0 + i * 100 * MS
            mid += int(walk.integers(-1, 2)) * STEP
            if hears:
                coin.hear(led.reference(now_ns - 30 * MS, 20.0 * (1.0 + 1e-4 * path[i])))
            coin.hear(bbo(now_ns, mid - 2 * STEP, mid + 2 * STEP) if i % 2 else event(EventKind.TIMER, now_ns))
        assert led.weight(coin, REFERENCE) == 0.0
        assert (coin.st["reference"]["seen"] > 500) == hears
        sent.append(keys(coin.commands))
    assert sent[0] == sent[1]
    assert len(sent[0]) > 3
