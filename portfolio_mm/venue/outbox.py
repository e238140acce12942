"""What one block has to tell: filled while it runs, sent when it is over."""

from collections import defaultdict
from typing import Any

from portfolio_mm.venue.clearinghouse.orders import OwnOrder


class Outbox:
    """Rows by user number or by coin, in wire form."""

    def __init__(self) -> None:
        self.order_updates: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.fills: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.fundings: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.ledger: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.non_user_cancels: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.twap_history: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.twap_fills: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.liquidations: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.trades: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.contexts: set[str] = set()
        self.books: set[str] = set()

    def order(self, order: OwnOrder) -> None:
        """An order changed its status."""
        self.order_updates[order.owner].append(order.update_row())
