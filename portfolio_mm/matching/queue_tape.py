"""Compiled replay of recorded events through the queue model, and reading of the published book."""

from enum import IntEnum
from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.domain.units import SIGN
from portfolio_mm.matching.queue_fills import fill_crossed, trade_at, trade_through, use_recorded
from portfolio_mm.matching.queue_state import (
    N_OWN,
    NONE,
    best_published,
    find_own,
    level_of,
    record_best,
    record_snapshot,
    remove_own,
    shown,
)


class TapeKind(IntEnum):
    """What was recorded; inside one block trades come before the books that show their result."""

    TRADE = 1
    BOOK = 2
    BBO = 3


TAPE_EVENT = record(
    [
        ("ms", "i8"),
        ("kind", "i4"),
        ("side", "i4"),
        ("px_ticks", "i8"),
        ("sz_lots", "i8"),
        ("ask_ticks", "i8"),
        ("ask_lots", "i8"),
        ("row", "i8"),
        ("orders", "i4"),
        ("ask_orders", "i4"),
    ]
)
"""TRADE: side (aggressor), px, sz. BBO: px, sz, orders of the bid, ask_* of the ask (0: empty side). BOOK: snapshot
row."""

TRADE: Final = int(TapeKind.TRADE)
BOOK: Final = int(TapeKind.BOOK)


@nb.njit(cache=True)
def write_print(prints: Any, n: int, px: int, lots: int, side: int) -> int:
    """Append one public trade; the new count."""
    prints[n].px_ticks = px
    prints[n].sz_lots = lots
    prints[n].aggressor_side = side
    return n + 1


@nb.njit(cache=True)
def apply_event(  # noqa: PLR0917 - flat arguments
    queue: Any, event: Any, snapshots: Any, fills: Any, n_fills: int, prints: Any, n_prints: int
) -> tuple[int, int]:
    """Apply one recorded event; (fills written, prints written)."""
    first = n_fills
    rest_lots = 0
    if event.kind == TRADE:
        other = 1 - event.side
        px, lots = event.px_ticks, event.sz_lots
        rest_lots, n_fills = trade_through(queue, other, px, lots, event.ms, fills, n_fills)
        rest_lots, n_fills = trade_at(queue, other, px, rest_lots, lots, event.ms, fills, n_fills)
        use_recorded(queue, other, event.px_ticks, event.sz_lots)
    elif event.kind == BOOK:
        record_snapshot(queue, snapshots[event.row])
    else:
        record_best(queue, 0, event.px_ticks, event.sz_lots, event.orders)
        record_best(queue, 1, event.ask_ticks, event.ask_lots, event.ask_orders)
    if event.kind != TRADE:
        n_fills = fill_crossed(queue, fills, n_fills)
    for k in range(first, n_fills):
        fill = fills[k]
        n_prints = write_print(prints, n_prints, fill.px_ticks, fill.sz_lots, fill.aggressor_side)
    if rest_lots > 0:
        n_prints = write_print(prints, n_prints, event.px_ticks, rest_lots, event.side)
    return n_fills, n_prints


@nb.njit(cache=True)
def lots_at(queue: Any, side: int, px: int) -> tuple[int, int]:
    """Published lots and orders at a price: as recorded, and our own."""
    at = level_of(queue, side, px)
    lots = shown(queue, side, at) if at != NONE else 0
    orders = max(1, queue.orders[side, at]) if lots > 0 else 0
    for own in range(queue.n_own):
        if queue.own_side[own] == side and queue.own_px[own] == px:
            lots += queue.own_lots[own]
            orders += 1
    return lots, orders


@nb.njit(cache=True)
def read_bbo(queues: Any, i: int) -> tuple[int, int, int, int, int, int]:
    """Best published (price, lots, orders) of the bids and of the asks; price 0: the side is empty."""
    queue = queues[i]
    bid, ask = best_published(queue, 0), best_published(queue, 1)
    bid_lots, bid_orders = lots_at(queue, 0, bid) if bid != 0 else (0, 0)
    ask_lots, ask_orders = lots_at(queue, 1, ask) if ask != 0 else (0, 0)
    return bid, bid_lots, bid_orders, ask, ask_lots, ask_orders


@nb.njit(cache=True)
def run_tape(  # noqa: PLR0917 - flat arguments
    queues: Any, i: int, events: Any, snapshots: Any, start: int, until_ms: int, fills: Any, prints: Any
) -> tuple[int, int, int, int, bool]:
    """Apply recorded events from `start` with a time up to `until_ms`, while the buffers surely suffice.

    Returns:
        index of the first event not applied, fills written, prints written, full books seen, whether the published
        best prices are others now.
    """
    queue = queues[i]
    before = read_bbo(queues, i)
    n_fills, n_prints, n_books = 0, 0, 0
    while start < len(events) and events[start].ms <= until_ms and n_prints + N_OWN < len(prints):
        n_fills, n_prints = apply_event(queue, events[start], snapshots, fills, n_fills, prints, n_prints)
        n_books += 1 if events[start].kind == BOOK else 0
        start += 1
    return start, n_fills, n_prints, n_books, read_bbo(queues, i) != before


@nb.njit(cache=True)
def next_px(queue: Any, side: int, px: int) -> int:
    """Best published price strictly behind `px`, 0 if there is none."""
    best = 0
    for at in range(queue.n_levels[side]):
        if SIGN[side] * (queue.px[side, at] - px) < 0 and shown(queue, side, at) > 0:
            best = queue.px[side, at]
            break
    for own in range(queue.n_own):
        own_px = queue.own_px[own]
        if queue.own_side[own] != side or SIGN[side] * (own_px - px) >= 0:
            continue
        if best == 0 or SIGN[side] * (own_px - best) > 0:
            best = own_px
    return best


@nb.njit(cache=True)
def read_published(queues: Any, i: int, side: int, n: int, out: Any) -> int:
    """Write up to n published levels best first as rows (price, lots, orders) into `out`; rows written."""
    queue = queues[i]
    px = best_published(queue, side)
    row = 0
    while row < n and px != 0:
        lots, orders = lots_at(queue, side, px)
        out[row, 0] = px
        out[row, 1] = lots
        out[row, 2] = orders
        row += 1
        px = next_px(queue, side, px)
    return row


@nb.njit(cache=True)
def take_own(queues: Any, i: int, oid: int, lots: int) -> int:
    """Remove up to `lots` of an own order; lots removed, 0 if unknown."""
    queue = queues[i]
    own = find_own(queue, oid)
    if own == NONE:
        return 0
    removed: int = min(lots, queue.own_lots[own])
    queue.own_lots[own] -= removed
    if queue.own_lots[own] == 0:
        remove_own(queue, own)
    return removed


@nb.njit(cache=True)
def own_place(queues: Any, i: int, oid: int) -> tuple[int, float]:
    """Lots left of an own order and lots before it at its price; (0, NaN) if unknown.

    At a price not seen yet the deepest recorded level stands for it.
    """
    queue = queues[i]
    own = find_own(queue, oid)
    if own == NONE:
        return 0, float("nan")
    ahead = queue.front[own]
    if ahead < 0.0:
        n = queue.n_levels[queue.own_side[own]]
        ahead = float(queue.lots[queue.own_side[own], n - 1]) if n > 0 else 0.0
    for other in range(own):
        if queue.own_side[other] == queue.own_side[own] and queue.own_px[other] == queue.own_px[own]:
            ahead += queue.own_lots[other]
    return queue.own_lots[own], ahead
