"""Law 5: a physical number in a kernel carries its unit in its name."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import portfolio_mm
from portfolio_mm.engine.params import PARAMS
from portfolio_mm.engine.state import COIN
from portfolio_mm.models.skill import SKILL
from tests.estimators.cases import PLAIN

ROOT = Path(portfolio_mm.__file__).parent
SUFFIXES = (
    *("_bps", "_usd", "_s", "_ms", "_ns", "_px", "_sz", "_1e8", "_ticks", "_lots", "_lot", "_count", "_share"),
    *("_per_s", "_per_bps", "_per_coin", "_errors", "_ratio", "_price", "_probability", "_z", "_bps2"),
)
LETTERS = {
    *("a", "k", "q", "xi", "gamma", "sigma", "clip", "cost", "drift", "impact", "budget", "skew", "horizon"),
    *(
        "x",
        "y",
        "b",
        "p",
        "mid2",
        "rate",
        "price",
        "bar",
        "worth_usd_per_s",
        "level",
        "base",
        "fills",
        "loss",
        "naive",
        "exact",
        "exponent",
        "count",
        "keep",
        "eta",
        "m1",
        "m2",
        "log_k",
        "log_a",
        "log_shift",
    ),
}
"""Letters of docs/notation.md, whose unit the table gives, and numbers without a unit."""
PLAIN_FIELDS = {
    *("liquidity", "band", "numbers", "action_mass", "px", "sz", "leverage", "applied", "features", "signals_off"),
    *(SKILL.names or ()),
    *("propensity", "block_mass", "sums", "block", "shadow_skill", "shadow_se", "shadow_weight"),
    *PLAIN,
}
"""Fields without a unit, or sums whose unit the module's docstring gives."""


def kernels() -> list[tuple[str, ast.FunctionDef]]:
    """Every compiled function of the core."""
    return [
        (f"{room}/{path.name}:{node.name}", node)
        for room in ("engine", "models", "estimators")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and any("njit" in ast.dump(d) for d in node.decorator_list)
    ]


@pytest.mark.parametrize(("where", "node"), kernels(), ids=lambda value: value if isinstance(value, str) else "")
def test_arguments_carry_their_unit(where: str, node: ast.FunctionDef) -> None:
    for argument in node.args.args:
        is_float = isinstance(argument.annotation, ast.Name) and argument.annotation.id == "float"
        if is_float and argument.arg not in LETTERS:
            name = argument.arg
            assert name.endswith(SUFFIXES) or name in {"px", "sz", "seconds", "px_ticks"}, f"{where}: {name}"


def fields(dtype: Any, path: str = "") -> list[str]:
    """Paths of all floating point fields."""
    found = []
    for name in dtype.names:
        base = dtype[name].base
        if base.names:
            found += fields(base, f"{path}{name}.")
        elif base.kind == "f":
            found.append(f"{path}{name}")
    return found


@pytest.mark.parametrize("record", [COIN, PARAMS], ids=["COIN", "PARAMS"])
def test_fields_carry_their_unit(record: np.dtype[Any]) -> None:
    for path in fields(record):
        name = path.rpartition(".")[2]
        known = any(f"{suffix}_" in f"{name}_" for suffix in SUFFIXES)
        assert known or name in PLAIN_FIELDS, path
