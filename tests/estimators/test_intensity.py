"""A and k on market orders and own fills whose law is known."""

import math
from typing import Any

import msgspec
import numba as nb
import numpy as np
import pytest
from numpy.typing import NDArray

from portfolio_mm.estimators import intensity
from portfolio_mm.models.depth_bins import BINS, bin_of
from portfolio_mm.models.exposure_fit import k_mode
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic.orders import DRAWN, MarketOrders
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths
from portfolio_mm.venue.flows.synthetic.twin import misspecify
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from tests.estimators.feeds import START_NS, Floats, Ints, feed_intensity, feed_own_orders, fresh, sweeps, times


def long_memory() -> Any:
    p = intensity.default_params()
    p["half_life_s"] = 0.0
    return p


def fit(flow: tuple[Ints, Ints, Floats], params: Any | None = None) -> Any:
    st, p = fresh(intensity, params)
    feed_intensity(st, p, *flow, 100.0)
    return st[0]


@pytest.mark.parametrize(("a_per_s", "k_per_bps"), [(0.5, 0.25), (0.2, 1.0), (2.0, 4.0)])
def test_exponential_truth_is_recovered(a_per_s: float, k_per_bps: float) -> None:
    """One hour without forgetting, 720 to 7200 sweeps a side: A and k within 10 %."""
    st = fit(sweeps(np.random.default_rng(1), a_per_s, k_per_bps, 3600.0), long_memory())
    assert st.a_per_s == pytest.approx(a_per_s, rel=0.10)
    assert st.k_per_bps == pytest.approx(k_per_bps, rel=0.10)


def test_the_standard_error_of_k_is_honest() -> None:
    """60 runs of 20 minutes: the scatter of k is the stated error within 25 %, and there is no bias beyond it."""
    runs = [fit(sweeps(np.random.default_rng(seed), 0.5, 0.25, 1200.0, 1.0), long_memory()) for seed in range(60)]
    k = np.array([st.k_per_bps[0] for st in runs])
    stated = np.mean([st.k_se[0] for st in runs])
    assert np.std(k) == pytest.approx(stated, rel=0.25)
    assert np.mean(k) == pytest.approx(0.25, abs=3.0 * stated / math.sqrt(60) + 0.002)


def test_a_misspecified_twin_with_fat_tails_is_fitted_on_average_only() -> None:
    """Lomax depths, tail index 3, mean 4 bps: 1 / mean = 0.25 is found, and far out the fit promises too little.

    Why the page takes the counted rate where sweeps were counted (engine/viability.py).
    """
    whole = fit(sweeps(np.random.default_rng(2), 1.0, 0.25, 7200.0, power=3.0), long_memory())
    assert whole.k_per_bps == pytest.approx(0.25, rel=0.10)
    assert whole.a_per_s[0] * math.exp(-16.0 * whole.k_per_bps[0]) < 0.6 * (1.0 + 16.0 / 8.0) ** -3


def own_flow(
    rng: np.random.Generator, hours: float, depth_of: Any, share: float = 1.0
) -> tuple[Ints, Ints, Floats, Floats, Floats, NDArray[np.bool_]]:
    """Sweeps with A 0.5/s, k 0.25/bps; our bid rests at depth_of(time), takes `share` of what reaches it, stops those.

    What it stops prints at our price: the tape itself is censored by us.
    """
    t_ns, aggressor, px = sweeps(rng, 0.5, 0.25, hours * 3600.0)
    depth_bps = depth_of((t_ns - t_ns[0]) / 1e9)
    reached = (aggressor == 1) & ((100.0 - px) * 100.0 >= depth_bps)
    filled = reached & (rng.uniform(size=len(t_ns)) < share)
    px = np.where(filled, 100.0 * (1.0 - 1e-4 * depth_bps), px)
    return t_ns, aggressor, px, depth_bps, np.diff(t_ns, prepend=t_ns[0]) / 1e9, filled


def test_always_quoting_at_ten_bps_does_not_make_k_a_tenth() -> None:
    """The self-selection bug: 1 / mean distance of own fills is where we quoted. Truth A 0.5/s, k 0.25/bps."""
    flow = own_flow(np.random.default_rng(4), 4.0, lambda t: np.full(len(t), 10.0))
    st, p = fresh(intensity, long_memory())
    feed_own_orders(st, p, *flow)
    assert st["own"]["fills"][0, 0] > 400
    assert st["k_per_bps"][0, 0] == pytest.approx(0.25, rel=0.05)
    assert st["efficiency"][0, 0] == pytest.approx(1.0, rel=0.15)


def test_standing_first_in_an_empty_book_does_not_hide_k() -> None:
    """At 1 bp we stop 78 % of all sweeps, so most prints are at 1 bp; censoring keeps k where it is."""
    flow = own_flow(np.random.default_rng(9), 4.0, lambda t: np.full(len(t), 1.0))
    st, p = fresh(intensity, long_memory())
    feed_own_orders(st, p, *flow)
    assert st["k_per_bps"][0, 0] == pytest.approx(0.25, rel=0.10)
    assert st["a_per_s"][0, 0] == pytest.approx(0.5, rel=0.10)


@pytest.mark.parametrize("late", [False, True])
def test_a_fill_reported_after_its_sweep_was_counted_still_censors_it(late: bool) -> None:  # noqa: FBT001
    st, p = fresh(intensity, long_memory())
    now_ns = int(times(np.array([1.0]))[0])
    intensity.update(st[0], p[0], now_ns, 1, 99.98, 100.0)
    if late:
        intensity.update(st[0], p[0], now_ns + 10**8, -1, 0.0, 0.0)
    intensity.own_fill(st[0], now_ns, 0, 2.0)
    intensity.update(st[0], p[0], now_ns + 2 * 10**8, -1, 0.0, 0.0)
    assert st["probes"].sum() == 1.0
    assert st["exact"].sum() == 0.0


def test_comparing_two_own_distances_recovers_k() -> None:
    """Hours at 4 and at 8 bps by turns, on a tape of which only our own fills are seen: k = ln(n_4 / n_8) / 4."""
    rng = np.random.default_rng(5)
    flow = own_flow(rng, 6.0, lambda t: np.where((t // 600.0) % 2 < 1, 4.0, 8.0))
    _, _, _, depth_bps, dt_s, filled = flow
    st, p = fresh(intensity, long_memory())
    p["prior_k_count"] = 0.1
    quiet = np.full(len(dt_s), -1)
    feed_own_orders(st, p, flow[0], quiet, flow[2], depth_bps, dt_s, filled)
    n_4, n_8 = (np.sum(filled & (depth_bps == d)) for d in (4.0, 8.0))
    assert st["k_per_bps"][0, 0] == pytest.approx(math.log(n_4 / n_8) / 4.0, rel=0.03)
    assert st["k_per_bps"][0, 0] == pytest.approx(0.25, rel=0.15)


@nb.njit
def feed_levels(st: Any, p: Any, t_ns: Ints, reach_bps: Floats, depth_bps: Floats, rate_per_s: Floats) -> int:  # noqa: PLR0917 - flat arguments
    """Own bids rest at all of `depth_bps`; a sweep that reaches one fills it, in two parts. How many it reached."""
    reached = 0
    for i in range(1, len(t_ns)):
        for d in range(len(depth_bps)):
            intensity.expose(st[0], 0, depth_bps[d], (t_ns[i] - t_ns[i - 1]) / 1e9, rate_per_s[d])
        intensity.update(st[0], p[0], t_ns[i], 1, 100.0 * (1.0 - 1e-4 * reach_bps[i]), 100.0)
        for d in range(len(depth_bps)):
            if reach_bps[i] >= depth_bps[d]:
                reached += 1
                intensity.own_fill(st[0], t_ns[i], 0, depth_bps[d])
        for d in range(len(depth_bps)):
            if reach_bps[i] >= depth_bps[d]:
                intensity.own_fill(st[0], t_ns[i], 0, depth_bps[d])
    return reached


@pytest.mark.parametrize("levels", [[4.5], [4.5, 6.5], [8.5, 10.5, 12.5], [-1.0, -0.5, 0.5]])
def test_levels_that_share_a_bin_are_as_good_as_any(levels: list[float]) -> None:
    """Promises are per order, and so are fills: all that a sweep reaches count, each once, and nothing was missed."""
    rng = np.random.default_rng(1)
    t_ns = times(np.cumsum(rng.exponential(2.0, 5_000)))
    depth_bps = np.array(levels)
    rate_per_s = 0.5 * np.exp(-0.3 * np.maximum(depth_bps, 0.0))
    st, p = fresh(intensity, long_memory())
    reached = feed_levels(st, p, t_ns, rng.exponential(1.0 / 0.3, 5_000), depth_bps, rate_per_s)
    intensity.update(st[0], p[0], t_ns[-1] + 10**9, -1, 0.0, 0.0)
    assert st["own"]["fills"][0, 0] == reached
    assert st["efficiency"][0, 0] == pytest.approx(1.0, abs=0.05)
    assert st["k_per_bps"][0, 0] == pytest.approx(0.3, rel=0.06)


def test_a_bad_place_in_the_queue_lowers_our_rate_not_k() -> None:
    """Only a third of the sweeps that reach our price fill us: A is a third, k stays, the other side too."""
    flow = own_flow(np.random.default_rng(6), 4.0, lambda t: np.full(len(t), 4.0), share=1.0 / 3.0)
    st, p = fresh(intensity, long_memory())
    feed_own_orders(st, p, *flow)
    assert st["k_per_bps"][0, 0] == pytest.approx(0.25, rel=0.05)
    assert st["a_per_s"][0, 0] == pytest.approx(0.5 / 3.0, rel=0.1)
    assert st["a_per_s"][0, 1] == pytest.approx(0.5, rel=0.1)


def test_prints_of_one_block_and_side_are_one_sweep() -> None:
    t_ns = times(np.array([0.0, 1.0, 1.0, 1.0, 1.0, 2.0]))
    px = np.array([0.0, 99.99, 99.97, 99.98, 100.05, 0.0])
    st = fit((t_ns, np.array([-1, 1, 1, 1, 0, -1]), px), long_memory())
    assert st.probes.tolist() == [1.0, 1.0]
    assert st.probe_depth == pytest.approx([3.0, 5.0])


def test_a_block_that_is_heard_after_a_later_one_is_a_sweep_of_its_own() -> None:
    st = fit((times(np.array([2.0, 1.0, 3.0])), np.array([1, 1, -1]), np.array([99.99, 99.95, 0.0])))
    assert st.probes.tolist() == pytest.approx([2.0, 0.0], rel=0.01)


def test_a_print_inside_fair_is_no_probe() -> None:
    t_ns = times(np.array([0.0, 1.0, 2.0]))
    st = fit((t_ns, np.array([-1, 1, -1]), np.array([0.0, 100.01, 0.0])), long_memory())
    assert st.probes.sum() == 0.0


def test_half_of_the_memory_is_gone_after_one_half_life() -> None:
    """Flow for half an hour, then silence of sweeps for one half-life: the estimate of A halves."""
    t_ns, aggressor, px = sweeps(np.random.default_rng(7), 1.0, 0.5, 1800.0)
    st, p = fresh(intensity)
    feed_intensity(st, p, t_ns, aggressor, px, 100.0)
    before = st["probes"].sum()
    quiet = times(1800.0 + np.arange(0.0, 600.5, 0.5))
    feed_intensity(st, p, quiet, np.full(len(quiet), -1), np.zeros(len(quiet)), 100.0)
    assert st["probes"].sum() == pytest.approx(0.5 * before, rel=0.01)


def test_silence_of_the_feed_is_not_exposure() -> None:
    t_ns = times(np.array([0.0, 5.0, 65.0, 70.0]))
    st = fit((t_ns, np.full(4, -1), np.zeros(4)), long_memory())
    assert st.observed_s == pytest.approx(10.0)
    assert st.touch.near_s.sum(axis=1) == pytest.approx([10.0, 10.0])


def test_the_price_level_does_not_matter() -> None:
    t_ns, aggressor, px = sweeps(np.random.default_rng(8), 0.5, 0.25, 600.0)
    cheap = fit((t_ns, aggressor, px))
    st, p = fresh(intensity)
    feed_intensity(st, p, t_ns, aggressor, 1000.0 * px, 100_000.0)
    assert st[0].k_per_bps == pytest.approx(cheap.k_per_bps, rel=1e-9)
    assert st[0].a_per_s == pytest.approx(cheap.a_per_s, rel=1e-9)


def test_the_book_is_the_prior_of_k() -> None:
    """Levels 1 to 5 bps away, all the same size: mean distance 3 bps, so k starts at 1/3 and A at its own prior."""
    st, p = fresh(intensity)
    away = np.arange(1, 6) * 1e-4
    book = (100.0 * (1.0 - away), np.ones(5), 100.0 * (1.0 + away), np.ones(5))
    t_ns = times(np.arange(0.0, 5.5, 0.5))
    assert intensity.observe_book(st[0], p[0], int(t_ns[0]), *book, 100.0)
    feed_intensity(st, p, t_ns, np.full(len(t_ns), -1), np.zeros(len(t_ns)), 100.0)
    assert st["k_per_bps"][0] == pytest.approx([1.0 / 3.0, 1.0 / 3.0], rel=1e-6)


def test_an_hour_each_at_four_and_eight_bps_gives_the_truth_and_not_the_mean_distance() -> None:
    """A 0.5/s, k 0.2/bps (2000 per unit): 808.8 and 363.4 fills expected; 1 / mean distance would say 0.19, or 0.125.

    Source: the predecessor's K2 (self-selection), exposure test.
    """
    fills = {4.0: 808.8, 8.0: 363.4}
    for depth_bps, expected in fills.items():
        assert 0.5 * 3600.0 * math.exp(-0.2 * depth_bps) == pytest.approx(expected, abs=0.05)
    rests, depth = np.zeros(BINS), np.zeros(BINS)
    for depth_bps in fills:
        rests[bin_of(depth_bps)] += 3600.0
        depth[bin_of(depth_bps)] += 3600.0 * depth_bps
    total, moment = sum(fills.values()), sum(d * n for d, n in fills.items())
    k = 0.4
    for _ in range(20):
        k, se = k_mode(k, 1e-6, 1e-6, total, moment, rests, depth)
    assert k == pytest.approx(0.2, rel=1e-3)
    assert se == pytest.approx(1.0 / math.sqrt(total * 4.0 * 808.8 * 363.4 / total**2 * 4.0), rel=0.01)
    assert total / moment == pytest.approx(0.1908, abs=1e-3)


@pytest.mark.parametrize(("n", "excess_bps", "expected"), [(20, 100.0, 0.2), (5, 50.0, 0.15)])
def test_conjugate_updates_are_exact(n: int, excess_bps: float, expected: float) -> None:
    """Gamma(10, 50 bps) on k: posterior (10 + n) / (50 + sum of distances): 2000 and 1500 per unit of price."""
    nothing = np.zeros(BINS)
    k = 0.4
    for _ in range(20):
        k, se = k_mode(k, 10.0 + n, 50.0 + excess_bps, 0.0, 0.0, nothing, nothing)
    assert k == pytest.approx(expected, rel=1e-9)
    assert se == pytest.approx(expected / math.sqrt(10.0 + n), rel=1e-9)


def test_the_tabulated_maximum_likelihood_of_a_and_k() -> None:
    """7,276 penetrations of an hour: k 0.40014 +- 0.00469, A 2.0211 (theory §2.5); a log-linear fit says 0.373."""
    n, k_hat, nothing = 7276, 0.4001411863276427, np.zeros(BINS)
    k, se = k_mode(0.4, n, n / k_hat, 0.0, 0.0, nothing, nothing)
    assert k == pytest.approx(k_hat, rel=1e-9)
    assert se == pytest.approx(0.004691015956388491, rel=1e-9)
    assert n / 3600.0 == pytest.approx(2.0211111111111113, rel=1e-12)


def test_more_messages_are_not_more_evidence() -> None:
    """K5: telling the time ten times as often changes A and k by less than 0.1 %."""
    t_ns, aggressor, px = sweeps(np.random.default_rng(11), 0.5, 0.25, 1800.0)
    few = fit((t_ns, aggressor, px))
    times_ns = np.unique(np.concatenate([t_ns, np.arange(t_ns[0], t_ns[-1], 10**8)]))
    extra = np.setdiff1d(times_ns, t_ns)
    order = np.argsort(np.concatenate([t_ns, extra]), kind="stable")
    sides = np.concatenate([aggressor, np.full(len(extra), -1)])[order]
    prices = np.concatenate([px, np.zeros(len(extra))])[order]
    many = fit((np.concatenate([t_ns, extra])[order], sides, prices))
    assert many.a_per_s == pytest.approx(few.a_per_s, rel=1e-2)
    assert many.k_per_bps == pytest.approx(few.k_per_bps, rel=1e-2)


def test_the_prior_of_a_is_worth_its_count_and_moves_with_the_regime() -> None:
    """Ten seconds without a sweep against two sweeps in 20 s, or in 10 s where a regime is expected to double A."""
    for log_a, prior_s in ((0.0, 20.0), (math.log(2.0), 10.0)):
        st, p = fresh(intensity)
        p["half_life_s"] = 0.0
        intensity.shift_priors(st[0], 0.0, log_a)
        for i in range(11):
            intensity.update(st[0], p[0], START_NS + i * 1_000_000_000, -1, 0.0, 0.0)
        assert st["market_a_per_s"][0] == pytest.approx([2.0 / (10.0 + prior_s)] * 2, rel=1e-6)


def test_a_side_with_few_sweeps_leans_on_the_other() -> None:
    """Partial pooling: with 2 sweeps of 1 bp on one side and 400 of 4 bps on the other, k is near neither alone."""
    rng = np.random.default_rng(12)
    t_ns = times(np.arange(1.0, 403.0))
    aggressor = np.where(np.arange(402) < 400, 1, 0)
    away = np.where(aggressor == 1, rng.exponential(4.0, 402), -1.0)
    st = fit((t_ns, aggressor, 100.0 * (1.0 - 1e-4 * away)), long_memory())
    assert st.k_per_bps[0] == pytest.approx(0.25, rel=0.12)
    assert 0.25 < st.k_per_bps[1] < 0.5


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("name", ["calm", "thin_book"])
def test_scenarios_and_their_twins(name: str, twin: bool) -> None:  # noqa: FBT001
    """A and k of the venue's own flow, against a fair value that is known (its efficient price stands at 100).

    The twin's reach is a power law of the same mean: 1 / mean is found, the exponential tail is not there.
    """
    params = synthetic_params(("SOL",), seed=6)
    if name == "thin_book":
        slow = msgspec.structs.replace(params.coins[0], market_rate=0.05, kappa_per_bps=0.08)
        params = msgspec.structs.replace(params, coins=(slow,))
    params = misspecify(msgspec.structs.replace(params, twin=twin))
    hours = 1.0 if name == "calm" else 6.0
    drawn = MarketOrders(params, EfficientPaths(params))
    rows = np.concatenate([drawn.due(block).rows.copy() for block in range(1, int(hours * 36_000) + 1, DRAWN)])
    t_s, side = rows["block"] * 0.1, rows["side"].astype(np.int64)
    px = 100.0 * (1.0 + 1e-4 * rows["reach_bps"] * np.where(side == 0, 1.0, -1.0))
    clock = np.arange(0.5, t_s[-1], 1.0)
    order = np.argsort(np.concatenate([t_s, clock]), kind="stable")
    sides = np.concatenate([side, np.full(len(clock), -1)])[order]
    prices = np.concatenate([px, np.zeros(len(clock))])[order]
    st = fit((times(np.concatenate([t_s, clock])[order]), sides, prices), long_memory())
    coin = params.coins[0]
    sweeps_per_s = len(np.unique(rows["block"] * 2 + side)) / 2.0 / t_s[-1]
    assert np.mean(st.market_a_per_s) == pytest.approx(sweeps_per_s, rel=0.05)
    assert np.mean(st.market_a_per_s) == pytest.approx(coin.market_rate, rel=0.35 if twin else 0.15)
    assert np.mean(st.k_per_bps) == pytest.approx(coin.kappa_per_bps, rel=0.35 if twin else 0.15)


@nb.njit
def feed_books(  # noqa: PLR0917 - flat arguments
    st: Any,
    p: Any,
    t_ns: Ints,
    aggressor: Ints,
    px: Floats,
    fair_px: Floats,
    tops: Floats,
    near: Floats,
    first_px: Floats,
) -> None:
    """Rows in time order; `tops` what the row's block leaves behind, `near` the nearest orders before it, bps;
    `first_px` a print of the same sweep at the nearest order, 0 for none."""
    for i in range(len(t_ns)):
        for side in range(2):
            intensity.stand(st[0], side, near[i, side])
        if aggressor[i] >= 0 and first_px[i] > 0.0:
            intensity.update(st[0], p[0], t_ns[i], aggressor[i], first_px[i], fair_px[i])
        intensity.update(st[0], p[0], t_ns[i], aggressor[i], px[i], fair_px[i])
        intensity.observe_top(st[0], t_ns[i], tops[i, 0], tops[i, 1])


@pytest.mark.parametrize(("near_bps", "gap_bps"), [(2.0, 0.1), (6.0, 3.0), (12.0, 1.0)])
def test_what_no_order_meets_and_what_runs_out_of_size_hide_neither_a_nor_k(near_bps: float, gap_bps: float) -> None:
    """Truth A 0.5/s, k 0.25/bps; sweeps nearer than the nearest order print nothing, many others run out of size.

    Levels of others stand every gap_bps from near_bps on. Counted from fair as if all were seen, A would be
    0.5 e^(-k near), 0.30, 0.11 and 0.025/s.
    """
    rng = np.random.default_rng(21)
    seconds, a_per_s, k_per_bps = 40_000, 0.5, 0.25
    t_ns = times(np.arange(1, seconds + 1).astype(np.float64))
    came = rng.uniform(size=seconds) < a_per_s
    reach = rng.exponential(1.0 / k_per_bps, seconds)
    levels = np.floor((reach - near_bps) / gap_bps)
    most = rng.geometric(0.5 * gap_bps / 4.0, seconds) - 1.0
    seen, ran_out = came & (levels >= 0.0), most <= levels
    last = np.minimum(levels, most)
    px = 100.0 * (1.0 - 1e-4 * (near_bps + gap_bps * last))
    left = near_bps + gap_bps * np.where(seen, np.where(ran_out, last, last + 1.0), 0.0)
    tops = np.stack([100.0 * (1.0 - 1e-4 * left), np.full(seconds, 100.2)], axis=1)
    near = np.full((seconds, 2), near_bps)
    st, p = fresh(intensity, long_memory())
    p["pool_count"] = 1e-9
    feed_books(
        st,
        p,
        t_ns,
        np.where(seen, 1, -1),
        px,
        np.full(seconds, 100.0),
        tops,
        near,
        np.full(seconds, 100.0 - 0.01 * near_bps),
    )
    assert 0.2 < np.mean(ran_out[seen]) < 0.9
    assert st[0].k_per_bps[0] == pytest.approx(k_per_bps, abs=3.0 * st[0].k_se[0] + 0.01)
    assert st[0].market_a_per_s[0] == pytest.approx(a_per_s, abs=3.0 * st[0].market_a_se[0])
    assert st[0].market_a_se[0] < 0.25 * a_per_s


def test_where_fair_is_wrong_by_more_than_the_spread_k_is_still_found() -> None:
    """Truth k 0.5/bps; fair is off by 2 bps (sd), the nearest order 0.3 bps away: many sweeps end before fair.

    To count only those that end beyond it would keep the long ones: k would be 13 % too low.
    """
    rng = np.random.default_rng(22)
    count, k_per_bps, gap_bps = 8_000, 0.5, 0.1
    t_ns = times(np.arange(1, count + 1).astype(np.float64))
    levels = np.floor(rng.exponential(1.0 / k_per_bps, count) / gap_bps)
    last = 0.3 + gap_bps * levels
    px, tops = 100.0 * (1.0 - 1e-4 * last), np.full((count, 2), 100.2)
    tops[:, 0] = 100.0 * (1.0 - 1e-4 * (last + gap_bps))
    off_bps = rng.normal(0.0, 2.0, count)
    fair, near = 100.0 * (1.0 + 1e-4 * off_bps), np.stack([off_bps + 0.3, np.full(count, 20.0)], axis=1)
    st, p = fresh(intensity, long_memory())
    feed_books(st, p, t_ns, np.ones(count, np.int64), px, fair, tops, near, np.full(count, 100.0 * (1.0 - 0.3e-4)))
    assert np.mean(100.0 * (1.0 - 1e-4 * last) > fair) > 0.1, "many prints are on the wrong side of fair"
    assert st[0].k_per_bps[0] == pytest.approx(k_per_bps, abs=3.0 * st[0].k_se[0])
    assert st[0].k_se[0] < 0.02 * k_per_bps


def test_a_top_that_came_back_within_the_block_says_nothing_of_k() -> None:
    st, p = fresh(intensity, long_memory())
    at = times(np.array([1.0, 2.0]))
    intensity.stand(st[0], 0, 1.0)
    intensity.update(st[0], p[0], at[0], 1, 99.99, 100.0)
    intensity.update(st[0], p[0], at[0], 1, 99.95, 100.0)
    intensity.observe_top(st[0], at[0], 99.99, 100.01)
    intensity.update(st[0], p[0], at[1], -1, 0.0, 0.0)
    assert st["probes"][0].tolist() == [1.0, 0.0]
    assert st["exact"].sum() == st["probe_depth"].sum() == 0.0


@pytest.mark.parametrize(("twin", "least"), [(False, 0.85), (True, 0.65)])
def test_books_of_the_venue_and_of_its_twin(twin: bool, least: float) -> None:  # noqa: FBT001
    """A and k from the public book alone, half an hour of DOGE: half the market orders are never seen.

    The twin's orders come in bursts, and those of one block and side are one sweep.
    """
    params = msgspec.structs.replace(synthetic_params(("DOGE",), seed=3), twin=twin)
    flow = SyntheticFlow(params)
    one = flow.instruments()[0]
    rows: list[tuple[float, ...]] = []
    bid, ask = top_of(flow, one)
    for block in range(1, 18_001):
        mid, h_bps = 0.5 * (bid + ask), (ask - bid) / (ask + bid) * 1e4
        done = flow.advance(flow.start_ms + 100 * block).coins[0]
        bid, ask = top_of(flow, one)
        prints = [(row.aggressor_side, one.px(row.px_ticks)) for row in done.prints]
        rows += [(0.1 * block, side, px, mid, bid, ask, h_bps) for side, px in prints or [(-1, mid)]]
    t_s, side, px, fair, bids, asks, h = np.array(rows).T
    st, p = fresh(intensity, long_memory())
    feed_books(
        *(st, p, times(t_s), side.astype(np.int64), px, fair),
        *(np.stack([bids, asks], axis=1), np.stack([h, h], axis=1), np.zeros(len(h))),
    )
    coin = params.coins[0]
    assert np.mean(st[0].k_per_bps) == pytest.approx(coin.kappa_per_bps, rel=0.15)
    assert least < np.mean(st[0].market_a_per_s) / coin.market_rate < 1.15
    assert np.sum(st[0].probes) / 3600.0 < 0.6 * coin.market_rate


def top_of(flow: SyntheticFlow, one: Any) -> tuple[float, float]:
    """Best bid and ask, USD."""
    bid, ask = flow.markets()[one.coin].bbo()
    assert bid is not None and ask is not None  # noqa: PT018
    return one.px(bid.px_ticks), one.px(ask.px_ticks)
