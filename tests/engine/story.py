"""A story in which every part of the page has its effect, and how to play it with a part taken off.

Run as a program it prints the commands as JSON, for the comparison with the uncompiled code.
"""

import json
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.order import Refusal
from portfolio_mm.engine import coin
from portfolio_mm.engine.tuning import Tuning
from tests.engine.plain_page import Step, step_with
from tests.engine.tape import MS, STEP, T0, Bench, S, allocation, event, market

TUNING = Tuning(levels=2)


def play(
    step: Step | None = None, tuning: Tuning = TUNING, seed: int = 1, nudge: Callable[[Any], None] | None = None
) -> Bench:
    """Lively market, inventory here and elsewhere, losing fills, refusals, a mark, silence.

    Args:
        step: the page to play it with; the compiled one by default.
        tuning: of the coin.
        seed: of the market.
        nudge: changes the parameters before the story begins.
    """
    bench = Bench(tuning)
    if nudge is not None:
        nudge(bench.params)
    if step is not None:
        bench.step = step
    bench.start()
    opening = market(220, seed)
    bench.hear(opening[opening["kind"] != EventKind.CONTEXT])
    now_ns = bench.quiet_book(1.0, T0 + 11 * S)
    bench.hear(event(EventKind.SKEW, now_ns, coin=0, px=0.004, seq=2))
    bench.hear(event(EventKind.SKEW, now_ns, coin=2, px=0.01, seq=2))
    bench.hear(allocation(now_ns, 2, px=50.0, sz2=4e-6, oid=10**15))
    bench.hear(event(EventKind.FILL, now_ns, coin=2, side=1, sz_lots=700, px_ticks=1_000_000))
    now_ns = _lose(bench, now_ns + 10 * MS)
    bench.hear(event(EventKind.CONTEXT, now_ns, px=24.0, px2=24.0, px_ticks=2_400_000))
    bench.refuse = Refusal.WOULD_CROSS
    now_ns = bench.quiet_book(2.0, now_ns, 2_000_700, 2_001_300)
    bench.refuse = Refusal.NONE
    bench.hear(market(60, seed + 1, now_ns))
    for i in range(60):
        bench.hear(event(EventKind.TIMER, now_ns + 3 * S + i * 100 * MS))
    return bench


def _lose(bench: Bench, now_ns: int) -> int:
    """Fills on the bid, each followed by a fall and five seconds: adverse selection is learned."""
    for turn in range(4):
        fall = (turn + 1) * 12 * STEP
        if bench.resting(0):
            bench.fill(now_ns, 0)
        for i in range(13):
            now_ns += 450 * MS
            bid = 1_999_700 - (fall if i > 1 else fall - 12 * STEP)
            row = market(1, 1, now_ns)
            row["bid_ticks"], row["ask_ticks"] = bid, bid + 6 * STEP
            row["bid_px"], row["ask_px"] = (bid - np.arange(5) * STEP) / 1e5, (bid + (6 + np.arange(5)) * STEP) / 1e5
            bench.hear(row)
    return now_ns + 10 * MS


def without(module: str, *names: str, returns: Any = None) -> Step:
    """The page with functions of one of its modules doing nothing."""
    real = getattr(coin, module)
    fake = types.SimpleNamespace(**vars(real))
    for name in names:
        assert hasattr(real, name), f"{module}.{name} is gone: teach the net its new name"
        setattr(fake, name, lambda *_: returns)
    return step_with(**{module: fake})


if __name__ == "__main__":
    json.dump([command.tolist() for command in play().commands], sys.stdout)
