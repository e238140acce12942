"""Whether a symbol is our coin, judged by its price: their mid over ours must stay near one.

A symbol that is not lets nothing through; the coin then quotes as without a reference.
"""

from enum import StrEnum
from typing import Final

LOW: Final = 0.99
HIGH: Final = 1.01
JUDGED_NS: Final = 5_000_000_000
"""So long prices must agree again before a book passes, and disagree before the map is called wrong."""


class ReferenceState(StrEnum):
    """Where a coin's reference stands."""

    OFF = "off"
    UNMAPPED = "no symbol"
    DOWN = "down"
    WAITING = "waiting"
    """Connected, and nothing of this symbol has come: it may not be listed there."""
    OK = "ok"
    APART = "apart"
    """Prices disagree, but not for long: nothing is let through."""
    WRONG = "wrong map"


class RatioCheck:
    """The ratio over time. Give it every book; it says whether the book may pass."""

    def __init__(self) -> None:
        self.ratio = 0.0
        """Their mid over ours, 0 before both are known."""
        self._apart_since_ns = 0
        self._near_since_ns = 0
        self._barred = False

    def passes(self, their_mid: float, our_mid: float, now_ns: int) -> bool:
        """Whether a book with this mid is of our coin, as far as known; never without a mid of our own."""
        if not (our_mid > 0.0 and their_mid > 0.0):
            return False
        self.ratio = their_mid / our_mid
        if not LOW <= self.ratio <= HIGH:
            self._barred = True
            self._near_since_ns = 0
            self._apart_since_ns = self._apart_since_ns or now_ns
            return False
        if self._barred:
            self._near_since_ns = self._near_since_ns or now_ns
            if now_ns - self._near_since_ns < JUDGED_NS:
                return False
        self._barred, self._apart_since_ns = False, 0
        return True

    def state(self, now_ns: int) -> ReferenceState:
        """What to call it."""
        if self.ratio == 0.0:
            return ReferenceState.WAITING
        if not self._barred:
            return ReferenceState.OK
        wrong = now_ns - self._apart_since_ns >= JUDGED_NS
        return ReferenceState.WRONG if wrong else ReferenceState.APART
