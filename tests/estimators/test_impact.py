"""Kyle's lambda with honest errors, and the response of the price to own fills."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import impact
from portfolio_mm.models.propagator import fit_response
from tests.estimators.feeds import START_NS, fresh


@nb.njit
def feed(st: Any, p: Any, volume_usd: Any, mid_px: Any) -> None:
    """One bar of 2 s per value: its signed volume, then the mid at its end."""
    for i in range(len(volume_usd)):
        now_ns = START_NS + i * 2_000_000_000
        if i > 0 and volume_usd[i] != 0.0:
            impact.trade(st[0], p[0], now_ns - 1_000_000_000, 0 if volume_usd[i] > 0.0 else 1, abs(volume_usd[i]))
        impact.update(st[0], p[0], now_ns - 1, mid_px[i])
    impact.update(st[0], p[0], START_NS + len(volume_usd) * 2_000_000_000, mid_px[-1])


@nb.njit
def fills(st: Any, p: Any, worth_usd: Any, move_bps: Any) -> None:
    for i in range(len(worth_usd)):
        for h in range(impact.HORIZONS):
            impact.respond(st[0], p[0], h, worth_usd[i], move_bps[i, h])


def bars(n: int, seed: int, effect: float, *, clustered: bool = False) -> tuple[Any, Any]:
    """Moves of `effect` bps per USD plus noise of sd 1 bps; `clustered`: flow and noise are AR(1) with rho 0.5."""
    rng = np.random.default_rng(seed)
    volume, noise = rng.normal(0.0, 5_000.0, n), rng.normal(0.0, 1.0, n)
    if clustered:
        for i in range(1, n):
            volume[i] += 0.5 * volume[i - 1]
            noise[i] += 0.5 * noise[i - 1]
    return volume, 100.0 * np.exp(1e-4 * np.cumsum(effect * volume + noise))


@pytest.mark.parametrize("clustered", [False, True], ids=["true model", "misspecified"])
def test_planted_impact_is_recovered_and_covered(clustered: bool) -> None:  # noqa: FBT001 - a case
    """2e-4 bps per USD is 0.2 per 1,000: within 10 %, and inside the 95 % interval in at least 90 of 100 samples."""
    covered, weights = 0, []
    for seed in range(100):
        st, p = fresh(impact)
        p["half_life_s"] = 0.0
        feed(st, p, *bars(1_000, seed, 2e-4, clustered=clustered))
        lam, se = st["kyle_bps"][0], st["kyle_se_bps"][0]
        assert lam == pytest.approx(0.2, rel=0.15)
        covered += abs(lam - 0.2) < 1.96 * se
        weights.append(st["skill"]["weight"][0])
    assert covered >= 90
    assert min(weights) > 0.9


def test_bars_on_both_sides_of_a_silence_are_no_neighbours() -> None:
    st, p = fresh(impact)
    feed(st, p, *bars(60, 1, 2e-4))
    assert np.count_nonzero(st["scores"][0]) == impact.LAGS
    impact.update(st[0], p[0], int(st["last_ns"][0]) + 10 * int(p["gap_ns"][0]), 100.0)
    assert np.count_nonzero(st["scores"][0]) == 0


@pytest.mark.parametrize(("lasting_bps", "measured_bps"), [(1.0, 3.0), (3.0, 1.0)])
def test_of_two_measures_of_what_lasts_the_smaller_is_sure(lasting_bps: float, measured_bps: float) -> None:
    """The fitted permanent part and the move a minute after, both per 1,000 USD and without error."""
    st, _ = fresh(impact)
    st["permanent_bps"], st["permanent_se_bps"], st["response_bps"][0, -1] = lasting_bps, 0.0, measured_bps
    assert impact.permanent_bps(st[0], 2_000.0, 0.0) == pytest.approx(2.0)


def test_more_bars_come_within_a_tenth() -> None:
    st, p = fresh(impact)
    p["half_life_s"] = 0.0
    feed(st, p, *bars(8_000, 7, 2e-4))
    assert st["kyle_bps"][0] == pytest.approx(0.2, rel=0.1)
    assert abs(st["kyle_bps"][0] - 0.2) < 3.0 * st["kyle_se_bps"][0]


@pytest.mark.parametrize("clustered", [False, True], ids=["true model", "misspecified"])
def test_no_impact_is_not_found(clustered: bool) -> None:  # noqa: FBT001 - a case
    """The interval holds 0 in 95 % (binomial: at least 178 of 200), and skill earns nothing."""
    holds, earned = 0, 0
    for seed in range(200):
        st, p = fresh(impact)
        p["half_life_s"] = 0.0
        feed(st, p, *bars(400, 1_000 + seed, 0.0, clustered=clustered))
        holds += abs(st["kyle_bps"][0]) < 1.96 * st["kyle_se_bps"][0]
        earned += st["skill"]["weight"][0] > 0.0
    assert holds >= 178
    assert earned <= 20


def test_bps_do_not_depend_on_the_price_level() -> None:
    volume, mid = bars(500, 3, 2e-4)
    first, p = fresh(impact)
    second, _ = fresh(impact)
    feed(first, p, volume, mid)
    feed(second, p, volume, 1000.0 * mid)
    assert second["kyle_bps"][0] == pytest.approx(first["kyle_bps"][0], rel=1e-9)


def test_a_silence_is_a_hole_and_its_volume_is_forgotten() -> None:
    st, p = fresh(impact)
    feed(st, p, *bars(100, 1, 2e-4))
    kept = st["bars"][0]
    later_ns = int(st["last_ns"][0]) + 60 * 10**9
    impact.trade(st[0], p[0], int(st["last_ns"][0]), 0, 1e9)
    impact.update(st[0], p[0], later_ns, 200.0)
    assert st["bars"][0] == kept
    assert st["volume"][0] == 0.0


def test_quotes_pay_half_of_what_is_certain_and_more_with_more_lambda() -> None:
    paid = []
    for effect in (0.0, 1e-4, 2e-4, 4e-4):
        st, p = fresh(impact)
        feed(st, p, *bars(2_000, 11, effect))
        paid.append(impact.permanent_bps(st[0], 1_000.0, float(st["skill"]["weight"][0])))
    assert paid[0] == 0.0
    assert paid[1:] == pytest.approx([0.1, 0.2, 0.4], rel=0.15)
    assert impact.permanent_bps(st[0], 10.1, 1.0) < 0.1  # the venue's smallest order
    assert impact.permanent_bps(st[0], 1_000.0, 0.0) == 0.0


def response(n: int, seed: int, *, own: bool, clip: bool = False) -> tuple[Any, Any]:
    """Fills of 100 to 2,000 USD; each suffers 1 bps; own impact 0.8 + 2 e^(-h/4) bps per 1,000 USD, or none."""
    rng = np.random.default_rng(seed)
    worth = np.full(n, 500.0) if clip else rng.uniform(100.0, 2_000.0, n)
    h = np.array([0.5, 1.0, 5.0, 30.0, 60.0])
    kernel = 0.8 + 2.0 * np.exp(-h / 4.0) if own else np.zeros(5)
    return worth, 1.0 + worth[:, None] / 1e3 * kernel + rng.normal(0.0, 1.0, (n, 5))


def test_the_response_to_own_fills_is_recovered() -> None:
    st, p = fresh(impact)
    fills(st, p, *response(20_000, 1, own=True))
    assert st["permanent_bps"][0] == pytest.approx(0.8, rel=0.1)
    assert st["transient_bps"][0] == pytest.approx(2.0, rel=0.1)
    assert st["transient_tau_s"][0] == 4.0
    assert impact.permanent_bps(st[0], 1_000.0, 0.0) == pytest.approx(0.75, abs=0.1)
    assert impact.echo_bps(st[0], 1_000.0, 4.0) == pytest.approx(2.0 * np.exp(-1.0), rel=0.1)


def test_what_every_fill_suffers_is_not_our_impact() -> None:
    for seed in range(20):
        st, p = fresh(impact)
        fills(st, p, *response(400, seed, own=False))
        assert impact.permanent_bps(st[0], 1_000.0, 1.0) < 0.15
    st, p = fresh(impact)
    fills(st, p, *response(400, 1, own=True, clip=True))
    assert st["response_bps"][0] == pytest.approx([0.0] * 5, abs=1e-9)


def test_clips_that_differ_by_a_lot_say_nothing_of_our_impact() -> None:
    """A clip of 150 USD is 546, 547 or 548 lots as the price goes: no slope of that may be charged for a whole clip.

    Fitted without a prior on the slope, one of these sessions charged 73 bps a fill.
    """
    for seed in range(40):
        rng = np.random.default_rng(seed)
        st, p = fresh(impact)
        for _ in range(100):
            fills(st, p, 0.2745 * rng.integers(546, 549, 1), 1.0 + np.cumsum(rng.normal(0.0, 2.0, (1, 5)), axis=1))
            assert impact.permanent_bps(st[0], 150.0, 0.0) == 0.0
        assert abs(st["response_bps"][0]).max() < 0.5


def test_under_thirty_fills_nothing_is_certain() -> None:
    for seed in range(40):
        st, p = fresh(impact)
        fills(st, p, *response(29, seed, own=True))
        assert impact.permanent_bps(st[0], 1_000.0, 0.0) == 0.0


def test_few_fills_are_shrunk_to_nothing() -> None:
    st, p = fresh(impact)
    fills(st, p, *response(10, 1, own=True))
    assert abs(st["response_bps"][0]).max() < 0.8
    assert impact.permanent_bps(st[0], 1_000.0, 1.0) == 0.0


def test_the_fit_of_a_known_kernel_is_exact() -> None:
    h = np.array([0.5, 1.0, 5.0, 30.0, 60.0])
    assert fit_response(h, 0.3 + 1.7 * np.exp(-h / 2.0)) == pytest.approx((0.3, 1.7, 2.0))


def test_kyle_1985_in_regression_form() -> None:
    """sigma_v 2, sigma_u 5: lambda = sigma_v / (2 sigma_u) = 0.2 (Kyle 1985; simulated: 0.2004)."""
    rng = np.random.default_rng(85)
    n = 4_000
    value, noise = rng.normal(0.0, 2.0, n), rng.normal(0.0, 5.0, n)
    flow = value * 5.0 / 2.0 + noise
    st, p = fresh(impact)
    p["half_life_s"] = 0.0
    feed(st, p, 1e3 * flow, 100.0 * np.exp(1e-4 * np.cumsum(value)))
    assert st["kyle_bps"][0] == pytest.approx(0.2, abs=3.0 * float(st["kyle_se_bps"][0]))


def newey_west(x: Any, y: Any, lags: int) -> tuple[float, float]:
    """Slope of y on x with an intercept and its error by the textbook sandwich (Newey-West 1987); 0 lags: White."""
    z = np.column_stack([np.ones_like(x), x])
    inverse = np.linalg.inv(z.T @ z)
    beta = inverse @ z.T @ y
    u = z * (y - z @ beta)[:, None]
    meat = u.T @ u
    for lag in range(1, lags + 1):
        cross = u[lag:].T @ u[:-lag]
        meat += (1.0 - lag / (lags + 1.0)) * (cross + cross.T)
    return float(beta[1]), float(np.sqrt((inverse @ meat @ inverse)[1, 1]))


@pytest.mark.parametrize("clustered", [False, True], ids=["white noise", "bursts"])
def test_the_error_is_that_of_newey_and_west(clustered: bool) -> None:  # noqa: FBT001 - a case
    """Against the batch formula on the same bars: the slope, the error within 5 %; noise grows with the volume.

    A plain error would be too small by a fifth at least.
    """
    rng = np.random.default_rng(12)
    volume, mid = bars(6_000, 5, 2e-4, clustered=clustered)
    mid = mid * np.exp(1e-4 * np.cumsum(2e-4 * np.abs(volume) * rng.normal(0.0, 1.0, len(volume))))
    st, p = fresh(impact)
    p["half_life_s"] = 0.0
    feed(st, p, volume, mid)
    x, y = volume[1:] / 1e3, 1e4 * np.diff(np.log(mid))
    slope, se = newey_west(x, y, impact.LAGS)
    assert st["kyle_bps"][0] == pytest.approx(slope, rel=1e-3)
    assert st["kyle_se_bps"][0] == pytest.approx(se, rel=0.05)
    rest = y - y.mean() - slope * (x - x.mean())
    plain = float(np.sqrt(rest @ rest / (len(x) - 2) / np.sum((x - x.mean()) ** 2)))
    assert se > 1.2 * plain
