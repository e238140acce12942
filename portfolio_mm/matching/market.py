"""The one interface of a coin's market: the order-level book and the queue model both keep it.

Prices are `Ticks` (10^-px_decimals of the instrument), sizes `Lots`, times venue milliseconds. Order ids are given by
the caller, unique per market and positive; a negative oid belongs to background flow. An owner is a small int, 0 is
the anonymous background. A market knows price-time priority and self-trade prevention (HL §7.1, §7.3) and nothing of
money: margin, minimum value, reduce-only and bands are the caller's.
"""

from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from portfolio_mm.domain.errors import PortfolioMMError

BACKGROUND: Final = 0
"""Owner of every order that is not ours."""


class MarketFull(PortfolioMMError):
    """A market holds its fixed capacity of orders or price levels; nothing was changed."""


class Tif(IntEnum):
    """Time in force: post only, good till cancelled, immediate or cancel."""

    ALO = 0
    GTC = 1
    IOC = 2


class NewOrder(NamedTuple):
    """An order as it reaches the book; `px_ticks` must be valid on the grid of its price (HL §6.1)."""

    oid: int
    owner: int
    side: int
    px_ticks: int
    sz_lots: int
    tif: int


class Fill(NamedTuple):
    """One match. The maker's price is the price; background sides have owner 0 and an oid of 0 or below."""

    px_ticks: int
    sz_lots: int
    aggressor_side: int
    maker_oid: int
    maker_owner: int
    taker_oid: int
    taker_owner: int


class Print(NamedTuple):
    """One public trade."""

    px_ticks: int
    sz_lots: int
    aggressor_side: int


class Placement(NamedTuple):
    """What an order did on arrival: `crossed` is a refused ALO, of which nothing else happened.

    Every fill here is also one public trade; the caller publishes it. `self_cancelled` are resting orders of the same
    owner removed by self-trade prevention. `resting_lots` is 0 for IOC and for a complete fill.
    """

    fills: tuple[Fill, ...] = ()
    resting_lots: int = 0
    crossed: bool = False
    self_cancelled: tuple[int, ...] = ()


class Level(NamedTuple):
    """One price of the published book."""

    px_ticks: int
    sz_lots: int
    n_orders: int


class Bbo(NamedTuple):
    """Best prices of the published book; a side may be empty."""

    bid: Level | None
    ask: Level | None


class Advance(NamedTuple):
    """What background flow did up to a time.

    `fills` are those in which an owner other than the background took part; `prints` are all public trades of the
    flow, including one for every fill in `fills`. `snapshot` says that recorded flow brought a full book (l2Book).
    """

    fills: tuple[Fill, ...] = ()
    prints: tuple[Print, ...] = ()
    bbo_changed: bool = False
    book_changed: bool = False
    snapshot: bool = False


class Market(Protocol):
    """One coin's market."""

    def place(self, order: NewOrder) -> Placement:
        """Match an arriving order and rest what its time in force allows.

        Raises:
            MarketFull: no room for one more resting order; nothing happened.
            ValueError: size or price not positive, or the oid already rests.
        """
        ...

    def cancel(self, oid: int) -> int:
        """Remove a resting order; lots removed, 0 if unknown."""
        ...

    def reduce(self, oid: int, lots: int) -> int:
        """Take up to `lots` off a resting order, which keeps its place; lots removed, 0 if unknown."""
        ...

    def remaining(self, oid: int) -> int:
        """Lots of a resting order, 0 if unknown."""
        ...

    def ahead(self, oid: int) -> float:
        """Lots before the order at its own price (an estimate on recorded flow); NaN if unknown."""
        ...

    def bbo(self) -> Bbo:
        """Best published prices."""
        ...

    def levels(self, n: int) -> tuple[list[Level], list[Level]]:
        """Up to `n` published (bids, asks), best first, own resting orders included as in the venue's public book."""
        ...

    def advance(self, now_ms: int) -> Advance:
        """Apply all background flow with a time up to and including `now_ms`."""
        ...
