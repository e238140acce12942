"""Fills by queue position on hand-written recordings."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.market import Fill, Level, NewOrder, Print, Tif
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_refill import Refill
from portfolio_mm.matching.queue_tape import TAPE_EVENT
from portfolio_mm.models.cancel_split import CancelModel, front_after_depth, probability_behind
from tests.matching.hand_tape import BOOK, Row, best, market, own_lots, snapshot, trade

NO_BOOKS = np.zeros((0, 2, 20, 3), np.int64)
# theory_refs/queue_refs.json, queue_sequence: computed from hftbacktest's public rule
SEQUENCE = (
    ("depth", 140.0),
    ("trade", 20.0),
    ("depth", 120.0),
    ("depth", 90.0),
    ("depth", 130.0),
    ("trade", 30.0),
    ("depth", 80.0),
    ("depth", 60.0),
)
FRONTS = {
    (CancelModel.POWER, 1.0): (100, 80, 80, 60, 60, 30, 25.384615385, 19.038461538),
    (CancelModel.POWER, 2.0): (100, 80, 80, 56, 56, 26, 24.823529412, 21.45687308),
    (CancelModel.POWER, 3.0): (100, 80, 80, 53.333333333, 53.333333333, 23.333333333, 23.12615143, 21.86622949),
    (CancelModel.POWER2, 2.0): (100, 80, 80, 53.333333333, 53.333333333, 23.333333333, 16.798159106, 9.28088627),
    (CancelModel.POWER3, 3.0): (100, 80, 80, 71.111111111, 71.111111111, 41.111111111, 40.478586275, 37.887773419),
    (CancelModel.LOG, 1.0): (100, 80, 80, 63.740363889, 63.740363889, 33.740363889, 25.007373801, 16.060204667),
    (CancelModel.LOG2, 1.0): (100, 80, 80, 73.230197596, 73.230197596, 43.230197596, 41.587269971, 38.308768989),
    (CancelModel.RISK_AVERSE, 1.0): (100, 80, 80, 80, 80, 50, 50, 50),
}


@pytest.mark.parametrize(("model", "exponent"), FRONTS)
def test_the_front_follows_the_published_rule(model: CancelModel, exponent: float) -> None:
    front, level, traded = 100.0, 100.0, 0.0
    for (kind, lots), expected in zip(SEQUENCE, FRONTS[model, exponent], strict=True):
        if kind == "trade":
            front, traded = max(front - lots, 0.0), traded + lots
        else:
            front = front_after_depth(int(model), exponent, front, level, lots, traded)
            level, traded = lots, 0.0
        assert front == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("model", "exponent"), FRONTS)
def test_the_market_keeps_the_same_front_as_the_rule(model: CancelModel, exponent: float) -> None:
    books: list[Row] = [(((100, 100),), ((102, 10),))]
    events = []
    for ms, (kind, lots) in enumerate(SEQUENCE, start=1):
        if kind == "trade":
            events.append(trade(ms, SELL, 100, int(lots)))
        else:
            events.append(snapshot(ms, len(books)))
            books.append((((100, int(lots)),), ((102, 10),)))
    made = market(events, tuple(books), FillModel(model, exponent))
    made.place(NewOrder(1, 1, BUY, 100, 5, Tif.ALO))
    for ms, expected in enumerate(FRONTS[model, exponent], start=1):
        made.advance(ms)
        assert made.ahead(1) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("model", CancelModel)
def test_the_head_of_a_queue_only_loses_lots_behind(model: CancelModel) -> None:
    assert probability_behind(int(model), 2.0, 0.0, 10.0) == 1.0
    assert probability_behind(int(model), 2.0, 0.0, 0.0) == 1.0
    if model != CancelModel.RISK_AVERSE:
        assert probability_behind(int(model), 2.0, 10.0, 0.0) == 0.0


def test_hand_worked_tape_ten_ahead_of_our_two() -> None:
    made = market([trade(ms, SELL, 100, lots) for ms, lots in enumerate((4, 6, 1, 3), start=1)])
    made.place(NewOrder(7, 1, BUY, 100, 2, Tif.ALO))
    assert made.ahead(7) == 10.0
    assert own_lots(made, 4) == [0, 0, 1, 1]
    assert made.remaining(7) == 0


def test_cancels_of_the_level_come_from_ahead_in_proportion() -> None:
    """30 lots, 10 of them ahead: of 6 cancelled 2 were ahead, then of 12 the half of what is left, 4."""
    books: tuple[Row, ...] = (BOOK, (((100, 24),), ((102, 10),)), (((100, 12),), ((102, 10),)))
    made = market([best(1, (100, 30), (102, 10)), snapshot(2, 1), snapshot(3, 2)], books, FillModel(exponent=1.0))
    made.place(NewOrder(7, 1, BUY, 100, 2, Tif.ALO))
    ahead = []
    for ms in (1, 2, 3):
        made.advance(ms)
        ahead.append(made.ahead(7))
    assert ahead == [10.0, 8.0, 4.0]


def test_orders_of_two_users_share_one_trade_once_in_order_of_time() -> None:
    made = market([trade(1, SELL, 100, 13), trade(2, SELL, 100, 2)])
    made.place(NewOrder(7, 1, BUY, 100, 2, Tif.ALO))
    made.place(NewOrder(8, 2, BUY, 100, 2, Tif.ALO))
    assert [(fill.maker_owner, fill.sz_lots) for fill in made.advance(1).fills] == [(1, 2), (2, 1)]
    assert [(fill.maker_owner, fill.sz_lots) for fill in made.advance(2).fills] == [(2, 1)]


def test_a_level_counts_the_orders_that_were_recorded_and_ours() -> None:
    made = market([], orders=7)
    made.place(NewOrder(7, 1, BUY, 100, 2, Tif.ALO))
    assert made.levels(2)[0] == [Level(100, 12, 8), Level(99, 20, 7)]


def test_a_trade_from_before_an_order_arrived_moves_its_queue_but_does_not_meet_it() -> None:
    made = market([trade(5, SELL, 100, 15), trade(20, SELL, 100, 1), trade(21, SELL, 99, 4)])
    made.enter_at(20)
    made.place(NewOrder(7, 1, BUY, 100, 4, Tif.ALO))
    assert made.advance(5).fills == ()
    assert made.ahead(7) == 0.0
    assert [fill.sz_lots for fill in made.advance(21).fills] == [1, 3]


def test_a_feed_of_best_prices_alone_says_nothing_of_other_levels() -> None:
    made = QueueMarket(np.array([best(0, (100, 10), (102, 5)), best(1, (99, 8), (102, 5))], TAPE_EVENT), NO_BOOKS)
    made.advance(0)
    made.place(NewOrder(7, 1, BUY, 99, 4, Tif.ALO))
    made.advance(1)
    assert made.ahead(7) == 8.0
    assert made.levels(9) == ([Level(99, 12, 2)], [Level(102, 5, 1)])


def test_two_own_orders_share_one_trade_once() -> None:
    made = market([trade(ms, SELL, 100, lots) for ms, lots in enumerate((4, 6, 1, 3), start=1)])
    for oid in (7, 8):
        made.place(NewOrder(oid, 1, BUY, 100, 2, Tif.ALO))
    assert made.ahead(8) == 12.0
    assert own_lots(made, 4) == [0, 0, 1, 3]


def test_wrong_side_aggressor_never_fills() -> None:
    made = market([trade(ms, BUY, 100, 50) for ms in range(1, 5)])
    made.place(NewOrder(7, 1, BUY, 100, 2, Tif.ALO))
    assert own_lots(made, 4) == [0, 0, 0, 0]
    assert made.ahead(7) == 10.0


@pytest.mark.parametrize(("side", "px", "through"), [(BUY, 99, 98), (SELL, 103, 104)])
def test_a_trade_through_our_price_fills_us_up_to_its_size(side: int, px: int, through: int) -> None:
    made = market([trade(1, 1 - side, through, 3)])
    made.place(NewOrder(7, 1, side, px, 5, Tif.ALO))
    moved = made.advance(1)
    assert moved.fills == (Fill(px, 3, 1 - side, 7, 1, 0, 0),)
    assert moved.prints == (Print(px, 3, 1 - side),)
    assert made.remaining(7) == 2
    assert made.ahead(7) == 0.0


def test_an_order_that_improves_the_spread_trades_first() -> None:
    made = market([trade(1, SELL, 100, 8)])
    made.place(NewOrder(7, 1, BUY, 101, 5, Tif.ALO))
    moved = made.advance(1)
    assert moved.prints == (Print(101, 5, SELL), Print(100, 3, SELL))
    assert [fill.sz_lots for fill in moved.fills] == [5]


def test_what_our_better_order_took_off_a_trade_is_no_cancel_behind_it() -> None:
    """The recorded level shrinks by the whole trade; taken for cancels it would move our other order up."""
    events = [best(1, (100, 80), (102, 10)), trade(2, SELL, 100, 20), best(3, (100, 60), (102, 10))]
    made = market(events, ((((100, 50),), ((102, 10),)),))
    made.place(NewOrder(7, 1, BUY, 100, 2, Tif.ALO))
    made.advance(1)
    made.place(NewOrder(8, 1, BUY, 101, 5, Tif.ALO))
    assert own_lots(made, 2)[1] == 5
    assert made.ahead(7) == 35.0
    made.advance(3)
    assert made.ahead(7) == 35.0


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.sampled_from((BUY, SELL)), st.integers(95, 107), st.integers(1, 40)),
        st.tuples(st.just("best"), st.integers(95, 104), st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)),
        st.tuples(st.just("book"), st.integers(0, 4)),
        st.tuples(
            st.just("order"),
            st.sampled_from((1, 2)),
            st.sampled_from((BUY, SELL)),
            st.integers(95, 107),
            st.integers(1, 30),
            st.sampled_from(tuple(Tif)),
        ),
    ),
    max_size=40,
)


def shifted(by: int) -> Row:
    bids, asks = BOOK
    return tuple((px + by - 2, lots) for px, lots in bids), tuple((px + by - 2, lots) for px, lots in asks)


@given(EVENTS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whatever_happens_the_published_book_is_not_crossed_and_holds_our_orders(happened: list[Any]) -> None:
    books = (BOOK, *(shifted(by) for by in range(5)))
    events: list[tuple[int, ...]] = []
    for ms, (kind, *what) in enumerate(happened, start=1):
        if kind == "trade":
            events.append(trade(ms, *what))
        elif kind == "best":
            px, spread, bid, ask = what
            events.append(best(ms, (px, bid), (px + spread, ask)))
        elif kind == "book":
            events.append(snapshot(ms, 1 + what[0]))
    made = market(events, books)
    live: dict[int, NewOrder] = {}
    filled: Counter[int] = Counter()
    for ms, (kind, *what) in enumerate(happened, start=1):
        if kind == "order":
            owner, side, px, lots, tif = what
            live[ms] = NewOrder(ms, owner, side, px, lots, tif)
            fills = made.place(live[ms]).fills
        else:
            fills = made.advance(ms).fills
        for fill in fills:
            filled[fill.maker_oid] += fill.sz_lots
            filled[fill.taker_oid] += fill.sz_lots
        sides = made.levels(100)
        bid, ask = made.bbo()
        assert bid is None or ask is None or bid.px_ticks < ask.px_ticks
        assert (bid, ask) == tuple(side[0] if side else None for side in sides)
        resting = {oid: order for oid, order in live.items() if made.remaining(oid)}
        for oid, order in live.items():
            assert filled[oid] + made.remaining(oid) <= order.sz_lots
        for side in (BUY, SELL):
            assert [level.px_ticks for level in sides[side]] == sorted(
                {level.px_ticks for level in sides[side]}, reverse=side == BUY
            )
            ours: Counter[int] = Counter()
            for oid, order in resting.items():
                if order.side == side:
                    ours[order.px_ticks] += made.remaining(oid)
            shown = {level.px_ticks: level.sz_lots for level in sides[side]}
            assert all(shown[px] >= lots for px, lots in ours.items())


def test_the_recorded_best_moving_through_us_fills_us_wholly() -> None:
    made = market([best(1, (98, 5), (99, 1))])
    made.place(NewOrder(7, 1, BUY, 100, 6, Tif.ALO))
    assert made.advance(1).fills == (Fill(100, 6, SELL, 7, 1, 0, 0),)


def test_the_recorded_best_reaching_us_fills_what_it_shows() -> None:
    made = market([best(1, (98, 5), (100, 4))])
    made.place(NewOrder(7, 1, BUY, 100, 6, Tif.ALO))
    assert made.advance(1).fills == (Fill(100, 4, SELL, 7, 1, 0, 0),)
    assert made.levels(1) == ([Level(100, 2, 1)], [Level(102, 10, 1)])


def test_a_taker_walks_recorded_levels_that_may_return_with_the_next_book() -> None:
    made = market([snapshot(1, 0)], fills=FillModel(refill=Refill.NEXT_RECORD))
    placed = made.place(NewOrder(7, 1, BUY, 103, 15, Tif.IOC))
    assert [(fill.px_ticks, fill.sz_lots, fill.maker_owner) for fill in placed.fills] == [(102, 10, 0), (103, 5, 0)]
    assert made.bbo().ask == Level(103, 15, 1)
    again = made.place(NewOrder(8, 1, BUY, 102, 5, Tif.IOC))
    assert again.fills == ()
    made.advance(1)
    assert made.bbo().ask == Level(102, 10, 1)


def test_a_taker_rests_what_it_cannot_match() -> None:
    made = market([])
    placed = made.place(NewOrder(7, 1, BUY, 102, 15, Tif.GTC))
    assert placed.resting_lots == 5
    assert made.levels(2) == ([Level(102, 5, 1), Level(100, 10, 1)], [Level(103, 20, 1), Level(104, 30, 1)])


def test_a_taker_meets_recorded_and_own_makers_in_order_of_time() -> None:
    made = market([])
    made.place(NewOrder(7, 1, SELL, 102, 4, Tif.ALO))
    placed = made.place(NewOrder(8, 2, BUY, 102, 12, Tif.IOC))
    assert [(fill.maker_owner, fill.sz_lots) for fill in placed.fills] == [(0, 10), (1, 2)]
    assert made.remaining(7) == 2
    assert made.ahead(7) == 0.0


def test_the_resting_order_of_the_same_owner_is_cancelled() -> None:
    made = market([])
    made.place(NewOrder(7, 1, SELL, 101, 4, Tif.ALO))
    placed = made.place(NewOrder(8, 1, BUY, 102, 3, Tif.IOC))
    assert placed.self_cancelled == (7,)
    assert placed.fills == (Fill(102, 3, BUY, 0, 0, 8, 1),)


def test_post_only_is_refused_when_it_would_cross() -> None:
    made = market([])
    assert made.place(NewOrder(7, 1, BUY, 102, 4, Tif.ALO)).crossed
    made.place(NewOrder(8, 1, BUY, 101, 4, Tif.ALO))
    assert made.place(NewOrder(9, 2, SELL, 101, 4, Tif.ALO)).crossed
    assert made.remaining(7) == 0


def test_own_size_is_added_to_the_published_book() -> None:
    made = market([])
    made.place(NewOrder(7, 1, BUY, 99, 4, Tif.ALO))
    made.place(NewOrder(8, 1, BUY, 97, 1, Tif.ALO))
    bids, _ = made.levels(10)
    assert bids == [Level(100, 10, 1), Level(99, 24, 2), Level(98, 30, 1), Level(97, 1, 1)]


def test_a_level_first_seen_later_is_all_ahead_of_us() -> None:
    deep = tuple((100 - level, 10) for level in range(20))
    deeper = tuple((99 - level, 7) for level in range(20))
    made = market([snapshot(1, 1)], ((deep, ((102, 5),)), (deeper, ((102, 5),))))
    made.place(NewOrder(7, 1, BUY, 80, 4, Tif.ALO))
    assert made.ahead(7) == 10.0
    made.advance(1)
    assert made.ahead(7) == 7.0


def test_a_price_behind_a_short_book_is_not_taken_for_empty() -> None:
    made = market([best(1, (99, 20), (102, 10)), snapshot(2, 1)], (BOOK, (((99, 20), (97, 40)), ((102, 10),))))
    made.advance(1)
    made.place(NewOrder(7, 1, BUY, 97, 4, Tif.ALO))
    assert made.ahead(7) == 30.0
    made.advance(2)
    assert made.ahead(7) == 40.0


def test_reduce_keeps_the_place_and_cancel_removes() -> None:
    made = market([])
    made.place(NewOrder(7, 1, BUY, 100, 4, Tif.ALO))
    assert made.reduce(7, 3) == 3
    assert (made.remaining(7), made.ahead(7)) == (1, 10.0)
    assert (made.cancel(7), made.cancel(7)) == (1, 0)
    assert np.isnan(made.ahead(7))


def test_prints_conserve_the_volume_of_the_tape() -> None:
    trades = [trade(ms, SELL, 100 - ms % 3, 5 + ms) for ms in range(1, 20)]
    made = market(trades)
    for oid, px in enumerate((101, 100, 99), start=1):
        made.place(NewOrder(oid, 1, BUY, px, 7, Tif.ALO))
    printed = [sum(row.sz_lots for row in made.advance(ms).prints) for ms in range(1, 20)]
    assert printed == [5 + ms for ms in range(1, 20)]


@pytest.mark.parametrize(("px", "lots"), [(0, 1), (100, 0)])
def test_an_impossible_order_is_the_callers_error(px: int, lots: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        market([]).place(NewOrder(7, 1, BUY, px, lots, Tif.GTC))
