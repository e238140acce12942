"""The benchmark of the parts reads the page itself; each benchmark has its own section of docs/benchmarks.md."""

from portfolio_mm.engine.parts import ESTIMATORS
from scripts.bench.__main__ import ALL, MARK, PAGE, page, sections
from scripts.bench.parts import clocked
from scripts.bench.row import Row


def test_every_estimator_has_a_clock() -> None:
    _, called = clocked()
    modules = {name.partition(".")[0] for name in called}
    assert {module.__name__.rpartition(".")[2] for module in ESTIMATORS.values()} <= modules
    assert {"clock", "book", "quoting", "reconcile"} <= modules


def test_a_benchmark_writes_its_own_section_and_no_other() -> None:
    before = PAGE.read_text()
    found = sections(before.partition(MARK)[2])
    assert set(found) <= set(ALL)
    after = page(before, {"step": [Row("a made up row", 1.5, "s")]})
    assert sections(after.partition(MARK)[2]) | {"step": ""} == found | {"step": ""}
    assert "a made up row" in after
    assert page(after, {"step": [Row("a made up row", 1.5, "s")]}) == after
