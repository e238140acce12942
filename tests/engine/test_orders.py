"""The life cycle table and what the slots make of events in any order."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import LAST, CoinMode, EventKind
from portfolio_mm.domain.order import OrderEvent, OrderState
from portfolio_mm.engine import exposure, orders, slots
from portfolio_mm.engine.orders import LIVE, MODIFYING, NONE, PENDING, TRANSITIONS, UNKNOWN
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import Reason
from tests.engine.tape import T0, Bench, event, venue_ms, why

S, E = OrderState, OrderEvent


def test_every_state_answers_every_event() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    assert all(set(row) == set(OrderEvent) for row in TRANSITIONS.values())


def test_compiled_table_is_the_table() -> None:
    for state in OrderState:
        for happening in OrderEvent:
            assert orders.TABLE[state, happening] == TRANSITIONS[state][happening]
            assert orders.next_state(state, happening) is TRANSITIONS[state][happening]


def test_done_is_final() -> None:
    assert set(TRANSITIONS[S.DONE].values()) == {S.DONE}


@pytest.mark.parametrize("state", [S.PENDING, S.LIVE, S.CANCELLING, S.MODIFYING, S.UNKNOWN])
def test_a_terminal_event_ends_any_order(state: OrderState) -> None:
    assert TRANSITIONS[state][E.CANCELLED] is S.DONE
    assert TRANSITIONS[state][E.FILLED] is S.DONE


def test_only_answers_end_an_order() -> None:
    for state in (S.LIVE, S.CANCELLING, S.MODIFYING, S.UNKNOWN):
        ends = {happening for happening, after in TRANSITIONS[state].items() if after is S.DONE}
        assert ends <= {E.CANCELLED, E.FILLED, E.REFUSED, E.REPLACED}
        assert TRANSITIONS[state][E.UNCERTAIN] is S.UNKNOWN


def fresh() -> Any:
    return np.zeros(1, orders.ORDERS)


def put(book: Any, at: int, state: int, cloid: int, lots: int = 10) -> None:
    leg = book[0]["slots"][0, 0]["leg"][at]
    leg["state"], leg["cloid_lo"], leg["lots"], leg["placed_lots"], leg["px_ticks"] = state, cloid, lots, lots, 100


def tell(book: Any, cloid: int, status: int, lots: int = 0) -> int:
    row = event(EventKind.ORDER, 5, status=status, cloid_lo=cloid, sz_lots=lots, px_ticks=100)
    return int(slots.on_order.py_func(book[0], row[0], 5))


def states(book: Any) -> tuple[int, int]:
    legs = book[0]["slots"][0, 0]["leg"]
    return int(legs[0]["state"]), int(legs[1]["state"])


@pytest.mark.parametrize("status", [E.REPLACED, E.ACCEPTED, E.SHRUNK])
def test_a_replacement_that_lives_ends_the_old_order(status: OrderEvent) -> None:
    book = fresh()
    put(book, 0, MODIFYING, 1)
    put(book, 1, PENDING, 2)
    tell(book, 2, status, 10)
    assert states(book) == (LIVE, NONE)
    assert book[0]["slots"][0, 0]["leg"][0]["cloid_lo"] == 2


@pytest.mark.parametrize(("status", "cloid"), [(E.MODIFY_FAILED, 1), (E.MODIFY_FAILED, 2), (E.REFUSED, 2)])
def test_a_failed_modify_leaves_the_old_order(status: OrderEvent, cloid: int) -> None:
    book = fresh()
    put(book, 0, MODIFYING, 1)
    put(book, 1, PENDING, 2)
    tell(book, cloid, status)
    assert states(book) == (LIVE, NONE)
    assert book[0]["slots"][0, 0]["leg"][0]["cloid_lo"] == 1


def test_a_modify_of_a_dead_order_ends_both() -> None:
    """The old order filled while its modify was on the way: the venue refuses the modify (HL §13)."""
    book = fresh()
    put(book, 0, MODIFYING, 1)
    put(book, 1, PENDING, 2)
    tell(book, 1, E.FILLED)
    assert states(book) == (NONE, PENDING)
    tell(book, 1, E.MODIFY_FAILED)
    assert states(book) == (NONE, NONE)


def test_a_fill_of_the_replacement_proves_the_old_order_gone() -> None:
    book = fresh()
    put(book, 0, MODIFYING, 1)
    put(book, 1, PENDING, 2)
    slots.on_own_fill.py_func(book[0], 0, 2, 10, 5)
    assert states(book) == (NONE, NONE)


def test_an_uncertain_modify_doubts_both() -> None:
    book = fresh()
    put(book, 0, MODIFYING, 1, 10)
    put(book, 1, PENDING, 2, 30)
    tell(book, 2, E.UNCERTAIN)
    assert states(book) == (UNKNOWN, UNKNOWN)
    assert exposure.side_lots.py_func(book[0], 0) == 40


@pytest.mark.parametrize("fill_first", [True, False])
def test_remaining_lots_do_not_depend_on_the_order_of_arrival(*, fill_first: bool) -> None:
    book = fresh()
    put(book, 0, LIVE, 1)
    for is_fill in (fill_first, not fill_first):
        if is_fill:
            slots.on_own_fill.py_func(book[0], 0, 1, 4, 5)
        else:
            tell(book, 1, E.SHRUNK, 6)
    assert book[0]["slots"][0, 0]["leg"][0]["lots"] == 6


def test_a_late_word_about_a_buried_order_changes_nothing() -> None:
    book = fresh()
    put(book, 0, LIVE, 1)
    tell(book, 1, E.CANCELLED)
    assert tell(book, 1, E.ACCEPTED, 10) == -1
    assert states(book) == (NONE, NONE)


def test_an_order_found_in_a_snapshot_is_kept() -> None:
    book = fresh()
    slots.on_sync.py_func(book[0], 9, 4)
    tell(book, 5, E.ACCEPTED, 10)
    tell(book, 6, E.UNCERTAIN, 20)
    assert exposure.side_lots.py_func(book[0], 0) == 30


happenings = some.lists(
    some.tuples(some.sampled_from(list(OrderEvent)), some.sampled_from([1, 2, 3]), some.integers(0, 12)), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(happenings, some.sampled_from([(LIVE, NONE), (MODIFYING, PENDING), (NONE, PENDING), (UNKNOWN, UNKNOWN)]))
def test_no_order_of_events_breaks_the_slots(story: list[tuple[OrderEvent, int, int]], begin: tuple[int, int]) -> None:
    book = fresh()
    for at in (0, 1):
        if begin[at] != NONE:
            put(book, at, begin[at], at + 1)
    for status, cloid, lots in story:
        tell(book, cloid, status, lots)
        for level in range(3):
            legs = book[0]["slots"][0, level]["leg"]
            assert all(0 <= leg["lots"] <= max(leg["placed_lots"], 12) for leg in legs)
            assert S.DONE not in {int(leg["state"]) for leg in legs}
            assert int(legs[1]["state"]) != LIVE or int(legs[0]["state"]) != NONE
    assert exposure.side_lots.py_func(book[0], 0) >= 0


def test_a_fill_without_a_name_is_of_no_order_we_remember() -> None:
    """A person's order: before anything was buried the places of ghosts are empty, which is not what was known then."""
    bench = Bench(Tuning(levels=1))
    bench.start()
    now_ns = bench.quiet_book(2.0, T0)
    row = event(EventKind.FILL, now_ns, side=0, px_ticks=1_999_700, sz_lots=50, tid=777, fee_1e8=1_000)
    row["venue_ms"] = venue_ms(now_ns)
    bench.hear(row)
    unknown = bench.st["orders"]["filled"].copy()
    row["cloid_hi"], row["cloid_lo"], row["tid"] = 167, 999_999, 778
    bench.hear(row)
    assert unknown.tobytes() == bench.st["orders"]["filled"].tobytes()
    assert np.isnan(bench.st["markouts"]["fill_features"][:2]).all()


def snapshot_of(bench: Bench, now_ns: int, told: list[tuple[int, OrderEvent, int]]) -> None:
    """What a gateway tells that carries these bids: (serial, ACCEPTED or UNCERTAIN, level), 74 lots each."""
    bench.hear(event(EventKind.SYNC, now_ns, oid=4, tid=11))
    for i, (serial, status, level) in enumerate(told):
        say(bench, now_ns, serial, status, level=level, bits=LAST if i + 1 == len(told) else 0)


def say(bench: Bench, now_ns: int, serial: int, status: OrderEvent, **fields: int) -> None:
    px_ticks = 1_999_000 - 100 * (serial % 10)
    row = event(EventKind.ORDER, now_ns, status=status, oid=serial, px_ticks=px_ticks, sz_lots=74, cloid_lo=serial)
    row["cloid_hi"] = 167
    for name, value in fields.items():
        row[name] = value
    bench.hear(row)


def bids(bench: Bench) -> dict[int, int]:
    """State of each bid the coin counts, by serial."""
    legs = [leg for slot in bench.st["orders"]["slots"][0] for leg in slot["leg"]]
    return {int(leg["cloid_lo"]): int(leg["state"]) for leg in legs if leg["state"] != NONE}


def synced(told: list[tuple[int, OrderEvent, int]]) -> Bench:
    """A coin that may only reduce, and holds nothing: it wants no bid; with a book, and this snapshot."""
    bench = Bench(Tuning(levels=1, warmup_s=0.0))
    bench.silent = True
    bench.start()
    bench.hear(event(EventKind.MODE, T0 - 1, status=CoinMode.REDUCE_ONLY))
    snapshot_of(bench, bench.quiet_book(1.1, T0), told)
    return bench


NOW_NS = T0 + 2 * 10**9


@pytest.mark.parametrize("old", [E.ACCEPTED, E.UNCERTAIN])
def test_a_replacement_in_doubt_retires_the_order_it_replaces(old: OrderEvent) -> None:
    bench = synced([(7000, old, 1), (7001, E.UNCERTAIN, 1)])
    assert exposure.side_lots(bench.state[0]["orders"], 0) == 148
    say(bench, NOW_NS, 7001, E.REPLACED)
    assert list(bids(bench)) == [7001]
    assert exposure.side_lots(bench.state[0]["orders"], 0) == 74


def test_a_replacement_in_doubt_that_was_refused_leaves_the_order() -> None:
    bench = synced([(7000, E.ACCEPTED, 0), (7001, E.UNCERTAIN, 0)])
    say(bench, NOW_NS, 7001, E.MODIFY_FAILED)
    assert list(bids(bench)) == [7000]


def test_no_order_that_rests_is_forgotten() -> None:
    bench = synced([(7000 + i, E.ACCEPTED, i % 3) for i in range(5)])
    assert set(bids(bench)) == {7000, 7001, 7002, 7003, 7004}
    assert exposure.side_lots(bench.state[0]["orders"], 0) == 5 * 74
    bench.hear(event(EventKind.TIMER, NOW_NS))
    asked = {int(c["target_lo"]) for c in bench.commands if c["kind"] == CommandKind.CANCEL}
    assert asked >= {7000, 7001, 7002, 7003, 7004}, "what finds no room is cancelled"
    for serial, status in ((7003, E.CANCELLED), (7004, E.CANCEL_FAILED), (7000, E.CANCELLED)):
        say(bench, NOW_NS, serial, status)
    assert set(bids(bench)) == {7001, 7002, 7004}, "the end of one is not the end of its neighbour"
    say(bench, NOW_NS, 7001, E.CANCELLED)
    assert set(bids(bench)) == {7002, 7004}


def test_what_cannot_even_be_remembered_keeps_the_coin_out_until_the_next_snapshot() -> None:
    bench = synced([(7000 + i, E.ACCEPTED, 0) for i in range(7)])
    assert bench.st["orders"]["overflow"] == 1
    assert why(bench, 0) is why(bench, 1) is Reason.NOT_CONNECTED
    assert {int(c["target_lo"]) for c in bench.commands if c["kind"] == CommandKind.CANCEL} >= set(range(7000, 7006))
    snapshot_of(bench, NOW_NS, [(7006, E.ACCEPTED, 0)])
    assert why(bench, 0) is not Reason.NOT_CONNECTED
