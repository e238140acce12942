"""The pages about failures are true: named tests exist, and no broad except is left out."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "failures.md").read_text()
HANDLES = re.compile(r"^\s+except\b|contextlib\.suppress\(", re.MULTILINE)
BROAD = re.compile(r"except\s*(?:Exception|BaseException)?\s*(?:as \w+)?:")


def test_every_test_named_exists() -> None:
    missing = []
    for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE):
        file = ROOT / path
        if not file.exists() or (name and f"def {name}(" not in file.read_text()):
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_broad_except_is_named() -> None:
    found = {
        str(path.relative_to(ROOT)) for path in (ROOT / "portfolio_mm").rglob("*.py") if BROAD.search(path.read_text())
    }
    rows = [line for line in PAGE.splitlines() if re.search(r"`except (?:Base)?Exception`", line)]
    assert {path for path in found if not any(f"`{path}`" in row and "`tests/" in row for row in rows)} == set()


def test_every_module_that_handles_an_error_is_named() -> None:
    """A new fallback is written down with its test, in docs/failures.md, table 'Module by module'."""
    table = PAGE.partition("## Module by module")[2]
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "portfolio_mm").rglob("*.py")
        if HANDLES.search(path.read_text())
    }
    named = set(re.findall(r"^\| `(portfolio_mm/[\w/]+\.py)` \|", table, re.MULTILINE))
    assert {"missing": found - named, "stale": named - found} == {"missing": set(), "stale": set()}


def test_every_row_has_a_known_word() -> None:
    rows = [[cell.strip() for cell in line.split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]
    words = {"propagate", "unavailable", "defer", "fail closed", "degraded", "fatal"}
    assert [row for row in rows if row[1] not in {*words, "word"}] == []


def test_every_page_the_readme_links_exists() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
