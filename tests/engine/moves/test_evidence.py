"""From raw fills to another order: the fee that is charged is the fee that is quoted."""

from typing import Any

import pytest

from portfolio_mm.engine import attribution as at
from portfolio_mm.engine import learning
from tests.engine.story import without
from tests.engine.tape import MS, Bench, S, keys, running


def filled(fee_bps: float, *, twice: bool = False, step: Any = None) -> Bench:
    """Eight fills of a coin that was told a rebate of 0.3 bps; only their fee differs."""
    bench, now_ns = running()
    if step is not None:
        bench.step = step
    for i in range(8):
        leg = bench.resting(i % 2)[0]
        lots, px = int(leg["lots"]) // 3, int(leg["px_ticks"])
        told = {"fee_1e8": round(px * lots * 100 * fee_bps * 1e-4), "tid": 900 + i}
        bench.fill(now_ns, i % 2, lots, **told)
        if twice:
            bench.fill(now_ns + MS, i % 2, lots, **told)
        now_ns = bench.quiet_book(7.0, now_ns + 10 * MS)
    return bench


def test_a_fee_other_than_told_moves_the_quote() -> None:
    as_told, dear = filled(-0.3), filled(9.7)
    assert as_told.st["account"]["maker_fee_bps"] == pytest.approx(-0.3)
    assert float(dear.st["account"]["maker_fee_bps"]) > 5.0
    assert keys(as_told.commands) != keys(dear.commands)
    items = dear.st["quote"]["items_bps"][:, at.FEE]
    assert items == pytest.approx([float(dear.st["account"]["maker_fee_bps"])] * 2)
    off = filled(9.7, step=without("evidence", "reckon"))
    assert off.st["account"]["maker_fee_bps"] == pytest.approx(-0.3)


def test_a_fill_told_twice_is_one_observation() -> None:
    bench = filled(-0.3, twice=True)
    assert bench.st["evidence"]["learned_count"].sum(axis=1).tolist() == [8] * 5
    assert bench.st["markouts"]["duplicates"] == 8
    assert bench.st["markouts"]["counts"].sum(axis=1).tolist()[:3] == [8, 8, 8]


def test_counts_do_not_change_while_nothing_happens() -> None:
    bench = filled(-0.3)
    before = bench.st["evidence"].copy()
    bench.quiet_book(100.0, int(bench.st["clock"]["recv_ns"]) + S)
    assert bench.st["evidence"].tobytes() == before.tobytes()


def test_a_day_without_us_halves_the_masses_and_keeps_the_counts() -> None:
    bench = filled(9.7)
    before = bench.st["evidence"].copy()
    learning.age(bench.state, bench.params, int(before["last_ns"]) + 86_400 * S)
    after = bench.st["evidence"]
    assert after["learned_count"].tolist() == before["learned_count"].tolist()
    assert after["label_n"] == pytest.approx(0.5 * before["label_n"])
    assert float(after["fee_n"]) == pytest.approx(0.5 * float(before["fee_n"]))
