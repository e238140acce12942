"""Warm start (D9), what a first quote is, and where no quote can pay."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import LAST, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine import quoting, viability
from portfolio_mm.engine.report import read
from portfolio_mm.engine.snapshot import SNAPSHOT
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.estimators import markouts
from tests.engine.tape import COIN, MS, T0, Bench, S, bbo, book, event, trade, venue_ms

BITCOIN = Instrument("BTC", 7, 0, 5, 40)
"""Lots of 1e-5, ticks of 0.1 USD; at 110,000 USD the valid tick is 1 USD, 0.09 bps: the recorded spread."""


def swept(bench: Bench, seconds: int, k_per_bps: float, seed: int = 3, a_per_s: float = 0.5) -> int:
    """A book that comes back, and sweeps of others on both sides, their depth exponential beyond half a bp.

    Each prints at the touch and where it ends, and the next level is what its block leaves until the next one.
    """
    rng = np.random.default_rng(seed)
    now_ns = T0
    top, sign = (2_000_100, 1_999_900), (1, -1)
    for i in range(seconds * 10):
        if i % 5 == 0:
            bench.hear(book(now_ns, 1_999_900, 2_000_100))
        elif rng.random() < 2.0 * a_per_s * 0.125:
            side = int(rng.integers(0, 2))
            depth_bps = 0.5 + rng.exponential(1.0 / k_per_bps)
            last = 2_000_000 + sign[side] * (int(depth_bps * 2.0) * 100)
            for px_ticks in dict.fromkeys((top[side], last)):
                bench.hear(trade(now_ns, side, px_ticks))
            left = (last - 100, 2_000_100) if side == 1 else (1_999_900, last + 100)
            bench.hear(bbo(now_ns, *left))
            bench.hear(bbo(now_ns + 50 * MS, 1_999_900, 2_000_100))
        else:
            bench.hear(event(EventKind.TIMER, now_ns))
        now_ns += 100 * MS
    return now_ns


def placed(bench: Bench) -> list[Any]:
    return [command for command in bench.commands if command["kind"] == CommandKind.PLACE]


@pytest.mark.parametrize("fee_bps", [-0.3, 1.5])
def test_from_an_empty_prior_the_first_quote_stands_within_a_minute(fee_bps: float) -> None:
    bench = Bench(Tuning(levels=1), fee_bps=fee_bps)
    bench.start()
    swept(bench, 60, 0.3)
    first = placed(bench)
    assert {int(command["side"]) for command in first} == {0, 1}
    assert min(int(command["cause_ns"]) for command in first) < T0 + 60 * S


def test_the_first_quotes_are_the_smallest_and_grow_with_what_is_seen() -> None:
    bench = Bench(Tuning(levels=2))
    bench.start()
    swept(bench, 59, 0.3)
    orders = placed(bench)
    least = int(bench.params["min_order_usd"][0] / 20.0 / 0.1) + 1
    assert int(orders[0]["sz_lots"]) <= least
    assert all(int(command["level"]) == 0 for command in orders[:2])
    assert bench.st["intensity"]["probes"].min() >= bench.params["evidence_count"][0]
    assert max(int(command["sz_lots"]) for command in orders) > 5 * least


def test_where_nobody_trades_time_ends_the_probing() -> None:
    bench = Bench(Tuning(levels=1))
    bench.start()
    now_ns = bench.quiet_book(50.0, T0)
    least = int(bench.params["min_order_usd"][0] / 20.0 / 0.1) + 1
    assert {int(leg["lots"]) for side in (0, 1) for leg in bench.resting(side)} <= {least}
    bench.quiet_book(30.0, now_ns)
    assert bench.st["quote"]["lots"][0, 0] > 5 * least


def test_kappa_is_found_through_the_page_after_two_hundred_sweeps() -> None:
    bench = Bench(Tuning(levels=1))
    bench.silent = True  # nobody answers: none of them can meet an order of ours
    bench.start()
    swept(bench, 420, 0.3, seed=8)
    assert 150.0 < bench.st["intensity"]["probes"].sum() < 420.0
    assert bench.st["intensity"]["k_per_bps"] == pytest.approx([0.3, 0.3], rel=0.2)


def fills(adverse_bps: float, sd_bps: float, counts: list[int]) -> list[tuple[float, float]]:
    """Adverse selection and its error a coin expects on the bid after so many own fills, whose truth is given."""
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    st["viability"]["adverse_bps"], st["viability"]["adverse_se_bps"] = 0.5, 0.5
    st["viability"]["table_adverse_bps"] = 0.5
    rng = np.random.default_rng(6)
    fill, placed = event(EventKind.FILL, 0, sz_lots=1), np.zeros(1, SNAPSHOT)
    found, now_ns = [], 1_700_000_000 * S
    for n in range(max(counts) + 1):
        if n in counts:
            viability.hear_own(st, p)
            found.append(quoting.expected_adverse(st, p, 0))
        mid = 100.0 * (1.0 - 1e-4 * rng.normal(adverse_bps, sd_bps))
        fill["tid"] = n + 1
        markouts.on_fill(st["markouts"], p["markouts"], now_ns, fill[0], 99.95, 100.0, 20_000, placed[0])
        now_ns += 6 * S
        markouts.update(st["markouts"], p["markouts"], now_ns, now_ns, mid, 20_000)
    return found


def test_without_adverse_selection_the_floor_falls_as_fills_come() -> None:
    """Finding 9: learned from |moves| it climbed to 19 bps after 400 fills; it must end at fee + k errors."""
    floors = [mean + 0.25 * error for mean, error in fills(0.0, 10.0, [0, 50, 150, 400])]
    errors = [error for _, error in fills(0.0, 10.0, [0, 50, 150, 400])]
    assert all(later < earlier for earlier, later in pairwise(errors[1:]))
    assert floors[3] < floors[0]
    assert floors[3] < 0.5 * max(floors[0], 1.0) + 3.0 * errors[3]
    assert floors[3] < 1.5


def test_a_basis_point_of_adverse_selection_is_found_among_ten_of_noise() -> None:
    mean, error = fills(1.0, 10.0, [400])[0]
    assert mean == pytest.approx(1.0, abs=3.0 * error)


def bitcoin(fee_bps: float) -> Bench:
    """A book 1 USD wide at 110,000, sweeps that reach 0.3 bps on average, each followed by the price."""
    bench = Bench(Tuning(levels=1), fee_bps=fee_bps, instrument=BITCOIN)
    bench.start()
    rng = np.random.default_rng(9)
    bid, now_ns = 1_100_000, T0
    for i in range(6_000):
        if i % 2 == 0:
            bid += 10 * int(rng.integers(-2, 3))
            row = event(EventKind.BBO, now_ns, venue_ms=venue_ms(now_ns), bits=LAST, bid_ticks=bid, ask_ticks=bid + 10)
            row["bid_px"][0, 0], row["ask_px"][0, 0] = bid / 10.0, (bid + 10) / 10.0
            row["bid_sz"][0, 0], row["ask_sz"][0, 0] = 5.0, 5.0
            bench.hear(row)
        elif rng.random() < 0.3:
            side = int(rng.integers(0, 2))
            away = 5 + round(rng.exponential(0.3) * 110.0)
            px = (bid + 5 + (away if side == 0 else -away)) / 10.0
            bench.hear(event(EventKind.TRADE, now_ns, venue_ms=venue_ms(now_ns), bits=LAST, side=side, px=px, sz=0.5))
        else:
            bench.hear(event(EventKind.TIMER, now_ns))
        now_ns += 50 * MS
    return bench


def test_where_the_fee_is_sixteen_spreads_it_says_so_and_quotes_wide_or_not_at_all() -> None:
    """Recorded BTC: spread 0.09 bps against a maker fee of 1.5 bps. Nothing at the touch can pay."""
    bench = bitcoin(1.5)
    for side in (0, 1):
        words = read(bench.state, bench.params).sides[side]
        if words.reason == "CANNOT_PAY":
            assert "maker fee 1.50 bps" in words.reason_text
        else:
            assert bench.st["quote"]["distance_bps"][side] > 1.5
    for command in placed(bench):
        sign = 1.0 - 2.0 * int(command["side"])
        away_bps = sign * (float(command["fair_px"]) - int(command["px_ticks"]) / 10.0) / 110_000.0 * 1e4
        assert away_bps > 1.5, "no quote costs more than it can bring"


def test_the_same_book_is_quoted_nearer_by_who_is_paid_for_it() -> None:
    paid, paying = bitcoin(-0.3), bitcoin(1.5)
    assert placed(paid)
    near = min(float(paid.st["quote"]["distance_bps"][side]) for side in (0, 1))
    far = min(float(paying.st["quote"]["distance_bps"][side]) for side in (0, 1))
    assert near < far
    assert math.isfinite(near)
