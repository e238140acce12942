"""Flat state of an order-level book, and the kernels that keep its three indexes in step.

Orders live in fixed slots. Each price level is a first-in first-out linked list of slots; the levels of a side are
sorted arrays with the best price at the *end*, so that the busy end moves few entries. A hash table (linear probing,
no tombstones) finds a slot by oid.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.domain.units import SIGN

N_ORDERS: Final = 8192
N_LEVELS: Final = 2048
N_HASH: Final = 32768
GOLDEN: Final = 20251
"""Odd number nearest to N_HASH / 1.618 (Knuth, vol. 3, section 6.4)."""
NONE: Final = -1

BOOK = record(
    [
        ("n_levels", "i8", (2,)),
        ("n_free", "i8"),
        ("key", "i8", (2, N_LEVELS)),
        ("lots", "i8", (2, N_LEVELS)),
        ("orders", "i8", (2, N_LEVELS)),
        ("head", "i4", (2, N_LEVELS)),
        ("tail", "i4", (2, N_LEVELS)),
        ("oid", "i8", (N_ORDERS,)),
        ("owner", "i8", (N_ORDERS,)),
        ("px", "i8", (N_ORDERS,)),
        ("sz", "i8", (N_ORDERS,)),
        ("side", "i4", (N_ORDERS,)),
        ("before", "i4", (N_ORDERS,)),
        ("after", "i4", (N_ORDERS,)),
        ("free", "i4", (N_ORDERS,)),
        ("slot_of", "i4", (N_HASH,)),
    ]
)
"""`key` is SIGN[side] x price in ticks, ascending; `slot_of` holds slot + 1, 0 is empty."""


def new_book() -> np.ndarray[Any, Any]:
    """An empty book: one BOOK record in an array."""
    books = np.zeros(1, BOOK)
    book = books[0]
    book.n_free = N_ORDERS
    book.free[:] = np.arange(N_ORDERS - 1, -1, -1)
    return books


@nb.njit(cache=True)
def bucket(oid: int) -> int:
    """First place of an oid in the hash table.

    The golden ratio keeps oids that count up apart: side by side they would be one long run, and `forget` walks runs.
    """
    return (((oid ^ (oid >> 15)) & (N_HASH - 1)) * GOLDEN) & (N_HASH - 1)


@nb.njit(cache=True)
def find(book: Any, oid: int) -> int:
    """Slot of a live order, NONE if there is none."""
    place: int = bucket(oid)
    while book.slot_of[place] != 0:
        slot: int = book.slot_of[place] - 1
        if book.oid[slot] == oid:
            return slot
        place = (place + 1) & (N_HASH - 1)
    return NONE


@nb.njit(cache=True)
def remember(book: Any, oid: int, slot: int) -> None:
    """Enter an order in the hash table."""
    place = bucket(oid)
    while book.slot_of[place] != 0:
        place = (place + 1) & (N_HASH - 1)
    book.slot_of[place] = slot + 1


@nb.njit(cache=True)
def forget(book: Any, oid: int) -> None:
    """Drop an order from the hash table, moving later entries of its run back (Knuth, vol. 3, algorithm 6.4 R)."""
    hole = bucket(oid)
    while book.oid[book.slot_of[hole] - 1] != oid:
        hole = (hole + 1) & (N_HASH - 1)
    book.slot_of[hole] = 0
    place = (hole + 1) & (N_HASH - 1)
    while book.slot_of[place] != 0:
        home = bucket(book.oid[book.slot_of[place] - 1])
        if ((place - home) & (N_HASH - 1)) >= ((place - hole) & (N_HASH - 1)):
            book.slot_of[hole] = book.slot_of[place]
            book.slot_of[place] = 0
            hole = place
        place = (place + 1) & (N_HASH - 1)


@nb.njit(cache=True)
def level_at(book: Any, side: int, key: int) -> int:
    """Index of the first level whose key is not below `key` (may be one past the end)."""
    low, high = 0, book.n_levels[side]
    while low < high:
        middle = (low + high) // 2
        if book.key[side, middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@nb.njit(cache=True)
def best_px(book: Any, side: int) -> int:
    """Best price in ticks, 0 when the side is empty."""
    n = book.n_levels[side]
    if n == 0:
        return 0
    px: int = SIGN[side] * book.key[side, n - 1]
    return px


@nb.njit(cache=True)
def open_level(book: Any, side: int, at: int, key: int) -> None:
    """Insert an empty level at an index; the caller checked that there is room."""
    n = book.n_levels[side]
    for i in range(n, at, -1):
        book.key[side, i] = book.key[side, i - 1]
        book.lots[side, i] = book.lots[side, i - 1]
        book.orders[side, i] = book.orders[side, i - 1]
        book.head[side, i] = book.head[side, i - 1]
        book.tail[side, i] = book.tail[side, i - 1]
    book.n_levels[side] = n + 1
    book.key[side, at] = key
    book.lots[side, at] = 0
    book.orders[side, at] = 0
    book.head[side, at] = NONE
    book.tail[side, at] = NONE


@nb.njit(cache=True)
def close_level(book: Any, side: int, at: int) -> None:
    """Remove an empty level."""
    n = book.n_levels[side] - 1
    for i in range(at, n):
        book.key[side, i] = book.key[side, i + 1]
        book.lots[side, i] = book.lots[side, i + 1]
        book.orders[side, i] = book.orders[side, i + 1]
        book.head[side, i] = book.head[side, i + 1]
        book.tail[side, i] = book.tail[side, i + 1]
    book.n_levels[side] = n


@nb.njit(cache=True)
def has_room(book: Any, side: int, px: int) -> bool:
    """Whether one more order may rest at this price."""
    if book.n_free == 0:
        return False
    if book.n_levels[side] < N_LEVELS:
        return True
    at = level_at(book, side, SIGN[side] * px)
    return bool(at < N_LEVELS and book.key[side, at] == SIGN[side] * px)


@nb.njit(cache=True)
def rest(book: Any, oid: int, owner: int, side: int, px: int, lots: int) -> None:  # noqa: PLR0917 - flat arguments
    """Append an order to the end of its price level."""
    key = SIGN[side] * px
    at = level_at(book, side, key)
    if at == book.n_levels[side] or book.key[side, at] != key:
        open_level(book, side, at, key)
    book.n_free -= 1
    slot = book.free[book.n_free]
    book.oid[slot] = oid
    book.owner[slot] = owner
    book.side[slot] = side
    book.px[slot] = px
    book.sz[slot] = lots
    last = book.tail[side, at]
    book.before[slot] = last
    book.after[slot] = NONE
    if last == NONE:
        book.head[side, at] = slot
    else:
        book.after[last] = slot
    book.tail[side, at] = slot
    book.lots[side, at] += lots
    book.orders[side, at] += 1
    remember(book, oid, slot)


@nb.njit(cache=True)
def shrink(book: Any, slot: int, at: int, lots: int) -> None:
    """Take lots off an order of level `at`; an order without lots leaves the book, and so does an empty level."""
    side = book.side[slot]
    book.sz[slot] -= lots
    book.lots[side, at] -= lots
    if book.sz[slot] > 0:
        return
    before, after = book.before[slot], book.after[slot]
    if before == NONE:
        book.head[side, at] = after
    else:
        book.after[before] = after
    if after == NONE:
        book.tail[side, at] = before
    else:
        book.before[after] = before
    book.orders[side, at] -= 1
    forget(book, book.oid[slot])
    book.free[book.n_free] = slot
    book.n_free += 1
    if book.orders[side, at] == 0:
        close_level(book, side, at)
