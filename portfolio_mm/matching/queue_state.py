"""Flat state of the queue model: the recorded book as last seen, and our own orders in order of time.

The recorded book never contains our orders. `taken` is what trades of the tape used up at a level since it was last
recorded; the next recorded size knows of it. What our own takers used up no record knows: see `queue_refill`.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.domain.units import SIGN
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.queue_refill import N_EATEN, eaten_at, forget_better, renew
from portfolio_mm.models.cancel_split import front_after_depth

N_OWN: Final = 1024
DEPTH: Final = 64
SNAPSHOT_LEVELS: Final = 20
NONE: Final = -1
UNKNOWN: Final = -1.0
"""`front` of an order deeper than the recorded levels: taken as the whole level when it is first seen."""

QUEUE = record(
    [
        ("model", "i8"),
        ("exponent", "f8"),
        ("refill", "i8"),
        ("through", "i8"),
        ("entry_ms", "i8"),
        ("n_own", "i8"),
        ("has_book", "i8"),
        ("n_levels", "i8", (2,)),
        ("deepest", "i8", (2,)),
        ("px", "i8", (2, DEPTH)),
        ("lots", "i8", (2, DEPTH)),
        ("orders", "i8", (2, DEPTH)),
        ("taken", "i8", (2, DEPTH)),
        ("n_eaten", "i8", (2,)),
        ("eaten_px", "i8", (2, N_EATEN)),
        ("eaten_lots", "i8", (2, N_EATEN)),
        ("oid", "i8", (N_OWN,)),
        ("owner", "i8", (N_OWN,)),
        ("own_side", "i8", (N_OWN,)),
        ("own_px", "i8", (N_OWN,)),
        ("own_lots", "i8", (N_OWN,)),
        ("front", "f8", (N_OWN,)),
        ("seen", "f8", (N_OWN,)),
        ("traded", "f8", (N_OWN,)),
        ("born_ms", "i8", (N_OWN,)),
    ]
)
"""Levels are best first; `deepest` is the last price of the last full book, 0 if it was empty; `orders` is the
recorded count of a level; without any full book (`has_book`) only the best level is known. `eaten_*` are the prices
our takers took from and what is not back, oldest first.
`seen` is the size of an order's level without us when last seen, `traded` what traded there since. `entry_ms` is the
time of the recording at which an order placed now arrives, `born_ms` that of each own order: earlier trades moved its
queue but did not meet it."""


def new_queue(fills: FillModel) -> np.ndarray[Any, Any]:
    """An empty market: one QUEUE record in an array."""
    queues = np.zeros(1, QUEUE)
    queues[0].model = int(fills.cancels)
    queues[0].exponent = fills.exponent
    queues[0].refill = int(fills.refill)
    queues[0].through = int(fills.through)
    return queues


@nb.njit(cache=True)
def level_of(queue: Any, side: int, px: int) -> int:
    """Index of the recorded level at a price, NONE if there is none."""
    for at in range(queue.n_levels[side]):
        if queue.px[side, at] == px:
            return at
    return NONE


@nb.njit(cache=True)
def shown(queue: Any, side: int, at: int) -> int:
    """Recorded lots of a level that are still there."""
    left = queue.lots[side, at] - queue.taken[side, at]
    if queue.n_eaten[side] > 0:
        left -= eaten_at(queue, side, queue.px[side, at])
    lots: int = max(left, 0)
    return lots


@nb.njit(cache=True)
def best_recorded(queue: Any, side: int) -> int:
    """Index of the best recorded level with lots left, NONE if the side is empty."""
    for at in range(queue.n_levels[side]):
        if shown(queue, side, at) > 0:
            return at
    return NONE


@nb.njit(cache=True)
def best_own(queue: Any, side: int) -> int:
    """Index of our best order of a side, the oldest at its price; NONE if there is none."""
    best = NONE
    for own in range(queue.n_own):
        if queue.own_side[own] != side:
            continue
        if best == NONE or SIGN[side] * (queue.own_px[own] - queue.own_px[best]) > 0:
            best = own
    return best


@nb.njit(cache=True)
def best_published(queue: Any, side: int) -> int:
    """Best price of the published book (recorded and own), 0 when the side is empty."""
    at, own = best_recorded(queue, side), best_own(queue, side)
    if at == NONE and own == NONE:
        return 0
    px: int = 0
    if at == NONE or (own != NONE and SIGN[side] * (queue.own_px[own] - queue.px[side, at]) > 0):
        px = queue.own_px[own]
    else:
        px = queue.px[side, at]
    return px


@nb.njit(cache=True)
def find_own(queue: Any, oid: int) -> int:
    """Index of an own order, NONE if unknown."""
    for own in range(queue.n_own):
        if queue.oid[own] == oid:
            return own
    return NONE


@nb.njit(cache=True)
def remove_own(queue: Any, own: int) -> None:
    """Take an own order out, keeping the others in order of time."""
    queue.n_own -= 1
    for i in range(own, queue.n_own):
        queue.oid[i] = queue.oid[i + 1]
        queue.owner[i] = queue.owner[i + 1]
        queue.own_side[i] = queue.own_side[i + 1]
        queue.own_px[i] = queue.own_px[i + 1]
        queue.own_lots[i] = queue.own_lots[i + 1]
        queue.front[i] = queue.front[i + 1]
        queue.seen[i] = queue.seen[i + 1]
        queue.traded[i] = queue.traded[i + 1]
        queue.born_ms[i] = queue.born_ms[i + 1]


@nb.njit(cache=True)
def rest_own(queue: Any, oid: int, owner: int, side: int, px: int, lots: int) -> None:  # noqa: PLR0917 - flat arguments
    """Append an own order behind everything recorded at its price."""
    own = queue.n_own
    at = level_of(queue, side, px)
    level = float(shown(queue, side, at)) if at != NONE else 0.0
    queue.oid[own] = oid
    queue.owner[own] = owner
    queue.own_side[own] = side
    queue.own_px[own] = px
    queue.own_lots[own] = lots
    queue.front[own] = level if is_visible(queue, side, px) else UNKNOWN
    queue.seen[own] = level
    queue.traded[own] = 0.0
    queue.born_ms[own] = queue.entry_ms
    queue.n_own = own + 1


@nb.njit(cache=True)
def is_visible(queue: Any, side: int, px: int) -> bool:
    """Whether a price lies within the levels of the last full book of its side; an empty side shows all there is."""
    deepest = queue.deepest[side]
    return bool(deepest == 0 or SIGN[side] * (px - deepest) >= 0)


@nb.njit(cache=True)
def see_level(queue: Any, own: int, recorded: int) -> None:
    """Tell an own order the new recorded size of its level, of which our takers' part is not there."""
    lots = float(max(recorded - eaten_at(queue, queue.own_side[own], queue.own_px[own]), 0))
    if queue.front[own] == UNKNOWN:
        queue.front[own] = lots
    else:
        queue.front[own] = front_after_depth(
            queue.model, queue.exponent, queue.front[own], queue.seen[own], lots, queue.traded[own]
        )
    queue.seen[own] = lots
    queue.traded[own] = 0.0


@nb.njit(cache=True)
def recorded_in(rows: Any, side: int, px: int) -> int:
    """Lots a full book shows at a price; NONE when the price lies beyond the levels shown."""
    at = 0
    while at < rows.shape[1] and rows[side, at, 0] > 0:
        if SIGN[side] * (rows[side, at, 0] - px) <= 0:
            lots: int = rows[side, at, 1] if rows[side, at, 0] == px else 0
            return lots
        at += 1
    return NONE if at > 0 else 0


@nb.njit(cache=True)
def record_snapshot(queue: Any, rows: Any) -> None:
    """Replace the recorded book by a full one: rows[side, level] = (price, lots, orders), price 0 beyond the end.

    Decimals may have been rounded onto a coarser grid: equal prices in a row are one level.
    """
    for side in range(2):
        for k in range(queue.n_eaten[side] - 1, -1, -1):
            now = recorded_in(rows, side, queue.eaten_px[side, k])
            if now != NONE:
                renew(queue, side, k, now)
        n = 0
        for row in range(rows.shape[1]):
            if rows[side, row, 0] <= 0:
                break
            if n > 0 and queue.px[side, n - 1] == rows[side, row, 0]:
                queue.lots[side, n - 1] += rows[side, row, 1]
                queue.orders[side, n - 1] += rows[side, row, 2]
                continue
            queue.px[side, n] = rows[side, row, 0]
            queue.lots[side, n] = rows[side, row, 1]
            queue.orders[side, n] = rows[side, row, 2]
            queue.taken[side, n] = 0
            n += 1
        queue.n_levels[side] = n
        queue.deepest[side] = queue.px[side, n - 1] if n > 0 else 0
    queue.has_book = 1
    for own in range(queue.n_own):
        side, px = queue.own_side[own], queue.own_px[own]
        if is_visible(queue, side, px):
            at = level_of(queue, side, px)
            see_level(queue, own, queue.lots[side, at] if at != NONE else 0)


@nb.njit(cache=True)
def record_best(queue: Any, side: int, px: int, lots: int, orders: int) -> None:
    """Replace the best recorded level of a side (price 0: the side is empty); better ones are gone."""
    if queue.n_eaten[side] > 0:
        forget_better(queue, side, px, SIGN[side])
        for k in range(queue.n_eaten[side] - 1, -1, -1):
            if queue.eaten_px[side, k] == px:
                renew(queue, side, k, lots)
    gone = 0
    n = queue.n_levels[side]
    while gone < n and (px == 0 or SIGN[side] * (queue.px[side, gone] - px) > 0):
        gone += 1
    known = gone < n and queue.px[side, gone] == px
    shift = gone if known or px == 0 else gone - 1
    move_levels(queue, side, shift)
    if px != 0:
        queue.px[side, 0] = px
        queue.lots[side, 0] = lots
        queue.orders[side, 0] = orders
        queue.taken[side, 0] = 0
    if queue.has_book == 0:
        queue.n_levels[side] = min(queue.n_levels[side], 1)
        queue.deepest[side] = px
    for own in range(queue.n_own):
        if queue.own_side[own] != side:
            continue
        if queue.own_px[own] == px:
            see_level(queue, own, lots)
        elif px == 0 or SIGN[side] * (queue.own_px[own] - px) > 0:
            see_level(queue, own, 0)


@nb.njit(cache=True)
def move_levels(queue: Any, side: int, shift: int) -> None:
    """Drop the first `shift` recorded levels; -1 makes room for one in front (the deepest falls off when full)."""
    n = queue.n_levels[side]
    if shift < 0:
        n = min(n, DEPTH - 1)
        for at in range(n, 0, -1):
            queue.px[side, at] = queue.px[side, at - 1]
            queue.lots[side, at] = queue.lots[side, at - 1]
            queue.orders[side, at] = queue.orders[side, at - 1]
            queue.taken[side, at] = queue.taken[side, at - 1]
    elif shift > 0:
        for at in range(shift, n):
            queue.px[side, at - shift] = queue.px[side, at]
            queue.lots[side, at - shift] = queue.lots[side, at]
            queue.orders[side, at - shift] = queue.orders[side, at]
            queue.taken[side, at - shift] = queue.taken[side, at]
    queue.n_levels[side] = n - shift
