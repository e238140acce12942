"""No parameter without a kernel that reads it, no field of the state that nobody writes or reads."""

import ast
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.engine.params import PARAMS
from portfolio_mm.engine.parts import ESTIMATORS
from portfolio_mm.engine.state import COIN
from tests.estimators.cases import FOR_PEOPLE as CASES_FOR_PEOPLE

PACKAGE = Path(__file__).parents[2] / "portfolio_mm"
FOR_PEOPLE = {
    "pad_": "alignment",
    "overflow": "rings and slots that were full",
    "strangers": "orders adopted from an earlier life",
    "unknown_kinds": "events of a kind not known",
    "safety": "cancels that asked no price",
    "taker_fee_bps": "what leaving at once would cost; the page never takes",
    **CASES_FOR_PEOPLE,
}
"""Fields only a person reads, in a snapshot or a test: each says what went on, none moves an order."""


def attributes(path: Path) -> list[ast.Attribute]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)]


def of_p(room: str, module: str = "*") -> set[str]:
    """Names read as `p.name` in a room."""
    nodes = [node for path in (PACKAGE / room).rglob(f"{module}.py") for node in attributes(path)]
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "p"}


def parameters() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    record: Any = PARAMS
    for name in record.names:
        inner = record.fields[name][0].names
        found += [(name, each) for each in inner] if inner else [("", name)]
    return [(part, name) for part, name in found if name != "pad_"]


@pytest.mark.parametrize(("part", "name"), parameters())
def test_every_parameter_is_read_by_a_kernel(part: str, name: str) -> None:
    assert name in (
        of_p("estimators", ESTIMATORS[part].__name__.rsplit(".", 1)[-1]) if part else of_p("engine") | {"maker_fee_bps"}
    )


def state_fields(dtype: Any) -> set[str]:
    found: set[str] = set()
    for name in dtype.names:
        kind = dtype.fields[name][0]
        inner = kind.subdtype[0] if kind.subdtype else kind
        found |= state_fields(inner) if inner.names else {name}
    return found


def touched() -> tuple[set[str], set[str]]:
    """Names written and names read as attributes of anything, or by subscript, in the rooms that see a coin's state."""
    written: set[str] = set()
    read: set[str] = set()
    for room in ("models", "estimators", "engine", "actors"):
        for path in (PACKAGE / room).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute):
                    (written if isinstance(node.ctx, ast.Store) else read).add(node.attr)
                elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                    (written if isinstance(node.ctx, ast.Store) else read).add(str(node.slice.value))
                if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                    base = node.value
                    while isinstance(base, ast.Subscript):
                        base = base.value
                    if isinstance(base, ast.Attribute):
                        written.add(base.attr)
    return written, read


def test_every_field_of_the_state_is_written_and_read() -> None:
    written, read = touched()
    augmented = {"slots", "leg", "ghost", "sweeps"}
    names = state_fields(COIN) - augmented - set(FOR_PEOPLE)
    assert names - written == set()
    assert names - read == set()


def test_what_is_for_people_only_is_still_written() -> None:
    written, _ = touched()
    assert set(FOR_PEOPLE) <= state_fields(COIN)
    assert set(FOR_PEOPLE) <= written
