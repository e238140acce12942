"""Markets with something to learn about who trades, and how to play them with a part taken off.

Short horizons and blocks make half a minute enough; the mathematics is that of the defaults.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models.skill import clear_skill, score
from portfolio_mm.models.toxic_row import INFORMED
from tests.engine.tape import MS, T0, Array, Bench, S, bbo, book, event, market, trade

TUNING = Tuning(levels=1, adverse_horizon_s=0.5, prior_adverse_bps=0.0)
LARGE = Tuning(levels=1, adverse_horizon_s=1.0, prior_adverse_bps=0.0, clip_usd=1_500.0, max_position_usd=20_000.0)


def toxic_tape(seconds: int, first_ns: int = T0, seed: int = 5) -> Array:
    """Calm: small orders that move nothing. Toxic: large ones, each moves the mid 6 bps its way; the spread is wide.

    Which side comes next nobody can know, so fair value cannot either: only that it will cost.
    """
    rng = np.random.default_rng(seed)
    rows, mid, toxic, step = [], 2_000_000, 0, 0
    for tick in range(seconds * 10):
        now_ns = first_ns + tick * 100 * MS
        toxic = int(rng.integers(0, 2)) if tick % 10 == 0 else toxic
        half, mid, step = 300 + 300 * toxic, mid + step, 0
        rows.append((book if tick % 2 else bbo)(now_ns, mid - half, mid + half, (40.0, 40.0)))
        if tick % 5 == 2:
            side = int(rng.integers(0, 2))
            px = mid + (1 - 2 * side) * int(rng.integers(7, 12)) * 100
            rows.append(trade(now_ns + 30 * MS, side, px, float(rng.integers(20, 60) if toxic else rng.integers(1, 4))))
            step = (1 - 2 * side) * 1_200 * toxic
        rows.append(event(EventKind.TIMER, now_ns + 60 * MS))
    return np.concatenate(rows)


def two_faced_tape(seconds: int, first_ns: int = T0, seed: int = 9) -> Array:
    """Where the spread is wider than usual, by a little or by much, each order moves the mid 6 bps its way; else none.

    How wide says nothing more: a line through it is wrong at both ends, a probability is not.
    """
    rng = np.random.default_rng(seed)
    rows, mid, toxic, step, half = [], 2_000_000, 0, 0, 300
    for tick in range(seconds * 10):
        now_ns = first_ns + tick * 100 * MS
        if tick % 12 == 0:
            toxic = int(rng.integers(0, 2))
            half = 300 + toxic * 100 * int(rng.choice([1, 1, 2, 12, 20]))
        mid, step = mid + step, 0
        rows.append((book if tick % 2 else bbo)(now_ns, mid - half, mid + half, (40.0, 40.0)))
        if tick % 6 == 2:
            side = int(rng.integers(0, 2))
            rows.append(trade(now_ns + 30 * MS, side, mid + (1 - 2 * side) * (half + 100 * int(rng.integers(4, 9)))))
            step = (1 - 2 * side) * 1_200 * toxic
        if tick % 2:
            rows.append(event(EventKind.TIMER, now_ns + 60 * MS))
    return np.concatenate(rows)


def moving_tape(seconds: int, first_ns: int = T0, seed: int = 6) -> Array:
    """Small orders, each of which moves the mid for good, in proportion to its size."""
    rng = np.random.default_rng(seed)
    rows, mid = [], 2_000_000
    for tick in range(seconds * 10):
        now_ns = first_ns + tick * 100 * MS
        if tick % 5 == 2:
            side, steps = int(rng.integers(0, 2)), int(rng.integers(1, 4))
            px = mid + (1 - 2 * side) * int(rng.integers(4, 12)) * 100
            rows.append(trade(now_ns - 20 * MS, side, px, float(steps)))
            mid += (1 - 2 * side) * steps * 100
        rows.append(book(now_ns, mid - 300, mid + 300) if tick % 2 else bbo(now_ns, mid - 300, mid + 300))
        rows.append(event(EventKind.TIMER, now_ns + 60 * MS))
    return np.concatenate(rows)


def quick(params: Any) -> None:
    """Blocks and bars of a second or less."""
    params["toxicity"]["block_s"], params["toxicity"]["virtual_ratio"] = 0.5, 1.0
    params["informed"]["block_s"] = 1.0
    params["informed"]["horizon_ns"] = 500 * MS
    params["impact"]["block_s"], params["impact"]["bar_ns"] = 1.0, 500 * MS


def lesson(step: Callable[..., int] | None, tape: Array, tuning: Tuning = TUNING, fee_share: float = 0.0) -> Bench:
    """Play a tape; from its middle on each side's best order is filled now and then, at a fee of `fee_share`."""
    bench = Bench(tuning)
    quick(bench.params)
    if step is not None:
        bench.step = step
    bench.start()
    half = len(tape) // 2
    bench.hear(tape[:half])
    for i in range(8):
        part = tape[half + i * half // 8 : half + (i + 1) * half // 8]
        if fee_share and bench.resting(i % 2):
            leg = bench.resting(i % 2)[0]
            worth_1e8 = int(leg["px_ticks"]) * int(leg["lots"]) * 100
            bench.fill(int(part["recv_ns"][0]), i % 2, fee_1e8=round(worth_1e8 * fee_share), tid=1 + i)
        bench.hear(part)
    return bench


def taught(step: Callable[..., int] | None = None) -> Bench:
    """Toxic flow, and fills that are charged 3 bps where the account was told a rebate of 0.3."""
    return lesson(step, toxic_tape(26), fee_share=3e-4)


def proven(step: Callable[..., int] | None = None) -> Bench:
    """The same flow once the forecast of what a fill costs has beaten its rival for forty blocks."""
    tape, bench = toxic_tape(40), Bench(TUNING)
    quick(bench.params)
    if step is not None:
        bench.step = step
    bench.start()
    bench.hear(tape[: len(tape) // 2])
    skill, now_ns = bench.st["toxicity"]["skill"][0], int(bench.st["clock"]["venue_ns"]) - 41 * S
    clear_skill(skill)
    for i in range(42):
        score(skill, now_ns + i * S, 0.5, 1.0, 1.0, 0.0)
    bench.hear(tape[len(tape) // 2 :])
    return bench


def moved(step: Callable[..., int] | None = None) -> Bench:
    """Orders that move the price, and a clip far larger than they are."""
    return lesson(step, moving_tape(45), LARGE)


def know(bench: Bench) -> None:
    """Put into a coin what it would have learned: informed flow costs 3 bps a standard deviation, large is informed."""
    toxic, kinds = bench.st["toxicity"], bench.st["informed"]
    bench.params["toxicity"]["min_depth_bps"] = 1e6  # and nothing more
    toxic["skill"]["weight"][0] = 1.0
    toxic["moments"][:, INFORMED] = 100.0, 20.0, 6.0
    toxic["centre"][INFORMED], toxic["per_sd"][INFORMED] = 0.2, 0.02**-0.5
    toxic["w"][1 + INFORMED] = 3.0
    kinds["learned_count"], kinds["ready"] = 1_000.0, 1
    kinds["moments"][0], kinds["moments"][1] = (5.0, 0.5, -1.0, 0.4), (2.0, 9.0, 1.0, 0.3)


def knew(step: Callable[..., int] | None = None) -> Bench:
    """A market with orders of all sizes before a coin that knows who is informed."""
    bench = Bench(TUNING)
    know(bench)
    if step is not None:
        bench.step = step
    bench.start()
    tape = market(500)
    tape["sz"] = np.where(tape["kind"] == EventKind.TRADE, np.where(np.arange(500) % 60 < 30, 1.0, 90.0), tape["sz"])
    bench.hear(tape)
    return bench
