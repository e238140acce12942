"""The parts of the PnL sum to cash plus position at mark, to the last 1e-8 USD."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from portfolio_mm.engine import pnl

lots = some.integers(1, 10_000)
ticks = some.integers(1_000, 10_000_000)
step = some.one_of(
    some.tuples(some.just("mid"), ticks, ticks),
    some.tuples(some.just("mark"), ticks, ticks),
    some.tuples(some.just("buy"), lots, ticks),
    some.tuples(some.just("sell"), lots, ticks),
    some.tuples(some.just("funding"), lots, ticks),
    some.tuples(some.just("adverse"), lots, ticks),
    some.tuples(some.just("position"), lots, ticks),
)


def play(record: Any, story: list[tuple[str, int, int]]) -> None:
    for what, first, second in story:
        if what == "mid":
            pnl.follow_mid.py_func(record, first + second)
        elif what == "mark":
            record["mark2"] = 2 * first
        elif what in {"buy", "sell"}:
            pnl.on_fill.py_func(record, 1 if what == "buy" else -1, first, second, second - first)
        elif what == "funding":
            pnl.on_funding.py_func(record, first - second)
        elif what == "adverse":
            pnl.on_adverse.py_func(record, 1, first, second, second + 7)
        else:
            pnl.take_over.py_func(record, first - 5_000)


@settings(max_examples=300, deadline=None)
@given(some.lists(step, max_size=30))
def test_parts_sum_to_cash_and_position_at_mark(story: list[tuple[str, int, int]]) -> None:
    record = np.zeros(1, pnl.PNL)[0]
    play(record, story)
    assert pnl.parts_1e8(record) == pnl.equity_1e8(record)


def test_a_round_trip_by_hand() -> None:
    """Bought 10 lots at 99.5, mid 100 to 102, sold at 102.5: 5 captured on entry, 20 moved, 5 captured on exit."""
    record = np.zeros(1, pnl.PNL)[0]
    play(record, [("mid", 9_900, 10_100), ("buy", 10, 9_950), ("mid", 10_100, 10_300), ("sell", 10, 10_250)])
    fees = -((9_950 - 10) + (10_250 - 10))
    assert int(record["spread_1e8"]) == 10 * 100 * (50 + 50)
    assert int(record["inventory_1e8"]) == 10 * 100 * 200
    assert int(record["fees_1e8"]) == fees
    assert pnl.equity_1e8(record) == 10 * 100 * 300 + fees


def test_positions_found_at_the_start_earn_only_from_then_on() -> None:
    record = np.zeros(1, pnl.PNL)[0]
    play(record, [("mid", 10_000, 10_000), ("mark", 10_001, 1)])
    pnl.take_over.py_func(record, 70)
    assert pnl.equity_1e8(record) == 0
    play(record, [("mid", 10_010, 10_010), ("mark", 10_012, 1)])
    assert pnl.equity_1e8(record) == pnl.parts_1e8(record) == 70 * 11 * 100


def test_adverse_selection_is_moved_out_of_inventory() -> None:
    record = np.zeros(1, pnl.PNL)[0]
    play(record, [("mid", 10_000, 10_000), ("buy", 10, 9_990), ("mid", 9_980, 9_980)])
    total = pnl.parts_1e8(record)
    pnl.on_adverse.py_func(record, 1, 10, 20_000, 19_960)
    assert int(record["adverse_1e8"]) == -10 * 20 * 100
    assert int(record["inventory_1e8"]) == 0
    assert pnl.parts_1e8(record) == total
