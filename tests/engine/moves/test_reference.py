"""What the reference venue says changes an order; when it falls silent, nothing of it is left."""

import numpy as np
import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.models.fair_row import REFERENCE
from tests.engine import led
from tests.engine.story import without
from tests.engine.tape import MS, STEP, Array, Bench, bbo, event, keys

SECONDS = 80.0


@pytest.fixture(scope="module")
def trained() -> Bench:
    """A coin that has followed its reference for 80 s."""
    coin = led.play("reference", seconds=SECONDS)
    assert led.weight(coin, REFERENCE) > 0.5
    return coin


def twin(coin: Bench) -> Bench:
    """The same coin once more."""
    other = led.bench()
    other.state, other.params = coin.state.copy(), coin.params.copy()
    return other


def touch(coin: Bench) -> float:
    """Its mid, USD."""
    return float(coin.st["fair"]["mid_px"])


def own_book(coin: Bench, now_ns: int) -> Array:
    """The touch as it was, said again."""
    bid, ask = (int(ticks) for ticks in coin.st["book"]["ticks"])
    return bbo(now_ns, bid, ask)


def test_a_move_there_moves_our_orders_at_once(trained: Bench) -> None:
    now_ns = led.end_ns(SECONDS)
    prices = []
    for sign in (1.0, -1.0):
        coin = twin(trained)
        mid = touch(coin)
        before = float(coin.st["fair"]["fair_px"])
        commands = 0
        for i in range(4):
            commands += coin.hear(led.reference(now_ns + (1 + i) * 20 * MS, mid * (1.0 + sign * 4e-4)))
        assert sign * (float(coin.st["fair"]["fair_px"]) - before) > 0.5e-4 * mid
        assert commands > 0, "the reference's own message decides, not the next book"
        prices.append([int(command["px_ticks"]) for command in coin.commands[-commands:]])
    assert min(prices[0]) > min(prices[1])


def test_it_is_this_part_that_moves_them() -> None:
    off = led.play("reference", without("reference", "hear", returns=False), SECONDS)
    assert led.part_bps(off, REFERENCE) == 0.0
    now_ns = led.end_ns(SECONDS)
    assert off.hear(led.reference(now_ns + 20 * MS, touch(off) * 1.0004)) == 0


def test_a_pulled_feed_is_nothing_within_a_second(trained: Bench) -> None:
    coin, now_ns = twin(trained), led.end_ns(SECONDS)
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
            now_ns = led.T0 + i * 100 * MS
            mid += int(walk.integers(-1, 2)) * STEP
            if hears:
                coin.hear(led.reference(now_ns - 30 * MS, 20.0 * (1.0 + 1e-4 * path[i])))
            coin.hear(bbo(now_ns, mid - 2 * STEP, mid + 2 * STEP) if i % 2 else event(EventKind.TIMER, now_ns))
        assert led.weight(coin, REFERENCE) == 0.0
        assert (coin.st["reference"]["seen"] > 500) == hears
        sent.append(keys(coin.commands))
    assert sent[0] == sent[1]
    assert len(sent[0]) > 3
