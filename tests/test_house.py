"""Rooms stay small enough to be read at one sitting."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "portfolio_mm"
LONGEST = 300


def test_no_file_is_longer_than_a_sitting() -> None:
    long = {}
    for path in PACKAGE.rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST:
            long[str(path.relative_to(PACKAGE))] = lines
    assert long == {}, "take a part out that has a name of its own"
