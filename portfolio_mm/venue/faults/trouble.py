"""Everything that goes wrong at one venue, and everything that happens to it from outside."""

import random
from collections import deque
from typing import Any, Final, NamedTuple

from portfolio_mm.venue.clock import VenueClock
from portfolio_mm.venue.faults import events
from portfolio_mm.venue.faults.desk import Failed, FaultDesk, Unanswered
from portfolio_mm.venue.faults.happenings import in_block
from portfolio_mm.venue.faults.kinds import HalfOpen, HttpError, InfoAnswer, PartialAnswer, Timeout
from portfolio_mm.venue.faults.line import Line
from portfolio_mm.venue.faults.schedule import Schedule
from portfolio_mm.venue.faults.stale import PastStates
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.actions import Action, block_class, leg_count
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams.hub import Hub
from portfolio_mm.venue.streams.session import Session

NOBODY: Final = "0x" + "0" * 39 + "1"
BATCH_REFUSED: Final = "Batch refused."
"""The one error of `partial_answer`; the wording is ours."""


class ActionTrouble(NamedTuple):
    """What goes wrong with one action although it is read."""

    timeout: Timeout | None
    partial: PartialAnswer | None


class Trouble:
    """Turned once before each block. While nothing is wrong a request costs one look here, a frame another."""

    def __init__(self, state: VenueState, hub: Hub, clock: VenueClock) -> None:
        settings = state.settings
        self.desk = FaultDesk(settings.seed, settings.faults)
        self.schedule = Schedule(settings.seed, settings.events)
        self.happened: deque[dict[str, Any]] = deque(maxlen=200)
        """What has happened: venue time, event, and why not if it did not."""
        self._state = state
        self._hub = hub
        self._clock = clock
        self._delays = random.Random(f"latency {settings.seed}")  # noqa: S311 - delays, not secrets
        self._past = PastStates()
        self._frozen: dict[HalfOpen, dict[Session, bool]] = {}

    def turn(self) -> None:
        """Let time pass, and happen what is due."""
        now_ms = self._clock.elapsed_ms()
        self.desk.turn(now_ms)
        for event in self.schedule.due(now_ms):
            self._happen(event, now_ms)
        if self.desk.half_open or self._frozen:
            self._freeze()
        self._past.turn(self._state, now_ms, self.desk.oldest_wanted_ms() if self.desk.requests else None)

    def _happen(self, event: events.EventKind, now_ms: float) -> None:
        told: dict[str, Any] = {"time": self._clock.now_ms(), "event": event, "refused": None}
        self.happened.append(told)
        inside = in_block(event)
        if inside is not None:
            self._state.happenings.append(lambda state: told.update(refused=inside(state)))
        elif isinstance(event, events.ClockStep):
            self._clock.step(event.ms)
            self._state.stepped_ms += event.ms
        else:
            self._hub.drop_all()
        if isinstance(event, events.Upgrade):
            self.desk.down_until_ms = now_ms + event.down_s * 1e3
            self._state.post_only_until_ms = self._clock.now_ms() + round((event.down_s + event.post_only_s) * 1e3)

    def _freeze(self) -> None:
        """Half-open connections: chosen once each, cut when the fault is over."""
        for fault in self.desk.half_open:
            seen = self._frozen.setdefault(fault, {})
            for session in self._hub.sessions - seen.keys():
                seen[session] = fault.session in (0, session.number) and self.desk.strikes(fault.rate)
                if seen[session]:
                    session.freeze()
        for fault in self._frozen.keys() - set(self.desk.half_open):
            for session, frozen in self._frozen.pop(fault).items():
                if frozen:
                    session.abort()

    def line(self, session: Session) -> Line:
        """The line of a new connection."""
        return Line(self.desk, session.number, self._state.settings.latency.feed, session.put)

    def info(self, kind: str, request: dict[str, Any]) -> Any:
        """The answer to an info request while something is wrong.

        Raises:
            Failed, Unanswered: there is none.
            reads.BadRequest, reads.NoAnswer: as `reads.answer`.
        """
        self._refuse("info", kind)
        timeout = self.desk.hit(Timeout, "info", kind)
        if timeout is not None:
            raise Unanswered(timeout.hold_s)
        wrong = self.desk.hit(InfoAnswer, "info", kind)
        if wrong is None:
            return reads.answer(self._state, request)
        if wrong.answer == "null":
            return None
        if wrong.answer == "empty":
            return reads.answer(self._state, {**request, "user": NOBODY} if "user" in request else request)
        return reads.answer(self._past.at(self.desk.now_ms - wrong.age_s * 1e3) or self._state, request)

    def _refuse(self, endpoint: str, kind: str) -> None:
        error = self.desk.hit(HttpError, endpoint, kind)
        if error is not None:
            raise Failed(error.status)

    def before_action(self, action: Action) -> ActionTrouble:
        """What goes wrong with an action.

        Raises:
            Failed, Unanswered: nothing is done.
        """
        kind = str(type(action).__struct_config__.tag)
        self._refuse("exchange", kind)
        timeout = self.desk.hit(Timeout, "exchange", kind)
        if timeout is not None and not timeout.landed:
            raise Unanswered(timeout.hold_s)
        partial = self.desk.hit(PartialAnswer, "exchange", kind) if leg_count(action) > 1 else None
        return ActionTrouble(timeout, partial)

    def entry_s(self, action: Action) -> float:
        """How long an action is on its way in, s."""
        settings = self._state.settings
        return (settings.latency.of_class(block_class(action)).draw_ms(self._delays) + settings.latency_ms) / 1e3

    def reply_s(self) -> float:
        """How long a reply is on its way back, s."""
        settings = self._state.settings
        return (settings.latency.reply.draw_ms(self._delays) + settings.latency_ms) / 1e3

    def info_s(self) -> float:
        """How long the answer to an info request takes, s."""
        return self._state.settings.latency.info.draw_ms(self._delays) / 1e3


def one_error(action: Action) -> dict[str, Any]:
    """One error for all legs of a batch."""
    kind = "cancel" if "cancel" in str(type(action).__struct_config__.tag) else "order"
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": [{"error": BATCH_REFUSED}]}}}


def shortened(reply: dict[str, Any], keep: int) -> dict[str, Any]:
    """A reply with the first entries only; one without entries stays whole."""
    response = reply.get("response")
    if not isinstance(response, dict) or "data" not in response:
        return reply
    entries = response["data"]["statuses"][:keep]
    return {**reply, "response": {**response, "data": {**response["data"], "statuses": entries}}}
