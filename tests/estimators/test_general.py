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
from portfolio_mm.estimators import depth_profile, fair_value, intensity, markouts, volatility
from tests.estimators import stream
from tests.estimators.feeds import START_NS, fresh

MODULES = [
    importlib.import_module(f"{estimators.__name__}.{m.name}") for m in pkgutil.iter_modules(estimators.__path__)
]
LATER = START_NS + 60_000_000_000
EARLIER = START_NS - 60_000_000_000

GOOD: dict[ModuleType, list[Any]] = {
    fair_value: [START_NS, 99.0, 1.0, 101.0, 2.0],
    volatility: [START_NS, 100.0],
    intensity: [START_NS, 0, 101.0, 100.0],
    depth_profile: [START_NS, START_NS, 100.0, 0, 101.0, 100.0],
    markouts: [START_NS, START_NS, 100.0, 200],
}
BAD: dict[ModuleType, list[list[Any]]] = {
    fair_value: [
        [LATER, np.nan, 1.0, 101.0, 2.0],
        [LATER, 99.0, 0.0, 101.0, 2.0],
        [LATER, 99.0, 1.0, 0.0, 0.0],
        [LATER, 99.0, 1.0, np.inf, 2.0],
        [LATER, 101.0, 1.0, 99.0, 2.0],
        [EARLIER, 99.0, 1.0, 101.0, 2.0],
    ],
    volatility: [[LATER, np.nan], [LATER, 0.0], [LATER, -1.0], [LATER, np.inf], [EARLIER, 100.0]],
    intensity: [
        [LATER, 0, np.nan, 100.0],
        [LATER, 0, 0.0, 100.0],
        [LATER, 1, 99.0, np.nan],
        [EARLIER, 0, 101.0, 100.0],
        [EARLIER, -1, 0.0, 0.0],
    ],
    depth_profile: [
        [LATER, LATER, 100.0, 0, np.nan, 100.0],
        [LATER, LATER, 100.0, 0, 0.0, 100.0],
        [LATER, LATER, 100.0, 1, 99.0, np.nan],
        [EARLIER, EARLIER, 100.0, -1, 0.0, 0.0],
    ],
    markouts: [[EARLIER, EARLIER, 100.0, 200], [0, 0, 100.0, 200]],
}


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


def test_the_tables_of_this_file_cover_every_estimator() -> None:
    assert {name_of(m) for m in MODULES} == {name_of(m) for m in GOOD} == {name_of(m) for m in BAD} == set(stream.run())


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
    module.update(st[0], p[0], *GOOD[module])
    for n, bad in enumerate(BAD[module], start=1):
        kept = st.copy()
        assert not module.update(st[0], p[0], *bad), bad
        assert st["refused"][0] == n
        assert_same(kept, st, but=("refused",))


def test_bad_fills_orders_and_books_are_refused_and_cost_nothing() -> None:
    lam, lam_p = fresh(intensity)
    mk, mk_p = fresh(markouts)
    kept, kept_mk = lam.copy(), mk.copy()
    assert not intensity.expose(lam[0], 0, np.nan, 1.0)
    assert not intensity.expose(lam[0], 0, 1.0, np.nan)
    assert not intensity.own_fill(lam[0], START_NS, 0, np.nan)
    empty = np.zeros(5)
    assert not intensity.observe_book(lam[0], lam_p[0], START_NS, empty, empty, empty, empty, 100.0)
    assert not intensity.observe_book(lam[0], lam_p[0], START_NS, empty, empty, empty, empty, np.nan)
    assert_same(kept, lam, but=("refused",))
    assert lam["refused"][0] == 5
    assert not markouts.on_fill(mk[0], mk_p[0], START_NS, 0, 1, np.nan, 100.0, 200)
    assert not markouts.on_fill(mk[0], mk_p[0], START_NS, 0, 1, 100.0, np.nan, 200)
    assert not markouts.on_fill(mk[0], mk_p[0], START_NS, 0, 0, 100.0, 100.0, 200)
    assert_same(kept_mk, mk, but=("refused",))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_same_message_twice_changes_nothing_but_the_count(module: ModuleType) -> None:
    st, p = fresh(module)
    module.update(st[0], p[0], *GOOD[module])
    kept = st.copy()
    module.update(st[0], p[0], *GOOD[module])
    assert st["seen"][0] == kept["seen"][0] + 1
    assert_same(kept, st, but=("seen",))


def test_the_same_stream_gives_the_same_states() -> None:
    first, second = stream.run(), stream.run()
    for name, state in first.items():
        assert_same(state, second[name])


def test_compiled_and_plain_code_agree(tmp_path: Path) -> None:
    compiled = stream.run()
    for state in compiled.values():
        assert state["seen"][0] > 1000
    path = tmp_path / "plain.npz"
    env = dict(os.environ, NUMBA_DISABLE_JIT="1")
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "tests.estimators.stream", str(path)], env=env, check=True, cwd=root)
    plain = np.load(path)
    for name, state in compiled.items():
        assert_same(state, plain[name], rel=1e-12)
