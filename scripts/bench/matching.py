"""Actions through the order-level book and events through the queue model, against the Python facade's own cost."""

import time
from functools import partial
from typing import Any

import numpy as np
import psutil

from portfolio_mm.domain.units import SIGN
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.book_kernels import ACTION, FILL, N_FILLS, ActionKind, run_actions
from portfolio_mm.matching.book_state import N_ORDERS
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from scripts.bench.row import Row, best_us

N = 200_000
MID = 100_000
LIVE = 4_096
LASTING = 10_000_000
Array = np.ndarray[Any, Any]


def actions(rng: np.random.Generator) -> Array:
    """Places around a fixed mid, one taker in ten, and a cancel of an old order for each place once LIVE rest."""
    rows = np.zeros(N, ACTION)
    resting: list[int] = []
    for i in range(N):
        side, kind = int(rng.integers(2)), rng.random()
        if len(resting) >= LIVE and kind < 0.5:
            rows[i] = (0, ActionKind.CANCEL, 0, 0, resting.pop(int(rng.integers(len(resting)))), 0, 0)
        elif kind < 0.6:
            rows[i] = (0, ActionKind.PLACE, side, Tif.IOC, i + 1, MID + SIGN[side] * 500, 3)
        else:
            away = 1 + int(rng.exponential(60.0))
            rows[i] = (0, ActionKind.PLACE, side, Tif.ALO, i + 1, MID - SIGN[side] * away, 5)
            resting.append(i + 1)
    return rows


def tape(rng: np.random.Generator) -> tuple[Array, Array]:
    """Books of twenty levels, best prices and trades in the proportions of a recording (2 : 7 : 3)."""
    books = np.zeros((256, 2, 20, 3), np.int64)
    for side in range(2):
        books[:, side, :, 0] = MID - SIGN[side] * np.arange(1, 21)
        books[:, side, :, 1] = rng.integers(1, 500, (256, 20))
        books[:, side, :, 2] = 1
    rows = np.zeros(N, TAPE_EVENT)
    rows["kind"] = rng.choice([TapeKind.BOOK, TapeKind.BBO, TapeKind.TRADE], N, p=[2 / 12, 7 / 12, 3 / 12])
    rows["side"] = rng.integers(2, size=N)
    sign = np.where(rows["side"] == 0, 1, -1)
    rows["px_ticks"] = np.where(rows["kind"] == TapeKind.TRADE, MID + sign, MID - 1)
    rows["sz_lots"], rows["ask_lots"] = rng.integers(1, 500, (2, N))
    rows["ask_ticks"] = MID + 1
    rows["row"] = rng.integers(256, size=N)
    rows[0]["kind"] = TapeKind.BOOK
    rows["ms"] = np.arange(N) // N  # all due at once
    return rows, books


def _book_s(rows: Array) -> float:
    """Seconds the kernel takes for all actions."""
    book, fills, gone = OrderBook(), np.zeros(N_FILLS, FILL), np.zeros(N_ORDERS, np.int64)
    start, at = time.perf_counter(), 0
    while at < len(rows):
        at, _, _ = run_actions(book.state, 0, rows, at, len(rows), 0, fills, gone)
    return time.perf_counter() - start


def _queue_s(rows: Array, books: Array) -> float:
    market = QueueMarket(rows, books)
    market.advance(-1)
    for oid in range(1, 7):
        side = oid % 2
        market.place(NewOrder(oid, 1, side, MID - SIGN[side] * (18 + oid), 5, Tif.ALO))
    start = time.perf_counter()
    market.advance(1)
    return time.perf_counter() - start


def _grown_kib(rows: Array, books: Array) -> float:
    """Memory the process gains over LASTING events through one market, after a first warm tape, KiB."""
    market, process = QueueMarket(rows, books), psutil.Process()
    market.advance(1)
    before = process.memory_info().rss
    for _ in range(LASTING // len(rows)):
        market.play(rows, books, 0)
        market.advance(1)
    return (process.memory_info().rss - before) / 1024


def _place_and_cancel(book: OrderBook) -> None:
    book.place(NewOrder(1, 1, 0, MID, 1, Tif.ALO))
    book.cancel(1)


def run() -> list[Row]:
    """Measure both markets, and the share of a core six synthetic coins need in real time."""
    rng = np.random.default_rng(1)
    rows, (events, books) = actions(rng), tape(rng)
    book_s = min(_book_s(rows) for _ in range(4))
    queue_s = min(_queue_s(events, books) for _ in range(4))
    pair_us = best_us(partial(_place_and_cancel, OrderBook()), 5_000)
    flow = SyntheticFlow(synthetic_params())
    flow.advance(flow.next_ms())
    block_us = best_us(lambda: flow.advance(flow.next_ms()), 500)
    share = block_us / (flow.params.block_ms * 1e3) * 100.0
    return [
        Row("order book, background actions", N / book_s / 1e6, "M/s", 2.0 / pair_us, "place and cancel from Python"),
        Row("queue model, recorded events, 6 own orders", N / queue_s / 1e6, "M/s"),
        Row("memory gained over 10 M recorded events", _grown_kib(events, books), "KiB", note="goal: flat"),
        Row("synthetic flow, 6 coins, one block", block_us, "us", note=f"{share:.2f} % of a core in real time"),
    ]
