"""Signed markouts of own fills: definitions, exact identity, recovery, and what happens at the edges."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.estimators import markouts
from portfolio_mm.models import fill_ring, own_loss
from portfolio_mm.models.depth_grid import DEPTH_BPS
from portfolio_mm.models.fill_ring import PENDING
from tests.estimators.feeds import PLACED, START_NS, feed_markouts, fills_of, fresh, own_fill, placed, times

S = 1_000_000_000
NOTHING = np.zeros(len(DEPTH_BPS))
"""What sweeps on others lose at every depth."""


def one_fill(side: int, px: float, fair_px: float, mids: list[tuple[float, float]]) -> Any:
    """A fill at time 0 with mid2 2000, then (seconds, mid) messages."""
    st, p = fresh(markouts)
    own_fill(st[0], p[0], START_NS, side, 7, px, fair_px, 2000)
    for at_s, mid in mids:
        now_ns = START_NS + round(at_s * 1e9)
        markouts.update(st[0], p[0], now_ns, now_ns, mid, 2000)
    return st[0]


def test_profit_and_loss_have_the_right_sign_on_both_sides() -> None:
    """Bought at 99.98, fair 100, mid 99.97 a minute on: captured 2, adverse 3, profit -1 bps. The sale mirrors it."""
    bought = one_fill(0, 99.98, 100.0, [(61.0, 99.97)])
    sold = one_fill(1, 100.02, 100.0, [(61.0, 100.03)])
    for side, st in enumerate((bought, sold)):
        assert st.counts[4, side] == 1
        assert st.markout_m1[4, side] == pytest.approx(-1.0)
        assert st.adverse_m1[4, side] == pytest.approx(3.0)
        assert st.adverse_m2[4, side] == pytest.approx(9.0)


def test_each_horizon_takes_the_first_mid_at_or_after_its_due_time() -> None:
    mids = [(0.4, 101.0), (0.5, 100.01), (1.2, 100.02), (5.0, 100.03), (29.9, 109.0), (30.0, 100.04), (61.0, 100.05)]
    st = one_fill(0, 100.0, 100.0, mids)
    assert st.counts[:, 0].tolist() == [1] * 5
    assert st.markout_m1[:, 0] == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0])


def test_markout_is_captured_minus_adverse_exactly() -> None:
    rng = np.random.default_rng(1)
    st, p = fresh(markouts)
    captured = np.zeros(2)
    for i in range(200):
        now_ns = START_NS + i * S
        side, fair_px = i % 2, 100.0 + rng.normal(0.0, 0.1)
        px = fair_px + rng.normal(0.0, 0.1)
        captured[side] += (1 - 2 * side) * (fair_px - px) / fair_px * 1e4
        own_fill(st[0], p[0], now_ns, side, 1, px, fair_px, 2000)
        markouts.update(st[0], p[0], now_ns, now_ns, 100.0 + rng.normal(0.0, 0.2), 2000)
    for i in range(200):
        now_ns = START_NS + (i + 200) * S
        markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 2000)
    for h in range(markouts.HORIZONS):
        assert st["counts"][0, h].tolist() == [100, 100]
        assert st["markout_m1"][0, h] == pytest.approx(captured - st["adverse_m1"][0, h], abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_one_bp_of_adverse_selection_in_ten_of_noise_is_recovered(seed: int) -> None:
    """2000 fills a side, sd 10 bps: within 3 standard errors of 1 bp at 5 s. Averaging |move| would give 8 bps."""
    rng = np.random.default_rng(seed)
    n = 4000
    t_ns, side = times(np.arange(2 * n) * 5.0), np.tile([0, -1, 1, -1], n // 2)
    sign = np.where(side == 0, 1.0, -1.0)
    moved = np.roll(sign, 1)
    mid = 100.0 * (1.0 + 1e-4 * (-moved * 1.0 + rng.normal(0.0, 10.0, 2 * n)))
    st, p = fresh(markouts)
    p["half_life_s"] = 0.0
    feed_markouts(st, p, t_ns, mid, fills_of(side), 100.0 * (1.0 - sign * 6e-4), np.full(2 * n, 100.0), PLACED)
    mean_bps, se_bps = markouts.beyond(st[0], p[0], NOTHING, 1.0)
    assert se_bps == pytest.approx(10.0 / np.sqrt(4000.0), rel=0.1)
    assert abs(mean_bps - 1.0) < 3.0 * se_bps


def test_quoting_far_away_is_not_taken_for_adverse_selection() -> None:
    """The ratchet: zero true loss, quotes 6 bps away. The estimate stays at zero and its error falls with the count."""
    rng = np.random.default_rng(9)
    errors = []
    for n in (50, 400):
        t_ns, side = times(np.arange(2 * n) * 5.0), np.tile([0, -1], n)
        mid = 100.0 * (1.0 + 1e-4 * rng.normal(0.0, 3.0, 2 * n))
        st, p = fresh(markouts)
        feed_markouts(st, p, t_ns, mid, fills_of(side), np.full(2 * n, 99.94), np.full(2 * n, 100.0), PLACED)
        mean_bps, se_bps = markouts.beyond(st[0], p[0], NOTHING, 10.0)
        assert abs(mean_bps) < 3.0 * se_bps
        errors.append(se_bps)
    assert errors[1] < 0.5 * errors[0]


def test_the_floor_falls_to_the_fee_as_evidence_grows() -> None:
    """Zero true loss, quotes 6 bps away, fee 1.5, k = 0.25 errors: the predecessor's floor rose to 19 bps instead."""
    rng = np.random.default_rng(10)
    floors = []
    for n in (0, 50, 400, 2000):
        st, p = fresh(markouts)
        p["half_life_s"] = 0.0
        t_ns, side = times(np.arange(2 * n + 1) * 5.0), np.tile([0, -1], n + 1)[: 2 * n + 1]
        mid = 100.0 * (1.0 + 1e-4 * rng.normal(0.0, 3.0, 2 * n + 1))
        px, fair = np.full(2 * n + 1, 99.94), np.full(2 * n + 1, 100.0)
        feed_markouts(st, p, t_ns, mid, fills_of(side), px, fair, PLACED)
        mean_bps, se_bps = markouts.beyond(st[0], p[0], NOTHING + 1.0, 30.0)
        floors.append(1.5 + 1.0 + mean_bps + 0.25 * se_bps)
    assert floors == sorted(floors, reverse=True)
    assert floors[0] > 2.5
    assert floors[-1] == pytest.approx(1.5, abs=0.25)


def own_fills(losses: Any, depth_bps: Any, gap_s: Any) -> Any:
    """A state that has learned such losses of fills so far from fair, so many seconds apart."""
    st, p = fresh(markouts)
    now_ns = START_NS
    for loss_bps, depth, seconds in zip(losses, depth_bps, gap_s, strict=True):
        now_ns += round(float(seconds) * 1e9)
        own_loss.take(st[0].own, now_ns, loss_bps, depth, float(p["half_life_s"][0]), float(p["block_s"][0]))
    return st, p, now_ns


def test_shrinkage_moves_from_sweeps_to_own_fills() -> None:
    st, p = fresh(markouts)
    assert markouts.beyond(st[0], p[0], NOTHING + 2.5, 20.0) == pytest.approx((0.0, 5.0 / np.sqrt(20.0)))
    st, p, _ = own_fills([4.5] * 20, [2.5] * 20, np.full(20, 11.0))
    p["proof_errors"] = 1e9
    assert markouts.beyond(st[0], p[0], NOTHING + 2.5, 20.0)[0] == pytest.approx(0.5 * 2.0, abs=0.03)


def test_what_depth_explains_is_not_charged_twice() -> None:
    """Fills at 0.5 and 5 bps that lose what sweeps lose there: nothing is left, whatever the average of all is."""
    rng = np.random.default_rng(2)
    depth_bps = np.tile([0.5, 5.0], 400)
    said_bps = 0.9 * np.array(DEPTH_BPS)
    there_bps = np.interp(np.log(depth_bps), np.log(DEPTH_BPS), said_bps)
    st, p, _ = own_fills(there_bps + rng.normal(0.0, 4.0, 800), depth_bps, np.full(800, 10.0))
    mean_bps, se_bps = markouts.beyond(st[0], p[0], said_bps, 30.0)
    assert abs(mean_bps) < 2.5 * se_bps < 0.6
    assert markouts.beyond(st[0], p[0], NOTHING + 0.9, 30.0)[0] > 1.0


def test_a_loss_that_is_shown_is_believed_at_once() -> None:
    """Twelve fills of half a minute each that lose 20 bps: the prior of 30 grants 5.7, what is shown at 95 % is 14."""
    rng = np.random.default_rng(1)
    losses = 20.0 + rng.normal(0.0, 4.0, 12)
    st, p, _ = own_fills(losses, np.ones(12), np.full(12, 31.0))
    shown_bps = markouts.beyond(st[0], p[0], NOTHING, 30.0)[0]
    assert 12.0 < shown_bps < 16.5
    p["proof_errors"] = 1e9
    assert markouts.beyond(st[0], p[0], NOTHING, 30.0)[0] == pytest.approx(20.0 * 12.0 / 42.0, rel=0.15)


def test_a_burst_is_one_observation() -> None:
    """Sixteen fills, half of them lose 40 bps: in one burst of eight, that shows less than spread over eight blocks."""
    spread = np.array([40.0, 0.0] * 8)
    apart, p, _ = own_fills(spread, np.ones(16), np.tile([31.0, 0.05], 8))
    burst, _, _ = own_fills(np.sort(spread), np.ones(16), np.tile([31.0] + [0.05] * 7, 2))
    found = [markouts.beyond(st[0], p[0], NOTHING, 1e9)[0] for st in (apart, burst)]
    assert found[0] > 10.0
    assert found[1] < 1e-6
    found = [markouts.beyond(st[0], p[0], NOTHING, 30.0)[0] for st in (apart, burst)]
    assert found[0] > 5.0
    assert found[1] < 2.0


def test_fills_that_share_a_block_count_once_in_the_error_too() -> None:
    """400 fills of sd 10 in pairs: the error of 200, not of 400."""
    noise = np.random.default_rng(8).normal(0.0, 10.0, 400)
    st, p, _ = own_fills(noise, np.ones(400), np.tile([11.0, 0.1], 200))
    p["proof_errors"], own = 1e9, st[0].own
    held = own.n * own.n / (own.cluster_nn + own.block_n * own.block_n)
    assert held == pytest.approx(own.n / 2.0, rel=0.01)
    assert markouts.beyond(st[0], p[0], NOTHING, 1.0)[1] == pytest.approx(10.0 / np.sqrt(held), rel=0.1)


def test_blocks_are_forgotten_with_their_fills() -> None:
    st, _, _ = own_fills([10.0, 0.0], [1.0, 1.0], [1.0, 3600.0])
    own = st[0].own
    assert (own.n, own.s1, own.s2) == pytest.approx((1.5, 5.0, 50.0))
    assert (own.cluster_nn, own.cluster_ns, own.cluster_ss) == pytest.approx((0.5, 5.0, 50.0))


@pytest.mark.parametrize("twin", [False, True])
def test_nothing_lost_is_seldom_taken_for_a_loss(twin: bool) -> None:  # noqa: FBT001 - by pytest
    """What is shown exceeds zero in one case of twenty; the twin has tails of Student's t and bursts of four."""
    shown = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        noise = np.repeat(rng.standard_t(3, 30), 4) * 3.0 if twin else rng.normal(0.0, 5.0, 120)
        st, p, _ = own_fills(noise, np.ones(120), np.tile([40.0, 0.1, 0.1, 0.1], 30) if twin else np.full(120, 10.0))
        shown.append(markouts.beyond(st[0], p[0], NOTHING, 1e9)[0] > 1e-6)
    assert np.mean(shown) < 0.08


def test_what_was_shown_fades_without_a_fill() -> None:
    """A loss that ends the quoting ends the fills too, and must not stand for ever."""
    st, p, now_ns = own_fills([20.0, 12.0] * 10, np.ones(20), np.full(20, 31.0))
    before = markouts.beyond(st[0], p[0], NOTHING, 30.0)[0]
    for minute in range(1, 361):
        due_ns = now_ns + minute * 60 * S
        markouts.update(st[0], p[0], due_ns, due_ns, 100.0, 2000)
    assert st[0].own.n == pytest.approx(st[0].own.at_depth.sum())
    assert 0.0 < st[0].own.n < 0.02 * 20
    assert 0.0 <= markouts.beyond(st[0], p[0], NOTHING, 30.0)[0] < 0.2 * before


def test_every_label_is_handed_out_once_with_its_fill() -> None:
    """Twenty fills of six seconds ago have labels at three horizons: 60, in portions of OUT."""
    st, p = fresh(markouts)
    p["stale_ns"] = 10 * S
    for i in range(20):
        known = placed(features=float(i), decision=500 + i, distance_bps=2.0, signals_off=3, adverse_bps=1.5)
        assert own_fill(st[0], p[0], START_NS + i, i % 2, 100 + i, 100.0, 100.01, 2000 + i, 70 + i, known) == i
    handed = []
    now_ns = START_NS + 6 * S
    while markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 3000):
        got = st[0]
        for j in range(got.out_count):
            slot = got.out_slot[j]
            handed.append((int(got.out_horizon[j]), int(got.fill_tid[slot])))
            assert got.out_lots[j] == 30 + got.fill_tid[slot]
            assert got.out_mid2_fill[j] == 1930 + got.fill_tid[slot]
            assert (got.out_side[j], got.out_mid2_due[j]) == (slot % 2, 3000)
            sign = 1.0 - 2.0 * (slot % 2)
            assert got.out_markout_bps[j] == 0.0
            assert got.out_adverse_bps[j] == pytest.approx(sign * 1.0, rel=1e-3)
            assert (got.fill_decision[slot], got.fill_signals_off[slot]) == (500 + slot, 3)
            assert (got.fill_distance_bps[slot], got.fill_adverse_bps[slot]) == (2.0, 1.5)
            assert set(got.fill_features[slot].tolist()) == {float(slot)}
            assert (got.fill_cloid_hi[slot], got.fill_cloid_lo[slot]) == (5, 6)
    assert sorted(handed) == [(h, 70 + i) for h in range(3) for i in range(20)]
    assert st["counts"][0, int(p["learn"][0])].tolist() == [10, 10]


def test_a_place_in_the_ring_is_kept_until_the_last_horizon() -> None:
    st, p = fresh(markouts)
    for i in range(PENDING):
        assert own_fill(st[0], p[0], START_NS + i, 0, 1, 100.0, 100.0, 2000, 1 + i) == i
    for step in range(591):
        now_ns = START_NS + step * S // 10
        markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 2000)
    assert st["counts"][0, :, 0].tolist() == [64, 64, 64, 64, 0]
    assert own_fill(st[0], p[0], START_NS + 59 * S, 0, 1, 100.0, 100.0, 2000, 1000) == -1
    assert st["fill_tid"][0].tolist() == list(range(1, 65))


def test_a_trade_id_counts_once() -> None:
    st, _ = fresh(markouts)
    assert [fill_ring.is_new(st[0], tid) for tid in (7, 8, 7, 0, 0, 8, 9)] == [
        True,
        True,
        False,
        True,
        True,
        False,
        True,
    ]
    assert st["duplicates"][0] == 2


def test_a_clock_tick_resolves_only_with_a_mid_that_is_fresh() -> None:
    """No book since before the due time: wait, then drop and count; never a label from an old mid."""
    st, p = fresh(markouts)
    own_fill(st[0], p[0], START_NS, 0, 1, 100.0, 100.0, 2000)
    markouts.update(st[0], p[0], START_NS + S, START_NS, 100.0, 2000)
    assert st["counts"].sum() == 0
    markouts.update(st[0], p[0], START_NS + S, START_NS + S, 100.0, 2000)
    assert st["counts"][0, :, 0].tolist() == [1, 1, 0, 0, 0]
    markouts.update(st[0], p[0], START_NS + 8 * S, START_NS + S, 100.0, 2000)
    assert st["dropped"][0] == 1
    assert st["counts"].sum() == 2


def test_a_horizon_that_passed_while_nobody_looked_is_dropped() -> None:
    """After a restart the next mid is one of much later: it says nothing about 5 s."""
    st, p = fresh(markouts)
    own_fill(st[0], p[0], START_NS, 0, 1, 100.0, 100.0, 2000)
    markouts.update(st[0], p[0], START_NS + 20 * S, START_NS + 20 * S, 100.0, 2000)
    assert st["counts"].sum() == 0
    assert st["dropped"][0] == 3
    markouts.update(st[0], p[0], START_NS + 31 * S, START_NS + 31 * S, 100.0, 2000)
    assert st["counts"][0, :, 0].tolist() == [0, 0, 0, 1, 0]


def test_a_mid_that_is_no_number_resolves_nothing() -> None:
    assert one_fill(0, 100.0, 100.0, [(0.6, np.nan)]).counts.sum() == 0


def test_a_full_ring_refuses_and_counts() -> None:
    st, p = fresh(markouts)
    taken = [own_fill(st[0], p[0], START_NS + i, 0, 1, 100.0, 100.0, 2000) for i in range(300)]
    assert sum(slot >= 0 for slot in taken) == PENDING
    assert st["overflow"][0] == 300 - PENDING
    for step in range(640):
        now_ns = START_NS + step * S // 10
        markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 2000)
    assert st["counts"][0, :, 0].tolist() == [PENDING] * markouts.HORIZONS
    assert own_fill(st[0], p[0], START_NS + 120 * S, 0, 1, 100.0, 100.0, 2000) == 0


def test_a_fill_told_late_does_not_disturb_the_order() -> None:
    st, p = fresh(markouts)
    own_fill(st[0], p[0], START_NS + S, 0, 1, 100.0, 100.0, 2000)
    own_fill(st[0], p[0], START_NS, 0, 1, 100.0, 100.0, 2000)
    now_ns = START_NS + round(1.5 * S)
    markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 2000)
    assert st["counts"][0, 0, 0] == 2


def test_a_fill_from_the_future_does_not_stop_the_labels() -> None:
    """One is stamped an hour ahead, the next five are right: all have their labels of 5 s, not an hour later."""
    st, p = fresh(markouts)
    markouts.update(st[0], p[0], START_NS, START_NS, 100.0, 2000)
    own_fill(st[0], p[0], START_NS + 3600 * S, 0, 1, 100.0, 100.0, 2000)
    for step in range(1, 300):
        now_ns = START_NS + step * S // 5
        markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 2000)
        if step % 50 == 0:
            own_fill(st[0], p[0], now_ns, 0, 1, 100.0, 100.0, 2000)
    assert st["counts"][0, 2, 0] == 6


def test_a_burst_of_fills_is_one_block() -> None:
    """Twenty fills within a second, twice: windows of 0.5, 1 and 5 s that held one, and those of 30 s and more."""
    st, p = fresh(markouts)
    for burst in range(2):
        for i in range(20):
            at_ns = START_NS + burst * 20 * S + i * S // 20
            own_fill(st[0], p[0], at_ns, i % 2, 1, 100.0, 100.0, 2000)
    for second in range(200):
        now_ns = START_NS + second * S // 2
        markouts.update(st[0], p[0], now_ns, now_ns, 100.0, 2000)
    assert st["counts"][0].sum(axis=1).tolist() == [40, 40, 40, 40, 40]
    assert st["blocks"][0].tolist() == [4, 2, 2, 1, 1]
