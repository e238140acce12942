"""What waits to be sent, by class: cancels first, post-only orders apart from takers and modifies (HL §3.6, §7.2).

A lane that was idle sends in the same loop turn, and so do the next BURST - 1 batches; a lane that has used them up
gathers for its pause between two batches. So one coin's batch does not wait because another's just left, and what the
venue counts (IP weight and messages of a minute, HL §5.1 and §5.3) is bounded as by the pause alone. Of creates for one
(coin, side, level) only the newest is kept. Cancels are never dropped.
"""

from enum import IntEnum
from typing import Final

from portfolio_mm.actors.gateway.own_order import Key, OwnOrder
from portfolio_mm.actors.gateway.wish import Approved
from portfolio_mm.domain.units import NS_PER_MS

MAX_BATCH: Final = 39
"""Legs per action: keeps its IP weight at 1 (HL §5.1)."""


class Lane(IntEnum):
    """Classes of actions, in the order in which they go out."""

    CANCEL = 0
    CANCEL_OID = 1
    CREATE = 2
    MODIFY = 3
    TAKE = 4


PAUSE_NS: Final = {
    Lane.CANCEL: 20 * NS_PER_MS,
    Lane.CANCEL_OID: 20 * NS_PER_MS,
    Lane.CREATE: 100 * NS_PER_MS,
    Lane.MODIFY: 100 * NS_PER_MS,
    Lane.TAKE: 100 * NS_PER_MS,
}
"""Between two batches of a lane that is under load."""
BURST: Final = 10
"""Batches a rested lane may send at once: what its pause allows in a second, or a fifth of one for cancels."""
Slot = tuple[int, int, int]


class Outbox:
    """Queues and the times at which they may be emptied. Pure: time is passed in."""

    def __init__(self) -> None:
        self._cancels: dict[Key, OwnOrder] = {}
        self._orphans: dict[int, int] = {}
        self._creates: dict[Slot, Approved] = {}
        self._modifies: dict[Key, Approved] = {}
        self._takers: list[Approved] = []
        self._spent_ns = dict.fromkeys(Lane, 0)
        """When the pauses of all batches sent so far will be over."""
        self._held_ns = dict.fromkeys(Lane, 0)

    def create(self, approved: Approved) -> Approved | None:
        """Queue a new order; gives the one it replaces in the queue, which was never sent."""
        if approved.tif == "Ioc":
            self._takers.append(approved)
            return None
        order = approved.order
        slot = (order.coin, order.side, order.level)
        before = self._creates.pop(slot, None)
        self._creates[slot] = approved
        return before

    def modify(self, approved: Approved) -> None:
        """Queue a replacement."""
        self._modifies[approved.order.key] = approved

    def cancel(self, order: OwnOrder) -> None:
        """Queue a cancel by cloid."""
        self._cancels[order.key] = order

    def cancel_oid(self, coin: int, oid: int) -> None:
        """Queue a cancel of an order that is not ours to name."""
        self._orphans[oid] = coin

    def withdraw(self, key: Key) -> Approved | None:
        """Take back what was not sent yet; None when it was."""
        for slot, approved in self._creates.items():
            if approved.order.key == key:
                return self._creates.pop(slot)
        return self._modifies.pop(key, None)

    def withdraw_all(self) -> list[Approved]:
        """Take back every order that was not sent yet."""
        unsent = [*self._creates.values(), *self._modifies.values(), *self._takers]
        self._creates.clear()
        self._modifies.clear()
        self._takers.clear()
        return unsent

    def waiting(self, lane: Lane) -> int:
        """How much waits in a lane."""
        queues = (self._cancels, self._orphans, self._creates, self._modifies, self._takers)
        return len(queues[lane])

    def due_ns(self) -> int | None:
        """When the next lane may send; None when nothing waits."""
        return min((self._free_ns(lane) for lane in Lane if self.waiting(lane)), default=None)

    def _free_ns(self, lane: Lane) -> int:
        return max(self._held_ns[lane], self._spent_ns[lane] - (BURST - 1) * PAUSE_NS[lane])

    def ready(self, now_ns: int) -> list[Lane]:
        """Lanes that may send now, first things first; each is charged its pause."""
        found = [lane for lane in Lane if self.waiting(lane) and self._free_ns(lane) <= now_ns]
        for lane in found:
            self._spent_ns[lane] = max(now_ns, self._spent_ns[lane]) + PAUSE_NS[lane]
        return found

    def hold(self, lane: Lane, until_ns: int) -> None:
        """Keep a lane back after a failure."""
        self._held_ns[lane] = max(self._held_ns[lane], until_ns)

    def take_cancels(self, most: int = MAX_BATCH) -> list[OwnOrder]:
        """Up to a batch of cancels by cloid."""
        return [self._cancels.pop(key) for key in tuple(self._cancels)[:most]]

    def take_orphans(self, most: int = MAX_BATCH) -> list[tuple[int, int]]:
        """Up to a batch of (coin, oid)."""
        return [(self._orphans.pop(oid), oid) for oid in tuple(self._orphans)[:most]]

    def take_creates(self, most: int = MAX_BATCH) -> list[Approved]:
        """Up to a batch of post-only orders."""
        return [self._creates.pop(slot) for slot in tuple(self._creates)[:most]]

    def take_modifies(self, most: int = MAX_BATCH) -> list[Approved]:
        """Up to a batch of replacements."""
        return [self._modifies.pop(key) for key in tuple(self._modifies)[:most]]

    def take_takers(self, most: int = MAX_BATCH) -> list[Approved]:
        """Up to a batch of takers."""
        taken, self._takers = self._takers[:most], self._takers[most:]
        return taken
