"""Compile what a venue runs before anybody trades on it: the kernels of books, queues and the synthetic market.

What was compiled once comes from the cache, in whatever process.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.market import Market, NewOrder, Tif
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_state import SNAPSHOT_LEVELS
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.info.views_market import FULL_LEVELS
from portfolio_mm.venue.settings import market_params

Array = np.ndarray[Any, Any]
BLOCKS: Final = 3
PX: Final = 1_000


def warm_up() -> None:
    """Run a synthetic market and a recorded one for a moment."""
    flow = SyntheticFlow(market_params(None, ("BTC", "ETH"), 1))
    for market in flow.markets().values():
        warm_market(market)
    for _ in range(BLOCKS):
        flow.advance(flow.next_ms())
    recorded = _recorded()
    warm_market(recorded)
    recorded.advance(BLOCKS)
    recorded.play(*_tape(), BLOCKS)
    recorded.advance(2 * BLOCKS)


def warm_market(market: Market) -> None:
    """Rest two lots at the best bid and take them away again."""
    bid = market.bbo().bid
    if bid is not None:
        market.place(NewOrder(1, 1, BUY, bid.px_ticks, 2, Tif.ALO))
        market.ahead(1)
        market.reduce(1, 1)
        market.remaining(1)
        market.cancel(1)
    market.levels(FULL_LEVELS)


def _recorded() -> QueueMarket:
    market = QueueMarket(*_tape())
    market.advance(0)
    return market


def _tape() -> tuple[Array, Array]:
    """A book, a trade at its bid, best prices and a book again."""
    events = np.zeros(4, TAPE_EVENT)
    events["ms"] = range(4)
    events["kind"] = (TapeKind.BOOK, TapeKind.TRADE, TapeKind.BBO, TapeKind.BOOK)
    events["side"][1] = SELL
    events["row"][3] = 1
    for name, values in (("px_ticks", (0, PX, PX, 0)), ("sz_lots", (0, 1, 9, 0)), ("orders", (0, 0, 1, 0))):
        events[name] = values
    events["ask_ticks"][2], events["ask_lots"][2], events["ask_orders"][2] = PX + 1, 10, 1
    books = np.zeros((2, 2, SNAPSHOT_LEVELS, 3), np.int64)
    for side, px in ((BUY, PX), (SELL, PX + 1)):
        books[:, side, 0] = (px, 10, 1)
    return events, books
