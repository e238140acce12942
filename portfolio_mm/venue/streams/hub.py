"""Who listens to what, and the frames of each block on their way to them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams import frames
from portfolio_mm.venue.streams.disorder import Disorder
from portfolio_mm.venue.streams.limits import SocketLimits
from portfolio_mm.venue.streams.session import Session
from portfolio_mm.venue.streams.subscriptions import Topic


class Hub:
    """All sessions, and the frames of each block."""

    def __init__(self, state: VenueState) -> None:
        self.sessions: set[Session] = set()
        self.paused: set[str] = set()
        self._opened = 0
        self.coins = frozenset(state.by_coin)
        self.now_s: Callable[[], float] = time.monotonic
        """The clock of silence and of the limits, which tests may turn."""
        self.limits = SocketLimits(state.settings, lambda: int(self.now_s() * 1000))
        self._state = state
        self._frames = frames.BlockFrames(state)
        self._ready: list[tuple[Topic, bytes, tuple[Session, ...]]] | None = None
        self._listeners: dict[Topic, set[Session]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def disorder(self) -> Disorder:
        """What decides of orders the venue leaves undefined."""
        return self._frames.disorder

    def of_address(self, address: str) -> list[Session]:
        """All connections of one IP address."""
        return [session for session in self.sessions if session.address == address]

    def join(self, session: Session) -> None:
        """A connection was opened."""
        self._opened += 1
        session.number = self._opened
        self.sessions.add(session)

    def leave(self, session: Session) -> None:
        """A connection is gone."""
        self.sessions.discard(session)
        if session.line is not None:
            session.line.hang_up()
        for topic in list(session.topics):
            self.unsubscribe(session, topic)

    def subscribe(self, session: Session, topic: Topic) -> None:
        """Acknowledge, then send what the channel sends at first."""
        session.topics.add(topic)
        self._listeners.setdefault(topic, set()).add(session)
        session.send(acknowledgement("subscribe", topic))
        alone = len(self._listeners[topic]) == 1
        for message in self._frames.first(self._state, topic, alone=alone):
            if topic.kind not in self.paused:
                session.send(message)

    def unsubscribe(self, session: Session, topic: Topic) -> None:
        """Stop sending a topic."""
        session.topics.discard(topic)
        listeners = self._listeners.get(topic, set())
        listeners.discard(session)
        if not listeners:
            self._listeners.pop(topic, None)
            self._frames.forget(topic)

    def collect(self) -> None:
        """Encode the frames of the block that has just run, each once however many listen.

        Who begins to listen after this is told the state after it, and must not hear of the change as well.
        """
        frames = self._frames.after_block(self._state, list(self._listeners))
        self._ready = [(topic, message, tuple(self._listeners[topic])) for topic, message in frames]

    def tell_block(self) -> None:
        """Send the frames of the block that has just run."""
        if self._ready is None:
            self.collect()
        ready, self._ready = self._ready or [], None
        for topic, message, listeners in ready:
            if topic.kind not in self.paused:
                for session in listeners:
                    session.send(message)

    def close_silent(self) -> None:
        """Close connections to which nothing was sent for a minute (HL §4.1).

        A closing handshake waits for the other end, which may be gone: the next block does not wait for it.
        """
        since = self.now_s() - self._state.settings.silence_s
        for session in [s for s in self.sessions if s.last_sent_s < since and not s.frozen]:
            self.leave(session)
            task = asyncio.get_running_loop().create_task(session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def drop_all(self) -> int:
        """Cut every connection; how many there were."""
        for session in list(self.sessions):
            session.abort()
        return len(self.sessions)


def acknowledgement(method: str, topic: Topic) -> bytes:
    """A `subscriptionResponse` frame."""
    body: dict[str, Any] = {"method": method, "subscription": topic.echo()}
    return frames.frame("subscriptionResponse", body)
