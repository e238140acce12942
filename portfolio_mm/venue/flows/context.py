"""Modelled asset context: what tapes and synthetic flow lack of the venue's mark, oracle, funding and open interest.

Mark is the median of best bid, best ask and last trade (the second input of the venue's mark, HL §8.5); the oracle is
an exponential average of the mid, or given where it is known. Both move every three seconds, as on the venue. Funding
is the venue's neutral rate per hour, open interest constant unless given.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.matching.market import Bbo
from portfolio_mm.venue.flows.flow import CoinContext

CONTEXT_EVERY_MS: Final = 3_000
ORACLE_TAU_S: Final = 150.0
FUNDING_RATE: Final = 0.0000125


class Known(NamedTuple):
    """What a flow knows beyond its books: oracle and other venues' perp mid, USD; open interest in coins."""

    oracle_px: float
    perp_px: float
    open_interest: float


class ContextModel:
    """Keeps the context of one coin.

    `first_px` stands for the mid at the start. `update` takes readers of the published best prices and, of a flow that
    knows more than its books, of that.
    """

    def __init__(self, instrument: Instrument, open_interest: float, first_px: float, known: Known | None) -> None:
        self._instrument = instrument
        self._open_interest = open_interest
        self._due_ms: int | None = None
        self.last_ticks: int | None = None
        self.oracle_px = known.oracle_px if known is not None else first_px
        self.now = self._context(first_px, known)

    def update(
        self, now_ms: int, read_bbo: Callable[[], Bbo], read_known: Callable[[], Known] | None
    ) -> CoinContext | None:
        """The new context when one is due, else None; an empty side of the book keeps the old prices."""
        if self._due_ms is None:
            self._due_ms = now_ms + CONTEXT_EVERY_MS
        if now_ms < self._due_ms:
            return None
        self._due_ms = now_ms + CONTEXT_EVERY_MS
        bid, ask = read_bbo()
        if bid is None or ask is None:
            return None
        mid = self._instrument.px(bid.px_ticks + ask.px_ticks) / 2.0
        last = self.last_ticks
        mark = mid if last is None else self._instrument.px(sorted((bid.px_ticks, last, ask.px_ticks))[1])
        known = None if read_known is None else read_known()
        if known is None:
            weight = -math.expm1(-CONTEXT_EVERY_MS / 1e3 / ORACLE_TAU_S)
            self.oracle_px += weight * (mid - self.oracle_px)
        else:
            self.oracle_px = known.oracle_px
        self.now = self._context(mark, known)
        return self.now

    def _context(self, mark_px: float, known: Known | None) -> CoinContext:
        interest = self._open_interest if known is None else known.open_interest
        perp_px = None if known is None else known.perp_px
        return CoinContext(mark_px, self.oracle_px, FUNDING_RATE, interest, modelled=True, perp_px=perp_px)
