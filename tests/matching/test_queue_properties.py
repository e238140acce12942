"""What holds of queue-model fills whatever is recorded and whatever we do."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_mm.domain.units import BUY, SELL, SIGN
from portfolio_mm.matching.fill_model import FillModel, Through
from portfolio_mm.matching.market import Fill, NewOrder, Tif
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_refill import Refill
from portfolio_mm.models.cancel_split import CancelModel
from tests.matching.hand_tape import BOOK, Row, best, market, snapshot, trade

SHIFTED: tuple[Row, ...] = tuple(
    (tuple((px + by, lots) for px, lots in BOOK[0]), tuple((px + by, lots) for px, lots in BOOK[1]))
    for by in (-2, -1, 0, 1, 2)
)
TRADE = st.tuples(st.just("trade"), st.sampled_from((BUY, SELL)), st.integers(96, 106), st.integers(1, 40))
BEST = st.tuples(st.just("best"), st.integers(96, 103), st.integers(1, 4), st.integers(1, 40), st.integers(1, 40))
FULL = st.tuples(st.just("book"), st.integers(0, 4))
ORDER = st.tuples(
    st.just("order"),
    st.sampled_from((1, 2)),
    st.sampled_from((BUY, SELL)),
    st.integers(96, 106),
    st.integers(1, 30),
    st.sampled_from(tuple(Tif)),
)
HAPPENED = st.lists(st.one_of(TRADE, BEST, FULL, ORDER), max_size=40)
MODELS = st.builds(
    FillModel,
    st.sampled_from(CancelModel),
    st.sampled_from((1.0, 2.0, 3.0)),
    st.sampled_from(Refill),
    st.just(Through.SHOWN),
)


def tape_of(happened: list[Any]) -> list[tuple[int, ...]]:
    events = []
    for ms, (kind, *what) in enumerate(happened, start=1):
        if kind == "trade":
            events.append(trade(ms, *what))
        elif kind == "best":
            px, spread, bid, ask = what
            events.append(best(ms, (px, bid), (px + spread, ask)))
        elif kind == "book":
            events.append(snapshot(ms, 1 + what[0]))
    return events


def reachable(made: QueueMarket, happened: tuple[Any, ...], fill: Fill) -> int:
    """Lots of one recorded event that traded, or are shown, at or through the price of a fill."""
    kind, *what = happened
    side = 1 - fill.aggressor_side
    if kind == "trade":
        aggressor, px, lots = what
        met = aggressor == fill.aggressor_side and SIGN[side] * (fill.px_ticks - px) >= 0
        return int(lots) if met else 0
    if kind == "best":
        px, spread, bid, ask = what
        levels = [(px, bid)] if side == SELL else [(px + spread, ask)]
        # deeper levels of an earlier book still stand behind the best
        levels += [(row.px_ticks, row.sz_lots) for row in made.levels(30)[1 - side]]
    else:
        levels = list(SHIFTED[what[0]][1 - side])
    return sum(lots for px, lots in levels if SIGN[side] * (fill.px_ticks - px) >= 0)


@given(HAPPENED, MODELS)
def test_a_fill_never_exceeds_what_traded_or_stands_at_or_through_its_price(
    happened: list[Any], fills: FillModel
) -> None:
    made = market(tape_of(happened), (BOOK, *SHIFTED), fills)
    for ms, (kind, *what) in enumerate(happened, start=1):
        if kind == "order":
            made.place(NewOrder(ms, *what))
            continue
        filled: Counter[tuple[int, int]] = Counter()
        for fill in made.advance(ms).fills:
            filled[fill.px_ticks, fill.aggressor_side] += fill.sz_lots
        total: Counter[int] = Counter()
        for (px, aggressor), lots in filled.items():
            total[aggressor] += lots
            probe = Fill(px, lots, aggressor, 0, 0, 0, 0)
            if kind == "trade":
                assert lots <= reachable(made, (kind, *what), probe)
            if kind == "book":
                assert lots <= reachable(made, (kind, *what), probe)
        if kind == "trade":
            assert sum(total.values()) <= what[2]


@given(HAPPENED, st.sampled_from(CancelModel), st.sampled_from(Refill))
def test_lots_ahead_never_grow_once_they_are_known(happened: list[Any], cancels: CancelModel, refill: Refill) -> None:
    """Only a level first seen after the order (ahead of it as a whole) may be more than was thought before."""
    made = market(tape_of(happened), (BOOK, *SHIFTED), FillModel(cancels=cancels, refill=refill))
    known: dict[int, float] = {}
    for ms, (kind, *what) in enumerate(happened, start=1):
        if kind == "order":
            made.place(NewOrder(ms, *what))
        else:
            made.advance(ms)
        state = made.state[0]
        for own in range(int(state["n_own"])):
            oid, front = int(state["oid"][own]), float(state["front"][own])
            assert oid not in known or front <= known[oid]
            if front >= 0.0:
                known[oid] = front


@given(HAPPENED, MODELS)
def test_own_orders_at_one_price_fill_first_in_first_out(happened: list[Any], fills: FillModel) -> None:
    made = market(tape_of(happened), (BOOK, *SHIFTED), fills)
    placed: dict[int, tuple[int, int]] = {}
    for ms, (kind, *what) in enumerate(happened, start=1):
        if kind == "order":
            done = made.place(NewOrder(ms, *what)).fills
            placed[ms] = (what[1], what[2])
        else:
            done = made.advance(ms).fills
        for fill in done:
            if fill.maker_oid:
                earlier = [
                    oid for oid, where in placed.items() if oid < fill.maker_oid and where == placed[fill.maker_oid]
                ]
                assert not any(made.remaining(oid) for oid in earlier)


@given(HAPPENED)
def test_the_risk_averse_queue_fills_no_more_than_any_other(happened: list[Any]) -> None:
    """Of makers alone: what our takers take would be different liquidity in each world."""
    makers = [event for event in happened if event[0] != "order" or event[5] == Tif.ALO][:25]

    def filled(cancels: CancelModel) -> int:
        made = market(tape_of(makers), (BOOK, *SHIFTED), FillModel(cancels=cancels))
        lots = 0
        for ms, (kind, *what) in enumerate(makers, start=1):
            if kind == "order" and not any(event[0] == "order" for event in makers[: ms - 1]):
                made.place(NewOrder(ms, *what))
            else:
                lots += sum(fill.sz_lots for fill in made.advance(ms).fills)
        return lots

    conservative = filled(CancelModel.RISK_AVERSE)
    assert all(conservative <= filled(model) for model in CancelModel)


@pytest.mark.parametrize("model", CancelModel)
def test_an_exponent_moves_only_the_power_models(model: CancelModel) -> None:
    def front(exponent: float) -> float:
        made = market([best(1, (100, 30), (102, 10)), best(2, (100, 12), (102, 10))], fills=FillModel(model, exponent))
        made.place(NewOrder(1, 1, BUY, 100, 1, Tif.ALO))
        made.advance(2)
        return made.ahead(1)

    powers = {CancelModel.POWER, CancelModel.POWER2, CancelModel.POWER3}
    assert (front(1.0) != front(3.0)) == (model in powers)
