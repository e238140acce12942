"""Venue truth into the ledger: at start, after every reconnect of the user stream, and on a timer.

Order of reading: positions, fills since the last known one, open orders. So every fill a reading of positions contains
is known before it is adopted, and what still differs is no fill of ours. The first pass of a life reads the fills and
fundings of the whole run: coins that missed some while we were away are told. Orders the ledger does not carry are
cancelled; orders it carries and the venue does not show are looked up one by one, never guessed away.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.positions import lots_held
from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.order import OrderState
from portfolio_mm.hyperliquid.account import AccountTruth, read_account, refresh_account
from portfolio_mm.hyperliquid.funding_rows import fundings_of
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.user import Fill, OrderUpdate, fills_of

OVERLAP_MS: Final = 10_000
FEES_S: Final = 60.0
FILLS_A_PAGE: Final = 2000
FUNDINGS_A_PAGE: Final = 500
CLEAR_PAUSES_S: Final = (0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.0, 1.5, 2.0, 2.0)
"""Each look costs IP weight 20."""


class Reconciler:
    """Reads and compares; every difference becomes a note."""

    def __init__(
        self,
        *,
        info: InfoClient,
        user: str,
        ledger: Ledger,
        desk: Desk,
        clock: VenueClock,
        wake: Callable[[], None],
        dexes: tuple[str, ...] = ("",),
        foreign: Callable[[Fill], object],
    ) -> None:
        self._wake = wake
        self._foreign = foreign
        self._dexes = dexes
        self._info = info
        self._user = user
        self._ledger = ledger
        self._desk = desk
        self._whole: AccountTruth | None = None
        self._fees_s = 0.0
        self._sure_ms = 0
        self._clock = clock
        self.caught_up = asyncio.Event()
        """Set once every fill and funding of the run is known; coins get their snapshot from then on."""

    async def run(self) -> AccountTruth:
        """One full pass; the reading of the account is given, not taken over.

        Raises:
            VenueError, MalformedMessage: the venue could not be read; nothing was assumed.
        """
        truth = await self._look()
        if self.caught_up.is_set():
            await self._read_fills()
        else:
            await self.read_books()
        await self._read_orders()
        self.caught_up.set()
        return truth

    async def read_books(self) -> None:
        """Every fill and funding of the run: coins are told those that were never seen.

        Later the streams tell, also after a lost connection; but a stream may keep silent, and at the end nobody waits.

        Raises:
            VenueError, MalformedMessage: the venue could not be read.
        """
        await self._read_fills(self._ledger.fills_seen.began_ms)
        await self._read_fundings()

    async def begin(self) -> AccountTruth:
        """The first reading of a life: what is held, before anything else is known."""
        truth = await self._look()
        for seen in (self._ledger.fills_seen, self._ledger.fundings_seen):
            seen.began_ms = seen.began_ms or truth.time_ms
        self.adopt(truth)
        return truth

    async def read_account(self) -> AccountTruth:
        """Money and positions, adopted."""
        truth = await self._look()
        await self.meet(truth)
        self.adopt(truth)
        return truth

    async def meet(self, truth: AccountTruth) -> None:
        """Before a reading is adopted: one that fills had not led to may know a fill of which no row has come.

        Fills of both sides may be missing at once and come to nothing; the first of them to come tells.

        Raises:
            VenueError, MalformedMessage: the fills could not be read; the reading must not be adopted.
        """
        positions, rows = self._ledger.positions, lots_held(self._ledger.instruments, truth)
        if any(positions[index].lots_at(truth.time_ms) != lots or positions[index].ahead for index, lots, _ in rows):
            await self._read_fills()

    async def _look(self) -> AccountTruth:
        """Everything about the account; its fees, a third of the request weight, once a minute."""
        now_s, whole = time.monotonic(), self._whole
        if whole is not None and now_s - self._fees_s < FEES_S:
            truth = self._whole = await refresh_account(self._info, whole, self._dexes, all_but_fees=True)
        else:
            truth = self._whole = await read_account(self._info, self._user, self._dexes)
            self._fees_s = now_s
        self._clock.hear(truth.time_ms, time.monotonic_ns())
        return truth

    def adopt(self, truth: AccountTruth) -> None:
        """Positions go into the ledger at the block time of the reading."""
        for index, lots, px in lots_held(self._ledger.instruments, truth):
            self._desk.tell(self._ledger.on_position(index, lots, px, truth.time_ms))

    async def _read_fills(self, since_ms: int | None = None) -> None:
        """Page by page (HL §1.12: at most 2000 a reply, oldest first); without `since_ms` from where all are known.

        That is what was newest at the last reading: a fill heard since may have come after others that were not heard.
        """
        seen = self._ledger.fills_seen
        if since_ms is None:
            since_ms = max(seen.began_ms, self._sure_ms - OVERLAP_MS)
        newest_ms = seen.newest_ms
        while True:
            rows = await self._info.user_fills_by_time(self._user, since_ms)
            fills = sorted(fills_of(rows), key=lambda one: one.time_ms)
            for fill in fills:
                self._foreign(fill)
                self._desk.tell(self._ledger.on_fill(fill))
            if len(fills) < FILLS_A_PAGE:
                self._sure_ms = max(newest_ms, fills[-1].time_ms if fills else 0)
                return
            since_ms = max(since_ms + 1, fills[-1].time_ms)

    async def _read_fundings(self) -> None:
        since_ms = self._ledger.fundings_seen.began_ms
        while True:
            rows = await self._info.user_funding(self._user, since_ms)
            fundings = sorted(fundings_of(rows), key=lambda one: one.time_ms)
            for funding in fundings:
                self._desk.tell(self._ledger.on_funding(funding))
            if len(fundings) < FUNDINGS_A_PAGE:
                return
            since_ms = max(since_ms + 1, fundings[-1].time_ms)

    async def _read_orders(self) -> None:
        before_ns = time.monotonic_ns()
        carried = [order for order in self._ledger.orders() if order.oid and not order.over]
        rows = await self._open_orders()
        shown: set[int] = set()
        for row in rows:
            update = _open_row(row)
            if self._ledger.index(update.coin) is not None:
                shown.add(update.oid)
                self._desk.tell(self._ledger.on_update(update))
        self._ledger.forget_others(shown)
        self._question(carried, shown, before_ns)

    def _question(self, carried: Sequence[OwnOrder], shown: set[int], before_ns: int) -> None:
        """What rested before the reading and is not in it must be looked up."""
        for order in carried:
            if (
                order.oid not in shown
                and not order.over
                and order.state is not OrderState.UNKNOWN
                and not order.asked_ns
            ):
                order.asked_ns = before_ns

    async def _open_orders(self) -> list[dict[str, Any]]:
        """Orders on every dex of the run; the venue lists those of one at a time (IP weight 20 each)."""
        lists = await asyncio.gather(*(self._info.frontend_open_orders(self._user, dex) for dex in self._dexes))
        return [row for rows in lists for row in rows]

    async def open_on_our_coins(self) -> list[OrderUpdate]:
        """Every order the venue shows on the coins of this run, whoever placed it."""
        rows = [_open_row(row) for row in await self._open_orders()]
        return [row for row in rows if self._ledger.index(row.coin) is not None]

    async def clear(self) -> list[tuple[int, int]]:
        """Cancel everything on our coins that may not stay, until the venue shows nothing else; (coin, oid) left."""
        left: list[tuple[int, int]] = []
        for pause_s in CLEAR_PAUSES_S:
            self._desk.cancel_all()
            rows = await self.open_on_our_coins()
            tolerated = self._ledger.tolerated
            carried = {order.oid for order in self._ledger.orders()}
            strange = [row for row in rows if row.oid not in carried and row.oid not in tolerated]
            self._desk.tell([self._ledger.orphan(self._coin(row), row) for row in strange])
            left = [(self._coin(row), row.oid) for row in rows if row.oid not in tolerated]
            if not left and not self._ledger_rests():
                return []
            self._wake()
            await asyncio.sleep(pause_s)
        return left

    def _coin(self, row: OrderUpdate) -> int:
        found = self._ledger.index(row.coin)
        assert found is not None
        return found

    def _ledger_rests(self) -> bool:
        return any(not order.over for order in self._ledger.orders())


def _open_row(row: Mapping[str, Any]) -> OrderUpdate:
    try:
        cloid = row.get("cloid")
        return OrderUpdate(
            coin=row["coin"],
            side=0 if row["side"] == "B" else 1,
            limit_px=row["limitPx"],
            sz=row["sz"],
            orig_sz=row["origSz"],
            oid=int(row["oid"]),
            placed_ms=int(row["timestamp"]),
            status="open",
            status_ms=int(row["timestamp"]),
            cloid=cloid,
            reduce_only=bool(row.get("reduceOnly")),
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"frontendOpenOrders: {error!r} in {str(row)[:200]}"
        raise MalformedMessage(msg) from error
