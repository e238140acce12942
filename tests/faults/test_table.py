"""The tables in docs/reliability.md are whole: a row for each case, a case for each fault and event the venue knows."""

import pytest

from tests.faults import table
from tests.faults.cases import ALL, ALONE, PRIVATE, PUBLIC, WIRE, every_kind, kinds_of
from tests.faults.table import HEAD, Table
from tests.faults.test_pairs import SEED, name_of

FULL_PAIRS = 40


def test_every_kind_of_fault_and_event_has_a_case() -> None:
    assert kinds_of(ALL) == every_kind()


def test_every_wire_fault_meets_every_channel() -> None:
    for word in ("drop", "delay", "duplicate", "reorder", "truncate", "stall"):
        assert {f"{word} `{channel}`" for channel in (*PUBLIC, *PRIVATE)} <= {case.name for case in WIRE}


def test_every_kind_that_can_be_alone_is_met_in_the_quick_run_too() -> None:
    assert kinds_of(tuple(case for case in ALONE if case.quick)) == kinds_of(ALONE)


def test_names_are_unique() -> None:
    names = [case.name for case in ALL]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [(table.ALONE, [case.name for case in ALL]), (table.PAIRS, [name_of(number) for number in range(FULL_PAIRS)])],
)
def test_the_committed_table_has_a_row_for_each(name: str, expected: list[str]) -> None:
    page = table.PAGE.read_text()
    assert HEAD in Table(name).body(page)
    rows = Table(name).rows(page)
    assert list(rows) == expected, f"write them anew with `make proof` (seed {SEED})"
    assert [fault for fault, (_, recovered, _, _) in rows.items() if recovered == "never"] == []


def test_rows_are_replaced_and_kept_in_order() -> None:
    one = Table("x")
    page = f"before\n{one.begin}\n{one.end}\nafter\n"
    page = one.written(page, {"b": ("1 s", "2 s", "nothing", "abc")}, ["a", "b"])
    page = one.written(page, {"a": ("3 s", "4 s", "nothing", "def+")}, ["a", "b"])
    assert list(one.rows(page)) == ["a", "b"]
    assert one.rows(page)["a"] == ("3 s", "4 s", "nothing", "def+")
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
