"""What one IP address may do over websockets (HL §5.3). The words are the venue's where it was seen to say any."""

from collections.abc import Callable, Collection
from typing import Final

from portfolio_mm.venue.clearinghouse.budgets import IpBudget
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.streams.session import Session
from portfolio_mm.venue.streams.subscriptions import Topic

PLACES: Final = {"documented": 10, "observed": 15}
"""Connections, and users followed, per address."""
NEW_CONNECTIONS: Final = 30
MAX_SUBSCRIPTIONS: Final = 1000
MESSAGES: Final = 2000
MAX_POSTS: Final = 100


class SocketLimits:
    """Limits per address over all its connections. `now_ms` is their clock, which tests may turn."""

    def __init__(self, settings: VenueSettings, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self._on = settings.ip_limit
        self._places = PLACES[settings.socket_limits]
        self._opened: dict[str, IpBudget] = {}
        self._messages: dict[str, IpBudget] = {}

    def connect(self, address: str, others: Collection[Session]) -> str | None:
        """Why one more connection may not be opened; the second wording is ours."""
        if not self._on:
            return None
        if len(others) >= self._places:
            return f"Cannot open more than {self._places} connections."
        if not self._opened.setdefault(address, IpBudget(NEW_CONNECTIONS)).take(1, self.now_ms()):
            return f"Cannot open more than {NEW_CONNECTIONS} connections per minute."
        return None

    def message(self, address: str) -> str | None:
        """Why a message is not heard; the wording is ours."""
        if self._on and not self._messages.setdefault(address, IpBudget(MESSAGES)).take(1, self.now_ms()):
            return f"Cannot send more than {MESSAGES} messages per minute."
        return None

    def subscribe(self, mine: Collection[Session], wanted: Topic) -> str | None:
        """Why a subscription is refused; the second wording is ours."""
        if not self._on:
            return None
        users = {held.user for session in mine for held in session.topics if held.user}
        if wanted.user and wanted.user not in users and len(users) >= self._places:
            return f"Cannot track more than {self._places} total users."
        if sum(len(session.topics) for session in mine) >= MAX_SUBSCRIPTIONS:
            return f"Cannot have more than {MAX_SUBSCRIPTIONS} subscriptions."
        return None

    def post(self, mine: Collection[Session], number: int) -> str | None:
        """Why a post is not taken."""
        if sum(session.posts_pending for session in mine) >= MAX_POSTS:
            return f"too many pending post requests id={number}"
        return None
