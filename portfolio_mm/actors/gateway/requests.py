"""What a person may ask: view, kill, resume, stop, flatten. Cancels go out first, words after."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from portfolio_mm.actors.gateway.hub import Link
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.actors.gateway.takers import takers_wait
from portfolio_mm.actors.messages import Answer, Ask, KillOrder, View
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.cloid import Cloid
from portfolio_mm.domain.errors import MalformedMessage, StateError, VenueError
from portfolio_mm.domain.events import CoinMode
from portfolio_mm.domain.order import Refusal
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SELL

LOG: Final = logging.getLogger(__name__)
RISK_ANSWER_S: Final = 2.0
FLATTEN_S: Final = 20.0
FLATTEN_STEP_S: Final = 0.5
CROSS_BPS: Final = (20.0, 50.0, 100.0, 200.0)
"""How far through the mark a closing order may trade, try by try."""
OWN_LEVEL: Final = cloids.MAX_LEVEL
"""Level in the cloid of the gateway's own orders; its epoch is 0, which no coin ever has."""


class Voice(Protocol):
    """What requests need of the session."""

    def enforce(self) -> None:
        """Hold what rests to what is allowed."""
        ...

    def tell_modes(self) -> None:
        """Tell coins what is asked of them."""
        ...


class Requests:
    """Carries out requests of persons, and remembers that the run is stopping."""

    def __init__(self, parts: Parts, voice: Voice, view: Callable[[], View]) -> None:
        self._parts = parts
        self._voice = voice
        self._view = view
        self._serial = 0
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self.stopping = False

    async def ask(self, link: Link, request: Ask) -> None:
        """Do it, then say how it went."""
        if request.what == "view":
            link.peer.send_message(self._view())
            return
        LOG.warning("%s asks: %s %s", link.name, request.what, request.reason)
        link.peer.send_message(await self.do(request))

    async def do(self, request: Ask) -> Answer:
        """Carry out kill, resume, stop, flatten or books."""
        try:
            match request.what:
                case "kill":
                    return await self._kill(request)
                case "resume":
                    return await self._resume(request)
                case "stop":
                    return await self.stop()
                case "flatten":
                    return await self._flatten()
                case "books":
                    await self._parts.reconciler.read_books()
                case _:
                    pass
        except (VenueError, MalformedMessage, StateError) as error:
            return Answer(request.what, done=False, text=f"{type(error).__name__}: {error}")
        return Answer(request.what, done=True, text="")

    def answered(self, answer: Answer) -> None:
        """The risk actor answered."""
        if answer.what == "resume" and answer.done:
            self._parts.permits.reopen()
        waiting = self._answers.pop(answer.what, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _kill(self, request: Ask) -> Answer:
        reason = request.reason or "asked by a person"
        self._parts.permits.revoke(KillOrder(reason), time.monotonic_ns())
        self._parts.desk.cancel_all()
        self._voice.enforce()
        latched = await self._ask_risk(Ask("kill", reason))
        if not latched.done:  # the risk actor is away: it will find the latch on disk
            await asyncio.to_thread(self._parts.store.latch_kill, reason, time.time_ns() // 1_000_000)
        left = await self._parts.reconciler.clear()
        text = f"killed: {reason}; " + self._left_text(left)
        return Answer("kill", done=not left, text=text)

    async def _resume(self, request: Ask) -> Answer:
        answer = await self._ask_risk(request)
        if answer.done:
            self.stopping = False
            self._set_modes(CoinMode.TRADE)
        return answer

    async def _ask_risk(self, request: Ask) -> Answer:
        """Pass a request to the risk actor and wait for its word."""
        silent = Answer(request.what, done=False, text="the risk actor does not answer; try again when it is back")
        risk = self._parts.hub.of("risk")
        if not risk:
            return silent
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request.what] = future
        risk[0].peer.send_message(request)
        try:
            return await asyncio.wait_for(future, RISK_ANSWER_S)
        except TimeoutError:
            return silent

    async def stop(self) -> Answer:
        """Orderly end of trading: nothing new, cancel all, and the venue's word that nothing is left."""
        self.stopping = True
        self._set_modes(CoinMode.CANCEL_ONLY)
        left = await self._parts.reconciler.clear()
        return Answer("stop", done=not left, text=self._left_text(left))

    def _set_modes(self, mode: CoinMode) -> None:
        self._parts.guard.modes[:] = [mode] * len(self._parts.guard.modes)
        self._voice.enforce()
        self._voice.tell_modes()

    def _left_text(self, left: list[tuple[int, int]]) -> str:
        if not left:
            return "the venue shows no open order on our coins"
        names = [self._parts.ledger.instruments[coin].coin for coin, _ in left]
        return f"{len(left)} orders are still open at the venue: {', '.join(sorted(set(names)))}"

    async def _flatten(self) -> Answer:
        """Close every position with reduce-only takers at bounded prices; coins then wait for resume."""
        parts = self._parts
        self._set_modes(CoinMode.CANCEL_ONLY)
        left = await parts.reconciler.clear()
        if left:
            return Answer("flatten", done=False, text=self._left_text(left))
        until, attempt = time.monotonic() + FLATTEN_S, 0
        while time.monotonic() < until:
            await parts.reconciler.read_account()
            if not self._held():
                return Answer("flatten", done=True, text="every position of this run is closed")
            if await takers_wait(parts.moods):
                until = max(until, time.monotonic() + FLATTEN_S)
                continue
            for coin in self._held():
                self._close(coin, CROSS_BPS[min(attempt, len(CROSS_BPS) - 1)])
            parts.dispatch.wake()
            attempt += 1
            await asyncio.sleep(FLATTEN_STEP_S)
        names = ", ".join(parts.ledger.instruments[coin].coin for coin in self._held())
        why = "".join(f"; {text}" for text in parts.moods.words())
        return Answer("flatten", done=False, text=f"not closed within {FLATTEN_S:.0f} s: {names}{why}")

    def _held(self) -> list[int]:
        positions = self._parts.ledger.positions
        return [i for i, position in enumerate(positions) if position.szi_lots]

    def _close(self, coin: int, cross_bps: float) -> None:
        """Queue one order that closes a coin's whole position, unless one is on its way."""
        parts, instrument = self._parts, self._parts.ledger.instruments[coin]
        mark, szi = parts.market.mark_px[coin], parts.ledger.positions[coin].szi_lots
        if mark <= 0.0 or parts.ledger.orders(coin):
            return
        side = SELL if szi > 0 else BUY
        sign = 1 if side == BUY else -1
        target = mark * (1.0 + sign * cross_bps / 1e4) * 10**instrument.px_decimals
        self._serial += 1
        order = OwnOrder(
            key=cloids.encode(Cloid(parts.run, coin, side, OWN_LEVEL, 0, self._serial)),
            coin=coin,
            side=side,
            level=OWN_LEVEL,
            px_ticks=int(round_px(target, instrument.px_decimals, side == BUY)),
            sz_lots=abs(szi),
            reduce_only=True,
            epoch=0,
        )
        approved = parts.guard.close(order)
        if not isinstance(approved, Refusal):
            parts.ledger.add(order)
            parts.outbox.create(approved)
