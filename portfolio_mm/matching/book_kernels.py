"""Compiled matching on an order-level book: arrivals, cancels, batches of background actions."""

from enum import IntEnum
from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.domain.units import SIGN
from portfolio_mm.matching.book_state import N_ORDERS, NONE, best_px, find, has_room, level_at, rest, shrink
from portfolio_mm.matching.market import Tif

FILL = record(
    [
        ("px_ticks", "i8"),
        ("sz_lots", "i8"),
        ("aggressor_side", "i8"),
        ("maker_oid", "i8"),
        ("maker_owner", "i8"),
        ("taker_oid", "i8"),
        ("taker_owner", "i8"),
    ]
)
"""Flat form of `market.Fill`, same order of fields."""

PRINT = record([("px_ticks", "i8"), ("sz_lots", "i8"), ("aggressor_side", "i8")])
"""Flat form of `market.Print`, same order of fields."""


class ActionKind(IntEnum):
    """What a background action does."""

    PLACE = 1
    CANCEL = 2


ACTION = record(
    [
        ("ms", "i8"),
        ("kind", "i4"),
        ("side", "i4"),
        ("tif", "i4"),
        ("oid", "i8"),
        ("px_ticks", "i8"),
        ("sz_lots", "i8"),
    ]
)
"""One action of background flow; CANCEL uses only `oid`."""

N_FILLS: Final = 2 * N_ORDERS
ALO: Final = int(Tif.ALO)
IOC: Final = int(Tif.IOC)
PLACE: Final = int(ActionKind.PLACE)

CROSSED: Final = -1
FULL: Final = -2
DUPLICATE: Final = -3


@nb.njit(cache=True)
def cancel_order(books: Any, i: int, oid: int, lots: int) -> int:
    """Remove up to `lots` of an order; lots removed, 0 if unknown."""
    book = books[i]
    slot = find(book, oid)
    if slot == NONE:
        return 0
    side = book.side[slot]
    removed: int = min(lots, book.sz[slot])
    shrink(book, slot, level_at(book, side, SIGN[side] * book.px[slot]), removed)
    return removed


@nb.njit(cache=True)
def match_order(  # noqa: PLR0917 - kernels take flat arguments
    book: Any, oid: int, owner: int, side: int, px: int, lots: int, fills: Any, n_fills: int, gone: Any
) -> tuple[int, int, int]:
    """Match against the other side as far as the limit allows.

    A resting order of the same owner (background excepted) is cancelled and written to `gone` (HL §7.3).

    Returns:
        lots left, fills written so far, own orders cancelled.
    """
    other = 1 - side
    n_gone = 0
    while lots > 0 and book.n_levels[other] > 0:
        at = book.n_levels[other] - 1
        level_px = SIGN[other] * book.key[other, at]
        if SIGN[side] * (px - level_px) < 0:
            break
        slot = book.head[other, at]
        if owner != 0 and book.owner[slot] == owner:
            gone[n_gone] = book.oid[slot]
            n_gone += 1
            shrink(book, slot, at, book.sz[slot])
            continue
        traded = min(lots, book.sz[slot])
        fill = fills[n_fills]
        fill.px_ticks = level_px
        fill.sz_lots = traded
        fill.aggressor_side = side
        fill.maker_oid = book.oid[slot]
        fill.maker_owner = book.owner[slot]
        fill.taker_oid = oid
        fill.taker_owner = owner
        n_fills += 1
        lots -= traded
        shrink(book, slot, at, traded)
    return lots, n_fills, n_gone


@nb.njit(cache=True)
def place_order(  # noqa: PLR0917 - kernels take flat arguments
    books: Any,
    i: int,
    oid: int,
    owner: int,
    side: int,
    px: int,
    lots: int,
    tif: int,
    fills: Any,
    n_fills: int,
    gone: Any,
) -> tuple[int, int, int]:
    """Bring an order to the book.

    Returns:
        lots now resting (or CROSSED, FULL, DUPLICATE: nothing happened), fills written so far, own orders cancelled.
    """
    book = books[i]
    other_px = best_px(book, 1 - side)
    if tif == ALO and other_px != 0 and SIGN[side] * (px - other_px) >= 0:
        return CROSSED, n_fills, 0
    if find(book, oid) != NONE:
        return DUPLICATE, n_fills, 0
    if tif != IOC and not has_room(book, side, px):
        return FULL, n_fills, 0
    left, n_fills, n_gone = match_order(book, oid, owner, side, px, lots, fills, n_fills, gone)
    if tif == IOC:
        left = 0
    if left > 0:
        rest(book, oid, owner, side, px, left)
    return left, n_fills, n_gone


@nb.njit(cache=True)
def run_actions(  # noqa: PLR0917 - kernels take flat arguments
    books: Any, i: int, actions: Any, start: int, stop: int, now_ms: int, fills: Any, gone: Any
) -> tuple[int, int, bool]:
    """Apply background actions [start, stop) with a time up to `now_ms`, while the fill buffer surely suffices.

    Returns:
        index of the first action not applied, fills written, whether the book changed.
    """
    n_fills = 0
    changed = False
    while start < stop and actions[start].ms <= now_ms and n_fills + N_ORDERS <= len(fills):
        action = actions[start]
        if action.kind == PLACE:
            before = n_fills
            left, n_fills, _ = place_order(
                books,
                i,
                action.oid,
                0,
                action.side,
                action.px_ticks,
                action.sz_lots,
                action.tif,
                fills,
                n_fills,
                gone,
            )
            changed = changed or left > 0 or n_fills > before
        else:
            changed = cancel_order(books, i, action.oid, 1 << 62) > 0 or changed
        start += 1
    return start, n_fills, changed


@nb.njit(cache=True)
def lots_ahead(books: Any, i: int, oid: int) -> int:
    """Lots resting before an order at its price, NONE if unknown."""
    book = books[i]
    slot = find(book, oid)
    if slot == NONE:
        return NONE
    lots = 0
    slot = book.before[slot]
    while slot != NONE:
        lots += book.sz[slot]
        slot = book.before[slot]
    return lots


@nb.njit(cache=True)
def remaining_lots(books: Any, i: int, oid: int) -> int:
    """Lots of a live order, 0 if unknown."""
    book = books[i]
    slot = find(book, oid)
    if slot == NONE:
        return 0
    lots: int = book.sz[slot]
    return lots


@nb.njit(cache=True)
def read_levels(books: Any, i: int, side: int, n: int, out: Any) -> int:
    """Write up to n levels best first as rows (price, lots, orders) into `out`; rows written."""
    book = books[i]
    n_levels = book.n_levels[side]
    n = min(n, n_levels)
    for row in range(n):
        at = n_levels - 1 - row
        out[row, 0] = SIGN[side] * book.key[side, at]
        out[row, 1] = book.lots[side, at]
        out[row, 2] = book.orders[side, at]
    return n
