"""A user's order as the venue remembers it, and its wire forms (HL §1.9, §1.10)."""

from typing import Any, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY
from portfolio_mm.venue.protocol.amounts import wire_text

SIDE_LETTER = ("B", "A")


class Trigger(NamedTuple):
    """When an order comes alive: `tpsl` is `tp` or `sl`; `position` scales it with the position (HL §2.2, §7.7)."""

    px_ticks: int
    is_market: bool
    tpsl: str
    position: bool = False


class Draft(NamedTuple):
    """An order that reads well: on the grid, of a known coin."""

    instrument: Instrument
    side: int
    px_ticks: int
    sz_lots: int
    reduce_only: bool
    tif: str | None
    cloid: str | None
    trigger: Trigger | None = None
    builder: tuple[str, int] | None = None
    """Who earns a fee on it, and how many tenths of a basis point."""

    @property
    def value_1e8(self) -> int:
        """Notional at the limit price, 1e-8 USD."""
        return self.px_ticks * self.sz_lots * 100


class OwnOrder:
    """One order: the price and sizes in grid units, the status in the venue's words (HL §1.11).

    `tif` is None until a trigger order has fired. `children` wait for this order's fill, `siblings` end with it;
    `waits` says that its parent is not filled yet.
    """

    __slots__ = (
        "builder",
        "children",
        "cloid",
        "filled_1e8",
        "filled_lots",
        "instrument",
        "oid",
        "orig_lots",
        "owner",
        "placed_ms",
        "priority",
        "px_ticks",
        "reduce_only",
        "siblings",
        "side",
        "status",
        "status_ms",
        "sz_lots",
        "tif",
        "trigger",
        "twap_id",
        "waits",
    )

    def __init__(self, draft: Draft, owner: int, oid: int, placed_ms: int) -> None:
        self.instrument = draft.instrument
        self.owner = owner
        self.oid = oid
        self.side = draft.side
        self.px_ticks = draft.px_ticks
        self.sz_lots = self.orig_lots = draft.sz_lots
        self.filled_lots = self.filled_1e8 = 0
        self.tif = draft.tif
        self.cloid = draft.cloid
        self.reduce_only = draft.reduce_only
        self.placed_ms = self.status_ms = placed_ms
        self.status = "open"
        self.trigger = draft.trigger
        self.builder = draft.builder
        self.priority = 0
        self.children: tuple[OwnOrder, ...] = ()
        self.siblings: tuple[OwnOrder, ...] = ()
        self.waits = False
        self.twap_id: int | None = None

    @property
    def fires_above(self) -> bool:
        """Whether a rise of the mark price fires it: a sell that takes profit, a buy that stops a loss."""
        return self.trigger is not None and (self.trigger.tpsl == "tp") == (self.side != BUY)

    def reached(self, mark_ticks: int) -> bool:
        """Whether the mark price fires it."""
        if self.trigger is None:
            return False
        px = self.trigger.px_ticks
        return mark_ticks >= px if self.fires_above else mark_ticks <= px

    @property
    def value_1e8(self) -> int:
        """Notional of what is left at the limit price, 1e-8 USD."""
        return self.px_ticks * self.sz_lots * 100

    def end(self, status: str, now_ms: int) -> None:
        """Record a new status."""
        self.status, self.status_ms = status, now_ms

    def row(self) -> dict[str, Any]:
        """Fields every form begins with."""
        decimals = self.instrument.sz_decimals
        return {
            "coin": self.instrument.coin,
            "side": SIDE_LETTER[self.side],
            "limitPx": wire_text(self.px_ticks, self.instrument.px_decimals),
            "sz": wire_text(self.sz_lots, decimals),
            "oid": self.oid,
            "timestamp": self.placed_ms,
        }

    def _orig(self) -> str:
        return wire_text(self.orig_lots, self.instrument.sz_decimals)

    def open_row(self) -> dict[str, Any]:
        """A row of `openOrders` and of `orderUpdates`."""
        row = {**self.row(), "origSz": self._orig()}
        if self.cloid is not None:
            row["cloid"] = self.cloid
        if self.reduce_only:
            row["reduceOnly"] = True
        return row

    def full_row(self) -> dict[str, Any]:
        """A row of `frontendOpenOrders`, `historicalOrders` and `orderStatus`."""
        trigger, coin = self.trigger, self.instrument
        condition, px = "N/A", "0.0"
        if trigger is not None:
            px = wire_text(trigger.px_ticks, coin.px_decimals)
            condition = f"Price {'above' if self.fires_above else 'below'} {coin.px_text(trigger.px_ticks)}"
        return {
            **self.row(),
            "triggerCondition": condition,
            "isTrigger": trigger is not None,
            "triggerPx": px,
            "children": [child.full_row() for child in self.children if child.status == "open"],
            "isPositionTpsl": trigger is not None and trigger.position,
            "reduceOnly": self.reduce_only,
            "orderType": self._type(),
            "origSz": self._orig(),
            "tif": self.tif if trigger is None else None,
            "cloid": self.cloid,
        }

    def _type(self) -> str:
        if self.twap_id is not None:
            return "Twap Slice"
        if self.trigger is None:
            return "Market" if self.tif == "FrontendMarket" else "Limit"
        kind = "Stop" if self.trigger.tpsl == "sl" else "Take Profit"
        return f"{kind} {'Market' if self.trigger.is_market else 'Limit'}"

    def status_row(self) -> dict[str, Any]:
        """The full row with its status, as `orderStatus` and `historicalOrders` show it."""
        return {"order": self.full_row(), "status": self.status, "statusTimestamp": self.status_ms}

    def update_row(self) -> dict[str, Any]:
        """A row of the `orderUpdates` channel: no user in it."""
        return {"order": self.open_row(), "status": self.status, "statusTimestamp": self.status_ms}

    def increases(self, szi: int) -> bool:
        """Whether a fill of it could make a position of `szi` lots larger."""
        if self.reduce_only:
            return False
        after = szi + (self.sz_lots if self.side == BUY else -self.sz_lots)
        return abs(after) > abs(szi)
