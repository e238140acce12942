"""Raw frames of a market with storms or jumps, or without: the scenarios of the parts that hear volatility."""

from collections.abc import Callable
from typing import Any

import numpy as np

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.tuning import Tuning
from tests.engine.plain_page import Step
from tests.engine.tape import MS, event
from tests.engine.wire import Wire

TUNING = Tuning(levels=1)
AVERSE = Tuning(levels=1, inventory_sd_usd=40.0)
"""So averse to risk that a share of the risk buffer is a tick."""
TICK = 0.001


def play(
    step: Step | None,
    moves: Any,
    nudge: Callable[[Any], None] | None = None,
    *,
    tuning: Tuning = TUNING,
    lots: int = 0,
    swept: bool = False,
) -> Wire:
    """A book each second, a timer each two, a trade each ten; the mid moves by `moves` ticks before each.

    Args:
        step: the page to play it with; the compiled one by default.
        moves: ticks.
        nudge: changes the parameters before the first frame.
        tuning: of the coin.
        lots: position held.
        swept: a move of more than 20 ticks comes with a print that goes all its way.
    """
    wire = Wire(tuning, fee_bps=-0.3)
    if nudge is not None:
        nudge(wire.params[0])
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(event(EventKind.POSITION, wire.now_ns, coin=0, sz_lots=lots, px_ticks=2_000_000))
    rng, place = np.random.default_rng(3), 0
    for i, move in enumerate(moves):
        mid, reach = 20.0 + TICK * place, int(rng.integers(2, 12))
        if swept and abs(move) > 20:
            wire.trade("B" if move > 0 else "A", mid + TICK * move)
        place += int(move)
        mid = 20.0 + TICK * place
        wire.book(round(mid - 2 * TICK, 3), round(mid + 2 * TICK, 3))
        wire.now_ns += 500 * MS
        if i % 10 == 3:
            wire.trade("B" if i % 20 == 3 else "A", mid + (TICK if i % 20 == 3 else -TICK) * reach)
        wire.now_ns += 500 * MS
        if i % 2:
            wire.hear(event(EventKind.TIMER, wire.now_ns))
    return wire


def steady(seconds: int) -> Any:
    """Steps of one tick."""
    return np.random.default_rng(1).integers(-1, 2, seconds)


def stormy(seconds: int, storm_s: int = 30, every_s: int = 90, factor: int = 5) -> Any:
    """The same, `factor` times as large in storms; it ends in the middle of one."""
    turn = (np.arange(seconds) - seconds + storm_s // 2) % every_s
    return steady(seconds) * np.where(turn < storm_s, factor, 1)


def jumpy(seconds: int) -> Any:
    """Steady, with jumps of 60 ticks (30 bps) to and fro from the seventieth second on."""
    moves = steady(seconds)
    moves[70:-20:20] += 60
    moves[78:-12:20] -= 60
    return moves


def quick(p: Any) -> None:
    """Blocks of seconds instead of minutes, so that minutes of tape are enough to earn a weight."""
    p["particles"]["block_s"] = p["regimes"]["block_s"] = 4.0
    p["particles"]["ready_s"] = p["regimes"]["ready_s"] = 20.0
    p["particles"]["spread_ratio"], p["particles"]["tau_s"] = 1.0, 200.0
    p["vov"]["block_n"], p["vov"]["block_s"] = 5, 5.0
    p["jumps"]["judge_ns"], p["jumps"]["block_s"] = 2_000 * MS, 2.0
    p["jumps"]["prior_s"] = 600.0


def storms(step: Step | None, wild: bool = True, seconds: int = 330) -> Wire:  # noqa: FBT001, FBT002 - told or not
    """Storms, or the same seconds without, with a position whose skew is as large as sigma says."""
    return play(step, stormy(seconds) if wild else steady(seconds), quick, lots=450)


def gusts(step: Step | None, wild: bool = True, seconds: int = 270) -> Wire:  # noqa: FBT001, FBT002 - told or not
    """Sigma that moves within minutes, or one that does not."""
    factors = np.repeat(np.random.default_rng(5).choice([1, 4], seconds // 5), 5)
    return play(step, steady(seconds) * (factors if wild else 1), quick, tuning=AVERSE)


def jumps(step: Step | None, wild: bool = True, seconds: int = 190, *, swept: bool = False) -> Wire:  # noqa: FBT001, FBT002 - told or not
    """Jumps, or the same seconds without; `swept`: traded all their way."""
    return play(step, jumpy(seconds) if wild else steady(seconds), quick, swept=swept)
