"""A planted mixture of two kinds of market orders is taken apart, and the kinds keep their names."""

from typing import Any

import numba as nb
import numpy as np
import pytest

from portfolio_mm.estimators import informed
from portfolio_mm.estimators.informed import IMPACT, INFORMED, NOISE, RUN, SIZE
from tests.estimators.feeds import START_NS, fresh

S = 10**9


@nb.njit
def feed(st: Any, p: Any, at_ns: Any, side: Any, usd: Any, impact_bps: Any) -> Any:  # noqa: PLR0917 - flat arguments
    """Orders one after the other; the mid moves with each and stays. Returns P(informed) after each."""
    said, mid, order = np.empty(len(at_ns)), 100.0, 0
    now_ns = at_ns[0]
    while order < len(at_ns):
        if now_ns >= at_ns[order]:
            informed.trade(st[0], p[0], at_ns[order], side[order], usd[order], mid)
            informed.update(st[0], p[0], at_ns[order] + 1, at_ns[order] + 1, mid)
            said[order] = st[0].informed_probability
            mid *= 1.0 + 1e-4 * (1.0 - 2.0 * side[order]) * impact_bps[order]
            now_ns = at_ns[order] + 1
            order += 1
        else:
            now_ns = min(now_ns + 100_000_000, at_ns[order])
        informed.update(st[0], p[0], now_ns, now_ns, mid)
    return said


def orders(n: int, seed: int, *, twin: bool = False, gap: float = 1.0) -> tuple[Any, ...]:
    """30 % informed: 4 times as large, impact 3 gap against 0 bps, one side for long, sooner. Returns kinds last.

    `twin`: sizes Pareto, impact noise t3, so nothing is normal.
    """
    rng = np.random.default_rng(seed)
    kind = np.empty(n, np.int64)
    side = np.empty(n, np.int64)
    for i in range(n):
        fresh_start = i == 0 or rng.random() < 0.25
        kind[i] = int(rng.random() < 0.3) if fresh_start else kind[i - 1]
        side[i] = int(rng.integers(0, 2)) if fresh_start or kind[i] == 0 else side[i - 1]
    size = rng.pareto(2.5, n) + 0.3 if twin else np.exp(rng.normal(0.0, 0.8, n))
    usd = 500.0 * size * (1.0 + 3.0 * kind * min(gap, 1.0))
    noise = rng.standard_t(3, n) / np.sqrt(3.0) if twin else rng.normal(0.0, 1.0, n)
    impact = 3.0 * gap * kind + noise
    wait = rng.exponential(1.0, n) * np.where(kind == 1, 1.5, 3.0) + 1.05
    return START_NS + np.cumsum(wait * 1e9).astype(np.int64), side, usd, impact, kind


@pytest.mark.parametrize("twin", [False, True], ids=["true model", "misspecified"])
def test_a_planted_mixture_is_taken_apart(twin: bool) -> None:  # noqa: FBT001 - a case
    *rows, kind = orders(6_000, 1, twin=twin)
    st, p = fresh(informed)
    p["tau_s"] = 1e-3  # what is said of each order alone
    said = feed(st, p, *rows)[3_000:]
    late = kind[3_000:] == 1
    got = st[0]
    sd_bps = np.sqrt(got.moments[1, IMPACT])
    impacts = got.moments[0, IMPACT] + got.centre_z[:, IMPACT] * sd_bps
    assert impacts[NOISE] == pytest.approx(0.0, abs=0.5)
    assert impacts[INFORMED] == pytest.approx(3.0, abs=0.5)
    assert got.mass[INFORMED] == pytest.approx(late.mean(), abs=0.08)
    assert got.centre_z[INFORMED, SIZE] > got.centre_z[NOISE, SIZE] + 0.5
    assert got.centre_z[INFORMED, RUN] > got.centre_z[NOISE, RUN]
    ranks = said.argsort().argsort()
    auc = (ranks[late].mean() - (late.sum() - 1) / 2) / (~late).sum()
    assert auc > 0.85
    assert np.polyfit(said, late, 1)[0] == pytest.approx(1.0, abs=0.25)
    assert got.skill.weight > 0.8


@pytest.mark.parametrize("seed", range(6))
def test_the_kinds_never_change_their_names(seed: int) -> None:
    """Also where there is nothing to tell apart: after every order informed impact is the larger by gap_z."""
    *rows, _ = orders(800, 50 + seed, gap=0.0 if seed % 2 else 0.3)
    st, p = fresh(informed)
    for i in range(0, 800, 40):
        feed(st, p, *(row[i : i + 40] for row in rows))
        lead = st["centre_z"][0, INFORMED, IMPACT] - st["centre_z"][0, NOISE, IMPACT]
        assert lead >= p["gap_z"][0] - 1e-12
        assert 0.0 < st["informed_probability"][0] < 1.0


def test_nothing_to_tell_apart_earns_no_skill() -> None:
    weights = []
    for seed in range(12):
        *rows, _ = orders(800, 80 + seed, gap=0.0)
        st, p = fresh(informed)
        feed(st, p, *rows)
        weights.append(float(st["skill"]["weight"][0]))
    assert sum(weight > 0.0 for weight in weights) <= 3


def test_prints_of_one_block_are_one_order() -> None:
    st, p = fresh(informed)
    for usd in (100.0, 200.0, 300.0):
        informed.trade(st[0], p[0], START_NS, 0, usd, 100.0)
    assert st["order_usd"][0] == 600.0
    informed.update(st[0], p[0], START_NS + S, START_NS + S, 100.0)
    informed.trade(st[0], p[0], START_NS, 0, 50.0, 100.0)  # one more print, told late
    assert (st["order_ns"][0], st["run_count"][0]) == (0, 1)


def test_the_probability_returns_to_the_share_when_nothing_trades() -> None:
    st, p = fresh(informed)
    *rows, _ = orders(400, 9)
    feed(st, p, *rows)
    st["informed_probability"] = 0.95
    at_ns = int(st["probability_ns"][0])
    share = float(st["mass"][0, INFORMED])
    assert informed.probability_at(st[0], p[0], at_ns) == pytest.approx(0.95)
    assert informed.probability_at(st[0], p[0], at_ns + 10 * S) == pytest.approx(share + (0.95 - share) / np.e)


def test_a_bad_print_is_refused() -> None:
    st, p = fresh(informed)
    for usd, px in ((np.nan, 100.0), (0.0, 100.0), (10.0, np.nan)):
        assert not informed.trade(st[0], p[0], START_NS, 0, usd, px)
    assert st["refused"][0] == 3
    assert st["order_ns"][0] == 0
