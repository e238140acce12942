"""The exact own term against tabulated quotes, the mirror, the walls, and a deadline against the exact semigroup."""

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from portfolio_mm.estimators import walls
from portfolio_mm.models import glft, glft_exact
from tests.estimators.feeds import START_NS, fresh

DATA = Path(__file__).parents[1] / "models" / "data"
SIGMA, A, K, GAMMA = 0.3, 0.9, 0.3, 0.01
"""The parameters of GLFT 2013, section 7: clips are USD here, ticks are bps."""


def solved(
    q: float, limit: float, skew: float, *, aim: float = 0.0, k: float = K, clip: float = 1.0, **more: float
) -> Any:
    """State after one look at position q; near enough always."""
    p = walls.default_params()
    p["near"], p["tolerance_bps"] = more.get("near", 1e9), 0.0
    st, p = fresh(walls, p)
    if "left_s" in more:
        walls.on_deadline(st[0], START_NS, int(more["left_s"] * 1e9))
    liquidity = more.get("liquidity", 1.0)
    assert walls.update(st[0], p[0], START_NS, q, skew, k, clip, limit, aim, liquidity, more.get("exit_bps", 5.0))
    return st, p


def test_the_tabulated_quotes_are_closed_form_plus_extra() -> None:
    """glft_quotes.csv has its limit at 30, the grid here ends at 20 clips, four sd out: not felt at one sd."""
    with (DATA / "glft_quotes.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["case"] in {"glft2013_paper", "glft2013_paper_xi0"}]
    checked = 0
    for row in rows:
        xi, q = float(row["xi"]), float(row["q"])
        if abs(q) > 5.0:
            continue
        skew = glft.skew_coefficient(SIGMA, A, K, GAMMA, xi, 1.0)
        st, p = solved(q, 20.0, skew)
        for side, name in ((0, "bid"), (1, "ask")):
            closed = float(row[f"{name}_closed"])
            exact = closed + walls.extra_bps(st[0], p[0], side, q)
            assert exact == pytest.approx(float(row[f"{name}_exact_inf"]), abs=5e-4), (row["case"], q, name)
            checked += 1
    assert checked == 44


def test_far_from_walls_nothing_is_added_or_solved() -> None:
    skew = glft.skew_coefficient(SIGMA, A, K, GAMMA, GAMMA, 1.0)
    for q in (-8.0, 0.0, 8.0):
        st, p = solved(q, 20.0, skew, near=6.0)
        assert st["solved"][0] == 0
        assert walls.extra_bps(st[0], p[0], 0, q) == walls.extra_bps(st[0], p[0], 1, q) == 0.0
    st, p = solved(18.0, 20.0, skew, near=6.0)
    assert st["solved"][0] == 1


def test_a_solution_serves_until_its_numbers_move() -> None:
    """Solved once for the same numbers; anew when one of them moves by more than change_share, not for half of that."""
    skew = glft.skew_coefficient(SIGMA, A, K, GAMMA, GAMMA, 1.0)
    for at in range(4):
        for moved, count in ((0.5, 1), (2.0, 2)):
            st, p = solved(18.0, 20.0, skew)
            numbers = [skew, K, 20.0, 0.0]
            shift = moved * float(p["change_share"][0])
            numbers[at] += shift * (20.0 if at == 3 else numbers[at])
            now_ns = START_NS + int(p["refresh_ns"][0])
            walls.update(st[0], p[0], now_ns, 18.0, numbers[0], numbers[1], 1.0, numbers[2], numbers[3], 1.0, 5.0)
            assert st["solved"][0] == count, (at, moved)


def test_without_risk_aversion_the_wall_alone_skews() -> None:
    """v solves a free chain: v_i = cos(pi i / (2 n + 2)), so the quotes are known (theory §2.3, fact 5)."""
    st, p = solved(0.0, 3.0, 1e-9)
    v = [math.cos(math.pi * i / 8.0) for i in range(-3, 4)]
    for i in range(-3, 3):
        expected = -math.log(v[i + 4] / v[i + 3]) / K
        assert walls.extra_bps(st[0], p[0], 0, float(i)) == pytest.approx(expected, abs=1e-6)
    assert walls.extra_bps(st[0], p[0], 0, 2.0) > 1.0, "one fill from the wall the adding side stands far out"


def test_bid_and_ask_mirror_each_other() -> None:
    st, p = solved(0.0, 5.0, 0.05)
    for q in (-4.0, -1.3, 0.0, 2.6):
        ours, mirrored = walls.extra_bps(st[0], p[0], 0, q), walls.extra_bps(st[0], p[0], 1, -q)
        assert ours == pytest.approx(mirrored, abs=1e-9)


def test_an_aim_beyond_the_wall_is_held_back_by_it() -> None:
    """A target or drift that wants more than the limit: next to the wall the bid is further out than in closed form."""
    st, p = solved(4.0, 5.0, 0.2, aim=20.0)
    closed = 0.2 * (4.5 - 20.0)
    assert closed < closed + walls.extra_bps(st[0], p[0], 0, 4.0)
    assert walls.extra_bps(st[0], p[0], 0, 4.0) > 0.5


def test_many_clips_are_lumped_and_keep_the_law_at_the_wall() -> None:
    """62 clips to the wall on 20 steps: the extra is that of the fine grid within a fifth, up to the wall."""
    fine_diag = (K * 0.004) ** 2 * np.arange(-62.0, 63.0) ** 2
    _, steps = glft_exact.ground_state(fine_diag, 1.0)
    st, p = solved(55.0, 62.0, 0.004)
    assert (st["clips"][0], st["step_usd"][0]) == (20, 3.0)
    for q in (30.0, 45.0, 52.0, 57.0):
        exact = -steps[int(q) + 1 + 62] / K - 0.004 * (q + 0.5)
        assert walls.extra_bps(st[0], p[0], 0, q) == pytest.approx(exact, rel=0.2)


@pytest.mark.parametrize("left_s", [1.0, 30.0, 120.0, 600.0])
def test_a_deadline_is_the_exact_semigroup_with_what_leaving_costs(left_s: float) -> None:
    """v(0) = exp(-M left) v(T), v(T) = e^(-k exit |i|), M dense: skews within 2 % of the largest."""
    skew, n, exit_bps = 0.0678658325, 12, 6.0
    d_plus = glft.liquidity(A, K, GAMMA, 1.0)
    st, _ = solved(0.0, float(n), skew, left_s=left_s, liquidity=d_plus, exit_bps=exit_bps)
    eta = d_plus / (2.0 * K)
    i = np.arange(-n, n + 1)
    m = np.diag(eta * (K * skew) ** 2 * i**2.0) - eta * (np.eye(2 * n + 1, k=1) + np.eye(2 * n + 1, k=-1))
    v = expm(-left_s * m) @ np.exp(-K * exit_bps * np.abs(i))
    exact = -np.log(v[1:] / v[:-1]) / K
    found = np.array([walls.exact_skew_bps(st[0], j - n - 0.5) for j in range(1, 2 * n + 1)])
    assert np.max(np.abs(found - exact)) < 0.02 * np.max(np.abs(exact))


def test_a_deadline_pushes_both_ways_towards_nothing_and_ends_when_told() -> None:
    st, p = solved(5.0, 12.0, 0.01, left_s=5.0, liquidity=0.1)
    assert walls.extra_bps(st[0], p[0], 1, 5.0) < -2.0
    assert walls.extra_bps(st[0], p[0], 0, -5.0) < -2.0
    p["near"] = 6.0
    walls.on_deadline(st[0], START_NS, 0)
    walls.update(st[0], p[0], START_NS + 2 * 10**9, 5.0, 0.5, K, 1.0, 12.0, 0.0, 0.1, 5.0)
    assert st["ready"][0] == 0


def test_prices_and_sizes_scale() -> None:
    """The same market in kUSD: bps per kUSD a thousand times bps per USD, the same quotes."""
    st, p = solved(1_900.0, 2_000.0, 0.001, clip=150.0)
    thousand, q = solved(1.9, 2.0, 1.0, clip=0.15)
    for side in (0, 1):
        ours = walls.extra_bps(st[0], p[0], side, 1_900.0)
        assert ours == pytest.approx(walls.extra_bps(thousand[0], q[0], side, 1.9), rel=1e-9)


def test_a_limit_under_one_clip_has_no_grid() -> None:
    st, p = solved(0.0, 0.5, 0.05)
    assert st["ready"][0] == 0
    assert walls.extra_bps(st[0], p[0], 0, 0.0) == 0.0


def by_brute_force(n: int, life_s: float, mu: float) -> Any:
    """Share of a drift's whole move that quotes lean by at each midpoint: theta stepped back, distances on a grid.

    Nothing is linearised: at each step each inventory takes the best of 1,700 distances on each side. Without a drift
    theta is the ground state's, where it is stepped back to from.
    """
    grid, q = np.arange(-4.0, 30.0, 0.02), np.arange(-n, n + 1)
    rate = A * np.exp(-K * grid)
    _, steps = glft_exact.ground_state(
        glft_exact.diagonal(SIGMA, K, GAMMA, 1.0, n, 0.0), glft_exact.coupling(A, K, 0.0, 1.0, 0.0)
    )
    calm = np.cumsum(np.nan_to_num(steps)) / K
    theta, dt = calm.copy(), 0.01 * life_s
    for i in range(1_000, 0, -1):
        up = theta[1:] - theta[:-1]
        gain = mu * math.exp(-(i - 0.5) * dt / life_s) * q - 0.5 * GAMMA * SIGMA**2 * q**2
        gain[:-1] += (rate * (grid + up[:, None])).max(axis=1)
        gain[1:] += (rate * (grid - up[:, None])).max(axis=1)
        theta = theta + dt * gain
    return (np.diff(theta) - np.diff(calm)) / (mu * life_s)


@pytest.mark.parametrize(("n", "life_s"), [(8, 1.0), (8, 10.0), (5, 2.0)])
def test_a_drift_leans_quotes_as_a_brute_force_programme_does(n: int, life_s: float) -> None:
    """By 97 % of its move in the middle, by 79 % at a wall, when it lives a second; by 40 % there when it lives ten."""
    found = by_brute_force(n, life_s, 0.2 / life_s)
    p = walls.default_params()
    p["near"], p["drift_s"] = 1e9, life_s
    st, p = fresh(walls, p)
    skew, d_plus = SIGMA * math.sqrt(GAMMA / (2.0 * A / math.e * K)), 2.0 * A / math.e * K
    assert walls.update(st[0], p[0], START_NS, 0.0, skew, K, 1.0, float(n), 0.0, d_plus, 5.0)
    shares = np.array([walls.lean_share(st[0], j - n + 0.5) for j in range(2 * n)])
    assert np.abs(shares - found).max() < 0.012
    assert shares[0] < shares[n] - 0.1
    for side in range(2):
        q = (1.0 - 2.0 * side) * (n - 1)
        back = walls.drift_bps(st[0], p[0], side, q, 2.0, 1.0)
        assert back == pytest.approx((1.0 - 2.0 * side) * 2.0 * (1.0 - shares[0]), rel=0.01)


def test_without_a_drift_or_far_from_walls_the_closed_form_stands() -> None:
    skew = glft.skew_coefficient(SIGMA, A, K, GAMMA, 0.0, 1.0)
    d_plus = 2.0 * A / math.e * K
    st, p = solved(0.0, 60.0, skew, near=6.0, liquidity=d_plus)
    p["tolerance_bps"] = 0.0
    assert st["ready"][0] == 0
    assert walls.drift_bps(st[0], p[0], 0, 0.0, 0.0, 1.0) == 0.0
    closed = 1.0 / (1.0 + skew * d_plus * float(p["drift_s"][0]))
    assert walls.drift_bps(st[0], p[0], 0, 0.0, 3.0, 1.0) == pytest.approx(3.0 * (1.0 - closed))
    near, _ = solved(0.0, 20.0, skew, liquidity=d_plus)
    assert walls.lean_share(near[0], 0.0) == pytest.approx(closed, abs=2e-3)
