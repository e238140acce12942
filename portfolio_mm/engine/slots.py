"""What ORDER, FILL and SYNC events do to the slots of own orders.

What an event about one leg says about the other leg of its slot:

- REPLACED or ACCEPTED for leg 1: the venue places a replacement only after it took the old one away (HL §2.5, modify
  without `a`), so leg 0 hears CANCELLED;
- MODIFY_FAILED: leg 1 never existed (hears REFUSED), leg 0 hears MODIFY_FAILED; REFUSED for leg 1 likewise;
- UNCERTAIN while leg 0 is MODIFYING: both legs are in doubt.

Two orders of a snapshot that are told of one slot are such a pair when the second is in doubt. One that rests and finds
every slot taken stands "apart" in leg 1: what becomes of it says nothing about leg 0, and the coin cancels it. Beyond
that nothing can be remembered (`overflow`), and the coin stays pulled until the next snapshot.

A buried order leaves a ghost (price, lots, cloid, fair value at placement): fills and public frames arrive after it.
Remaining lots are min(placed - fills, last remaining reported), which does not depend on the order of arrival.
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.engine.orders import (
    ACCEPTED,
    CANCEL_FAILED,
    CANCELLED,
    CANCELLING,
    DONE,
    FILLED,
    LEVELS,
    LIVE,
    MODIFY_FAILED,
    MODIFYING,
    NONE,
    PENDING,
    REFUSED,
    REPLACED,
    SHRUNK,
    TABLE,
    UNCERTAIN,
    clear_leg,
)
from portfolio_mm.engine.snapshot import clear_snapshot, copy_snapshot

HEARS = ("ORDER", "SYNC", "FILL")
GHOST_NS: Final = 1_500_000_000
"""How long a public frame may still show an order that is gone."""


@nb.njit(cache=True)
def _copy_leg(target: Any, source: Any) -> None:
    target.state = source.state
    target.reduce_only = source.reduce_only
    target.px_ticks = source.px_ticks
    target.lots = source.lots
    target.placed_lots = source.placed_lots
    target.filled_lots = source.filled_lots
    target.cloid_hi = source.cloid_hi
    target.cloid_lo = source.cloid_lo
    target.oid = source.oid
    target.fair_px = source.fair_px
    target.sent_ns = source.sent_ns
    target.live_ns = source.live_ns
    target.cancel_ns = source.cancel_ns
    copy_snapshot(target.snap, source.snap)


@nb.njit(cache=True)
def find(orders: Any, cloid_hi: int, cloid_lo: int) -> int:
    """Place of the order with this cloid as (side * LEVELS + level) * 2 + leg; -1 unknown, -2 a ghost."""
    ghost = -1
    for side in range(2):
        for level in range(LEVELS):
            slot = orders.slots[side, level]
            for at in range(2):
                leg = slot.leg[at]
                if leg.state != NONE and leg.cloid_lo == cloid_lo and leg.cloid_hi == cloid_hi:
                    return (side * LEVELS + level) * 2 + at
            if _is_ghost(slot.ghost, cloid_hi, cloid_lo):
                ghost = -2
    return ghost


@nb.njit(cache=True)
def _is_ghost(ghost: Any, cloid_hi: int, cloid_lo: int) -> bool:
    """Whether this is the order of the name; where nothing was buried yet the name is zero, which is nobody's."""
    named = cloid_hi != 0 or cloid_lo != 0
    return named and ghost.cloid_lo == cloid_lo and ghost.cloid_hi == cloid_hi


@nb.njit(cache=True)
def ghost_fair_px(orders: Any, cloid_hi: int, cloid_lo: int) -> float:
    """Fair value at placement of a buried order, its snapshot to `filled`; 0 when it is not remembered."""
    for side in range(2):
        for level in range(LEVELS):
            ghost = orders.slots[side, level].ghost
            if _is_ghost(ghost, cloid_hi, cloid_lo):
                copy_snapshot(orders.filled, ghost.snap)
                return ghost.fair_px  # type: ignore[no-any-return]
    clear_snapshot(orders.filled)
    return 0.0


@nb.njit(cache=True)
def bury(slot: Any, at: int, now_ns: int) -> None:
    """The order is gone: remember its ghost, empty its leg."""
    leg = slot.leg[at]
    slot.ghost.px_ticks = leg.px_ticks
    slot.ghost.lots = leg.lots
    slot.ghost.cloid_hi = leg.cloid_hi
    slot.ghost.cloid_lo = leg.cloid_lo
    slot.ghost.fair_px = leg.fair_px
    slot.ghost.until_ns = now_ns + GHOST_NS
    copy_snapshot(slot.ghost.snap, leg.snap)
    clear_leg(leg)


@nb.njit(cache=True)
def _hear(slot: Any, at: int, status: int, now_ns: int) -> None:
    """One leg hears one event by the table."""
    leg = slot.leg[at]
    if leg.state == NONE:
        return
    leg.state = TABLE[leg.state, status]
    if leg.state == DONE:
        bury(slot, at, now_ns)


@nb.njit(cache=True)
def _settle(slot: Any, now_ns: int) -> None:
    """A replacement that lives takes the place of the order it replaced."""
    new = slot.leg[1]
    if new.state == LIVE and slot.leg[0].state != NONE and slot.leg[1].apart == 0:
        _hear(slot, 0, CANCELLED, now_ns)
    if (new.state in (LIVE, CANCELLING)) and slot.leg[0].state == NONE:
        _copy_leg(slot.leg[0], new)
        clear_leg(new)


@nb.njit(cache=True)
def _lives(leg: Any, ev: Any, now_ns: int) -> None:
    """The venue has the order: its number there, since when, and what is left of it."""
    if ev.oid > 0:
        leg.oid = ev.oid
    if leg.live_ns == 0:
        leg.live_ns = now_ns
    if ev.sz_lots > 0:
        leg.lots = min(leg.lots, ev.sz_lots)


@nb.njit(cache=True)
def on_order(orders: Any, ev: Any, now_ns: int) -> int:
    """Apply one ORDER event; `now_ns` is receive time.

    Returns:
        Side of the order concerned, or -1 when nothing was done (unknown order, or one that is already buried).
    """
    place = find(orders, ev.cloid_hi, ev.cloid_lo)
    if place == -1 and (ev.status in (ACCEPTED, UNCERTAIN, SHRUNK)):
        place = _adopt(orders, ev, now_ns)
    if place == -2 and ev.status == MODIFY_FAILED:
        return _refuse_heir(orders, ev, now_ns)  # type: ignore[no-any-return]
    if place < 0:
        return -1
    at = place % 2
    side = place // (2 * LEVELS)
    slot = orders.slots[side, place // 2 % LEVELS]
    if ev.status in (ACCEPTED, REPLACED, SHRUNK):
        _lives(slot.leg[at], ev, now_ns)
    paired = at == 1 and slot.leg[0].state != NONE and slot.leg[1].apart == 0
    if slot.leg[1].apart == 1:
        _hear(slot, at, ev.status, now_ns)
    elif ev.status == MODIFY_FAILED:
        _hear(slot, 1, REFUSED, now_ns)
        _hear(slot, 0, MODIFY_FAILED, now_ns)
    elif ev.status == UNCERTAIN and slot.leg[0].state == MODIFYING:
        _hear(slot, 0, UNCERTAIN, now_ns)
        _hear(slot, 1, UNCERTAIN, now_ns)
    else:
        _hear(slot, at, ev.status, now_ns)
        if paired and ev.status == REFUSED:
            _hear(slot, 0, MODIFY_FAILED, now_ns)
        elif paired and ev.status not in (UNCERTAIN, CANCEL_FAILED):
            _hear(slot, 0, CANCELLED, now_ns)
    _settle(slot, now_ns)
    return side  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _refuse_heir(orders: Any, ev: Any, now_ns: int) -> int:
    """MODIFY_FAILED names an order that is gone already: its replacement never existed."""
    for side in range(2):
        for level in range(LEVELS):
            slot = orders.slots[side, level]
            if _is_ghost(slot.ghost, ev.cloid_hi, ev.cloid_lo):
                _hear(slot, 1, REFUSED, now_ns)
                return side
    return -1


@nb.njit(cache=True)
def _adopt(orders: Any, ev: Any, now_ns: int) -> int:
    """Give an order we did not know (snapshot, earlier life) a leg; -1 when there is no room or no size.

    Resting orders are told before those in doubt, so one in doubt whose slot is taken is the replacement on its way.
    """
    if ev.sz_lots <= 0 or ev.side < 0 or ev.side > 1:
        return -1
    orders.strangers += 1
    first = min(max(ev.level, 0), LEVELS - 1)
    legs = orders.slots[ev.side, first].leg
    is_pair = legs[0].state != NONE and legs[0].cloid_hi == ev.cloid_hi  # of one run, coin, side and level
    if ev.status == UNCERTAIN and is_pair and legs[1].state == NONE:
        return _take_in(orders, ev, first, 1, now_ns)  # type: ignore[no-any-return]
    for at in range(2):
        for step in range(LEVELS):
            level = (first + step) % LEVELS
            slot = orders.slots[ev.side, level]
            if slot.leg[1].state == NONE and (at == 1 or slot.leg[0].state == NONE):
                slot.leg[1].apart = at
                return _take_in(orders, ev, level, at, now_ns)  # type: ignore[no-any-return]
    orders.overflow += 1
    return -1


@nb.njit(cache=True)
def _take_in(orders: Any, ev: Any, level: int, at: int, now_ns: int) -> int:
    """Fill an empty leg with the order of an event; its place."""
    leg = orders.slots[ev.side, level].leg[at]
    leg.state = PENDING
    leg.px_ticks = ev.px_ticks
    leg.lots = ev.sz_lots
    leg.placed_lots = ev.sz_lots
    leg.cloid_hi = ev.cloid_hi
    leg.cloid_lo = ev.cloid_lo
    leg.sent_ns = now_ns if leg.apart == 0 else 0  # to be cancelled at once
    return (ev.side * LEVELS + level) * 2 + at  # type: ignore[no-any-return]


@nb.njit(cache=True)
def on_own_fill(orders: Any, cloid_hi: int, cloid_lo: int, lots: int, now_ns: int) -> float:
    """Take a fill off its order, whose snapshot goes to `filled`; fair value at placement, 0 when not remembered."""
    place = find(orders, cloid_hi, cloid_lo)
    if place < 0:
        return ghost_fair_px(orders, cloid_hi, cloid_lo)  # type: ignore[no-any-return]
    slot = orders.slots[place // (2 * LEVELS), place // 2 % LEVELS]
    leg = slot.leg[place % 2]
    fair_px = leg.fair_px
    copy_snapshot(orders.filled, leg.snap)
    leg.filled_lots += lots
    leg.lots = max(0, min(leg.lots, leg.placed_lots - leg.filled_lots))
    if leg.lots == 0:
        is_heir = place % 2 == 1 and slot.leg[1].apart == 0
        _hear(slot, place % 2, FILLED, now_ns)
        if is_heir:
            _hear(slot, 0, CANCELLED, now_ns)
    return fair_px  # type: ignore[no-any-return]


@nb.njit(cache=True)
def on_sync(orders: Any, epoch: int, run: int) -> None:
    """The account stream restarts: forget every order, the snapshot that follows names those that exist."""
    orders.epoch = epoch
    orders.run = run
    orders.serial = 0
    orders.ready = 1
    orders.syncing = 1
    orders.backoff_until_ns[:] = 0
    orders.backoff_count[:] = 0
    orders.backoff_class[:] = 0
    orders.overflow = 0
    for side in range(2):
        for level in range(LEVELS):
            for at in range(2):
                clear_leg(orders.slots[side, level].leg[at])


@nb.njit(cache=True)
def end_sync(orders: Any) -> None:
    """The snapshot is complete."""
    orders.syncing = 0
