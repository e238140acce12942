"""What becomes of a command, and of every fact about our orders: the one place where ledger, guard and outbox meet.

Nothing here waits. A fact goes into the ledger, out to the coins, and if it breaks a limit the cancels it causes are in
the outbox before the same call returns.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from portfolio_mm.actors.gateway import worst_case
from portfolio_mm.actors.gateway.causes import FORCED, Cause
from portfolio_mm.actors.gateway.guard import Guard
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.notes import FillNote, Note, OrderNote, OrphanNote, PositionNote, order_note
from portfolio_mm.actors.gateway.others import Others, Verdict
from portfolio_mm.actors.gateway.outbox import Outbox
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.wish import Approved, Wish
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.domain.units import SIDES, SIGN

LOG: Final = logging.getLogger(__name__)
DIGITS: Final = re.compile(r"[0-9][0-9.,@]*")
MANY_WORDS: Final = 100
"""A venue that never says the same twice must not fill the disk."""
Tell = Callable[[Sequence[Note]], None]


class Desk:
    """Commands in, facts in; outbox entries and notes out."""

    def __init__(
        self,
        *,
        run: int,
        ledger: Ledger,
        guard: Guard,
        permits: Permits,
        market: Market,
        outbox: Outbox,
        others: Others,
        tell: Tell,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._now_ns = now_ns
        self._run = run
        self._ledger = ledger
        self._guard = guard
        self._permits = permits
        self._market = market
        self._outbox = outbox
        self._others = others
        self._tell = tell
        self.placed = 0
        self.modified = 0
        self.cancelled = 0
        self._heard: set[str] = set()
        self.refused: Final[Counter[Refusal]] = Counter()

    # -- commands ------------------------------------------------------------------------------------------------

    def command(self, wish: Wish, coin: int, epoch: int, now_ns: int) -> None:
        """One command of the coin whose stream has this epoch."""
        if wish.coin != coin:
            self._refuse(wish._replace(coin=coin), epoch, Refusal.STALE)
        elif wish.kind == CommandKind.CANCEL:
            self._cancel_wish(wish, epoch)
        elif not self._belongs(wish, epoch):
            self._refuse(wish, epoch, Refusal.STALE)
        elif wish.kind == CommandKind.PLACE:
            self._place(wish, epoch, now_ns)
        elif wish.kind == CommandKind.MODIFY:
            self._modify(wish, epoch, now_ns)
        else:
            self._refuse(wish, epoch, Refusal.STALE)

    def _belongs(self, wish: Wish, epoch: int) -> bool:
        """Whether the cloid was made by this incarnation of this coin in this run."""
        if not cloids.is_ours(wish.cloid_hi):
            return False
        made = cloids.decode(wish.cloid_hi, wish.cloid_lo)
        return (made.run, made.coin, made.side, made.epoch) == (self._run, wish.coin, wish.side, epoch)

    def _place(self, wish: Wish, epoch: int, now_ns: int) -> None:
        verdict = self._guard.place(wish, epoch, now_ns)
        if isinstance(verdict, Refusal):
            self._refuse(wish, epoch, verdict)
            return
        self._ledger.add(verdict.order)
        self.placed += 1
        replaced = self._outbox.create(verdict)
        if replaced is not None:  # the newest wish for this level wins; the older one was never sent
            self.tell(self._ledger.withdraw(replaced.order, OrderEvent.CANCELLED))

    def _modify(self, wish: Wish, epoch: int, now_ns: int) -> None:
        target = self._ledger.find(wish.target)
        if target is None or target.coin != wish.coin or target.side != wish.side:
            self._refuse(wish, epoch, Refusal.STALE)
            self._cancel_wish(wish, epoch)
            return
        verdict = self._guard.modify(wish, epoch, target, now_ns)
        if isinstance(verdict, Refusal):
            self._refuse(wish, epoch, verdict, OrderEvent.MODIFY_FAILED)
            return
        self._ledger.add(verdict.order)
        target.state = OrderState.MODIFYING
        target.replaced_by = verdict.order.key
        self.modified += 1
        self._outbox.modify(verdict)

    def _cancel_wish(self, wish: Wish, epoch: int) -> None:
        order = self._ledger.find(wish.target)
        if order is not None and order.coin == wish.coin:
            if order.state is OrderState.LIVE:  # any other waits for the venue first, which is not our latency
                order.cause, order.cause_ns, order.heard_ns = wish.cause, wish.cause_ns, self._now_ns()
            self.cancel(order)
            return
        gone = OrderNote(wish.coin, wish.side, wish.level, wish.target, epoch, OrderEvent.CANCELLED)
        self.tell([gone])  # it certainly does not rest: say so again

    def _refuse(self, wish: Wish, epoch: int, refusal: Refusal, event: OrderEvent = OrderEvent.REFUSED) -> None:
        self.refused[refusal] += 1
        note = OrderNote(wish.coin, wish.side, wish.level, wish.key, epoch, event, refusal=refusal)
        self.tell([note._replace(px_ticks=wish.px_ticks, sz_lots=wish.sz_lots)])

    def venue_refused(self, refusal: Refusal, words: str, orders: int = 1) -> None:
        """Count a refusal of the venue, and write down what it said the first time it says so."""
        self.refused[refusal] += orders
        kind = DIGITS.sub("#", words)
        if kind not in self._heard and len(self._heard) < MANY_WORDS:
            self._heard.add(kind)
            LOG.warning("the venue refused (%s): %s", refusal.name, words)

    # -- cancels -------------------------------------------------------------------------------------------------

    def cancel(self, order: OwnOrder) -> None:
        """End an order by the shortest way; it keeps counting until the venue says that it is gone."""
        if order.over or order.state is OrderState.CANCELLING:
            return
        unsent = self._outbox.withdraw(order.key)
        if unsent is not None:
            self._take_back(unsent)
            return
        order.cancel_wanted = True
        heir = None if order.replaced_by is None else self._ledger.find(order.replaced_by)
        if heir is not None and heir.over:
            heir = None
        if order.state is OrderState.MODIFYING and heir is not None:
            self.cancel(heir)  # if it was never sent the old order is live again, and cancelled on the way
        if order.state is OrderState.LIVE or (order.state is OrderState.MODIFYING and heir is None):
            order.state = OrderState.CANCELLING
            self.cancelled += 1
            self._outbox.cancel(order)

    def _take_back(self, unsent: Approved) -> None:
        if unsent.target is None:
            self.tell(self._ledger.withdraw(unsent.order, OrderEvent.CANCELLED))
        else:
            self.modify_failed(unsent.order, Refusal.NO_PERMIT)

    def modify_failed(self, order: OwnOrder, refusal: Refusal) -> None:
        """A replacement never came to be and the old order lives on, unless it was to be cancelled meanwhile."""
        old = None if order.replaces is None else self._ledger.find(order.replaces)
        self.tell(self._ledger.modify_failed(order, refusal))
        if old is not None and old.cancel_wanted and old.state is OrderState.LIVE:
            self.cancel(old)

    def cancel_coin(self, coin: int) -> None:
        """End every order of one coin."""
        for order in self._ledger.orders(coin):
            self.cancel(order)

    def cancel_all(self) -> None:
        """End every order of the account that the ledger carries."""
        for unsent in self._outbox.withdraw_all():
            self._take_back(unsent)
        for order in self._ledger.orders():
            self.cancel(order)

    # -- facts ---------------------------------------------------------------------------------------------------

    def tell(self, notes: Sequence[Note]) -> None:
        """Pass on what the ledger says, and act on it in the same turn."""
        if not notes:
            return
        notes = [self._timed(note) for note in notes]
        for note in notes:
            if isinstance(note, FillNote):
                self._count_fill(note)
            elif isinstance(note, OrphanNote):
                self._meet(note)
            elif isinstance(note, OrderNote) and note.cause is not Cause.OURS:
                self._ended_by_venue(note)
            elif isinstance(note, OrderNote) and note.event in {OrderEvent.ACCEPTED, OrderEvent.REPLACED}:
                self._arrived(note)
        self._tell(notes)
        if any(isinstance(note, FillNote | PositionNote) for note in notes):
            self.shed()

    def _meet(self, note: OrphanNote) -> None:
        """An order of nobody here."""
        if self._others.judge(note, self._guard.venue_ms(self._now_ns())) is Verdict.CANCEL:
            self._outbox.cancel_oid(note.coin, note.oid)
        else:
            self._ledger.tolerate(note)
            self.shed()

    def _ended_by_venue(self, note: OrderNote) -> None:
        """An order ended for a reason of the venue's; one for want of margin must not be placed again at once."""
        name = self._ledger.instruments[note.coin].coin
        self._others.count(note.cause, f"{name} oid {note.oid}")
        if note.cause is Cause.MARGIN_CANCEL:
            self._guard.pause(note.coin, self._now_ns())

    def _forced(self, note: FillNote) -> None:
        """A fill of somebody's making; where the venue made it, nothing new is placed before everything was read."""
        instrument = self._ledger.instruments[note.coin]
        what = f"{instrument.sz_text(note.sz_lots)} {instrument.coin} at {instrument.px(note.px_ticks):g}"
        self._others.count(note.cause, what)
        if note.cause in FORCED:
            self._guard.reconciled = False

    def _timed(self, note: Note) -> Note:
        """A refusal says when the next order will be possible, so that nobody has to guess."""
        if isinstance(note, OrderNote) and note.event in {OrderEvent.REFUSED, OrderEvent.MODIFY_FAILED}:
            return note._replace(wait_ns=self._guard.wait_ns(self._now_ns()))
        return note

    def _count_fill(self, note: FillNote) -> None:
        """A run of fills on one side takes that side off the book at once."""
        if note.cause is not Cause.OURS and not note.contained:
            self._forced(note)
        limits = self._permits.limits
        if limits is None or note.taker or note.contained:
            return
        instrument = self._ledger.instruments[note.coin]
        usd = instrument.sz(note.sz_lots) * instrument.px(note.px_ticks)
        limit_usd = worst_case.position_limit_usd(limits, instrument.coin)
        adds = SIGN[note.side] * self._ledger.positions[note.coin].szi_lots > 0
        if adds and self._guard.fill_run.fill(note.coin, note.side, usd, limit_usd, self._now_ns()):
            for order in self._ledger.orders(note.coin):
                if order.side == note.side:
                    self.cancel(order)

    def _arrived(self, note: OrderNote) -> None:
        """An order has a number: what it replaced is gone, and if it was to be cancelled on its way it is now."""
        for old in self._ledger.orders(note.coin):
            if old.replaced_by == note.key and not old.over and old.asked_ns == 0:
                old.asked_ns = self._now_ns()  # its last row may be lost, and the answer that would say so too
                old.cancel_acked = True
        order = self._ledger.find(note.key)
        if order is not None and order.cancel_wanted and order.state is OrderState.LIVE:
            order.cancel_wanted = False
            self.cancel(order)

    def uncertain(self, order: OwnOrder, now_ns: int) -> None:
        """The answer to an order was lost."""
        if order.over or order.state is not OrderState.PENDING:
            return
        order.state = OrderState.UNKNOWN
        order.asked_ns = now_ns
        self.tell([order_note(order, OrderEvent.UNCERTAIN)])

    def enforce(self, now_ns: int) -> None:
        """Hold what rests to what is allowed now: permits that ended, modes, limits."""
        for instrument in self._ledger.instruments:
            state = self._guard.state(instrument.index, now_ns)
            if state >= RiskState.CANCEL_ONLY:
                self.cancel_coin(instrument.index)
            elif state >= RiskState.REDUCE_ONLY:
                self._only_reduce(instrument.index)
        self.shed()

    def _only_reduce(self, coin: int) -> None:
        """Cancel what could add to the position; of what reduces it, only the excess."""
        szi = self._ledger.positions[coin].szi_lots
        for side in SIDES:
            left = max(0, -SIGN[side] * szi)
            for order in sorted(self._ledger.orders(coin), key=lambda one: SIGN[one.side] * -one.px_ticks):
                if order.side != side or order.leaving or order.over:
                    continue
                left -= order.remaining_lots
                if left < 0:
                    self.cancel(order)

    def shed(self) -> None:
        """Cancel what could break a limit, farthest first."""
        if (limits := self._permits.limits) is not None:
            for order in worst_case.excess(self._ledger, self._market, limits):
                self.cancel(order)
