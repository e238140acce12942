"""Orders of others that may stay (settings `account.foreign_orders`): never touched, always in the worst case."""

from collections.abc import Container

from portfolio_mm.actors.gateway.notes import OrphanNote


class Tolerated:
    """By oid, with what is left of each."""

    def __init__(self) -> None:
        self._orders: dict[int, OrphanNote] = {}

    def __contains__(self, oid: int) -> bool:
        return oid in self._orders

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, note: OrphanNote) -> None:
        """Count an order from now on, or with a new rest."""
        self._orders[note.oid] = note

    def drop(self, oid: int) -> None:
        """It is gone; harmless when it was not there."""
        self._orders.pop(oid, None)

    def fill(self, oid: int, lots: int) -> None:
        """Some of it was filled; nothing when it is not one of these."""
        order = self._orders.get(oid)
        if order is not None:
            self._orders[oid] = order._replace(sz_lots=max(0, order.sz_lots - lots))

    def keep_only(self, shown: Container[int]) -> set[int]:
        """The venue shows only these orders; gives the coins of those that are gone."""
        gone = {oid: order.coin for oid, order in self._orders.items() if oid not in shown}
        for oid in gone:
            self.drop(oid)
        return set(gone.values())

    def lots(self, coin: int, side: int) -> int:
        """What rests of them on one side of a coin."""
        return sum(one.sz_lots for one in self._orders.values() if one.coin == coin and one.side == side)
