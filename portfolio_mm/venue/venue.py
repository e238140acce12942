"""One running venue: its clock, the queue of the next block, the pulse that runs blocks, and everybody listening."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse import congestion
from portfolio_mm.venue.clearinghouse.accounts import FundedAccount, funded_accounts
from portfolio_mm.venue.clearinghouse.budgets import IpBudget
from portfolio_mm.venue.clock import VenueClock
from portfolio_mm.venue.exchange import agents
from portfolio_mm.venue.exchange.execution import Reply
from portfolio_mm.venue.faults.desk import Unanswered
from portfolio_mm.venue.faults.trouble import ActionTrouble, Trouble, one_error, shortened
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.actions import leg_count
from portfolio_mm.venue.protocol.signatures import SignedAction, UnreadableSignature, open_envelope
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import DAY_MS, VenueState
from portfolio_mm.venue.streams.hub import Hub

LOG: Final = logging.getLogger(__name__)
Queued = tuple[SignedAction, asyncio.Future[Reply]]
LEGS_PER_WEIGHT: Final = 40
NOTHING_WRONG: Final = ActionTrouble(None, None)
LATE_S: Final = 1.0
"""A pulse later than this gives up its missed blocks instead of running them in a burst."""


class RateLimited(Exception):
    """The address has used its IP weight: HTTP 429."""


class VenueStopped(Exception):
    """An action came after the last block."""


class Venue:
    """The venue behind the server; a single event loop runs all of it."""

    def __init__(self, settings: VenueSettings, flow: Flow) -> None:
        self.settings = settings
        self.accounts: tuple[FundedAccount, ...] = funded_accounts(settings.seed, settings.accounts)
        self.clock = VenueClock(settings.speed)
        self.state = VenueState(settings, flow, self.accounts, self.clock.start_ms)
        self.hub = Hub(self.state)
        self.trouble = Trouble(self.state, self.hub, self.clock)
        self.blocks = 0
        self.market_over = False
        """Whether the flow has ended, after which nothing of the market is published."""
        self.witnesses: list[Callable[[int], None]] = []
        """Called with the venue's time after every block."""
        self._queue: list[Queued] = []
        self.throttled = 0
        """Requests refused for want of IP weight."""
        self._ip: dict[str, IpBudget] = {}
        self._stopped = False

    def charge_ip(self, address: str, weight: int) -> None:
        """Use IP weight.

        Raises:
            RateLimited: the minute has none left.
        """
        if self.settings.ip_limit and not self._budget(address).take(weight, _mono_ms()):
            self.throttled += 1
            raise RateLimited

    def _budget(self, address: str) -> IpBudget:
        return self._ip.setdefault(address, IpBudget())

    def read(self, address: str, request: dict[str, Any]) -> Any:
        """Answer an info request.

        Raises:
            RateLimited: no IP weight left.
            request.BadRequest, request.NoAnswer: as `reads.answer`.
            Failed, Unanswered: a fault is in force.
        """
        kind = str(request.get("type"))
        self.charge_ip(address, reads.weight(kind))
        wrong = self.trouble.desk.requests
        reply = self.trouble.info(kind, request) if wrong else reads.answer(self.state, request)
        if self.settings.ip_limit:
            self._budget(address).charge(reads.row_weight(kind, reply), _mono_ms())
        return reply

    async def act(self, address: str, body: bytes) -> Reply:
        """Put an action into the next block and wait for its reply.

        Raises:
            RateLimited: no IP weight left.
            reading.Unreadable: not an action.
            VenueStopped: its pulse has ended.
            Failed, Unanswered: a fault is in force.
        """
        try:
            signed = open_envelope(body, mainnet=self.settings.network == "mainnet")
        except UnreadableSignature:
            self.charge_ip(address, 1)
            return {"status": "err", "response": "Unable to recover signer."}
        self.charge_ip(address, 1 + leg_count(signed.action) // LEGS_PER_WEIGHT)
        action = signed.action
        wrong = self.trouble.before_action(action) if self.trouble.desk.requests else NOTHING_WRONG
        await _wait(self.trouble.entry_s(action))
        if wrong.partial is not None and wrong.partial.form == "one_error":
            return one_error(action)
        reply = await self._in_next_block(signed)
        await _wait(self.trouble.reply_s())
        if wrong.timeout is not None:
            raise Unanswered(wrong.timeout.hold_s)
        return reply if wrong.partial is None else shortened(reply, wrong.partial.keep)

    async def _in_next_block(self, signed: SignedAction) -> Reply:
        if self._stopped:
            msg = "no block will run any more"
            raise VenueStopped(msg)
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._queue.append((signed, answered))
        return await answered

    async def answer(self, address: str, request: dict[str, Any]) -> Any:
        """Answer an info request after its time on the way; raises what `read` raises."""
        await _wait(self.trouble.info_s())
        return self.read(address, request)

    def step(self) -> None:
        """Run one block now, answer its actions and tell the listeners: each reply first or last, as it falls."""
        self.trouble.turn()
        queue, self._queue = self._admitted()
        try:
            replies = chain.run_block(self.state, self.clock.now_ms(), [signed for signed, _ in queue])
        except BaseException:
            for _, answered in queue:
                answered.cancel()
            raise
        self.blocks += 1
        if self.state.flow.over and not self.market_over:
            self.market_over = True
            LOG.warning("the tape is over: market channels are silent from now on; a looping tape goes on (loop: true)")
        late, chosen = [], self.settings.reply_order
        for (_, answered), reply in zip(queue, replies, strict=True):
            if chosen == "reply_first" or (chosen == "drawn" and self.hub.disorder.reply_first()):
                _answer(answered, reply)
            else:
                late.append((answered, reply))
        self.hub.collect()
        # The tasks of the early replies run before this does, so that their frames leave first.
        asyncio.get_running_loop().call_soon(self._tell, late)

    def _tell(self, late: list[tuple[asyncio.Future[Reply], Reply]]) -> None:
        """Tell the listeners of a block, then answer those actions whose reply comes after."""
        self.hub.tell_block()
        for tell in self.witnesses:
            tell(self.state.now_ms)
        for answered, reply in late:
            _answer(answered, reply)

    def _admitted(self) -> tuple[list[Queued], list[Queued]]:
        """What goes into this block and what waits while traffic is high."""
        room = self.settings.congestion_legs
        if not room:
            return self._queue, []
        state, day = self.state, self.clock.now_ms() // DAY_MS
        waiting = [(one, agents.account_of(state, one[0]), leg_count(one[0].action)) for one in self._queue]

        def allowed(number: int) -> int:
            return congestion.part(state.users[number].standing.volume, state.exchange, day, room)

        return congestion.admit(waiting, allowed)

    async def pulse(self) -> None:
        """Run blocks for ever."""
        every = self.settings.block_ms / 1000
        due = time.monotonic() + every
        try:
            while True:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.step()
                self.hub.close_silent()
                due += every
                if time.monotonic() - due > LATE_S:
                    due = time.monotonic() + every
        finally:
            self._stopped = True


async def _wait(delay_s: float) -> None:
    if delay_s:
        await asyncio.sleep(delay_s)


def _answer(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
