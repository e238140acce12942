"""One flatten: cancel everything, close every position with reduce-only takers at bounded prices, have it confirmed.

Closing does not wait for reading. What is held is known from fills and from the answers to our own orders; readings of
the venue run beside it and confirm the end, or show what fills did not. So a venue whose reads fail, lag or come empty
delays the confirmation alone, and the answer says what could not be verified. The last word is the matching engine's:
a close it refuses because nothing would be reduced proves that nothing is there.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Final

from portfolio_mm.actors.gateway.own_names import OWN_LEVEL, Serial
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.actors.messages import Answer
from portfolio_mm.domain.errors import MalformedMessage, PreflightError, StateError, VenueError
from portfolio_mm.domain.order import OrderState, Refusal
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SELL, SIGN
from portfolio_mm.hyperliquid.account import AccountTruth, read_account, refresh_account
from portfolio_mm.hyperliquid.user import OrderUpdate

CLOSE_S: Final = 20.0
WINDOW_S: Final = 75.0
"""Longest wait for the end of a post-only window; upgrades took under a minute (HL §7.5)."""
CANCELS_S: Final = 2.0
"""How long closing waits for the word that the orders of a coin are gone; reduce-only orders cannot overshoot."""
VERIFY_S: Final = 6.0
READ_S: Final = 3.0
STEP_S: Final = 0.25
WINDOW_STEP_S: Final = 2.0
LOOKS_S: Final = (0.15, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0)
"""Pauses between looks: open orders cost IP weight 20 each time."""
ORDERS: Final = "open orders"
POSITIONS: Final = "positions"
PRICES: Final = "prices"
LANDED_MS: Final = 2_000
"""A taker whose answer was lost cannot land this long after its expiry (architecture section 2, cloid)."""
WORLD: Final = {Refusal.VENUE_WINDOW, Refusal.REDUCE_ONLY, Refusal.BUDGET, Refusal.RATE_LIMIT}
"""Refusals that a worse price does not cure."""
CROSS_BPS: Final = (20.0, 50.0, 100.0, 200.0)
"""How far through the reference price a closing order may trade, try by try."""


class Flattening:
    """One request to flatten; `run` answers within CLOSE_S and VERIFY_S, or WINDOW_S while takers are barred."""

    def __init__(self, parts: Parts, serial: Serial) -> None:
        self._parts = parts
        self._serial = serial
        self._sent: dict[int, OwnOrder] = {}
        self._tries = [0 for _ in parts.ledger.instruments]
        self._refuted: dict[int, tuple[int, int]] = {}
        self._why: dict[int, str] = {}
        self._mids: dict[str, str] = {}
        self._truth: AccountTruth | None = None
        self._rests: list[OrderUpdate] | None = None
        self._unread: dict[str, str] = {}
        self._barred = ""
        self._special = ""

    async def run(self) -> Answer:
        """Until it is done and verified, or the time is over."""
        reads = ((ORDERS, self._read_orders), (POSITIONS, self._read_account), (PRICES, self._read_prices))
        looking = [asyncio.create_task(self._look(what, read)) for what, read in reads]
        try:
            return await self._work()
        finally:
            for look in looking:
                look.cancel()
            await asyncio.gather(*looking, return_exceptions=True)

    async def _work(self) -> Answer:
        began = time.monotonic()
        until, flat_s = began + CLOSE_S, None
        while (now := time.monotonic()) < until:
            self._cancel()
            self._settle()
            held = self._held()
            flat = not held and not self._resting()
            flat_s = (flat_s or now) if flat else None
            if flat and self._verified():
                return Answer("flatten", done=True, text=self._closed_text())
            if flat_s is not None and now - flat_s > VERIFY_S:
                break
            for coin, lots in held.items():
                self._close(coin, lots, waited=now - began > CANCELS_S)
            self._parts.dispatch.wake()
            window = self._barred or self._special
            if window:
                until = max(until, min(began + WINDOW_S, now + CLOSE_S))
            await asyncio.sleep(WINDOW_STEP_S if window else STEP_S)
        return Answer("flatten", done=False, text=self._open_text())

    # -- acting --------------------------------------------------------------------------------------------------

    def _cancel(self) -> None:
        """Every order of coins by cloid, and what the venue showed and we do not carry by its number."""
        parts = self._parts
        for order in parts.ledger.orders():
            if order.level != OWN_LEVEL or order.state is OrderState.LIVE:
                parts.desk.cancel(order)
        if self._rests:
            carried = {order.oid for order in parts.ledger.orders()}
            found = [(parts.ledger.index(row.coin), row) for row in self._rests if row.oid not in carried]
            parts.desk.tell([parts.ledger.orphan(coin, row) for coin, row in found if coin is not None])
            self._rests = None
        parts.dispatch.wake()

    def _close(self, coin: int, lots: int, *, waited: bool) -> None:
        """Queue one order that closes what a coin holds, unless one is on its way."""
        parts, instrument = self._parts, self._parts.ledger.instruments[coin]
        if coin in self._sent or (not waited and any(not one.over for one in parts.ledger.orders(coin))):
            return
        reference = self._reference(coin)
        if reference <= 0.0:
            return
        side = SELL if lots > 0 else BUY
        cross_bps = CROSS_BPS[min(self._tries[coin], len(CROSS_BPS) - 1)]
        target = reference * (1.0 + SIGN[side] * cross_bps / 1e4) * 10**instrument.px_decimals
        order = OwnOrder(
            key=self._serial.key(coin, side),
            coin=coin,
            side=side,
            level=OWN_LEVEL,
            px_ticks=int(round_px(target, instrument.px_decimals, side == BUY)),
            sz_lots=abs(lots),
            reduce_only=True,
            epoch=0,
        )
        approved = parts.guard.close(order, lots)
        if not isinstance(approved, Refusal):
            parts.ledger.add(order)
            self._sent[coin] = order
            parts.outbox.create(approved)

    def _reference(self, coin: int) -> float:
        """The mark, or what the venue says is the mid when there is no mark or the mark led to nothing."""
        mark = self._parts.market.mark_px[coin]
        mid = float(self._mids.get(self._parts.ledger.instruments[coin].coin, 0.0))
        return mid if mid > 0.0 and (mark <= 0.0 or self._tries[coin] >= len(CROSS_BPS)) else mark

    def _settle(self) -> None:
        """What became of the closing orders: each is a lesson about price, window or position."""
        block_ms = self._parts.clock.now_ms(time.monotonic_ns())
        for coin, order in tuple(self._sent.items()):
            if not order.over and (order.nonce == 0 or block_ms <= order.expires_ms + LANDED_MS):
                continue
            del self._sent[coin]
            if not order.over or order.filled_lots or order.ended_lots:
                self._barred = ""
                continue  # lost, or a fill: no reason for a worse price
            name = self._parts.ledger.instruments[coin].coin
            self._why[coin] = f" (refused: {order.refusal.name}, the venue's words are in the log)"
            self._barred = f"{name}: takers are refused" if order.refusal is Refusal.VENUE_WINDOW else ""
            if order.refusal is Refusal.REDUCE_ONLY:
                self._refuted[coin] = (order.side, self._counted(coin))
            if order.refusal not in WORLD:
                self._tries[coin] += 1

    # -- knowing -------------------------------------------------------------------------------------------------

    def _held(self) -> dict[int, int]:
        """Signed lots by coin that are to be closed."""
        found = {}
        for instrument in self._parts.ledger.instruments:
            lots = self._lots(instrument.index)
            if lots:
                found[instrument.index] = lots
        return found

    def _lots(self, coin: int) -> int:
        """By fills alone, then by the ledger, then by a reading younger than both, unless a refusal refuted it.

        The ledger may have taken over a wrong reading, so what fills say is closed first.
        """
        counted = self._counted(coin)
        side, then = self._refuted.get(coin, (-1, 0))
        ledger_lots = self._parts.ledger.positions[coin].szi_lots + self._owed(coin)
        for lots in (counted, ledger_lots, self._read_lots(coin) or 0):
            if lots and (counted != then or side != (SELL if lots > 0 else BUY)):
                return lots
        return 0

    def _counted(self, coin: int) -> int:
        return self._parts.ledger.positions[coin].counted_lots + self._owed(coin)

    def _owed(self, coin: int) -> int:
        """Fills the answers told of, whose rows have not come."""
        return sum(
            SIGN[order.side] * (order.ended_lots - order.filled_lots)
            for order in self._parts.ledger.orders(coin)
            if order.ended_lots is not None
        )

    def _read_lots(self, coin: int) -> int | None:
        """What a reading of ours says; None without one, or when fills are younger."""
        truth, ledger = self._truth, self._parts.ledger
        if truth is None or truth.time_ms <= ledger.fills_seen.newest_ms:
            return None
        instrument = ledger.instruments[coin]
        return next((instrument.lots(one.szi) for one in truth.positions if one.coin == instrument.coin), 0)

    def _resting(self) -> bool:
        return any(not order.over and not order.cancel_acked for order in self._parts.ledger.orders())

    def _verified(self) -> bool:
        """Whether the venue showed no order and no position after all was over."""
        coins = range(len(self._parts.ledger.instruments))
        return (
            not self._unread.keys() & {ORDERS, POSITIONS}
            and self._rests == []
            and all(self._read_lots(coin) == 0 for coin in coins)
        )

    # -- reading -------------------------------------------------------------------------------------------------

    async def _look(self, what: str, read: Callable[[], Awaitable[None]]) -> None:
        """Read for ever; what fails is remembered until it works."""
        for turn in itertools.count():
            await self._try(what, read)
            await asyncio.sleep(LOOKS_S[min(turn, len(LOOKS_S) - 1)])

    async def _try(self, what: str, read: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(READ_S):
                await read()
        except TimeoutError:
            self._unread.setdefault(what, f"no usable answer within {READ_S:.0f} s")
        except (VenueError, MalformedMessage, PreflightError, StateError) as error:
            self._unread[what] = str(error)
        else:
            self._unread.pop(what, None)

    async def _read_orders(self) -> None:
        settled = not self._resting()
        tolerated, rows = self._parts.ledger.tolerated, await self._parts.reconciler.open_on_our_coins()
        rests = [row for row in rows if row.oid not in tolerated]
        self._rests = rests if rests or settled else None

    async def _read_account(self) -> None:
        """Through the doubts every reading passes: an empty answer does not make a position vanish."""
        parts = self._parts
        known = parts.money.truth
        if known is None:
            truth = await read_account(parts.info, parts.config.account, parts.config.dexes)
        else:
            truth = await refresh_account(parts.info, known, parts.config.dexes)
        parts.clock.hear(truth.time_ms, time.monotonic_ns())
        if not await parts.readings.take(truth):
            msg = "the reading of the account fits no fill, mark or transfer"
            raise MalformedMessage(msg)
        self._truth = truth

    async def _read_prices(self) -> None:
        info, dexes = self._parts.info, self._parts.config.dexes
        self._mids = {coin: px for dex in dexes for coin, px in (await info.all_mids(dex, urgent=True)).items()}
        status = await self._parts.info.exchange_status()
        self._special = str(status.get("specialStatuses") or "")

    # -- words ---------------------------------------------------------------------------------------------------

    def _closed_text(self) -> str:
        ours = {one.coin for one in self._parts.ledger.instruments}
        others = [] if self._truth is None else sorted(p.coin for p in self._truth.positions if p.coin not in ours)
        rest = f"; not of this run, and left alone: {', '.join(others)}" if others else ""
        return f"every order is cancelled and every position of this run is closed, the venue confirms it{rest}"

    def _open_text(self) -> str:
        ledger, held = self._parts.ledger, self._held()
        names = ", ".join(
            f"{ledger.instruments[coin].coin} {ledger.instruments[coin].sz_text(lots)}{self._why.get(coin, '')}"
            for coin, lots in held.items()
        )
        resting = sorted(
            {ledger.instruments[one.coin].coin for one in ledger.orders() if not (one.over or one.cancel_acked)}
        )
        parts = [f"not closed: {names}" if names else "by fills and answers every position is closed"]
        parts += [f"no word that the orders of {', '.join(resting)} are gone"] if resting else []
        if self._barred or self._special:
            window = "; ".join(word for word in (self._barred, self._special) if word)
            parts.append(f"the venue takes only post-only orders now ({window}): flatten again when that is over")
        unread = {what: why for what, why in self._unread.items() if what != PRICES}
        parts += [f"NOT verified, {what} could not be read ({why})" for what, why in unread.items()]
        if not names and not resting and not unread:
            parts.append("NOT verified, the venue's readings do not show it yet")
        return "; ".join(parts) + ". Nothing is placed until `portfolio-mm resume`"
