"""When the lots our takers took are there again, and what a book beyond our price fills."""

import pytest

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.fill_model import FillModel, Through
from portfolio_mm.matching.market import Level, NewOrder, Tif
from portfolio_mm.matching.queue_refill import N_EATEN, Refill
from tests.matching.hand_tape import BOOK, Row, best, market, snapshot, trade

GROWN: Row = (BOOK[0], ((102, 13), (103, 20), (104, 30)))
SHRUNK: Row = (BOOK[0], ((102, 4), (103, 20), (104, 30)))
PASSED: Row = (BOOK[0], ((103, 20), (104, 30)))
BOOKS = (BOOK, GROWN, SHRUNK, PASSED)
SAME, GREW, FELL, AWAY = range(4)

# (books recorded after our buyer took all 10 lots at 102, lots he finds there then) by hand
CASES = {
    Refill.NEXT_RECORD: (((SAME,), 10), ((GREW,), 13), ((FELL,), 4), ((AWAY, SAME), 10)),
    # thirteen after ten: three came; four: six of the ten we took left the recording too, and what comes then is new
    Refill.EMPTIED: (((SAME,), 0), ((GREW,), 3), ((FELL,), 0), ((FELL, SAME), 6), ((AWAY, SAME), 10)),
}


@pytest.mark.parametrize(
    ("refill", "books", "lots"), [(refill, *case) for refill, cases in CASES.items() for case in cases]
)
def test_what_our_taker_took_comes_back_as_the_model_says(refill: Refill, books: tuple[int, ...], lots: int) -> None:
    made = market([snapshot(ms, row) for ms, row in enumerate(books, start=1)], BOOKS, FillModel(refill=refill))
    assert [fill.sz_lots for fill in made.place(NewOrder(1, 1, BUY, 102, 10, Tif.IOC)).fills] == [10]
    made.advance(len(books))
    again = made.place(NewOrder(2, 1, BUY, 102, 100, Tif.IOC)).fills
    assert sum(fill.sz_lots for fill in again) == lots


def test_a_recorded_best_at_the_price_we_emptied_does_not_fill_the_rest_of_our_order() -> None:
    """A buyer of 15 takes the 10 that are there and bids for 5; the same 10 recorded again are no new sellers."""
    made = market([best(1, (100, 10), (102, 10)), best(2, (100, 10), (102, 12))])
    assert made.place(NewOrder(1, 1, BUY, 102, 15, Tif.GTC)).resting_lots == 5
    assert made.advance(1).fills == ()
    assert made.bbo().ask == Level(103, 20, 1)
    assert [fill.sz_lots for fill in made.advance(2).fills] == [2]


def test_a_trade_through_an_emptied_price_makes_what_stands_there_later_new() -> None:
    made = market([trade(1, BUY, 103, 1), snapshot(2, SAME)])
    made.place(NewOrder(1, 1, BUY, 102, 10, Tif.IOC))
    made.advance(2)
    assert made.bbo().ask == Level(102, 10, 1)


def test_lots_taken_out_of_a_level_are_no_cancels_to_an_order_behind_them() -> None:
    made = market([snapshot(1, SAME)])
    made.place(NewOrder(1, 1, SELL, 102, 5, Tif.ALO))
    made.place(NewOrder(2, 2, BUY, 102, 4, Tif.IOC))
    assert made.ahead(1) == 6.0
    made.advance(1)
    assert made.ahead(1) == 6.0


def test_more_levels_than_can_be_remembered_forget_the_oldest() -> None:
    made = market([best(ms, (99, 10), (101 + ms, 1)) for ms in range(N_EATEN + 2, 0, -1)][::-1], (BOOK,))
    for ms in range(1, N_EATEN + 3):
        made.advance(ms)
        made.place(NewOrder(ms, 1, BUY, 101 + ms, 1, Tif.IOC))
    assert made.state["n_eaten"][0, SELL] <= N_EATEN


@pytest.mark.parametrize(("through", "filled"), [(Through.WHOLE, 30), (Through.SHOWN, 12)])
def test_a_book_beyond_our_price_fills_the_whole_or_what_it_shows(through: Through, filled: int) -> None:
    book: Row = (((95, 1),), ((97, 5), (98, 7), (101, 50)))
    made = market([snapshot(1, 1), snapshot(2, 1)], (BOOK, book), FillModel(through=through))
    made.place(NewOrder(1, 1, BUY, 100, 30, Tif.ALO))
    fills = [fill for ms in (1, 2) for fill in made.advance(ms).fills]
    assert sum(fill.sz_lots for fill in fills) == filled
    assert {fill.px_ticks for fill in fills} == {100}
