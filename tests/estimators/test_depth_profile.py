"""Virtual fills on flows whose rates and adverse moves are known."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import depth_profile
from portfolio_mm.models.depth_grid import DEPTH_BPS, DEPTHS
from portfolio_mm.models.skill import rival_weight
from tests.estimators.feeds import Floats, feed_depth_profile, fresh, sweeps, times

GRID = np.array(DEPTH_BPS)


def profile(seed: int, adverse_bps: float, hours: float = 2.0, sd_bps: float = 10.0, informed_from: float = 0.0) -> Any:
    """Sweeps of known law; sells that reach `informed_from` bps are followed by a mid `adverse_bps` lower, buys higher.

    The mid 5 s after has sd `sd_bps` around that. Fair before each block is 100.
    """
    rng = np.random.default_rng(seed)
    t_ns, aggressor, px = sweeps(rng, 0.5, 0.25, hours * 3600.0, tick_s=0.05)
    st, p = fresh(depth_profile)
    p["half_life_s"] = 0.0
    drift = np.zeros(len(t_ns))
    due = np.searchsorted(t_ns, t_ns + 5_000_000_000)
    for i in np.flatnonzero(aggressor >= 0):
        depth_bps = abs(px[i] - 100.0) * 100.0
        if due[i] < len(t_ns) and depth_bps >= informed_from:
            drift[due[i]] = adverse_bps * (1.0 if aggressor[i] == 0 else -1.0)
    mid = 100.0 * (1.0 + 1e-4 * (drift + rng.normal(0.0, sd_bps, len(t_ns))))
    feed_depth_profile(st, p, t_ns, mid, aggressor, px, np.full(len(t_ns), 100.0))
    return st[0]


def test_the_rate_of_reaching_each_depth_is_recovered() -> None:
    """A 0.5/s, k 0.25/bps over 2 h: within 3 Poisson standard errors at every depth of both sides."""
    st = profile(1, 0.0)
    truth = 0.5 * np.exp(-0.25 * GRID)
    for side in range(2):
        assert np.all(np.abs(st.rate_per_s[side] - truth) < 3.0 * np.sqrt(truth / 7200.0) + 1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_one_bp_of_adverse_selection_in_ten_of_noise_is_recovered(seed: int) -> None:
    """Signed, so that noise cancels: within 3 standard errors (the mean of |move| would be 8 bps)."""
    st = profile(seed, 1.0)
    for j in (0, 4):
        got, se = st.pool.adverse_bps[j], st.pool.adverse_se_bps[j]
        assert se < 0.35
        assert abs(got - 1.0) < 3.0 * se


def test_without_adverse_selection_the_estimate_is_nothing() -> None:
    st = profile(5, 0.0)
    assert abs(st.pool.adverse_bps[5]) < 3.0 * st.pool.adverse_se_bps[5]


def test_deep_sweeps_may_be_the_informed_ones() -> None:
    """Only sweeps beyond 4 bps move the mid, by 5 bps: at 4.7 bps the loss is 5, at 0.1 bps e^-1 of it."""
    st = profile(6, 5.0, sd_bps=2.0, informed_from=4.0)
    assert st.pool.adverse_bps[6] == pytest.approx(5.0, abs=0.35)
    assert st.pool.adverse_bps[0] == pytest.approx(5.0 * np.exp(-1.0), abs=0.35)


def test_unseen_depths_say_what_the_others_make_likely_and_how_little_that_is() -> None:
    st = profile(7, 1.0, hours=0.2, sd_bps=2.0)
    deepest = DEPTHS - 1
    assert st.pool.labels[deepest] == 0.0
    assert st.pool.adverse_bps[deepest] == pytest.approx(st.pool.adverse_bps[0], abs=2.0)
    assert st.pool.adverse_se_bps[deepest] >= 5.0 / np.sqrt(20.0) > 5.0 * st.pool.adverse_se_bps[0]


def flat(aggressor: list[int], px: list[float], at_s: list[float], mid: list[float], mid_lag_s: float = 0.0) -> Any:
    st, p = fresh(depth_profile)
    t_ns = times(np.array(at_s))
    for i in range(len(at_s)):
        mid_ns = int(t_ns[i]) - int(mid_lag_s * 1e9)
        depth_profile.update(st[0], p[0], int(t_ns[i]), mid_ns, mid[i], aggressor[i], px[i], 100.0)
    return st[0]


def test_a_loss_of_the_maker_is_positive_on_both_sides() -> None:
    """A sell prints at 99.95, five seconds later the mid is 99.97: the bid that bought lost 3 bps against fair."""
    sold = flat([1, -1, -1], [99.95, 0.0, 0.0], [0.0, 1.0, 6.0], [100.0, 100.0, 99.97])
    bought = flat([0, -1, -1], [100.05, 0.0, 0.0], [0.0, 1.0, 6.0], [100.0, 100.0, 100.03])
    assert sold.pool.loss[0] / sold.pool.labels[0] == pytest.approx(3.0)
    assert bought.pool.loss[0] / bought.pool.labels[0] == pytest.approx(3.0)
    assert (sold.pool.labels > 0.0).tolist() == [True] * 7 + [False] * 3


def test_a_label_is_never_made_of_a_mid_older_than_its_due_time() -> None:
    stale = flat([1, -1, -1, -1], [99.95, 0, 0, 0], [0.0, 1.0, 6.0, 8.0], [100.0, 100.0, 99.0, 99.0], mid_lag_s=5.0)
    assert stale.pool.labels.sum() == 0.0
    assert stale.dropped == 1


@pytest.mark.parametrize("away_s", [60.0, 3600.0])
def test_a_label_is_never_made_of_a_mid_long_after_its_due_time(away_s: float) -> None:
    """Two sweeps pend when the process stops; the market is 100 bps elsewhere when it comes back: they are dropped."""
    at_s = [0.0, 1.0, 2.0, 2.0 + away_s, 3.0 + away_s]
    away = flat([1, 1, -1, -1, -1], [99.95, 99.97, 0.0, 0.0, 0.0], at_s, [100.0, 100.0, 100.0, 99.0, 99.0])
    assert (away.dropped, away.tail - away.head) == (2, 0)
    assert away.pool.labels.sum() == 0.0
    assert depth_profile.said_bps(away, 0) == 0.0


def test_a_block_that_is_heard_after_a_later_one_is_a_sweep_of_its_own() -> None:
    """Sells of two blocks, the older one second, then buys of both in order, and two prints of one block."""
    at_s, px = [2.0, 1.0, 1.0, 2.0, 2.0, 3.0], [99.99, 99.95, 100.02, 100.03, 100.04, 0.0]
    st = flat([1, 1, 0, 0, 0, -1], px, at_s, [100.0] * 6)
    assert st.reached[:, 0].tolist() == pytest.approx([2.0, 2.0], rel=0.01)
    queued = zip(st.due_ns[:4] - times(np.array([5.0])), st.due_side[:4], st.due_reach_bps[:4], strict=True)
    found = sorted((int(side), round(due_ns / 1e9), round(float(bps))) for due_ns, side, bps in queued)
    assert found == [(0, 1, 5), (0, 2, 1), (1, 1, 2), (1, 2, 4)]


def test_more_sweeps_than_the_ring_holds_are_counted_not_forgotten_silently() -> None:
    n = depth_profile.PENDING + 50
    st = flat([1] * n, [99.99] * n, [0.001 * i for i in range(n)], [100.0] * n)
    assert st.overflow == 49
    assert st.tail - st.head == depth_profile.PENDING


def test_clustered_errors_are_wider_than_naive_ones_when_sweeps_come_in_bursts() -> None:
    """Ten sweeps within one second share one later mid: the stated error is about sqrt(10) of the naive one."""
    rng = np.random.default_rng(9)
    bursts, each = 300, 10
    at_s = (np.arange(bursts)[:, None] * 20.0 + np.arange(each + 1)[None, :] * 0.1 + 1.0).ravel()
    shock: Floats = np.repeat(rng.normal(0.0, 5.0, bursts), each)
    t_ns = times(np.concatenate([at_s, np.arange(bursts) * 20.0 + 8.0]))
    order = np.argsort(t_ns, kind="stable")
    sweep = np.concatenate([np.tile([1] * each + [-1], bursts), np.full(bursts, -1)])
    mid = np.concatenate([np.full(len(at_s), 100.0), 100.0 * (1.0 - 1e-4 * shock[::each])])
    st, p = fresh(depth_profile)
    p["half_life_s"], p["stale_ns"] = 0.0, 10**10
    px = np.full(len(t_ns), 99.9)
    mid_ns = np.where(np.arange(len(t_ns)) < len(at_s), 0, t_ns)
    for i in order:
        depth_profile.update(st[0], p[0], int(t_ns[i]), int(mid_ns[i]), mid[i], int(sweep[i]), px[i], 100.0)
    n = st["pool"]["labels"][0, 0]
    assert n == bursts * each
    assert st["pool"]["adverse_se_bps"][0, 0] > 2.5 * 5.0 / np.sqrt(n)


@pytest.mark.parametrize("seed", range(2))
def test_depth_speaks_once_it_has_beaten_the_average(seed: int) -> None:
    """Informed sweeps are the deep ones: the score says so, and then what is said of 4.7 bps is what is true there."""
    st = profile(seed, 5.0, sd_bps=4.0, informed_from=4.0)
    assert st.skill.weight > 0.5
    assert depth_profile.said_bps(st, 0) == st.pool.adverse_bps[0]
    assert depth_profile.said_bps(st, 6) == pytest.approx(5.0, abs=1.5)


@nb.njit
def feed_labels(st: Any, p: Any, t_ns: Any, row: Any, is_due: Any, px: Any, mid: Any) -> None:  # noqa: PLR0917 - flat arguments
    """Sells at `px`, and the mid that each is judged by five seconds later."""
    for i in range(len(t_ns)):
        now_ns = t_ns[i]
        if is_due[i]:
            depth_profile.update(st[0], p[0], now_ns, now_ns, mid[row[i]], -1, 0.0, 0.0)
        else:
            depth_profile.update(st[0], p[0], now_ns, now_ns, np.nan, 1, px[row[i]], 100.0)


def test_losses_that_grow_with_depth_are_told_in_half_an_hour() -> None:
    """As on recorded ETH: of 1,100 sweeps 152 reach 0.7 bps and lose 2.1 after it, 70 reach 1.3 and lose 3.3.

    Said in full in every one of twelve half hours: a score of the same profile let two of them say nothing of it, and
    0.7 of it on average.
    """
    share = np.array([0.358, 0.307, 0.196, 0.075, 0.046, 0.011, 0.007])
    ended_bps, lost_bps = [0.12, 0.25, 0.5, 0.9, 1.8, 3.4, 6.0], [0.0, -0.3, -0.26, 1.17, 2.27, 2.0, 11.5]
    rivals, said = [], []
    for seed in range(12):
        rng, n = np.random.default_rng(seed), 1_100
        end = rng.choice(7, n, p=share / share.sum())
        at_s, noise = np.sort(rng.uniform(1.0, 1_800.0, n)), rng.normal(0.0, 3.0, n)
        st, p = fresh(depth_profile)
        t_s = np.concatenate([at_s, at_s + 5.0])
        order = np.argsort(t_s, kind="stable")
        row, is_due = np.tile(np.arange(n), 2)[order], np.repeat([False, True], n)[order]
        px = 100.0 * (1.0 - 1e-4 * np.array(ended_bps)[end])
        mid = 100.0 * (1.0 - 1e-4 * (np.array(lost_bps)[end] + noise))
        feed_labels(st, p, times(t_s[order]), row, is_due, px, mid)
        rivals.append(rival_weight(st[0]["skill"]))
        said.append([depth_profile.said_bps(st[0], j) for j in (0, 3, 4)])
    assert max(rivals) == 0.0
    assert np.mean(said, axis=0) == pytest.approx([0.28, 2.1, 3.0], abs=0.35)
    assert np.min(said, axis=0)[1] > 1.2


def lines(seed: int, b: float, *, twin: bool, n: int = 900, minutes: float = 29.8) -> Any:
    """Half an hour of sweeps, 1.5 bps far on average, each followed by b x + noise of sd 6 bps.

    The twin: noise has the tails of Student's t with 3 degrees and is shared by the bursts of four that sweeps come in.
    """
    rng = np.random.default_rng(seed)
    reach_bps = 0.1 + rng.exponential(1.5, n)
    if twin:
        at_s = (np.sort(rng.uniform(1.0, 60.0 * minutes, n // 4))[:, None] + 0.2 * np.arange(4)).ravel()
        noise = np.repeat(rng.standard_t(3, n // 4), 4) * 6.0 / np.sqrt(3.0)
    else:
        at_s, noise = np.sort(rng.uniform(1.0, 60.0 * minutes, n)), rng.normal(0.0, 6.0, n)
    t_s = np.concatenate([at_s, at_s + 5.0])
    order = np.argsort(t_s, kind="stable")
    row, is_due = np.tile(np.arange(n), 2)[order], np.repeat([False, True], n)[order]
    st, p = fresh(depth_profile)
    p["half_life_s"] = 0.0
    mid = 100.0 * (1.0 - 1e-4 * (b * (reach_bps - 1.6) + noise))
    feed_labels(st, p, times(t_s[order]), row, is_due, 100.0 * (1.0 - 1e-4 * reach_bps), mid)
    return st[0]


@pytest.mark.parametrize("twin", [False, True])
def test_what_a_depth_says_is_what_reaches_it_loses(twin: bool) -> None:  # noqa: FBT001 - by pytest
    """b 1: at 4.7 bps, where one sweep in twenty comes, 4.7 + 1.5 - 1.6; over sixteen half hours, less what shrinks it.

    Where depth is chance (b 0), the mean of what is said there is the average of all, as in most half hours.
    """
    for b in (0.0, 1.0):
        states = [lines(seed, b, twin=twin) for seed in range(16)]
        said = np.array([[depth_profile.said_bps(st, j) for j in (0, 4, 6, 7)] for st in states])
        truth = np.array([0.0, *(b * (GRID[j] - 0.1) for j in (4, 6, 7))])
        assert said.mean(axis=0) == pytest.approx(truth, rel=0.15, abs=0.35 * (1.0 + twin))
        if b == 0.0:
            assert np.median(np.abs(said[:, 2] - said[:, 0])) < 0.35


def test_a_minute_that_ran_one_way_is_not_believed() -> None:
    """Four blocks of a rising market: sweeps that went far lost, and their own errors are small. A quarter is said."""
    said, bare = [], []
    for seed in range(12):
        st = lines(seed, 1.0, twin=False, n=80, minutes=0.7)
        said.append(st.pool.adverse_bps[6] - st.pool.adverse_bps[0])
        bare.append(GRID[6] - 0.1)
    assert np.mean(said) < 0.4 * np.mean(bare)


def test_errors_hold_what_is_true() -> None:
    """Within 1.96 standard errors of the truth at 0.1, 1.3 and 4.7 bps in 85 of 100 at least, bursts or not."""
    inside = []
    for twin in (False, True):
        for seed in range(24):
            st = lines(100 + seed, 1.0, twin=twin)
            for j in (0, 4, 6):
                off_bps = st.pool.adverse_bps[j] - (GRID[j] - 0.1)
                inside.append(abs(off_bps) < 1.96 * st.pool.adverse_se_bps[j])
    assert np.mean(inside) > 0.85


def test_the_average_speaks_where_its_score_is_better() -> None:
    """What depth says goes back by as much as the score proves (tests/models/test_skill.py: that one is earned)."""
    st = lines(3, 1.0, twin=False)
    assert rival_weight(st.skill) == 0.0
    st.skill.skill, st.skill.skill_se, st.skill.held = -0.1, 0.02, 40.0
    weight, profile_bps, average_bps = rival_weight(st.skill), st.pool.adverse_bps[6], st.pool.adverse_bps[0]
    assert weight > 0.8
    assert depth_profile.said_bps(st, 6) == pytest.approx(profile_bps + weight * (average_bps - profile_bps))
    assert depth_profile.said_bps(st, 0) == average_bps


def test_the_rival_is_told_before_the_label() -> None:
    """One sweep of 3 bps, one loss of 2 for quotes at six depths: all said the prior, so nobody is better."""
    st = flat([0, -1, -1], [100.03, 0.0, 0.0], [0.0, 5.5, 7.0], [100.0, 100.02, 100.02])
    assert (st.skill.scored, st.skill.loss) == (1, st.skill.naive)
    assert st.skill.loss == pytest.approx(6 * 4.0, rel=0.01)
