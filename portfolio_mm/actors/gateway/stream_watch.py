"""A channel of the user stream that fell silent while its socket lives (HL §12.1), found by what it owes.

An order the venue answered for owes a row of `orderUpdates`, a finished one its rows of `userFills`. Whoever owes for
too long shows that the channel is stalled: the account is read again, over a new connection. An account where nothing
happens owes nothing, so quiet is no outage.
"""

from typing import Final

from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.ledger import Ledger

OWES_NS: Final = 3_000_000_000
"""Rows come within a block or two."""
PAUSES_NS: Final = (15_000_000_000, 30_000_000_000, 60_000_000_000, 120_000_000_000)
"""Between two new connections for this reason."""


class StreamWatch:
    """Names a stalled channel, at most as often as new connections are reasonable."""

    def __init__(self, ledger: Ledger, clock: VenueClock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._not_before_ns = 0
        self.stalls = 0

    def stalled(self, now_ns: int) -> str:
        """The channel that owes rows; empty when none does, or when one was renewed a moment ago."""
        if now_ns < self._not_before_ns:
            return ""
        channel = self._owing(now_ns)
        if channel:
            self._not_before_ns = now_ns + PAUSES_NS[min(self.stalls, len(PAUSES_NS) - 1)]
            self.stalls += 1
        return channel

    def _owing(self, now_ns: int) -> str:
        now_ms = self._clock.now_ms(now_ns)
        for order in self._ledger.orders():
            if order.answered_ns and not order.row_seen and now_ns - order.answered_ns > OWES_NS:
                return "orderUpdates"
            late = order.over and order.ended_ms and now_ms - order.ended_ms > OWES_NS // 1_000_000
            if late and order.row_seen and order.remaining_lots > 0:
                return "userFills"
        return ""
