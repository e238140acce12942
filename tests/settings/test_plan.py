"""The plan actors receive, and the files people read."""

import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml
from pydantic import BaseModel

from portfolio_mm.actors.venue_process import command
from portfolio_mm.risk.rules import Rules
from portfolio_mm.settings.annotate import annotated
from portfolio_mm.settings.complaints import key_paths
from portfolio_mm.settings.load import load
from portfolio_mm.settings.model import Settings
from portfolio_mm.settings.plan import CoinPlan, Plan, RiskPlan
from portfolio_mm.settings.trading import CoinOverride
from portfolio_mm.venue.__main__ import parse

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"


def test_the_default_file_is_the_built_in_defaults() -> None:
    assert load(CONFIG / "default.yaml") == Settings()


def test_the_default_file_is_the_one_the_code_writes() -> None:
    text = (CONFIG / "default.yaml").read_text(encoding="utf-8")
    assert text == annotated(Settings()), "run `python -m portfolio_mm.settings.annotate > config/default.yaml`"


def test_the_default_file_names_every_key() -> None:
    tree = yaml.safe_load((CONFIG / "default.yaml").read_text(encoding="utf-8"))
    found = set()
    for path in key_paths(Settings):
        node = tree
        for part in path.split("."):
            node = node[part]
        found.add(path)
    assert found == set(key_paths(Settings))


def sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    inner = [f.annotation for f in model.model_fields.values() if isinstance(f.annotation, type)]
    return [model, *(s for i in inner if issubclass(i, BaseModel) for s in sections(i))]


def test_every_key_says_what_it_is_its_unit_and_when_to_change_it() -> None:
    for section in sections(Settings):
        for key, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{key}"
            if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
                assert ".\nUnit: " in field.description, f"{section.__name__}.{key}"
                assert ". Change " in field.description, f"{section.__name__}.{key}"


def test_every_key_of_a_coin_can_be_overridden() -> None:
    plan_keys = set(CoinPlan.__struct_fields__) - {"coin"}
    assert set(CoinOverride.model_fields) == plan_keys
    assert plan_keys <= set(Settings().coins.__class__.model_fields)


@pytest.mark.parametrize("name", ["default.yaml", "tape.yaml", "mainnet.yaml"])
def test_every_file_of_the_folder_makes_a_plan(name: str) -> None:
    plan = load(CONFIG / name).plan()
    assert plan.coins
    assert plan.venue.is_embedded == (name != "mainnet.yaml")


def test_the_files_of_the_folder_hold_no_key() -> None:
    for path in CONFIG.glob("*.yaml"):
        values = [str(v) for v in yaml.safe_load(path.read_text(encoding="utf-8")).get("account", {}).values()]
        assert all(len(v.removeprefix("0x")) != 64 for v in values), path


def test_the_plan_holds_every_setting() -> None:
    tree = msgspec.to_builtins(Settings().plan())
    for path in key_paths(Settings):
        section, *rest = path.split(".")
        node = tree[section]
        if section == "coins":
            assert rest[-1] in {"names", "overrides"} or rest[-1] in node[0]
            continue
        for part in rest:
            node = node[part]


def test_the_plan_survives_pickling_and_cannot_be_changed() -> None:
    plan = Settings().plan()
    assert pickle.loads(pickle.dumps(plan)) == plan
    with pytest.raises(AttributeError):
        plan.risk.max_loss_usd = 1.0  # type: ignore[misc]


def test_actors_can_read_a_plan_without_pydantic() -> None:
    plan = pickle.dumps(Settings().plan())
    code = (
        "import pickle, sys; import portfolio_mm.settings.plan; "
        f"plan = pickle.loads({plan!r}); plan.limits(1); plan.risk_rules(); "
        "sys.exit([m for m in ('pydantic', 'cvxpy', 'yaml', 'ray') if m in sys.modules] != [])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_limits_carry_the_version_and_every_coin() -> None:
    limits = Settings().to_limits(7)
    assert limits.version == 7
    assert [c.coin for c in limits.coins] == list(Settings().coins.names)
    assert limits.max_gross_usd == Settings().risk.max_gross_usd
    with pytest.raises(KeyError):
        limits.coin("NOPE")


def test_the_monitors_receive_every_threshold() -> None:
    rules = Settings().plan().risk_rules()
    assert set(Rules.__struct_fields__) <= set(RiskPlan.__struct_fields__)
    assert rules.coin_cancel_s == Settings().risk.coin_cancel_s


def test_the_default_account_can_hold_what_it_may_quote() -> None:
    plan: Plan = Settings().plan()
    quoted = sum(2 * coin.levels * coin.clip_usd / coin.leverage for coin in plan.coins)
    assert quoted < plan.risk.max_margin_fraction * plan.venue.embedded.equity_usd
    assert sum(2 * coin.levels for coin in plan.coins) * 2 <= plan.risk.max_open_orders


@pytest.mark.parametrize(
    ("changes", "brought"),
    [
        ({}, True),
        ({"reference.enabled": False}, False),
        ({"reference.url": "wss://fstream.binance.com"}, False),
        ({"venue.embedded.tape": "ws.jsonl.zst"}, False),
    ],
)
def test_the_embedded_venue_brings_a_reference_for_synthetic_flow_alone(
    changes: dict[str, object],
    brought: bool,  # noqa: FBT001 - a parameter
) -> None:
    plan = load(None, changes).plan()
    assert plan.brings_reference == brought
    told = command(plan)
    assert ("--reference" in told) == brought
    if brought:
        settings = parse(told[3:])
        assert settings.reference is not None
        assert settings.synthetic is not None
        assert settings.synthetic.reference_lead_ms == plan.reference.lead_ms == 500
        assert [row.coin for row in settings.synthetic.coins] == list(plan.coin_names)
    elif "venue.embedded.tape" not in changes:
        assert parse(told[3:]).reference is None
