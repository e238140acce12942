"""One life of the gateway as its peers see it: who may join, what each message does, what each coin is told."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Final

import numpy as np

from portfolio_mm.actors.gateway import notices
from portfolio_mm.actors.gateway.hub import NO_COIN, NOTHING_MISSED, Hub, Link
from portfolio_mm.actors.gateway.notices import Rows
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.actors.gateway.requests import Requests
from portfolio_mm.actors.gateway.wish import wishes
from portfolio_mm.actors.gateway.worst_case import HEADROOM, position_limit_usd
from portfolio_mm.actors.messages import (
    Allocation,
    Answer,
    Ask,
    CoinReport,
    Heartbeat,
    Hello,
    KillOrder,
    Message,
    PermitAnswer,
    Welcome,
)
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.domain.events import EVENT, LAST, REPLAYED, Mood
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.units import NS_PER_MS, NS_PER_S

CLEARED_S: Final = 2.0
"""How long a coin's snapshot waits for the orders of its former life to be gone."""
STEP_S: Final = 0.02
DEADLINE_NS: Final = 600 * NS_PER_S
"""Earlier the end of a run is no concern of its coins."""
MISSED_A_FRAME: Final = 1_000


class Session:
    """The hub's owner. `parts` are given once they exist; nobody is admitted before."""

    def __init__(self, token_file: str) -> None:
        self._token_file = Path(token_file)
        self.hub = Hub(self, self._token)
        self.reports: dict[int, CoinReport] = {}
        self.watchdog_ns = 0
        self._told_state: dict[int, RiskState] = {}
        self._told_usd = 0.0
        self._parts: Parts | None = None
        self._requests: Requests | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, parts: Parts, requests: Requests) -> None:
        """From now on peers are admitted."""
        self._parts = parts
        self._requests = requests

    def _token(self) -> str:
        return self._token_file.read_text().strip()

    @property
    def parts(self) -> Parts:
        """The parts of this life.

        Raises:
            ProtocolError: they are not built yet.
        """
        if self._parts is None:
            msg = "the gateway is not ready; come again"
            raise ProtocolError(msg)
        return self._parts

    # -- joining and leaving ------------------------------------------------------------------------------------

    async def admit(self, hello: Hello) -> tuple[Welcome, int]:
        """Give a newcomer its epochs."""
        parts, coin = self.parts, NO_COIN
        if hello.role == "coin":
            found = parts.ledger.index(hello.name.removeprefix("coin:"))
            if found is None:
                msg = f"{hello.name} is not traded in this run"
                raise ProtocolError(msg)
            coin = found
        epoch = await asyncio.to_thread(parts.store.next_peer_epoch, hello.name)
        return Welcome(gateway_epoch=parts.epoch, peer_epoch=epoch, run=parts.run, account=parts.config.account), coin

    async def joined(self, link: Link) -> None:
        """A coin gets its snapshot, once the orders of its former life are gone; a permit is pulled at once."""
        if link.coin == NO_COIN:
            return
        self.parts.desk.cancel_coin(link.coin)
        self.parts.dispatch.wake()
        self._spawn(self._welcome_coin(link))

    async def _welcome_coin(self, link: Link) -> None:
        await self.parts.reconciler.caught_up.wait()
        until = time.monotonic() + CLEARED_S
        while any(not one.over for one in self.parts.ledger.orders(link.coin)) and time.monotonic() < until:  # noqa: ASYNC110 - orders end in many ways
            await asyncio.sleep(STEP_S)
        self.sync(link)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def left(self, link: Link) -> None:
        """A coin whose stream closed has no business at the venue any more."""
        if self._parts is not None and link.coin != NO_COIN:
            self._parts.desk.cancel_coin(link.coin)
            self._parts.dispatch.wake()

    async def close(self) -> None:
        """Hang up on everybody."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hub.close()

    # -- hearing -------------------------------------------------------------------------------------------------

    def commanded(self, link: Link, rows: Rows) -> None:
        """Commands of a coin."""
        parts, now_ns = self.parts, time.monotonic_ns()
        parts.chronicle.commands(rows)
        for wish in wishes(rows):
            parts.desk.command(wish, link.coin, link.epoch, now_ns)
        parts.dispatch.wake()

    def heard(self, link: Link, message: Message) -> None:
        """A message, if this role may say it."""
        match link.hello.role, message:
            case "coin", CoinReport():
                self._report(link, message)
            case "portfolio", Allocation():
                self._allocate(message)
            case "risk", PermitAnswer():
                self._permit(message)
            case "risk", KillOrder():
                self.parts.permits.revoke(message, time.monotonic_ns())
                self.enforce()
            case "risk", Answer():
                self._ready().answered(message)
            case "watchdog", Heartbeat():
                self.watchdog_ns = time.monotonic_ns()
                self.parts.budgets.ip.beside(link.name, message.weight, time.monotonic())
            case "operator" | "console", Ask():
                self._spawn(self._ready().ask(link, message))
            case _:
                msg = f"{link.name} ({link.hello.role}) may not say {type(message).__name__}"
                raise ProtocolError(msg)

    def _ready(self) -> Requests:
        if self._requests is None:
            msg = "the gateway is not ready; come again"
            raise ProtocolError(msg)
        return self._requests

    def _report(self, link: Link, report: CoinReport) -> None:
        parts = self.parts
        if report.epoch == link.epoch:  # before its snapshot a coin may lack fills: the books of then are not shown
            self.reports[link.coin] = report
        parts.clock.hear(report.venue_ms, time.monotonic_ns())
        if report.mark_px > 0.0:
            parts.market.mark_px[link.coin] = report.mark_px

    def _allocate(self, allocation: Allocation) -> None:
        parts, now_ns = self.parts, time.monotonic_ns()
        if not parts.allotment.take(allocation, now_ns):
            return
        parts.budgets.published_usd = allocation.action_price_usd
        self._tell_allocation(now_ns)

    def _tell_allocation(self, now_ns: int) -> None:
        self._told_usd = self.parts.budgets.price_usd(now_ns)
        for link in self.hub.coins():
            self.hub.events(link, self._allocation_rows(link.coin, now_ns))

    def tell_price(self) -> None:
        """Tell every coin its allocation again once the price of an action has moved by a tenth."""
        now_ns = time.monotonic_ns()
        price_usd = self.parts.budgets.price_usd(now_ns)
        if abs(price_usd - self._told_usd) > 0.1 * self._told_usd:
            self._tell_allocation(now_ns)

    def _permit(self, answer: PermitAnswer) -> None:
        if self.parts.permits.take(answer, time.monotonic_ns()):
            self.enforce()
            self.tell_permits()

    # -- enforcing and telling ----------------------------------------------------------------------------------

    def enforce(self) -> None:
        """Hold what rests to what is allowed now; tell coins whose state changed."""
        parts, now_ns = self.parts, time.monotonic_ns()
        parts.desk.enforce(now_ns)
        parts.dispatch.wake()
        for link in self.hub.coins():
            if self._told_state.get(link.coin) != parts.guard.state(link.coin, now_ns):
                self._tell_permit(link, now_ns)

    def tell_permits(self) -> None:
        """Renew what every coin knows of its permit."""
        now_ns = time.monotonic_ns()
        for link in self.hub.coins():
            self._tell_permit(link, now_ns)

    def _tell_permit(self, link: Link, now_ns: int) -> None:
        self._told_state[link.coin] = self.parts.guard.state(link.coin, now_ns)
        self.hub.events(link, self._permit_rows(link.coin, now_ns))

    def _permit_rows(self, coin: int, now_ns: int) -> Rows:
        """The permit alone; what else is asked of the coin it hears as MODE, with its own reason."""
        permits = self.parts.permits
        state = permits.coin_state(self.parts.ledger.instruments[coin].coin, now_ns)
        epoch = 0 if permits.permit is None else permits.permit.epoch
        left_ns = permits.left_ns(now_ns) if state < RiskState.CANCEL_ONLY else 0
        return notices.permit_row(coin, state, left_ns, epoch)

    def _allocation_rows(self, coin: int, now_ns: int) -> Rows:
        parts, ceiling_usd = self.parts, float("inf")
        if parts.permits.limits is not None:
            name = parts.ledger.instruments[coin].coin
            ceiling_usd = HEADROOM * position_limit_usd(parts.permits.limits, name)
        return parts.allotment.rows(coin, now_ns, ceiling_usd, parts.budgets.price_usd(now_ns))

    def account_rows(self, coin: int) -> Rows:
        """ACCOUNT as of now for one coin, with its fees and its dex's collateral; empty before the first reading."""
        money = self.parts.money
        if money.truth is None:
            return np.zeros(0, EVENT)
        truth = money.truth
        maker_bps, taker_bps = money.fees_bps(coin)
        return notices.account_row(money.equity_usd, money.free_on_usd(coin), maker_bps, taker_bps, truth.mode)

    def tell_account(self) -> None:
        """Tell every coin what the account holds."""
        for link in self.hub.coins():
            self.hub.events(link, self.account_rows(link.coin))

    def tell_modes(self) -> None:
        """Tell every coin what is asked of it."""
        for link in self.hub.coins():
            self.hub.events(link, self._mode_rows(link.coin))

    def tell_deadline(self) -> None:
        """Tell every coin how long it may still hold something, while that is near; called once a second."""
        left_ns = self.parts.config.ends_ms * NS_PER_MS - time.time_ns()
        if self.parts.config.ends_ms == 0 or left_ns > DEADLINE_NS:
            return
        for link in self.hub.coins():
            self.hub.events(link, notices.deadline_row(link.coin, left_ns))

    def _mode_rows(self, coin: int) -> Rows:
        """MODE with the venue's reason, where the venue leaves less than a person asked for."""
        guard = self.parts.guard
        mood = self.parts.moods.of(coin) if guard.moods[coin] > guard.modes[coin] else Mood.NONE
        return notices.mode_row(coin, guard.asked(coin), mood)

    def sync(self, link: Link) -> None:
        """A full snapshot to one coin: the account stream starts here, behind the fills it missed.

        These come first, because the coin still knows the orders they belong to.
        """
        parts, now_ns = self.parts, time.monotonic_ns()
        missed = parts.bookings.since(link.coin, link.missed_ms)
        instruments = parts.ledger.instruments
        positions = [parts.ledger.on_hand(one.index) for one in instruments]
        rows = np.concatenate(
            [
                notices.sync_row(link.coin, link.epoch, parts.run),
                notices.note_rows(positions, instruments),
                notices.order_rows(parts.ledger.orders(link.coin), instruments),
                self.account_rows(link.coin),
                self._mode_rows(link.coin),
                self._permit_rows(link.coin, now_ns),
                self._allocation_rows(link.coin, now_ns),
            ]
        )
        rows["bits"] |= REPLAYED
        rows["bits"][-1] |= LAST
        link.synced, link.lagging, link.missed_ms = True, False, NOTHING_MISSED
        self._told_state[link.coin] = parts.guard.state(link.coin, now_ns)
        for start in range(0, len(missed), MISSED_A_FRAME):
            self.hub.events(link, missed[start : start + MISSED_A_FRAME])
        self.hub.events(link, rows)
