"""Virtual fills on flows whose rates and adverse moves are known."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import depth_profile
from tests.estimators.feeds import Floats, feed_depth_profile, fresh, sweeps, times

GRID = np.array(depth_profile.DEPTH_BPS)


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
    for side in range(2):
        for j in (0, 4):
            got, se = st.adverse_bps[side, j], st.adverse_se_bps[side, j]
            assert se < 0.35
            assert abs(got - 1.0) < 3.0 * se


def test_without_adverse_selection_the_estimate_is_nothing() -> None:
    st = profile(5, 0.0)
    for side in range(2):
        assert abs(st.adverse_bps[side, 5]) < 3.0 * st.adverse_se_bps[side, 5]


def test_deep_sweeps_may_be_the_informed_ones() -> None:
    """Only sweeps beyond 4 bps move the mid, by 5 bps: at 4.7 bps the loss is 5, at 0.1 bps e^-1 of it."""
    st = profile(6, 5.0, sd_bps=2.0, informed_from=4.0)
    for side in range(2):
        assert st.adverse_bps[side, 6] == pytest.approx(5.0, abs=0.35)
        assert st.adverse_bps[side, 0] == pytest.approx(5.0 * np.exp(-1.0), abs=0.35)


def test_unseen_depths_keep_the_prior_and_say_so() -> None:
    st = profile(7, 1.0, hours=0.2)
    deepest = depth_profile.DEPTHS - 1
    assert st.labels[0, deepest] == 0.0
    assert st.adverse_bps[0, deepest] == 0.0
    assert st.adverse_se_bps[0, deepest] == pytest.approx(5.0 / np.sqrt(10.0))


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
    assert sold.loss[0, 0] / sold.labels[0, 0] == pytest.approx(3.0)
    assert bought.loss[1, 0] / bought.labels[1, 0] == pytest.approx(3.0)
    assert (sold.labels[0] > 0.0).tolist() == [True] * 7 + [False] * 3


def test_a_label_is_never_made_of_a_mid_older_than_its_due_time() -> None:
    stale = flat([1, -1, -1, -1], [99.95, 0, 0, 0], [0.0, 1.0, 6.0, 8.0], [100.0, 100.0, 99.0, 99.0], mid_lag_s=5.0)
    assert stale.labels.sum() == 0.0
    assert stale.dropped == 1


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
    n = st["labels"][0, 0, 0]
    assert n == bursts * each
    assert st["adverse_se_bps"][0, 0, 0] > 2.5 * 5.0 / np.sqrt(n)


@pytest.mark.parametrize("seed", range(2))
def test_depth_speaks_once_it_has_beaten_the_average(seed: int) -> None:
    """Informed sweeps are the deep ones: the score says so, and then what is said of 4.7 bps is what is true there."""
    st = profile(seed, 5.0, sd_bps=4.0, informed_from=4.0)
    assert st.skill.weight > 0.5
    assert depth_profile.said_bps(st, 0, 0) == st.adverse_bps[0, 0]
    assert depth_profile.said_bps(st, 0, 6) == pytest.approx(5.0, abs=1.5)


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

    Asked at their deepest alone, sweeps that ended there lost less than the profile must say of all that reached it:
    two of twelve such half hours had no weight, and the mean of the weights was 0.45.
    """
    share = np.array([0.358, 0.307, 0.196, 0.075, 0.046, 0.011, 0.007])
    ended_bps, lost_bps = [0.12, 0.25, 0.5, 0.9, 1.8, 3.4, 6.0], [0.0, -0.3, -0.26, 1.17, 2.27, 2.0, 11.5]
    weights, said = [], []
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
        weights.append(float(st[0]["skill"]["weight"]))
        said.append(depth_profile.said_bps(st[0], 0, 3))
    assert min(weights) > 0.4
    assert np.mean(weights) > 0.6
    assert np.mean(said) == pytest.approx(0.7 * 2.1, abs=0.3)


def test_where_losses_do_not_depend_on_depth_the_average_is_said() -> None:
    """A basis point whatever they reach: over six markets depth has no weight, though its cells scatter."""
    weights = []
    for seed in range(6):
        st = profile(seed, 1.0, hours=1.0)
        weights.append(float(st.skill.weight))
        said = [depth_profile.said_bps(st, 0, j) - st.adverse_bps[0, 0] for j in range(7)]
        assert (
            np.abs(said).max() <= st.skill.weight * np.abs(st.adverse_bps[0, :7] - st.adverse_bps[0, 0]).max() + 1e-12
        )
    assert sorted(weights)[3] == 0.0


def test_the_rival_is_told_before_the_label() -> None:
    """One sweep of 3 bps, one loss of 2 for quotes at six depths: all said the prior, so nobody is better."""
    st = flat([0, -1, -1], [100.03, 0.0, 0.0], [0.0, 5.5, 7.0], [100.0, 100.02, 100.02])
    assert (st.skill.scored, st.skill.loss) == (1, st.skill.naive)
    assert st.skill.loss == pytest.approx(6 * 4.0, rel=0.01)
