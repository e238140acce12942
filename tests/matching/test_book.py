"""The order-level book against its rules and against a plain-Python book."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.units import BUY, SELL, SIDES, SIGN
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.book_state import N_LEVELS, N_ORDERS
from portfolio_mm.matching.market import Fill, Level, MarketFull, NewOrder, Tif

Step = tuple[str, int, int, int, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "place", "place", "cancel", "reduce"]),
        st.integers(0, 3),
        st.sampled_from(SIDES),
        st.integers(95, 105),
        st.integers(1, 9),
        st.sampled_from(list(Tif)),
    ),
    max_size=60,
)


class PlainBook:
    """Price-time priority written the obvious way: one queue of [oid, owner, lots] per side and price."""

    def __init__(self) -> None:
        self.queues: tuple[dict[int, deque[list[int]]], ...] = ({}, {})

    def best(self, side: int) -> int | None:
        return max(self.queues[side], key=lambda px: SIGN[side] * px, default=None)

    def crosses(self, side: int, px: int) -> bool:
        best = self.best(1 - side)
        return best is not None and SIGN[side] * (px - best) >= 0

    def place(self, order: NewOrder) -> tuple[list[Fill], list[int], int] | None:
        if order.tif == Tif.ALO and self.crosses(order.side, order.px_ticks):
            return None
        fills, gone, left = [], [], order.sz_lots
        while left and self.crosses(order.side, order.px_ticks):
            px = self.best(1 - order.side)
            assert px is not None
            queue = self.queues[1 - order.side][px]
            oid, owner, lots = queue[0]
            if owner and owner == order.owner:
                gone.append(oid)
                queue.popleft()
            else:
                part = min(left, lots)
                fills.append(Fill(px, part, order.side, oid, owner, order.oid, order.owner))
                left -= part
                queue[0][2] -= part
                if queue[0][2] == 0:
                    queue.popleft()
            if not queue:
                del self.queues[1 - order.side][px]
        if order.tif == Tif.IOC:
            left = 0
        if left:
            self.queues[order.side].setdefault(order.px_ticks, deque()).append([order.oid, order.owner, left])
        return fills, gone, left

    def reduce(self, oid: int, lots: int) -> int:
        for side in SIDES:
            for px, queue in self.queues[side].items():
                for row in queue:
                    if row[0] == oid:
                        removed = min(lots, row[2])
                        row[2] -= removed
                        if row[2] == 0:
                            queue.remove(row)
                        if not queue:
                            del self.queues[side][px]
                        return removed
        return 0

    def levels(self, side: int) -> list[Level]:
        prices = sorted(self.queues[side], key=lambda px: -SIGN[side] * px)
        return [Level(px, sum(row[2] for row in self.queues[side][px]), len(self.queues[side][px])) for px in prices]


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_compiled_book_equals_the_plain_one(steps: list[Step]) -> None:
    book, plain = OrderBook(), PlainBook()
    for oid, (kind, owner, side, px, lots, tif) in enumerate(steps, start=1):
        if kind == "place":
            order = NewOrder(oid, owner, side, px, lots, tif)
            placed, expected = book.place(order), plain.place(order)
            if expected is None:
                assert placed.crossed
            else:
                assert (list(placed.fills), list(placed.self_cancelled), placed.resting_lots) == expected
        elif kind == "cancel":
            assert book.cancel(oid // 2) == plain.reduce(oid // 2, 1 << 62)
        else:
            assert book.reduce(oid // 2, lots) == plain.reduce(oid // 2, lots)
        assert book.levels(50) == (plain.levels(BUY), plain.levels(SELL))


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_the_book_is_never_crossed_and_conserves_lots(steps: list[Step]) -> None:
    book = OrderBook()
    inside = 0
    for oid, (kind, owner, side, px, lots, tif) in enumerate(steps, start=1):
        if kind == "place":
            resting_before = {made: book.remaining(made) for made in range(1, oid)}
            placed = book.place(NewOrder(oid, owner, side, px, lots, tif))
            inside += placed.resting_lots - sum(fill.sz_lots for fill in placed.fills)
            inside -= sum(resting_before[made] for made in placed.self_cancelled)
        else:
            inside -= book.reduce(oid // 2, lots) if kind == "reduce" else book.cancel(oid // 2)
        bids, asks = book.levels(50)
        assert sum(level.sz_lots for level in bids + asks) == inside
        assert not (bids and asks) or bids[0].px_ticks < asks[0].px_ticks


def test_first_in_first_out_at_one_price() -> None:
    book = OrderBook()
    for oid in (1, 2, 3):
        book.place(NewOrder(oid, oid, BUY, 100, 5, Tif.ALO))
    assert book.ahead(3) == 10.0
    fills = book.place(NewOrder(4, 9, SELL, 100, 7, Tif.IOC)).fills
    assert [(fill.maker_oid, fill.sz_lots) for fill in fills] == [(1, 5), (2, 2)]
    assert book.ahead(3) == 3.0


def test_a_better_price_trades_before_an_earlier_order() -> None:
    book = OrderBook()
    book.place(NewOrder(1, 1, SELL, 101, 5, Tif.ALO))
    book.place(NewOrder(2, 2, SELL, 100, 5, Tif.ALO))
    fills = book.place(NewOrder(3, 9, BUY, 101, 6, Tif.IOC)).fills
    assert [(fill.maker_oid, fill.px_ticks, fill.sz_lots) for fill in fills] == [(2, 100, 5), (1, 101, 1)]


def test_reduce_keeps_the_place_in_the_queue() -> None:
    book = OrderBook()
    for oid in (1, 2):
        book.place(NewOrder(oid, oid, BUY, 100, 5, Tif.ALO))
    assert book.reduce(1, 4) == 4
    assert book.ahead(2) == 1.0


def test_a_full_book_refuses_and_keeps_what_it_has() -> None:
    book = OrderBook()
    for oid in range(1, N_ORDERS + 1):
        book.place(NewOrder(oid, 1, BUY, 1 + oid % 16, 1, Tif.ALO))
    with pytest.raises(MarketFull, match="cancel some first"):
        book.place(NewOrder(N_ORDERS + 1, 1, BUY, 10, 1, Tif.GTC))
    assert book.bbo().bid == Level(16, N_ORDERS // 16, N_ORDERS // 16)
    assert sum(book.cancel(oid) for oid in range(1, N_ORDERS + 1)) == N_ORDERS
    assert book.levels(5) == ([], [])


def test_a_side_with_all_its_prices_takes_no_new_one() -> None:
    book = OrderBook()
    for px in range(1, N_LEVELS + 1):
        book.place(NewOrder(px, 1, BUY, px, 1, Tif.ALO))
    with pytest.raises(MarketFull, match="cancel some first"):
        book.place(NewOrder(N_LEVELS + 1, 1, BUY, N_LEVELS + 1, 1, Tif.GTC))
    assert book.place(NewOrder(N_LEVELS + 2, 1, BUY, N_LEVELS, 1, Tif.GTC)).resting_lots == 1


@pytest.mark.parametrize(("px", "lots"), [(0, 1), (100, 0), (-5, 1)])
def test_an_impossible_order_is_the_callers_error(px: int, lots: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        OrderBook().place(NewOrder(1, 1, BUY, px, lots, Tif.GTC))


def test_an_order_id_may_rest_once() -> None:
    book = OrderBook()
    book.place(NewOrder(1, 1, BUY, 100, 1, Tif.GTC))
    with pytest.raises(ValueError, match="already rests"):
        book.place(NewOrder(1, 1, BUY, 99, 1, Tif.GTC))
