"""The page is the whole truth about what is called, and docs/wiring.md says what the page says."""

import importlib
import pkgutil
import re
from pathlib import Path

import portfolio_mm.estimators
from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import terms
from portfolio_mm.engine.attribution import ITEMS
from portfolio_mm.engine.page import PAGE, SHELVED
from scripts.capabilities import CAPABILITIES
from scripts.wiring import TARGET, page_text, proofs


def test_the_wiring_page_is_true() -> None:
    assert TARGET.read_text(encoding="utf-8") == page_text(), "run `make wiring`"


def test_every_estimator_is_on_the_page_or_shelved_with_a_reason() -> None:
    modules = {f"estimators.{found.name}" for found in pkgutil.iter_modules(portfolio_mm.estimators.__path__)}
    called = {part.module for part in PAGE if part.module.startswith("estimators.")}
    assert modules == called | set(SHELVED)
    assert not called & set(SHELVED)
    assert all(SHELVED.values())


def test_every_estimator_has_its_two_proofs() -> None:
    files = re.findall(r"`(tests/[^`]+)`", "\n".join(proofs()))
    assert len(files) == 2 * sum(part.module.startswith("estimators.") for part in PAGE)
    assert [file for file in files if not (TARGET.parents[1] / file).is_file()] == []


def test_every_capability_is_made_moves_something_and_is_proven() -> None:
    assert [row.id for row in CAPABILITIES] == [f"C{i}" for i in range(1, 19)] + [f"D{i}" for i in range(1, 10)]
    for row in CAPABILITIES:
        assert all(importlib.import_module(f"portfolio_mm.{name}").__doc__ for name in row.modules)
        for proof in (*row.truth, *row.orders):
            file, _, test = proof.partition("::")
            assert f"def {test or 'test_'}" in (TARGET.parents[1] / file).read_text(encoding="utf-8"), proof


def test_nothing_of_a_quote_is_without_its_capability() -> None:
    made = {name for row in CAPABILITIES for name in row.modules}
    assert {part.module for part in PAGE if part.module.startswith("estimators.")} <= made
    assert {f"engine.terms.{found.name}" for found in pkgutil.iter_modules(terms.__path__)} <= made
    assert set(ITEMS) <= {item for row in CAPABILITIES for item in row.moves}


def test_every_part_is_a_module_that_step_calls() -> None:
    source = (Path(portfolio_mm.estimators.__file__).parents[1] / "engine" / "coin.py").read_text(encoding="utf-8")
    body = source[source.index("def step(") :]
    for part in PAGE:
        importlib.import_module(f"portfolio_mm.{part.module}")
        name = part.module.rsplit(".", 1)[1]
        assert f"{name}." in body or (name == "clock" and "admit(" in body), part.name


def test_every_event_kind_is_heard_by_more_than_the_clock() -> None:
    assert {kind for part in PAGE if part.name != "clock" for kind in part.hears} == {kind.name for kind in EventKind}


def test_the_page_is_one_page() -> None:
    path = Path(portfolio_mm.estimators.__file__).parents[1] / "engine" / "coin.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 250
