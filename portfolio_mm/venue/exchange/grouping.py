"""Orders that belong together: TP/SL of an order, TP/SL of a position (HL §2.2, §7.7)."""

from typing import Any, Final

from portfolio_mm.domain.units import BUY, SIGN
from portfolio_mm.venue.clearinghouse.orders import Draft, OwnOrder
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import placement, relatives, triggers, wording
from portfolio_mm.venue.exchange.wording import Refused, Why
from portfolio_mm.venue.protocol.actions import Grouping, OrderWire
from portfolio_mm.venue.protocol.builders import Priority
from portfolio_mm.venue.state import VenueState

MAX_CHILDREN: Final = 2
WAITS: Final = "waitingForFill"
GROUPS: Final = ("normalTpsl", "positionTpsl")
Entry = dict[str, Any] | str | Refused


def fault(orders: tuple[OrderWire, ...], kind: Grouping | Priority) -> str | None:
    """Why a group is refused whole: its number of TP/SL orders, one that does not reduce, or two coins in it."""
    if kind not in GROUPS:
        return None
    closing = [wire for wire in orders if wire.t.trigger is not None]
    parents = len(orders) - len(closing)
    kinds = {wire.t.trigger.tpsl for wire in closing if wire.t.trigger is not None}
    wanted = 1 if kind == "normalTpsl" else 0
    misplaced = kind == "normalTpsl" and orders[0].t.trigger is not None
    if parents != wanted or misplaced or not 0 < len(closing) <= MAX_CHILDREN or len(kinds) != len(closing):
        return wording.TRIGGER_COUNT
    if not all(wire.r for wire in closing):
        return wording.NOT_REDUCING
    return wording.TRIGGER_COUNT if len({wire.a for wire in orders}) > 1 else None


def place_children(state: VenueState, user: User, drafts: list[Draft | Refused]) -> list[Entry]:
    """An order with its TP/SL: they wait for its complete fill, and end with it when it never comes."""
    first, *others = drafts
    if isinstance(first, Refused):
        placement.misread(state, user, first)
        return [first, *(_orphan(state, user, other, first) for other in others)]
    parent = placement.new_order(state, user, first)
    children = [d if isinstance(d, Refused) else placement.new_order(state, user, d) for d in others]
    kept = [child for child in children if isinstance(child, OwnOrder)]
    for child in kept:
        child.waits = True
    parent.children = tuple(kept)
    bad = {child.oid: _child_is_bad(state, parent, child) for child in kept}
    entries: list[Entry] = [placement.place(state, user, parent)]
    _know_each_other(kept)
    for read in children:
        if isinstance(read, Refused):
            entries.append(placement.misread(state, user, read))
        elif isinstance(refused := entries[0], Refused):
            entries.append(placement.refuse(state, user, read, Why(refused.text)))
        else:
            entries.append(triggers.wait(state, user, read, bad=bad[read.oid]) or WAITS)
    relatives.settle(state)
    return [
        _word(order) if entry == WAITS else entry for entry, order in zip(entries, [parent, *children], strict=True)
    ]


def _orphan(state: VenueState, user: User, draft: Draft | Refused, parent: Refused) -> Refused:
    """A child of an order that was not placed carries its parent's refusal: ours, the venue's is not known."""
    if isinstance(draft, Refused):
        return placement.misread(state, user, draft)
    return placement.refuse(state, user, placement.new_order(state, user, draft), Why(parent.text))


def _word(child: OwnOrder | Refused) -> str:
    waits = isinstance(child, OwnOrder) and child.waits
    return WAITS if waits else "waitingForTrigger"


def _child_is_bad(state: VenueState, parent: OwnOrder, child: OwnOrder) -> bool:
    """It closes what the parent opens, and lies on the right side of where the parent may be filled."""
    assert child.trigger is not None
    mark = state.marks[parent.instrument.index]
    entry = min(parent.px_ticks, mark) if parent.side == BUY else max(parent.px_ticks, mark)
    return child.side == parent.side or child.reached(entry)


def place_for_position(state: VenueState, user: User, drafts: list[Draft | Refused]) -> list[Entry]:
    """TP/SL of the position in one coin, whatever its size becomes."""
    entries: list[Entry] = []
    placed = []
    for draft in drafts:
        if isinstance(draft, Refused):
            entries.append(placement.misread(state, user, draft))
            continue
        order = placement.new_order(state, user, draft)
        index = order.instrument.index
        if user.szi(index) * SIGN[order.side] >= 0:
            entries.append(placement.refuse(state, user, order, wording.REDUCE_ONLY))
            continue
        order.sz_lots = abs(user.szi(index))
        refused = triggers.wait(state, user, order, bad=order.reached(state.marks[index]))
        placed += [] if refused else [order]
        entries.append(refused or "waitingForTrigger")
    _know_each_other(placed)
    return entries


def _know_each_other(orders: list[OwnOrder]) -> None:
    for order in orders:
        order.siblings = tuple(other for other in orders if other is not order)
