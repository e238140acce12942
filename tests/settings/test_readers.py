"""A key nobody reads is a promise nobody keeps: every leaf of the plan has a reader outside settings."""

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portfolio_mm.actors.coin_state import fresh_coin
from portfolio_mm.actors.planner import Planner
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.settings.load import load
from portfolio_mm.settings.plan import CoinPlan, Plan, PortfolioPlan, QuotingPlan

PACKAGE = Path(__file__).parents[2] / "portfolio_mm"
BTC = Instrument("BTC", 0, 0, 5, 40)
SECTIONS = {field.name: field.type for field in msgspec.structs.fields(Plan) if field.name != "coins"}
KINDS = {kind.__name__: name for name, kind in SECTIONS.items()} | {
    "EmbeddedPlan": "embedded",
    "CoinPlan": "coin",
    "Rules": "risk",
}
"""Classes whose fields are keys; `Rules` is the risk section as the monitors get it."""


def leaves() -> list[tuple[str, str]]:
    found = [("coin", name) for name in CoinPlan.__struct_fields__ if name != "coin"]
    for section, kind in SECTIONS.items():
        for field in msgspec.structs.fields(kind):
            if field.name == "embedded":
                found += [("embedded", inner.name) for inner in msgspec.structs.fields(field.type)]
            else:
                found.append((section, field.name))
    return found


def section_of(node: ast.expr, names: dict[str, str]) -> str:
    """Section an expression stands for, as far as names and annotations tell; empty when they do not."""
    match node:
        case ast.Attribute(attr=attr) if attr in SECTIONS or attr == "embedded":
            return attr
        case ast.Attribute(attr=attr):
            return names.get(attr, "")
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.Call(func=ast.Attribute(attr="coin")):
            return "coin"
        case ast.Call(func=ast.Attribute(attr="risk_rules")):
            return "risk"
    return ""


def aliases(tree: ast.AST) -> dict[str, str]:
    """Names of a file that hold a section: by annotation, by assignment, by iteration over `coins`."""
    names: dict[str, str] = {"coin": "coin"}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and isinstance(node.annotation, ast.Name):
            target = (
                node.arg if isinstance(node, ast.arg) else getattr(node.target, "id", getattr(node.target, "attr", ""))
            )
            if node.annotation.id in KINDS:
                names[target] = KINDS[node.annotation.id]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs: list[tuple[Any, ast.expr]] = [(node.targets[0], node.value)]
            if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
            for target, value in pairs:
                section = section_of(value, names)
                if section:
                    names[getattr(target, "id", getattr(target, "attr", ""))] = section
    return names


def reads() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "settings" and path.name != "plan.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = aliases(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in KINDS:
                found |= {(KINDS[node.name], each.attr) for each in ast.walk(node) if isinstance(each, ast.Attribute)}
            elif isinstance(node, ast.Attribute):
                found.add((section_of(node.value, names), node.attr))
    return found


READ = reads()


@pytest.mark.parametrize(("section", "key"), leaves())
def test_every_key_of_the_plan_has_a_reader(section: str, key: str) -> None:
    assert (section, key) in READ


def other(value: Any) -> Any:
    """Another value of the same kind."""
    return {0.5: 1.0, 5.0: 30.0}.get(value, value * 2 if isinstance(value, int) else value * 1.5)


# The gateway tells the end of the run, as events: tests/gateway/test_deadline.py.
@pytest.mark.parametrize("key", [name for name in QuotingPlan.__struct_fields__ if name != "flat_at_end"])
def test_every_key_of_quoting_changes_what_a_coin_is_told(key: str) -> None:
    plan = load(None).plan()
    changed = msgspec.structs.replace(
        plan, quoting=msgspec.structs.replace(plan.quoting, **{key: other(getattr(plan.quoting, key))})
    )
    assert fresh_coin(BTC, 6, plan)[1].tobytes() != fresh_coin(BTC, 6, changed)[1].tobytes()


@pytest.mark.parametrize("key", [name for name in CoinPlan.__struct_fields__ if name != "coin"])
def test_every_key_of_a_coin_changes_its_parameters_or_its_limits(key: str) -> None:
    plan = load(None).plan()
    coin = msgspec.structs.replace(plan.coins[0], **{key: other(getattr(plan.coins[0], key))})
    changed = msgspec.structs.replace(plan, coins=(coin, *plan.coins[1:]))
    told = fresh_coin(BTC, 6, plan)[1].tobytes(), plan.limits(1)
    assert (fresh_coin(BTC, 6, changed)[1].tobytes(), changed.limits(1)) != told


def test_every_rule_of_the_portfolio_reaches_the_allocator() -> None:
    plan = load(None).plan()
    for key in set(PortfolioPlan.__struct_fields__) & set(Planner(plan, (BTC,)).rules().__struct_fields__):
        portfolio = msgspec.structs.replace(plan.portfolio, **{key: 0.9 * getattr(plan.portfolio, key)})
        changed = msgspec.structs.replace(plan, portfolio=portfolio)
        assert Planner(changed, (BTC,)).rules() != Planner(plan, (BTC,)).rules(), key
