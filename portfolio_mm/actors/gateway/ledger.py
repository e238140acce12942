"""The only ledger: own orders by cloid and oid, positions, fills counted once. Pure: no clock, no input, no output.

What counts as exposure (architecture section 2, worst case): the position, and everything that rests, is in flight, is
of unknown fate, or ended at the venue with fills whose rows have not come. An order stops counting only on a terminal
fact. A modify counts the old order and the new one: the old may be filled in part between its last row and the modify.
"""

from collections.abc import Container, Sequence
from typing import Final

from portfolio_mm.actors.gateway.causes import of_fill, of_status
from portfolio_mm.actors.gateway.exposure import Exposure
from portfolio_mm.actors.gateway.notes import (
    FillNote,
    FundingNote,
    Note,
    OrderNote,
    OrphanNote,
    PositionNote,
    order_note,
)
from portfolio_mm.actors.gateway.own_order import Key, OwnOrder, key_of
from portfolio_mm.actors.gateway.past import Past
from portfolio_mm.actors.gateway.positions import Position, SeenFills, Traded
from portfolio_mm.actors.gateway.tolerated import Tolerated
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.domain.units import BUY, SELL, SIGN
from portfolio_mm.hyperliquid.errors import classify
from portfolio_mm.hyperliquid.user import Fill, Funding, OrderUpdate


class Ledger:
    """All state about own orders and positions of one account."""

    def __init__(self, instruments: Sequence[Instrument], user: str = "") -> None:
        self.instruments: Final = tuple(instruments)
        self._user = user
        """Whose account it is, lower case."""
        self.tolerated: Final = Tolerated()
        self._index = {one.coin: one.index for one in instruments}
        self._live: list[dict[Key, OwnOrder]] = [{} for _ in instruments]
        self._by_oid: dict[int, OwnOrder] = {}
        self._past = Past()
        self.positions: Final = [Position() for _ in instruments]
        self.fills_seen: Final = SeenFills()
        self.fundings_seen: Final = SeenFills()
        self._held_back: dict[Key, OrderNote] = {}
        self._exposure: list[Exposure | None] = [None for _ in instruments]
        self.traded_usd = 0.0
        self.fills = 0

    # -- reading -------------------------------------------------------------------------------------------------

    def index(self, coin: str) -> int | None:
        """Place of a coin in the run's table; None for foreign coins."""
        return self._index.get(coin)

    def find(self, key: Key) -> OwnOrder | None:
        """A carried order by cloid."""
        for live in self._live:
            if key in live:
                return live[key]
        return None

    def known(self, key: Key) -> bool:
        """Whether this cloid was ever used, as far as memory goes."""
        return self.find(key) is not None or key in self._past

    def orders(self, coin: int | None = None) -> tuple[OwnOrder, ...]:
        """Carried orders of one coin, or of all."""
        chosen = self._live if coin is None else (self._live[coin],)
        return tuple(order for live in chosen for order in live.values())

    def count(self) -> int:
        """How many orders are carried."""
        return sum(len(live) for live in self._live)

    def exposure(self, coin: int) -> Exposure:
        """Worst case of one coin, in lots."""
        found = self._exposure[coin]
        if found is None:
            sums = [self.tolerated.lots(coin, side) for side in (BUY, SELL)]
            for order in self._live[coin].values():
                sums[order.side] += order.remaining_lots
            found = self._exposure[coin] = Exposure(self.positions[coin].szi_lots, *sums)
        return found

    def on_hand(self, coin: int) -> PositionNote:
        """Position of one coin as it stands."""
        return self._position(coin, self.positions[coin].base_ms)

    def add(self, order: OwnOrder) -> None:
        """Carry an order from the moment it was approved, before it is sent."""
        before = self._exposure[order.coin]
        self._live[order.coin][order.key] = order
        self._exposure[order.coin] = None if before is None else before.more(order.side, order.remaining_lots)

    def withdraw(self, order: OwnOrder, event: OrderEvent, refusal: Refusal = Refusal.NONE) -> list[Note]:
        """An order that certainly does not exist at the venue: never sent, refused, or proven lost."""
        if order.state is OrderState.DONE:
            return []
        order.ended_lots, order.refusal = order.filled_lots, refusal
        self._retire(order)
        return [order_note(order, event, refusal=refusal), *self._released(order)]

    def accepted(self, order: OwnOrder, oid: int) -> list[Note]:
        """The venue holds the order under `oid`; said once, whichever of answer and stream comes first."""
        event = OrderEvent.ACCEPTED if order.replaces is None else OrderEvent.REPLACED
        first = order.oid == 0
        order.oid = order.oid or oid
        self._by_oid[order.oid] = order
        if order.over:
            return []
        order.asked_ns = order.asked_ns if order.cancel_acked else 0  # a node that lags answers nothing (HL §12.3)
        order.unknown_ns.clear()
        if order.state in {OrderState.PENDING, OrderState.UNKNOWN}:
            order.state = OrderState.LIVE
        self._held_back.pop(order.key, None)  # REPLACED says that the old order is gone
        old = self.find(order.replaces) if order.replaces is not None else None
        if old is not None:
            old.superseded = True
        return [order_note(order, event)] if first else []

    def ended(
        self,
        order: OwnOrder,
        total_filled: int | None,
        event: OrderEvent,
        refusal: Refusal = Refusal.NONE,
        at_ms: int = 0,
    ) -> list[Note]:
        """The venue says the order is over. `total_filled` None: it does not say how much; rows seen so far count."""
        if order.over:
            return []
        self._touch(order.coin)
        order.ended_lots = order.filled_lots if total_filled is None else max(total_filled, order.filled_lots)
        order.ended_ms, order.refusal = at_ms, refusal
        note = order_note(order, event, refusal=refusal, venue_ms=at_ms)
        successor = self.find(order.replaced_by) if order.replaced_by is not None else None
        waits = event is OrderEvent.CANCELLED and successor is not None and successor.oid == 0 and not successor.over
        if order.remaining_lots == 0:
            self._retire(order)
        if waits and successor is not None:  # by the modify in flight: its outcome is the news
            self._held_back[successor.key] = note
            return []
        return [note, *self._released(order)]

    def modify_failed(self, order: OwnOrder, refusal: Refusal) -> list[Note]:
        """The replacement was refused and the old order lives on."""
        old = self.find(order.replaces) if order.replaces is not None else None
        alive = old is not None and not old.over
        notes = self.withdraw(order, OrderEvent.MODIFY_FAILED if alive else OrderEvent.REFUSED, refusal)
        if old is not None and alive:
            old.replaced_by = None
            if old.state is OrderState.MODIFYING:
                old.state = OrderState.LIVE
        return notes

    def on_update(self, update: OrderUpdate) -> list[Note]:
        """One row of `orderUpdates`, or of an order status."""
        coin = self._index.get(update.coin)
        if coin is None:
            return []
        key = key_of(update.cloid)
        order = self._live[coin].get(key) or self._by_oid.get(update.oid)
        if order is None:
            return self._stranger(coin, key, update)
        order.row_seen = True
        if not update.is_terminal:
            return self._open(order, update)
        notes = self.accepted(order, update.oid) if update.status == "filled" else []
        return notes + self._terminal(order, update)

    def _stranger(self, coin: int, key: Key, update: OrderUpdate) -> list[Note]:
        """A row of an order we do not carry."""
        if update.is_terminal or self._past.finished(key, update.oid):
            self.tolerated.drop(update.oid)
            self._touch(coin)
            return []
        note = self.orphan(coin, update)
        if update.oid in self.tolerated:
            self.tolerate(note)
            return []
        return [note]

    def orphan(self, coin: int, update: OrderUpdate) -> OrphanNote:
        """An order of nobody here, in words of the ledger."""
        lots = self.instruments[coin].lots(update.sz)
        return OrphanNote(coin, update.oid, update.side, lots, key_of(update.cloid), update.placed_ms)

    def tolerate(self, note: OrphanNote) -> None:
        """Count an order of somebody else from now on, with what is left of it."""
        self.tolerated.add(note)
        self._touch(note.coin)

    def forget_others(self, shown: Container[int]) -> None:
        """The venue shows only these orders: others that were tolerated are gone."""
        for coin in self.tolerated.keep_only(shown):
            self._touch(coin)

    def _open(self, order: OwnOrder, update: OrderUpdate) -> list[Note]:
        notes = self.accepted(order, update.oid)
        if order.reduce_only and not order.over:
            left = self.instruments[order.coin].lots(update.sz)
            cut = max(order.cut_lots, order.sz_lots - order.filled_lots - left)
            if cut > order.cut_lots and left < order.remaining_lots:
                order.cut_lots = cut
                self._touch(order.coin)
                notes += [] if order.superseded else [order_note(order, OrderEvent.SHRUNK, venue_ms=update.status_ms)]
        return notes

    def _terminal(self, order: OwnOrder, update: OrderUpdate) -> list[Note]:
        instrument = self.instruments[order.coin]
        left, asked = instrument.lots(update.sz), instrument.lots(update.orig_sz)
        total = asked - left  # of a reduce-only order the most: it is also shrunk without fills (HL §1.10)
        event, refusal = OrderEvent.CANCELLED, Refusal.NONE
        if update.status == "filled":
            event = OrderEvent.FILLED
        elif update.status.lower().endswith("rejected"):
            event, refusal, total = OrderEvent.REFUSED, classify(update.status), order.filled_lots
        notes = self.ended(order, total, event, refusal, update.status_ms)
        cause = of_status(update.status)
        return [note._replace(cause=cause) if isinstance(note, OrderNote) else note for note in notes]

    def on_fill(self, fill: Fill) -> list[Note]:
        """One fill, from any source; nothing when it was counted before or is of a foreign coin."""
        coin = self._index.get(fill.coin)
        if coin is None or not self.fills_seen.is_new(fill.key):
            return []
        instrument = self.instruments[coin]
        lots, px = instrument.lots(fill.sz), float(fill.px)
        key = key_of(fill.cloid)
        order = self._live[coin].get(key) or self._by_oid.get(fill.oid)
        key = order.key if order is not None else key
        level = cloids.decode(*key).level if cloids.is_ours(key[0]) else 0
        ticks = instrument.ticks(fill.px)
        position, ahead = self.positions[coin], self.positions[coin].ahead
        changed = position.fill(Traded(fill.time_ms, SIGN[fill.side] * lots, px))
        what = (coin, fill.side, ticks, lots, fill.fee_1e8, fill.oid, fill.tid, fill.time_ms, fill.crossed)
        cause = of_fill(fill, self._user, key, known=order is not None)
        notes: list[Note] = [FillNote(*what, key, level, contained=not changed, cause=cause)]
        self.tolerated.fill(fill.oid, lots)
        self.fills += 1
        self.traded_usd += lots * px / 10**instrument.sz_decimals
        self._touch(coin)
        if order is not None:
            notes += self._filled(order, lots, fill)
        if position.ahead != ahead:  # other fills bring coins back to this position: a word now would undo it twice
            return notes
        return [*notes, self._position(coin, fill.time_ms)]

    def on_funding(self, funding: Funding) -> list[Note]:
        """One payment, from any source; nothing when it was counted before or is of a foreign coin."""
        coin = self._index.get(funding.coin)
        if coin is None or not self.fundings_seen.is_new((funding.time_ms, funding.coin, 0)):
            return []
        return [FundingNote(coin, funding.payment_1e8, funding.time_ms)]

    def _filled(self, order: OwnOrder, lots: int, fill: Fill) -> list[Note]:
        notes = self.accepted(order, fill.oid)
        order.filled_lots += lots
        if order.over:
            if order.remaining_lots == 0:
                self._retire(order)
        elif order.remaining_lots == 0:
            notes += self.ended(order, order.filled_lots, OrderEvent.FILLED, at_ms=fill.time_ms)
        elif not order.superseded:  # else the coin knows that it is gone: only the row that says so is late
            notes.append(order_note(order, OrderEvent.SHRUNK, venue_ms=fill.time_ms))
        return notes

    def on_position(self, coin: int, szi_lots: int, entry_px: float, at_ms: int) -> list[Note]:
        """A position reading of block time `at_ms`."""
        first = not self.positions[coin].known
        changed = self.positions[coin].adopt(szi_lots, entry_px, at_ms)
        for order in tuple(self._live[coin].values()):
            if order.ended_lots is not None and order.ended_ms <= self.positions[coin].base_ms:
                self._retire(order)  # whatever it filled is in the reading: it owes no rows any more
        self._touch(coin)
        return [self._position(coin, at_ms)] if changed or first else []

    def _position(self, coin: int, at_ms: int) -> PositionNote:
        position = self.positions[coin]
        return PositionNote(coin, position.szi_lots, position.entry_px, at_ms)

    def _released(self, order: OwnOrder) -> list[Note]:
        note = self._held_back.pop(order.key, None)
        return [] if note is None else [note]

    def _retire(self, order: OwnOrder) -> None:
        order.state = OrderState.DONE
        self._live[order.coin].pop(order.key, None)
        self._by_oid.pop(order.oid, None)
        self._past.add(order.key, order.oid)
        self._touch(order.coin)

    def _touch(self, coin: int) -> None:
        self._exposure[coin] = None
