"""What the venue allows one internet address on websockets, counted in one place for a process's sockets (HL §5.3).

Pure arithmetic with time passed in. Share one object among all `VenueSocket`s of a process. Cancels may always use
what is kept back, so a cancel finds room when everything else has used up its own.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from portfolio_mm.hyperliquid.limits import (
    CONNECTS_PER_MINUTE,
    MAX_CONNECTIONS,
    MAX_POSTS_IN_FLIGHT,
    MAX_SUBSCRIPTIONS,
    MAX_USERS,
    MESSAGES_PER_MINUTE,
)

HOUSEKEEPING: Final = 100
"""Messages a minute kept for pings and subscriptions."""
CANCELS: Final = 300
"""Messages a minute that only cancels may use, beside the housekeeping."""
CANCEL_POSTS: Final = 20
"""Posts in flight that only cancels may have."""
MINUTE_S: Final = 60.0
POST_S: Final = 0.05
"""How soon to look again while too many posts await answers: one usually comes within a block."""


def pauses_s(first_s: float, longest_s: float) -> tuple[float, ...]:
    """Pauses before attempts: doubling from the first to the longest.

    >>> pauses_s(0.5, 3.0)
    (0.5, 1.0, 2.0, 3.0)
    """
    pauses = [min(first_s, longest_s)]
    while pauses[-1] < longest_s:
        pauses.append(min(2.0 * pauses[-1], longest_s))
    return tuple(pauses)


class SocketBudget:
    """Connections, subscriptions, users, messages a minute, posts in flight."""

    def __init__(self) -> None:
        self._connects: deque[float] = deque()
        self._messages: deque[float] = deque()
        self._plans: dict[int, tuple[int, frozenset[str]]] = {}
        self.connections = 0
        self.posts = 0

    def plan(self, socket: int, subscriptions: Iterable[Mapping[str, Any]]) -> str:
        """Note what a socket will subscribe to; gives the broken limit in words, empty when all fits."""
        rows = tuple(subscriptions)
        users = frozenset(str(row["user"]).lower() for row in rows if "user" in row)
        plans = {key: plan for key, plan in self._plans.items() if key != socket} | {socket: (len(rows), users)}
        count = sum(n for n, _ in plans.values())
        named = len(frozenset().union(*(one for _, one in plans.values())))
        for what, value, limit in (
            ("sockets", len(plans), MAX_CONNECTIONS),
            ("subscriptions", count, MAX_SUBSCRIPTIONS),
            ("users in subscriptions", named, MAX_USERS),
        ):
            if value > limit:
                return f"{value} {what} in this process; the venue allows {limit}"
        self._plans = plans
        return ""

    def forget(self, socket: int) -> None:
        """A socket was closed for good."""
        self._plans.pop(socket, None)

    @property
    def subscriptions(self) -> int:
        """Subscriptions of all sockets."""
        return sum(count for count, _ in self._plans.values())

    @property
    def users(self) -> int:
        """Different users in them."""
        return len(frozenset().union(*(users for _, users in self._plans.values())))

    def connect_wait_s(self, now_s: float) -> float:
        """Seconds until one more connection may be made; 0 means now."""
        _drop(self._connects, now_s)
        return 0.0 if len(self._connects) < CONNECTS_PER_MINUTE else self._connects[0] + MINUTE_S - now_s

    def connecting(self, now_s: float) -> None:
        """A connection is tried: the venue counts tries."""
        self._connects.append(now_s)

    def connects(self, now_s: float) -> int:
        """Connections tried in the last minute."""
        _drop(self._connects, now_s)
        return len(self._connects)

    def messages(self, now_s: float) -> int:
        """Messages sent in the last minute."""
        _drop(self._messages, now_s)
        return len(self._messages)

    def sent(self, now_s: float) -> None:
        """One message left: a post, a ping or a subscription."""
        self._messages.append(now_s)

    def post_wait_s(self, now_s: float, *, cancel: bool = False) -> float:
        """Seconds until one more post may be sent; 0 means now."""
        if self.posts >= MAX_POSTS_IN_FLIGHT - (0 if cancel else CANCEL_POSTS):
            return POST_S
        room = MESSAGES_PER_MINUTE - HOUSEKEEPING - (0 if cancel else CANCELS)
        excess = self.messages(now_s) + 1 - room
        return 0.0 if excess <= 0 else self._messages[excess - 1] + MINUTE_S - now_s


def _drop(times: deque[float], now_s: float) -> None:
    while times and times[0] <= now_s - MINUTE_S:
        times.popleft()
