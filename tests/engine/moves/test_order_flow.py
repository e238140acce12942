"""Raw book and trade frames of the last seconds change an order, because of what order flow says."""

from collections.abc import Callable

import numpy as np
import pytest

from portfolio_mm.domain.events import CoinMode, EventKind
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models.fair_row import FLOW
from tests.engine.led import part_bps, weight
from tests.engine.story import without
from tests.engine.tape import event
from tests.engine.wire import Wire

TICK = 0.001


def trained(*, acts: bool) -> tuple[Wire, float]:
    """A coin that watched 90 s in which orders precede the mid by 300 ms; its mid now. `acts`: the part is there."""
    coin, rng = Wire(Tuning(levels=1)), np.random.default_rng(3)
    coin.params["fair"]["block_s"] = 1.0
    coin.params["ablation_share"] = 0.0
    coin.params["depth"]["prior_count"] = 1e9  # such sweeps would forbid any quote
    if not acts:
        coin.step = without("order_flow", "update", "on_trade", returns=False)
    coin.start()
    coin.hear(event(EventKind.MODE, coin.now_ns, status=CoinMode.CANCEL_ONLY))
    sign = np.repeat(rng.choice([-1.0, 1.0], 45), 20)
    path = np.cumsum(sign * 0.3)
    mid = 20.0
    for i in range(len(sign)):
        mid = 20.0 + TICK * round(2.0 * path[max(0, i - 3)])
        if i % 3 == 0:
            coin.trade("B" if sign[i] > 0.0 else "A", mid + 2 * TICK * sign[i], 3.0)
        coin.bbo(mid - 2 * TICK, mid + 2 * TICK)
        coin.wait(0.1)
    for _ in range(20):
        coin.bbo(mid - 2 * TICK, mid + 2 * TICK)
        coin.wait(0.5)
    return coin, mid


def trades(coin: Wire, mid: float, side: int) -> None:
    """Market orders of one side that move nothing themselves."""
    for _ in range(10):
        coin.trade("BA"[side], mid + (2 - 4 * side) * TICK, 6.0)
        coin.bbo(mid - 2 * TICK, mid + 2 * TICK)
        coin.wait(0.1)


def sizes(coin: Wire, mid: float, side: int) -> None:
    """One side is filled up first, `side` last: the same touch in the end."""
    for both in ((40.0, 900.0) if side == 0 else (900.0, 40.0), (900.0, 900.0)):
        coin.bbo(mid - 2 * TICK, mid + 2 * TICK, *both)
        coin.wait(0.5)


def placed(frames: Callable[[Wire, float, int], None], side: int, *, acts: bool = True) -> tuple[list[int], float]:
    """Prices of the orders placed once the coin may trade, and flow's part of fair then."""
    coin, mid = trained(acts=acts)
    frames(coin, mid, side)
    assert (weight(coin, FLOW) > 0.3) == acts
    before = len(coin.commands)
    coin.hear(event(EventKind.MODE, coin.now_ns, status=CoinMode.TRADE))
    return [int(command["px_ticks"]) for command in coin.commands[before:]], part_bps(coin, FLOW)


@pytest.mark.parametrize("frames", [trades, sizes])
def test_flow_alone_moves_the_orders(frames: Callable[[Wire, float, int], None]) -> None:
    (buying, up_bps), (selling, down_bps) = (placed(frames, side) for side in (0, 1))
    assert up_bps > 0.1 > -0.1 > down_bps
    assert len(buying) == len(selling) == 2
    assert sum(buying) > sum(selling)


@pytest.mark.parametrize("frames", [trades, sizes])
def test_it_is_the_signal_that_moves_them(frames: Callable[[Wire, float, int], None]) -> None:
    """The same frames with the part on the page and off it: it lifts the orders when they buy, else lowers them."""
    shifts = []
    for side in (0, 1):
        (on, _), (off, none_bps) = (placed(frames, side, acts=acts) for acts in (True, False))
        assert none_bps == 0.0
        assert len(on) == len(off) == 2
        shifts.append(sum(on) - sum(off))
    assert shifts[0] > shifts[1]
