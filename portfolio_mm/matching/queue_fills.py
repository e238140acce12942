"""Compiled fills of our orders on recorded flow: trades of the tape, moves of the recorded book, our own takers.

A trade of the tape is a fixed amount of aggression: it first fills own orders at better prices than it traded at
(it would have met them first), then works through the queue at its price: recorded lots ahead of us, us, recorded lots
behind. Its volume is shared once among all own orders. A recorded best that reaches our price consumes what it shows
there; one that moves beyond it fills what `Through` says. (theory §5; hftbacktest's partial-fill exchange, which fills
an order wholly at a trade through it.)
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.units import SIGN
from portfolio_mm.matching.book_kernels import CROSSED, DUPLICATE, FULL
from portfolio_mm.matching.fill_model import Through
from portfolio_mm.matching.market import Tif
from portfolio_mm.matching.queue_refill import NEXT_RECORD, forget_better, use_up
from portfolio_mm.matching.queue_state import (
    N_OWN,
    NONE,
    best_own,
    best_published,
    best_recorded,
    find_own,
    level_of,
    remove_own,
    rest_own,
    shown,
)

ALO: Final = int(Tif.ALO)
IOC: Final = int(Tif.IOC)
WHOLE: Final = int(Through.WHOLE)
ROUNDING: Final = 1e-9
"""How little less than a lot is a lot: fronts are fractions."""


@nb.njit(cache=True)
def write_fill(  # noqa: PLR0917 - flat arguments
    fills: Any,
    n: int,
    px: int,
    lots: int,
    side: int,
    maker_oid: int,
    maker_owner: int,
    taker_oid: int,
    taker_owner: int,
) -> int:
    """Append one fill; the new count."""
    fill = fills[n]
    fill.px_ticks = px
    fill.sz_lots = lots
    fill.aggressor_side = side
    fill.maker_oid = maker_oid
    fill.maker_owner = maker_owner
    fill.taker_oid = taker_oid
    fill.taker_owner = taker_owner
    return n + 1


@nb.njit(cache=True)
def fill_own(queue: Any, own: int, lots: int, fills: Any, n: int) -> int:
    """Fill a resting own order by anonymous flow; an order without lots is removed. The new count of fills."""
    side = 1 - queue.own_side[own]
    n = write_fill(fills, n, queue.own_px[own], lots, side, queue.oid[own], queue.owner[own], 0, 0)
    queue.own_lots[own] -= lots
    if queue.own_lots[own] == 0:
        remove_own(queue, own)
    return n


@nb.njit(cache=True)
def use_recorded(queue: Any, side: int, px: int, lots: int) -> None:
    """A trade of the tape at `px` used recorded lots there and emptied every better level."""
    for at in range(queue.n_levels[side]):
        if queue.px[side, at] == px:
            queue.taken[side, at] += lots
        if SIGN[side] * (queue.px[side, at] - px) > 0:
            queue.taken[side, at] = queue.lots[side, at]
    if queue.n_eaten[side] > 0:
        forget_better(queue, side, px, SIGN[side])


@nb.njit(cache=True)
def best_met(queue: Any, side: int, ms: int) -> int:
    """Index of our best order of a side that was there at `ms`, the oldest at its price; NONE if there is none."""
    best = NONE
    for own in range(queue.n_own):
        if queue.own_side[own] != side or queue.born_ms[own] > ms:
            continue
        if best == NONE or SIGN[side] * (queue.own_px[own] - queue.own_px[best]) > 0:
            best = own
    return best


@nb.njit(cache=True)
def trade_through(  # noqa: PLR0917 - flat arguments
    queue: Any, side: int, px: int, lots: int, ms: int, fills: Any, n: int
) -> tuple[int, int]:
    """Fill own orders priced better than a trade, best first; (lots of the trade left, fills written)."""
    while lots > 0:
        own = best_met(queue, side, ms)
        if own == NONE or SIGN[side] * (queue.own_px[own] - px) <= 0:
            break
        part = min(lots, queue.own_lots[own])
        lots -= part
        n = fill_own(queue, own, part, fills, n)
    for own in range(queue.n_own):
        if queue.own_side[own] == side and SIGN[side] * (queue.own_px[own] - px) > 0:
            queue.front[own] = 0.0
    return lots, n


@nb.njit(cache=True)
def trade_at(  # noqa: PLR0917 - flat arguments
    queue: Any, side: int, px: int, lots: int, recorded: int, ms: int, fills: Any, n: int
) -> tuple[int, int]:
    """Work a trade through the queue at its price; (lots not filled by own orders, fills written).

    `recorded` is the whole trade: own orders at better prices may have left only `lots` of it, but the recorded level,
    which never knew them, shrank by all of it.
    """
    left = float(lots)
    filled = 0
    used = 0.0
    own = 0
    while own < queue.n_own:
        if queue.own_side[own] != side or queue.own_px[own] != px or queue.front[own] < 0.0:
            own += 1
            continue
        queue.traded[own] += recorded
        step = min(left, max(queue.front[own] - used, 0.0))
        used += step
        left -= step
        queue.front[own] = max(queue.front[own] - used, 0.0)
        part = min(int(left + ROUNDING), queue.own_lots[own])
        if part > 0 and queue.born_ms[own] <= ms:
            left -= part
            filled += part
            alive = part < queue.own_lots[own]
            n = fill_own(queue, own, part, fills, n)
            own += 1 if alive else 0
        else:
            own += 1
    return lots - filled, n


@nb.njit(cache=True)
def fill_crossed(queue: Any, fills: Any, n: int) -> int:
    """Fill own orders that the recorded book reached or moved through; the new count of fills."""
    for side in range(2):
        while True:
            own = best_own(queue, side)
            at = best_recorded(queue, 1 - side)
            if NONE in (own, at):
                break
            beyond = SIGN[side] * (queue.own_px[own] - queue.px[1 - side, at])
            if beyond < 0:
                break
            part = queue.own_lots[own]
            if beyond == 0 or queue.through != WHOLE:
                part = min(part, shown(queue, 1 - side, at))
                use_up(queue, 1 - side, at, part)
            n = fill_own(queue, own, part, fills, n)
    return n


@nb.njit(cache=True)
def take_recorded(  # noqa: PLR0917 - flat arguments
    queue: Any, side: int, at: int, limit: int, oid: int, owner: int, fills: Any, n: int
) -> tuple[int, int]:
    """Take up to `limit` recorded lots of one level of `side`; (lots taken, fills written)."""
    lots = min(limit, shown(queue, side, at))
    if lots > 0:
        use_up(queue, side, at, lots)
        n = write_fill(fills, n, queue.px[side, at], lots, 1 - side, 0, 0, oid, owner)
    return lots, n


@nb.njit(cache=True)
def take_level(  # noqa: PLR0917 - flat arguments
    queue: Any, side: int, px: int, lots: int, oid: int, owner: int, fills: Any, n: int, gone: Any, n_gone: int
) -> tuple[int, int, int]:
    """An own taker works through one price of `side`: recorded and own orders in order of time.

    Returns:
        lots left, fills written, own orders cancelled by self-trade prevention.
    """
    at = level_of(queue, side, px)
    used = 0
    own = 0
    while own < queue.n_own and lots > 0:
        if queue.own_side[own] != side or queue.own_px[own] != px:
            own += 1
            continue
        ahead = int(max(queue.front[own], 0.0) + 1.0 - ROUNDING) - used
        if at != NONE and ahead > 0:
            part, n = take_recorded(queue, side, at, min(lots, ahead), oid, owner, fills, n)
            used += part
            lots -= part
        if lots == 0:
            break
        if queue.owner[own] == owner:
            gone[n_gone] = queue.oid[own]
            n_gone += 1
            remove_own(queue, own)
            continue
        part = min(lots, queue.own_lots[own])
        lots -= part
        n = write_fill(fills, n, px, part, 1 - side, queue.oid[own], queue.owner[own], oid, owner)
        queue.own_lots[own] -= part
        if queue.own_lots[own] == 0:
            remove_own(queue, own)
    if at != NONE:
        part, n = take_recorded(queue, side, at, lots, oid, owner, fills, n)
        used += part
        lots -= part
    for other in range(queue.n_own):
        if queue.own_side[other] == side and queue.own_px[other] == px and queue.front[other] >= 0.0:
            queue.front[other] = max(queue.front[other] - used, 0.0)
            if queue.refill != NEXT_RECORD:  # else the next record, which knows nothing of it, would call it a cancel
                queue.seen[other] -= used
    return lots, n, n_gone


@nb.njit(cache=True)
def place_own(  # noqa: PLR0917 - flat arguments
    queues: Any, i: int, oid: int, owner: int, side: int, px: int, lots: int, tif: int, fills: Any, gone: Any
) -> tuple[int, int, int]:
    """Bring an own order to the market.

    Returns:
        lots now resting (or CROSSED, FULL, DUPLICATE: nothing happened), fills written, own orders cancelled.
    """
    queue = queues[i]
    other = 1 - side
    best = best_published(queue, other)
    if tif == ALO and best != 0 and SIGN[side] * (px - best) >= 0:
        return CROSSED, 0, 0
    if find_own(queue, oid) != NONE:
        return DUPLICATE, 0, 0
    if tif != IOC and queue.n_own == N_OWN:
        return FULL, 0, 0
    n, n_gone = 0, 0
    while lots > 0 and best != 0 and SIGN[side] * (px - best) >= 0:
        lots, n, n_gone = take_level(queue, other, best, lots, oid, owner, fills, n, gone, n_gone)
        best = best_published(queue, other)
    if tif == IOC:
        lots = 0
    if lots > 0:
        rest_own(queue, oid, owner, side, px, lots)
    return lots, n, n_gone
