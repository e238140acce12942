"""What an API node that lags would answer: copies of the venue's state, kept only while somebody is to be misled."""

import copy
from collections import deque
from typing import Final

from portfolio_mm.venue.state import VenueState

COPIES: Final = 8
"""Copies within the age of an answer; an answer is at most an eighth of its age older than it should be."""


class PastStates:
    """Copies of one state, the oldest first."""

    def __init__(self) -> None:
        self._copies: deque[tuple[float, VenueState]] = deque()

    def turn(self, state: VenueState, now_ms: float, oldest_ms: float | None) -> None:
        """Keep what answers of an age up to `oldest_ms` need; None: nothing."""
        if oldest_ms is None:
            self._copies.clear()
            return
        if not self._copies or now_ms - self._copies[-1][0] >= oldest_ms / COPIES:
            self._copies.append((now_ms, copy_of(state)))
        while len(self._copies) > 1 and self._copies[1][0] <= now_ms - oldest_ms:
            self._copies.popleft()

    def at(self, then_ms: float) -> VenueState | None:
        """The state at a time, or at the nearest before that was kept; the oldest when none is so old."""
        older = [state for taken_ms, state in self._copies if taken_ms <= then_ms]
        return older[-1] if older else self._copies[0][1] if self._copies else None


def copy_of(state: VenueState) -> VenueState:
    """A state nothing moves any more; flow, settings and listing are shared."""
    shared = (state.flow, state.settings, state.listing)
    return copy.deepcopy(state, {id(thing): thing for thing in shared})
