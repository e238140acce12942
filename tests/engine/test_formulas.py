"""Formulas of the engine against independent computations, and invariance under a change of units."""

import doctest
import importlib
import math
import pkgutil
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import portfolio_mm.engine
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import OrderState, Refusal
from portfolio_mm.domain.price_grid import tick_step
from portfolio_mm.engine import exposure, ladder
from portfolio_mm.engine.params import MAX_COINS
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import REFUSALS, TEXTS, Reason, text
from tests.engine.tape import COIN, Bench, market

DEAR = Instrument("DEAR", 7, 0, 4, 10)
"""Like COIN at a thousand times the price: the same integers for the same money."""


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(portfolio_mm.engine.__path__)])
def test_examples_in_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"portfolio_mm.engine.{name}")
    kernels = {key: value.py_func for key, value in vars(module).items() if hasattr(value, "py_func")}
    for key, kernel in kernels.items():
        found = doctest.DocTestFinder().find(kernel, key, globs=vars(module))
        assert all(doctest.DocTestRunner().run(one).failed == 0 for one in found), key
    assert doctest.testmod(module).failed == 0


@given(some.floats(0.5, 5_000_000.0), some.integers(0, 5), some.sampled_from([0, 1]), some.integers(1, 400))
def test_every_level_is_valid_and_never_crosses(px: float, sz_decimals: int, side: int, gap: int) -> None:
    decimals = 6 - sz_decimals
    step = tick_step(int(px * 10), decimals)
    bid = max(1, int(px * 10) // step) * step
    ask = bid + gap * step
    ticks = ladder.level_px_ticks(side, ask + 7.3 if side == 0 else bid - 7.3, bid, ask, decimals)
    if ticks > 0:
        assert ticks % tick_step(ticks, decimals) == 0
        assert ticks < ask if side == 0 else ticks > bid


def test_a_modify_counts_the_larger_and_doubt_the_sum() -> None:
    s = OrderState
    assert exposure.pair_lots(s.MODIFYING, 10, s.PENDING, 30) == 30
    assert exposure.pair_lots(s.UNKNOWN, 10, s.UNKNOWN, 30) == 40
    assert exposure.pair_lots(s.CANCELLING, 10, s.PENDING, 30) == 40
    assert exposure.pair_lots(s.LIVE, 10, s.NONE, 30) == 10
    assert exposure.worst_case_lots(-5, 10, 20) == (5, 25)


def test_orders_do_not_depend_on_the_price_of_a_coin() -> None:
    """Price times 1000 and size by 1000: the same ticks, lots, bps and dollars (theory §0)."""
    tape = market(1_500)
    dear = tape.copy()
    for name in ("px", "px2", "bid_px", "ask_px"):
        dear[name] *= 1_000.0
    for name in ("bid_sz", "ask_sz"):
        dear[name] /= 1_000.0
    dear["sz"] = np.where(dear["kind"] == EventKind.TRADE, dear["sz"] / 1_000.0, dear["sz"])
    cheap_bench, dear_bench = Bench(Tuning(levels=2)), Bench(Tuning(levels=2), instrument=DEAR)
    for bench, events in ((cheap_bench, tape), (dear_bench, dear)):
        bench.start()
        bench.hear(events)
    fields = ("kind", "side", "level", "px_ticks", "sz_lots", "decision")
    ours, theirs = ([[int(c[f]) for f in fields] for c in b.commands] for b in (cheap_bench, dear_bench))
    assert len(ours) > 10
    assert ours == theirs
    near, far = cheap_bench.st["quote"]["items_bps"], dear_bench.st["quote"]["items_bps"]
    assert np.allclose(near, far, rtol=1e-6, atol=1e-9)


def test_more_coins_than_the_vector_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 64"):
        new_coin(COIN, MAX_COINS + 1)
    with pytest.raises(ValueError, match="coin index"):
        new_coin(Instrument("X", 1, 5, 0, 1), 5)


def test_every_reason_has_words() -> None:
    assert set(TEXTS) == set(Reason)
    for reason in Reason:
        words = text(reason, [1.5] * 7)
        assert words
        assert "{" not in words
    assert set(REFUSALS) == set(Refusal)
    assert text(Reason.BACKING_OFF, [2.0, float(Refusal.MARGIN)]) == f"waiting 2.0 s: {REFUSALS[Refusal.MARGIN]}"


def test_state_is_a_few_pages_of_memory() -> None:
    state, params = new_coin(COIN, 1)
    assert state.nbytes + params.nbytes < 64_000
    assert math.isnan(float(state["fair"]["mid_px"][0]))
    assert_no_objects(state.dtype)


def assert_no_objects(dtype: Any) -> None:
    for name in dtype.names:
        kind = dtype[name].base
        assert kind.kind in "iufV"
        if kind.names:
            assert_no_objects(kind)
