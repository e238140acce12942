"""What a gateway does by itself, and how often: listen, reconcile, hold limits, pull permits, tell views."""

import asyncio
import contextlib
import logging
import time
from typing import Final

from portfolio_mm.actors.gateway.account_view import NEVER_S
from portfolio_mm.actors.gateway.parts import USER_STREAMS, Parts
from portfolio_mm.actors.gateway.purpose import Purpose
from portfolio_mm.actors.gateway.requests import Requests
from portfolio_mm.actors.gateway.session import Session
from portfolio_mm.actors.gateway.stream_watch import StreamWatch
from portfolio_mm.actors.gateway.view import Pulse, build
from portfolio_mm.actors.messages import Heartbeat, PermitRequest, View
from portfolio_mm.domain.errors import MalformedMessage, PreflightError, VenueError
from portfolio_mm.domain.order import VENUE_ENDED
from portfolio_mm.hyperliquid.account import AccountTruth, refresh_account
from portfolio_mm.hyperliquid.money_moves import LedgerRow
from portfolio_mm.hyperliquid.user import Fill, Funding, OrderUpdate, UserMessage, parse_user
from portfolio_mm.hyperliquid.websocket import SocketState

LOG: Final = logging.getLogger(__name__)
TURN_S: Final = 0.05
KEEP_S: Final = 1.0
FORGET_S: Final = 600.0
RETRY_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
SIGNS_OF_LIFE: Final = (*USER_STREAMS, "user", "pong", "post", "subscriptionResponse")
LEAST_PAUSE_S: Final = 2.0
"""Between two reconciliations that nothing forces: each has IP weight of about 124."""
MS_PER_DAY: Final = 86_400_000
LOOK_S: Final = 1.0
"""Least pause between two readings of money, however often something asks for one."""
MODE_S: Final = 5.0
DOUBT_MODE_S: Final = 30.0
"""Least pauses between two readings of the mode: that hints ask for, and that an unexplained step of equity asks for.
Reconciliation reads it in any case."""


class Rhythm:
    """The loops of one life. Each ends only with the life."""

    def __init__(self, parts: Parts, session: Session) -> None:
        self._parts = parts
        self._session = session
        self._stale = asyncio.Event()
        self._blind_since: float | None = time.monotonic()
        self.malformed = 0
        self.streams = StreamWatch(parts.ledger, parts.clock)
        self.refused = False
        """We leave the account to another instance, whose orders the watchdog must not touch."""
        self.cleared = asyncio.Event()
        """Set once everything found at the start is cancelled; the streams are read from then on."""
        self.ready = asyncio.Event()
        """Set once the ledger equalled venue truth for the first time."""
        self.requests = Requests(parts, session, self.view)

    async def listen(self) -> None:
        """User streams into the ledger; a new connection asks for reconciliation."""
        await self.cleared.wait()
        async for recv_ns, item in self._parts.socket:
            if item is SocketState.CONNECTED:
                self._stale.set()
                self._parts.lookout.reconnected()
            elif isinstance(item, SocketState):
                self._blind()
            else:
                self._hear(item, recv_ns)

    def _blind(self) -> None:
        """The stream is down: nothing is created until truth was read again."""
        self._parts.guard.reconciled = False
        self._blind_since = self._blind_since or time.monotonic()

    def _hear(self, raw: bytes, recv_ns: int) -> None:
        try:
            messages = parse_user(raw)
        except MalformedMessage as error:
            self.malformed += 1
            if self.malformed == 1:
                LOG.warning("a user message cannot be read, reconciling: %s", error)
            self._stale.set()
            return
        parts, was_behind = self._parts, self._parts.clock.behind
        if not messages:
            self._overhear(raw, recv_ns)
        for message in messages:
            self._take(message, recv_ns)
        if parts.clock.behind != was_behind:
            self._clock_went(back=parts.clock.behind)
        parts.dispatch.wake()

    def _take(self, message: UserMessage, recv_ns: int) -> None:
        """One row of the account's own streams."""
        parts = self._parts
        match message:
            case OrderUpdate():
                parts.clock.follow(message.status_ms, recv_ns)
                parts.desk.tell(parts.ledger.on_update(message))
                if message.status in VENUE_ENDED:
                    parts.moods.hint()
            case Fill():
                if not message.is_snapshot:
                    parts.clock.follow(message.time_ms, recv_ns)
                if parts.money.foreign(message):
                    parts.lookout.account_moved.set()
                parts.desk.tell(parts.ledger.on_fill(message))
            case Funding():
                parts.money.foreign(message)
                parts.desk.tell(parts.ledger.on_funding(message))
            case LedgerRow():
                parts.transfers.count([message], parts.money.mode)
            case _:
                self._stale.set()  # the venue acted by itself: read everything again

    def _overhear(self, raw: bytes, recv_ns: int) -> None:
        """Words of the venue beside our orders: moods, the account's mode."""
        try:
            self._parts.lookout.hear(raw, recv_ns)
        except MalformedMessage as error:
            self.malformed += 1
            LOG.warning("what the venue says of its moods cannot be read: %s", error)

    def _clock_went(self, *, back: bool) -> None:
        """Readings and fills are told apart by block time: while that repeats itself no position is certain."""
        if back:
            LOG.warning("the venue's clock went back: nothing is quoted until it is where it was")
            self._parts.guard.reconciled = False
            self._parts.desk.cancel_all()
        else:
            self._stale.set()

    # -- reconciliation ------------------------------------------------------------------------------------------

    async def reconcile(self) -> None:
        """After every connect at once, else on a timer."""
        failures, last_s = 0, -LEAST_PAUSE_S
        await self.cleared.wait()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._parts.config.reconcile_s * self._patience()):  # see `persevere`
                    await self._stale.wait()
            pause_s = LEAST_PAUSE_S - (time.monotonic() - last_s)
            if self._parts.guard.reconciled and pause_s > 0.0:  # hints of the venue come in bursts
                await asyncio.sleep(pause_s)
            self._stale.clear()
            last_s = time.monotonic()
            try:
                taken = await self._read(await self._parts.reconciler.run())
            except (VenueError, MalformedMessage, PreflightError) as error:
                LOG.warning("reconciliation failed: %s", error)
                self._stale.set()
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            if not taken and self._parts.money.truth is None:  # a transfer beside the first reading: read again
                self._stale.set()
                await asyncio.sleep(RETRY_S[0])
            current = self._parts.socket.connected and not self._parts.clock.behind
            if taken and current and not self._stale.is_set():
                self._parts.guard.reconciled = True
                self._blind_since = None
                self.ready.set()
            self._session.enforce()

    def _patience(self) -> float:
        """Reads that nothing forces come more rarely while the weight of this internet address runs short."""
        return self._parts.budgets.patience(time.monotonic_ns())

    async def _read(self, truth: AccountTruth) -> bool:
        parts = self._parts
        taken = await parts.readings.take(truth, look=True)
        parts.budgets.set_mode(truth.mode)
        if taken:
            parts.moods.money(truth)
        budget = parts.budgets.address
        budget.used, budget.cap, budget.surplus = truth.address_used, truth.address_cap, truth.address_surplus
        self._session.tell_account()
        return taken

    async def watch_account(self) -> None:
        """Money and positions every few seconds; with the mode when something says that it changed (weight 40 more)."""
        parts, lookout, mode_s = self._parts, self._parts.lookout, -MODE_S
        while True:
            await asyncio.sleep(min(LOOK_S, parts.config.account_s))
            with contextlib.suppress(TimeoutError):
                pause_s = parts.readings.pause_s(parts.config.account_s) * self._patience() - LOOK_S
                async with asyncio.timeout(max(0.0, pause_s)):
                    await lookout.account_moved.wait()
            if (known := parts.money.truth) is None:
                continue
            asked_s = time.monotonic() - mode_s
            asks_mode = asked_s >= (MODE_S if lookout.asks_mode else DOUBT_MODE_S)
            asks_mode = asks_mode and (lookout.asks_mode or parts.readings.in_doubt)
            lookout.account_moved.clear()
            if asks_mode:
                mode_s, lookout.asks_mode = time.monotonic(), False
            try:
                was_behind = parts.clock.behind
                truth = await refresh_account(parts.info, known, parts.config.dexes, all_but_fees=asks_mode)
                parts.clock.hear(truth.time_ms, time.monotonic_ns())
                if was_behind:
                    parts.clock.passes(truth.time_ms)
                if parts.clock.behind:
                    continue
                if was_behind:
                    self._clock_went(back=False)
                doubted = parts.readings.in_doubt
                taken = await parts.readings.take(truth)
            except (VenueError, MalformedMessage, PreflightError) as error:
                LOG.warning("the account could not be read: %s", error)
                continue
            if taken and doubted and not parts.guard.reconciled:
                self._stale.set()
            if taken:
                parts.budgets.set_mode(truth.mode)
                parts.moods.money(truth)
            self._session.tell_account()

    async def settle(self) -> None:
        """Work off orders of unknown fate."""
        while True:
            await asyncio.sleep(self._parts.config.permit_s)
            if self._parts.budgets.next_action(Purpose.CANCEL, time.monotonic_ns()).wait_s <= 0.0:
                await self._parts.doubts.work()
            self._parts.dispatch.wake()

    # -- holding limits and permits ------------------------------------------------------------------------------

    async def hold(self) -> None:
        """Twenty times a second: permits that ended, limits, a stream that stays down, coins that missed events."""
        while True:
            await asyncio.sleep(TURN_S)
            if self._parts.others.reread:
                self._parts.others.reread = False
                self._stale.set()
            self._watch_streams()
            blind = self._blind_since
            if blind is not None and time.monotonic() - blind > self._parts.config.blind_s:
                self._parts.desk.cancel_all()
            self._session.enforce()
            if self._parts.moods.take_change():
                self._session.tell_modes()
            for link in self._parts.hub.lagging():
                self._session.sync(link)

    def _watch_streams(self) -> None:
        """A channel that owes rows is stalled: begin anew, and read everything before anything new."""
        if self._parts.socket.connected and self._parts.guard.reconciled:
            channel = self.streams.stalled(time.monotonic_ns())
            if channel:
                self._parts.socket.renew(f"{channel} is silent although the venue acted")

    async def pulse(self) -> None:
        """Four times a second: ask for a permit (its answer goes to the coins), beat for the watchdog, tell views."""
        parts = self._parts
        while True:
            view = self.view()
            parts.hub.say(PermitRequest(parts.epoch, time.monotonic_ns(), view), "risk")
            beat = Heartbeat(time.monotonic_ns(), stopping=self.requests.stopping, refused=self.refused)
            parts.hub.say(beat, "watchdog")
            parts.hub.say(view, "portfolio", "console")
            await asyncio.sleep(parts.config.permit_s)

    async def keep(self) -> None:
        """Once a second: nonces ahead of need, the day's and the run's actions on disk, equity to the coins."""
        parts, forgot_s, before = self._parts, -FORGET_S, 0
        while True:
            if time.monotonic() - forgot_s > FORGET_S:
                forgot_s = time.monotonic()
                await asyncio.to_thread(parts.chronicle.forget, parts.config.keep_hours)
            now_ms = parts.clock.now_ms(time.monotonic_ns())
            if parts.clock.known:
                await parts.nonces.refill(now_ms)
                used, day = parts.budgets.day.used(now_ms), now_ms // MS_PER_DAY
                ahead = 2 * max(0, used - before)  # what a crash before the next writing would lose
                await asyncio.to_thread(parts.store.save_day_actions, parts.config.account, day, used + ahead)
                before = used
            await asyncio.to_thread(parts.tally.keep, parts.tally.now())
            self._session.tell_account()
            parts.market.equity_usd = parts.money.equity_usd
            parts.market.apart = parts.money.ledgers()
            parts.budgets.observe(time.monotonic_ns())
            self._session.tell_price()
            self._session.tell_deadline()
            await asyncio.sleep(KEEP_S)

    def _stream_age_s(self) -> float:
        socket = self._parts.socket
        return min(socket.age_s(channel) for channel in SIGNS_OF_LIFE) if socket.connected else NEVER_S

    def view(self) -> View:
        """The account now."""
        parts, session, now_ns = self._parts, self._session, time.monotonic_ns()
        peers = tuple((link.name, (now_ns - link.heard_ns) / 1e9) for link in parts.hub.links())
        silent_s = (now_ns - session.watchdog_ns) / 1e9 if session.watchdog_ns else NEVER_S
        pulse = Pulse(self._stream_age_s(), peers, silent_s, self.requests.stopping, self.malformed)
        return build(parts, session.reports, pulse)
