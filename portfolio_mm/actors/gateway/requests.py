"""What a person may ask: view, kill, resume, stop, flatten. Cancels go out first, words after."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from portfolio_mm.actors.gateway.flatten import Flattening
from portfolio_mm.actors.gateway.hub import Link
from portfolio_mm.actors.gateway.own_names import Serial
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.actors.messages import Answer, Ask, KillOrder, View
from portfolio_mm.domain.errors import MalformedMessage, StateError, VenueError
from portfolio_mm.domain.events import CoinMode
from portfolio_mm.domain.limits import RiskState

LOG: Final = logging.getLogger(__name__)
RISK_ANSWER_S: Final = 2.0


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
        self._serial = Serial(parts.run)
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
        """Open the latch; where it never fell, and risk permits trading, coins that a flatten holds are let go."""
        answer = await self._ask_risk(request)
        held = any(mode is not CoinMode.TRADE for mode in self._parts.guard.modes)
        if not answer.done and held and self._parts.permits.state(time.monotonic_ns()) < RiskState.CANCEL_ONLY:
            answer = Answer("resume", done=True, text="the coins trade again; the kill switch was not latched")
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
            async with asyncio.timeout(RISK_ANSWER_S):
                return await future
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
        self._set_modes(CoinMode.CANCEL_ONLY)
        return await Flattening(self._parts, self._serial).run()
