"""Markets in which something other than our own book moves first: each feed of fair value has its planted effect."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from portfolio_mm.domain.events import LAST, EventKind
from portfolio_mm.engine.tuning import Tuning
from tests.engine.tape import MS, STEP, T0, Array, Bench, S, allocation, bbo, event, trade, venue_ms

Step = Callable[..., int]
FOLLOW_MS: Final = 300
VERSION: Final = 3


def reference(recv_ns: int, px: float, sizes: tuple[float, float] = (5.0, 5.0)) -> Array:
    """A REFERENCE around `px`, spread 0.2 bps."""
    row = event(EventKind.REFERENCE, recv_ns, venue_ms=venue_ms(recv_ns), bits=LAST)
    row["bid_px"][0, 0], row["ask_px"][0, 0] = px * (1.0 - 1e-5), px * (1.0 + 1e-5)
    row["bid_sz"][0, 0], row["ask_sz"][0, 0] = sizes
    return row


def leader(recv_ns: int, px: float) -> Array:
    """A LEADER: the mid of coin 1."""
    return event(EventKind.LEADER, recv_ns, coin=1, venue_ms=venue_ms(recv_ns), px=px, bits=LAST)


def bench(step: Step | None = None) -> Bench:
    """A coin that judges forecasts by blocks of 1 s and penalises coefficients little, with free actions."""
    coin = Bench(Tuning(levels=1, action_price_usd=0.0))
    coin.params["fair"]["block_s"], coin.params["fair"]["ridge_count"] = 1.0, 50.0
    if step is not None:
        coin.step = step
    coin.start()
    coin.hear(event(EventKind.LEAD, T0 - 1, coin=1, px=1.0, sz=FOLLOW_MS / 1e3, seq=VERSION))
    coin.hear(allocation(T0 - 1, VERSION, oid=10**15, sz=0.0))
    return coin


def play(led_by: str, step: Step | None = None, seconds: float = 80.0, seed: int = 5) -> Bench:
    """Events each 50 ms: our touch follows what leads it after FOLLOW_MS.

    Args:
        led_by: "reference", "leaders" (both: their prices move first) or "order_flow" (orders of one side precede
            its moves).
        step: the page to play it with; the compiled one by default.
        seconds: of market.
        seed: of the market.
    """
    coin, rng = bench(step), np.random.default_rng(seed)
    lag, n = FOLLOW_MS // 50, int(seconds * 20)
    sign = np.repeat(rng.choice([-1.0, 1.0], n // 40 + 1), 40)[:n]
    moves = sign * 0.15 if led_by == "order_flow" else rng.normal(0.0, 0.4, n)
    ahead_bps = np.cumsum(moves)
    for i in range(n):
        now_ns = T0 + i * 50 * MS
        mid = 2_000_000 + round(ahead_bps[max(0, i - lag)] * 2.0) * STEP
        px = 20.0 * (1.0 + 1e-4 * ahead_bps[i])
        if led_by == "order_flow" and i % 6 == 0:
            coin.hear(trade(now_ns, 0 if sign[i] > 0.0 else 1, mid + int(sign[i]) * 2 * STEP))
        elif led_by == "reference":
            coin.hear(reference(now_ns, px))
        elif led_by == "leaders":
            coin.hear(leader(now_ns, px))
        if led_by != "order_flow" and i % 4 == 1:
            side, reach = int(rng.integers(0, 2)), 2 + int(rng.exponential(8.0))
            coin.hear(trade(now_ns, side, mid + (1 - 2 * side) * reach * STEP))
        sizes = tuple(float(size) for size in np.round(rng.uniform(20.0, 60.0, 2), 1))
        if i % 2 == 0:
            coin.hear(bbo(now_ns, mid - 2 * STEP, mid + 2 * STEP, (sizes[0], sizes[1])))
        else:
            coin.hear(event(EventKind.TIMER, now_ns))
    return coin


def rest(coin: Bench, seconds: float = 80.0) -> int:
    """After `play` nothing moves for two seconds: every order is answered and may be replaced; the time then."""
    mid_px, (bid, ask) = float(coin.st["reference"]["mid_px"]), (int(ticks) for ticks in coin.st["book"]["ticks"])
    px = float(coin.st["leaders"]["leader_px"][0])
    now_ns = T0 + int(seconds * S)
    for _ in range(20):
        now_ns += 100 * MS
        if mid_px > 0.0:
            coin.hear(reference(now_ns - 20 * MS, mid_px))
        if px > 0.0:
            coin.hear(leader(now_ns - 10 * MS, px))
        coin.hear(bbo(now_ns, bid, ask))
    return now_ns


def part_bps(coin: Bench, group: int) -> float:
    """What a group moves fair by now."""
    return float(coin.st["fair"]["parts_bps"][group])


def weight(coin: Bench, group: int) -> float:
    """What the group has earned."""
    return float(coin.st["fair"]["skill"][group]["weight"])


SCENARIOS: Final[dict[str, Callable[[Step | None], Any]]] = {
    "order_flow": lambda step: play("order_flow", step),
    "reference": lambda step: play("reference", step),
    "leaders": lambda step: play("leaders", step),
}
"""Part of the page -> a story in which it has its effect."""
