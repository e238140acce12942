"""What every estimator owes the page, found by walking the package."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from portfolio_mm import estimators
from portfolio_mm.domain.events import EventKind
from portfolio_mm.estimators import intensity, markouts
from tests.estimators import stream
from tests.estimators.cases import CASES
from tests.estimators.feeds import START_NS, fresh, own_fill

MODULES = [
    importlib.import_module(f"{estimators.__name__}.{m.name}") for m in pkgutil.iter_modules(estimators.__path__)
]


def name_of(module: ModuleType) -> str:
    return module.__name__.rsplit(".", 1)[-1]


def assert_same(left: Any, right: Any, *, but: tuple[str, ...] = (), rel: float = 0.0) -> None:
    for field in left.dtype.names:
        if field in but:
            continue
        if left.dtype[field].base.names is not None:
            assert_same(left[field], right[field], rel=rel)
        elif left.dtype[field].base.kind == "f":
            np.testing.assert_allclose(left[field], right[field], rtol=rel, atol=rel, err_msg=field)
        else:
            np.testing.assert_array_equal(left[field], right[field], err_msg=field)


def test_every_estimator_has_its_case() -> None:
    assert {name_of(m) for m in MODULES} == set(CASES)
    assert all(case.MODULE is m for m in MODULES for case in [CASES[name_of(m)]])


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_an_estimator_has_the_common_shape(module: ModuleType) -> None:
    assert module.__doc__
    assert module.update.__doc__
    assert module.STATE.names[:3] == ("seen", "last_ns", "ready")
    assert [module.STATE[n].str[1:] for n in ("seen", "last_ns", "ready")] == ["i8", "i8", "i4"]
    assert "refused" in module.STATE.names
    assert set(module.HEARS) <= set(EventKind.__members__)
    params = module.default_params()
    assert params.dtype == module.PARAMS
    assert params.shape == (1,)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_reset_writes_every_field(module: ModuleType) -> None:
    clean, p = fresh(module)
    dirty = np.frombuffer(bytes([0x3F]) * module.STATE.itemsize, dtype=module.STATE).copy()
    module.reset(dirty[0], p[0])
    assert_same(clean, dirty)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_new_estimator_is_not_ready(module: ModuleType) -> None:
    st, _ = fresh(module)
    assert (st["seen"][0], st["ready"][0]) == (0, 0)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_bad_input_is_refused_and_costs_nothing(module: ModuleType) -> None:
    st, p = fresh(module)
    module.update(st[0], p[0], *CASES[name_of(module)].GOOD)
    for n, bad in enumerate(CASES[name_of(module)].BAD, start=1):
        kept = st.copy()
        assert not module.update(st[0], p[0], *bad), bad
        assert st["refused"][0] == n
        assert_same(kept, st, but=("refused",))


def test_bad_fills_orders_and_books_are_refused_and_cost_nothing() -> None:
    lam, lam_p = fresh(intensity)
    mk, mk_p = fresh(markouts)
    kept, kept_mk = lam.copy(), mk.copy()
    assert not intensity.expose(lam[0], 0, np.nan, 1.0, 0.1)
    assert not intensity.stand(lam[0], 0, np.nan)
    assert not intensity.expose(lam[0], 0, 1.0, np.nan, 0.1)
    assert not intensity.own_fill(lam[0], START_NS, 0, np.nan)
    empty = np.zeros(5)
    assert not intensity.observe_book(lam[0], lam_p[0], START_NS, empty, empty, empty, empty, 100.0)
    assert not intensity.observe_book(lam[0], lam_p[0], START_NS, empty, empty, empty, empty, np.nan)
    assert_same(kept, lam, but=("refused",))
    assert lam["refused"][0] == 6
    assert own_fill(mk[0], mk_p[0], START_NS, 0, 1, np.nan, 100.0, 200) < 0
    assert own_fill(mk[0], mk_p[0], START_NS, 0, 1, 100.0, np.nan, 200) < 0
    assert own_fill(mk[0], mk_p[0], START_NS, 0, 0, 100.0, 100.0, 200) < 0
    assert_same(kept_mk, mk, but=("refused",))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_same_message_twice_changes_nothing_but_the_count(module: ModuleType) -> None:
    st, p = fresh(module)
    module.update(st[0], p[0], *CASES[name_of(module)].GOOD)
    kept = st.copy()
    module.update(st[0], p[0], *CASES[name_of(module)].GOOD)
    assert st["seen"][0] == kept["seen"][0] + 1
    assert_same(kept, st, but=("seen",))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if hasattr(case, "elapse")])
def test_two_steps_of_time_are_one_of_twice_the_length(name: str) -> None:
    """Decay is in seconds: how often nothing new is said changes no estimate."""
    case = CASES[name]
    p, played = case.MODULE.default_params(), case.play(stream.market(400))
    halves, whole, start_ns = played.copy(), played.copy(), int(played["last_ns"][0])
    case.elapse(halves, p, start_ns + 400_000_000)
    case.elapse(halves, p, start_ns + 800_000_000)
    case.elapse(whole, p, start_ns + 800_000_000)
    assert_same(halves, whole, but=("seen", *getattr(case, "STEPS_OF", ())), rel=getattr(case, "STEP_ERROR", 1e-9))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_it_warms_up_in_the_time_it_states(module: ModuleType) -> None:
    case = CASES[name_of(module)]
    if float("inf") == module.WARM_S:
        assert "fill" in (module.__doc__ or "").lower()  # only own fills can make it ready
        return
    moments = stream.market(int(module.WARM_S / 0.105 * 1.1) + 60)
    assert case.play(moments)["ready"][0] == 1


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_memory_is_bounded_by_the_record(module: ModuleType) -> None:
    assert module.STATE.itemsize <= 16_384


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_scores_name_their_rival(module: ModuleType) -> None:
    """Something predicted is scored against a named naive rival; else it says why there is nothing to score."""
    assert bool(module.SCORES) != bool(getattr(module, "UNSCORED", ""))
    assert all(rival for rival in module.SCORES.values())
    if module.SCORES:
        assert np.atleast_1d(np.zeros(1, module.STATE)["skill"]).size == len(module.SCORES)


def test_the_same_stream_gives_the_same_states() -> None:
    first, second = stream.run(), stream.run()
    for name, state in first.items():
        assert_same(state, second[name])


def test_compiled_and_plain_code_agree(tmp_path: Path) -> None:
    compiled = stream.run()
    for state in compiled.values():
        assert state["seen"][0] > 100
    path = tmp_path / "plain.npz"
    env = dict(os.environ, NUMBA_DISABLE_JIT="1")
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "tests.estimators.stream", str(path)], env=env, check=True, cwd=root)
    plain = np.load(path)
    for name, state in compiled.items():
        assert_same(state, plain[name], rel=1e-12)
