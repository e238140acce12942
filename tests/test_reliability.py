"""docs/reliability.md names every proof that tries more under `make proof`, with the counts it has in the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
COUNTS = re.compile(r"^\w+(?:: Final)? = ([\d_]+) if .*(?:FULL|\"full\") else ([\d_]+)$", re.MULTILINE)
SWITCH = re.compile(r"environ\.get\(.PORTFOLIO_MM_PROOF.\) ==")
DECORATED = re.compile(r"((?:^@.*\n(?:^[ )].*\n)*)+)^(?:async )?def (\w+)", re.MULTILINE)
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py"))}
COUNTED = [(name, tuple(COUNTS.findall(text))) for name, text in SOURCES.items() if COUNTS.search(text)]


def test_every_proof_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 10
    assert [f"{path}::{name}" for path, name in named if f"def {name}(" not in SOURCES.get(path, "")] == []


def test_every_property_without_a_count_of_its_own_is_named() -> None:
    found = {
        f"{path}::{name}"
        for path, text in SOURCES.items()
        for above, name in DECORATED.findall(text)
        if "@given" in above and "max_examples" not in above
    }
    assert {one for one in found if f"`{one}`" not in PAGE} == set()


def test_every_file_that_reads_the_switch_has_its_counts_here() -> None:
    switched = {name for name, text in SOURCES.items() if SWITCH.search(text)}
    assert switched == {name for name, _ in COUNTED}


@pytest.mark.parametrize(("path", "counts"), COUNTED)
def test_counts_on_the_page_are_those_of_the_code(path: str, counts: tuple[tuple[str, str], ...]) -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if f"`{path}::" in line]
    shown = [set(re.findall(r"[\d,]*\d", " ".join(row[at] for row in rows))) for at in (3, 2)]
    for full, quick in counts:
        assert {f"{int(full):,}"} <= shown[0]
        assert {f"{int(quick):,}"} <= shown[1]
