"""Order flow against published worked events and exact nulls, and what each measure must not do."""

import math

import numpy as np
import pytest

from portfolio_mm.estimators import order_flow
from portfolio_mm.models import fair_row as row
from tests.estimators.feeds import START_NS, fresh

MS = 1_000_000
OFI_EVENTS = [
    ((100.0, 5.0, 101.0, 7.0), (100.0, 8.0, 101.0, 7.0), 3.0),
    ((100.0, 5.0, 101.0, 7.0), (100.0, 5.0, 101.0, 4.0), 3.0),
    ((100.0, 5.0, 101.0, 7.0), (101.0, 2.0, 102.0, 9.0), 9.0),
    ((100.0, 5.0, 101.0, 7.0), (99.0, 6.0, 101.0, 7.0), -5.0),
    ((100.0, 5.0, 101.0, 7.0), (100.0, 5.0, 100.5, 3.0), -3.0),
]
"""Worked events of Cont, Kukanov and Stoikov 2014, section 2.1 (theory §8)."""
VPIN_NULL = {10: 0.24609375, 50: 0.11227516267921702}
"""Exact E|B - S| / V of n fair unit trades: 2^-n C(n, n/2), theory §8."""


@pytest.mark.parametrize(("before", "after", "expected"), OFI_EVENTS)
def test_ofi_counts_the_worked_events(before: tuple[float, ...], after: tuple[float, ...], expected: float) -> None:
    st, p = fresh(order_flow)
    order_flow.update(st[0], p[0], START_NS, *before)
    order_flow.update(st[0], p[0], START_NS, *after)
    assert st["ofi_sz"][0] == pytest.approx(expected)


def test_ofi_is_in_depths_and_fades_in_seconds() -> None:
    st, p = fresh(order_flow)
    order_flow.update(st[0], p[0], START_NS, 100.0, 8.0, 101.0, 8.0)
    order_flow.update(st[0], p[0], START_NS + 4_000 * MS, 100.0, 12.0, 101.0, 8.0)
    x = np.full(9, np.nan)
    order_flow.say(st[0], p[0], START_NS + 4_000 * MS, x)
    assert x[row.ORDER_FLOW] == pytest.approx(4.0 / 8.0)
    order_flow.say(st[0], p[0], START_NS + 6_000 * MS, x)
    assert x[row.ORDER_FLOW] == pytest.approx(0.5 * math.exp(-2.0 / p["tau_s"][0]))


def test_before_the_first_book_nothing_is_known() -> None:
    st, p = fresh(order_flow)
    x = np.full(9, 7.0)
    order_flow.say(st[0], p[0], START_NS, x)
    assert np.isnan(x[[row.ORDER_FLOW, row.TRADE_IMBALANCE]]).all()


def test_what_changed_in_a_silence_is_no_event() -> None:
    st, p = fresh(order_flow)
    order_flow.update(st[0], p[0], START_NS, 100.0, 8.0, 101.0, 8.0)
    order_flow.update(st[0], p[0], START_NS + 60_000 * MS, 105.0, 8.0, 106.0, 8.0)
    assert st["ofi_sz"][0] == 0.0


def test_the_scale_of_sizes_and_of_prices_does_not_matter() -> None:
    rows = []
    for scale in (1.0, 1000.0):
        st, p = fresh(order_flow)
        rng = np.random.default_rng(3)
        for i in range(400):
            sizes, bid = rng.uniform(1.0, 9.0, 3) * scale, (100.0 + rng.integers(0, 3)) * scale
            order_flow.on_trade(st[0], p[0], START_NS + i * 90 * MS, int(rng.integers(0, 2)), bid, float(sizes[2]))
            order_flow.update(st[0], p[0], START_NS + i * 90 * MS, bid, sizes[0], bid + scale, sizes[1])
        x = np.full(9, np.nan)
        order_flow.say(st[0], p[0], START_NS + 401 * 90 * MS, x)
        rows.append([*x[1:3], st["vpin_excess"][0], st["pressure_z"][0]])
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-9)


def test_trades_weigh_by_size_and_fade_to_nothing() -> None:
    st, p = fresh(order_flow)
    order_flow.update(st[0], p[0], START_NS, 100.0, 8.0, 101.0, 8.0)
    for i in range(3_000):
        order_flow.on_trade(st[0], p[0], START_NS + i * 200 * MS, i % 2, 100.5, 1.0)
    now_ns = START_NS + 600_000 * MS
    x = np.full(9, np.nan)
    order_flow.say(st[0], p[0], now_ns, x)
    assert abs(x[row.TRADE_IMBALANCE]) < 0.05
    order_flow.on_trade(st[0], p[0], now_ns, 0, 100.5, 25.0)
    order_flow.say(st[0], p[0], now_ns, x)
    # about 25 coins of an ordinary window of 5 s at 5 coins a second, and as many in it now: 25 / (25 + 25 + 25)
    assert x[row.TRADE_IMBALANCE] == pytest.approx(1.0 / 3.0, abs=0.02)
    order_flow.say(st[0], p[0], now_ns + 60_000 * MS, x)
    assert abs(x[row.TRADE_IMBALANCE]) < 1e-4


def bucketed(n: int, sizes: np.ndarray, sides: np.ndarray) -> tuple[float, float]:
    """VPIN and its null over buckets of `n` average orders; the bucket memory is long."""
    p = order_flow.default_params()
    p["bucket_count"], p["bucket_memory_count"] = n, 1e9
    st, _ = fresh(order_flow, p)
    for i, (size, side) in enumerate(zip(sizes, sides, strict=True)):
        order_flow.on_trade(st[0], p[0], START_NS + i * 10 * MS, int(side), 100.0, float(size))
    mass, share, null = st["vpin_sums"][0]
    assert st["vpin_excess"][0] == pytest.approx((share - null) / mass)
    return share / mass, null / mass


@pytest.mark.parametrize("n", list(VPIN_NULL))
def test_vpin_of_fair_flow_is_its_exact_null(n: int) -> None:
    rng = np.random.default_rng(n)
    buckets = 600
    value, null = bucketed(n, np.ones(buckets * n), rng.integers(0, 2, buckets * n))
    sd = math.sqrt(1.0 / n - VPIN_NULL[n] ** 2)  # E (B - S)^2 / V^2 = 1 / n
    assert value == pytest.approx(VPIN_NULL[n], abs=3.0 * sd / math.sqrt(buckets))
    assert null == pytest.approx(math.sqrt(2.0 / (math.pi * n)))


def test_vpin_knows_that_unequal_orders_are_fewer() -> None:
    """Log-normal sizes: the null of the effective number of orders, within the bias of its approximation."""
    rng = np.random.default_rng(5)
    value, null = bucketed(20, rng.lognormal(0.0, 1.0, 20_000), rng.integers(0, 2, 20_000))
    assert value == pytest.approx(null, rel=0.06)
    assert null > 1.2 * math.sqrt(2.0 / (math.pi * 20))


def test_vpin_rises_with_one_sided_flow_and_prints_of_one_order_are_one() -> None:
    rng = np.random.default_rng(6)
    value, null = bucketed(20, np.ones(6_000), rng.random(6_000) < 0.2)
    assert value - null > 0.35
    st, p = fresh(order_flow)
    for i in range(4_000):  # each order of five prints: without joining them the null would be that of five times more
        order_flow.on_trade(
            st[0],
            p[0],
            START_NS + i // 5 * 10 * MS,
            int(rng.integers(0, 2)) if i % 5 == 0 else int(st["order_side"][0]),
            100.0,
            0.2,
        )
    assert st["vpin_sums"][0, 2] / st["vpin_sums"][0, 0] == pytest.approx(math.sqrt(2.0 / (math.pi * 20)), rel=0.01)


def window(st: np.ndarray, p: np.ndarray, start: int, share: float) -> int:
    """Twenty orders of which `share` of the volume buys, and the first order of the next window; the next index."""
    for i in range(20):
        size = share if i % 2 == 0 else 1.0 - share
        order_flow.on_trade(st[0], p[0], START_NS + (start + i) * 10 * MS, i % 2, 100.0, size)
    return start + 20


@pytest.mark.parametrize("d", [1.0, 2.0, 3.0])
def test_z_comes_before_the_update(d: float) -> None:
    """Finding 10: update first would give 0.9045, 1.6036, 2.0647 with alpha 0.1."""
    st, p = fresh(order_flow)
    at = 0
    for i in range(200):
        at = window(st, p, at, 0.5 + (0.04 if i % 2 else -0.04))
    at = window(st, p, at, 0.5)
    order_flow.on_trade(st[0], p[0], START_NS + at * 10 * MS, 0, 100.0, 1e-9)  # closes the last window
    st["window_sums"][0], st["window_n"][0] = 0.0, 0
    mean, sd = st["pressure_share"][0], math.sqrt(st["pressure_square"][0])
    at = window(st, p, at + 1, mean + d * sd)
    order_flow.on_trade(st[0], p[0], START_NS + at * 10 * MS, 0, 100.0, 1e-9)
    assert st["pressure_z"][0] == pytest.approx(d, rel=1e-6)


def test_z_is_unknown_for_the_first_windows_and_has_a_floor() -> None:
    st, p = fresh(order_flow)
    at = 0
    for _ in range(int(p["min_windows"][0])):
        at = window(st, p, at, 0.5)
    assert math.isnan(st["pressure_z"][0])
    for _ in range(20):
        at = window(st, p, at, 0.5)
    at = window(st, p, at, 0.5 + 0.02)  # not one deviation has been seen: the floor of 0.02 stands in
    order_flow.on_trade(st[0], p[0], START_NS + at * 10 * MS, 0, 100.0, 1e-9)
    assert st["pressure_z"][0] == pytest.approx(1.0, rel=0.05)


def test_bad_trades_are_refused() -> None:
    st, p = fresh(order_flow)
    order_flow.on_trade(st[0], p[0], START_NS, 0, 100.0, 1.0)
    kept = st.copy()
    for bad in ((START_NS, 0, np.nan, 1.0), (START_NS, 0, 100.0, 0.0), (START_NS, 0, 100.0, np.inf)):
        assert not order_flow.on_trade(st[0], p[0], *bad)
    assert not order_flow.on_trade(st[0], p[0], START_NS - 60_000 * MS, 0, 100.0, 1.0)
    assert st["refused"][0] == 4
    st["refused"] = 0
    assert st.tobytes() == kept.tobytes()
