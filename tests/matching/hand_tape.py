"""Hand-written recordings of one coin."""

import numpy as np

from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind

Row = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]
BOOK: Row = (((100, 10), (99, 20), (98, 30)), ((102, 10), (103, 20), (104, 30)))
DEFAULT = FillModel()


def trade(ms: int, side: int, px: int, lots: int) -> tuple[int, ...]:
    return (ms, TapeKind.TRADE, side, px, lots, 0, 0, 0, 0, 0)


def best(ms: int, bid: tuple[int, int], ask: tuple[int, int]) -> tuple[int, ...]:
    return (ms, TapeKind.BBO, 0, *bid, *ask, 0, 1, 1)


def snapshot(ms: int, row: int) -> tuple[int, ...]:
    return (ms, TapeKind.BOOK, 0, 0, 0, 0, 0, row, 0, 0)


def market(
    events: list[tuple[int, ...]],
    books: tuple[Row, ...] = (BOOK,),
    fills: FillModel = DEFAULT,
    orders: int = 1,
) -> QueueMarket:
    """A market that has seen the first book at time 0; every level holds `orders` orders."""
    rows = np.zeros((len(books), 2, 20, 3), np.int64)
    for row, sides in enumerate(books):
        for side, levels in enumerate(sides):
            rows[row, side, : len(levels), :2] = levels
            rows[row, side, : len(levels), 2] = orders
    made = QueueMarket(np.array([snapshot(0, 0), *events], TAPE_EVENT), rows, fills)
    made.advance(0)
    return made


def own_lots(made: QueueMarket, until: int) -> list[int]:
    """Lots filled at each of the times 1..until."""
    return [sum(fill.sz_lots for fill in made.advance(ms).fills) for ms in range(1, until + 1)]
