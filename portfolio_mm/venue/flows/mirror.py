"""A recording upside down, so that a looping tape needs no jump of prices from its end to its start.

Every second turn of a loop plays the recording with price p as c - p, bids as asks and buys as sells, c being the sum
of the first and the last mid. It starts where the turn before ended and ends where the next one starts: sizes, times,
spreads, volatility and the correlations between coins are those of the recording, and prices never drift away.
What changes its sign: drift, and whatever differs between buyers and sellers.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.domain.instrument import POWERS, SIGNIFICANT_FIGURES
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.market import Bbo
from portfolio_mm.matching.queue_tape import TapeKind

Array = np.ndarray[Any, Any]
DIGITS: Final = np.array(POWERS[:18], np.int64)
BID: Final = ("px_ticks", "sz_lots", "orders")
ASK: Final = ("ask_ticks", "ask_lots", "ask_orders")


def centre(first: Bbo, last: Bbo, prices: Array, px_decimals: int) -> int | None:
    """The sum c of the two mids, on the coarsest grid of all prices; None when a mirrored price would not be positive.

    A side may be empty at an end; then the other side stands for the mid, and for an empty book the middle of all
    prices.
    """
    middle = int(np.median(prices))
    twice = _twice_mid(first, middle) + _twice_mid(last, middle)
    step = int(_steps(prices, px_decimals).max())
    c = round(twice / (2 * step)) * step
    return c if c > int(prices.max()) else None


def mirrored(events: Array, snapshots: Array, c: int, px_decimals: int) -> tuple[Array, Array]:
    """Events and snapshots upside down. Prices that cross into a coarser grid round away from the spread."""
    flipped, books = events.copy(), snapshots[:, ::-1].copy()
    trade, best = events["kind"] == TapeKind.TRADE, events["kind"] == TapeKind.BBO
    flipped["side"][trade] = SELL + BUY - events["side"][trade]
    buys = flipped["side"] == BUY
    flipped["px_ticks"][trade] = _on_grid(c - events["px_ticks"], px_decimals, buys)[trade]
    for names, others, up in ((BID, ASK, False), (ASK, BID, True)):
        for name, other in zip(names, others, strict=True):
            flipped[name][best] = events[other][best]
        there = best & (flipped[names[0]] > 0)
        flipped[names[0]][there] = _on_grid(c - flipped[names[0]][there], px_decimals, np.array(up))
    for side, up in ((BUY, False), (SELL, True)):
        prices = books[:, side, :, 0]
        books[:, side, :, 0] = np.where(prices > 0, _on_grid(c - prices, px_decimals, np.array(up)), 0)
    return flipped, books


def prices_of(events: Array, snapshots: Array) -> Array:
    """All prices of a recording in ticks."""
    found = np.concatenate([events["px_ticks"], events["ask_ticks"], snapshots[..., 0].ravel()])
    return found[found > 0]


def first_prices(events: Array, snapshots: Array) -> list[int]:
    """Best prices, or the price of the trade, of the first event that has any; empty when none has."""
    for event in events:
        if event["kind"] == TapeKind.BOOK:
            prices = snapshots[event["row"], :, 0, 0].tolist()
        else:
            prices = [int(event["px_ticks"]), int(event["ask_ticks"])]
        if shown := [px for px in prices if px > 0]:
            return shown
    return []


def _twice_mid(bbo: Bbo, otherwise: int) -> int:
    prices = [level.px_ticks for level in bbo if level is not None] or [otherwise]
    return 2 * sum(prices) // len(prices)


def _steps(ticks: Array, px_decimals: int) -> Array:
    """Step of the price grid at each price: `tick_step`, of arrays (HL §6.1)."""
    digits = np.searchsorted(DIGITS, ticks, side="right")
    steps: Array = DIGITS[np.clip(digits - SIGNIFICANT_FIGURES, 0, px_decimals)]
    return steps


def _on_grid(ticks: Array, px_decimals: int, up: Array) -> Array:
    steps = _steps(ticks, px_decimals)
    return np.where(up, -(-ticks // steps), ticks // steps) * steps
