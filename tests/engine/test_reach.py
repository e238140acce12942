"""The rates that quotes are made with, against counts of a later time, where the fit is right and where it is not."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.engine import viability
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.terms import jump
from portfolio_mm.models.depth_grid import DEPTH_BPS, DEPTHS, place_of
from tests.engine.tape import COIN

GRID = np.array(DEPTH_BPS)
A_PER_S, K_PER_BPS, SIZE_PER_BPS = 1.0, 0.5, 1.5
"""Market orders, how far they would go, and how soon their size runs out in a thick book."""
MINUTE_S = 60.0


def told(counts: Any, seconds: float, k: float) -> Any:
    """The table of a coin that counted so many sweeps at each depth, on either side, and fitted `k`."""
    state, params = new_coin(COIN, 1)
    st = state[0]
    st["intensity"]["market_a_per_s"], st["intensity"]["k_per_bps"] = A_PER_S, k
    st["depth"]["exposure_s"] = seconds
    st["depth"]["reached"] = counts
    st["depth"]["rate_per_s"] = counts / max(seconds, 1e-9)
    viability._tabulate(st, params[0])
    return np.exp(st["viability"]["table_log_per_s"])


def counted(rng: Any, seconds: float, decay: float) -> Any:
    reach = rng.exponential(1.0 / decay, (2, rng.poisson(A_PER_S * seconds)))
    return (reach[:, :, None] >= GRID).sum(1)


@pytest.mark.parametrize("sized", [False, True], ids=["the fit is right", "size runs out before"])
@pytest.mark.parametrize("seconds", [120.0, 900.0])
def test_rates_foretell_the_next_minute_at_every_depth(sized: bool, seconds: float) -> None:  # noqa: FBT001 - a case
    """Out of sample, summed over 40 markets. What is left after 900 s: 22 said, 17 came at 2.5 bps; 3 and none at 4.7.

    Counted and fitted rates blended by the count said 300 and 228 there, however long nobody had come.
    """
    rng, said, came = np.random.default_rng(3), np.zeros(DEPTHS), np.zeros(DEPTHS)
    for _ in range(40):
        decay = K_PER_BPS + (SIZE_PER_BPS if sized else 0.0)
        said += MINUTE_S * told(counted(rng, seconds, decay), seconds, K_PER_BPS).mean(0)
        came += MINUTE_S * A_PER_S * np.exp(-decay * GRID)
    assert said == pytest.approx(came, rel=0.35, abs=36.0 if seconds < 200.0 else 4.0)


def test_before_anything_is_counted_the_fit_speaks() -> None:
    rates = told(np.zeros((2, DEPTHS)), 0.0, K_PER_BPS)
    assert rates[0] == pytest.approx(A_PER_S * np.exp(-K_PER_BPS * GRID))


def test_silence_is_evidence() -> None:
    """A quarter of an hour in which nobody came is worth 900 s, not nothing."""
    rates = told(np.zeros((2, DEPTHS)), 900.0, K_PER_BPS)
    assert rates.max() < 5.0 / 900.0
    assert np.all(np.diff(rates, axis=1) < 0.0)


def test_keeping_a_quote_is_reckoned_with_the_decay_of_the_counts() -> None:
    """In a thick book the rate falls by 2 per bps, whatever the limits of market orders say."""
    state, params = new_coin(COIN, 1)
    st = state[0]
    st["intensity"]["market_a_per_s"], st["intensity"]["k_per_bps"], st["depth"]["exposure_s"] = A_PER_S, K_PER_BPS, 1e5
    st["depth"]["reached"] = 1e5 * A_PER_S * np.exp(-2.0 * GRID)
    viability._tabulate(st, params[0])
    _, k = viability._fill_rate(st, 0, *place_of(1.0))
    assert k == pytest.approx(2.0, rel=0.1)


def test_where_only_jumps_still_reach_no_quote_pays() -> None:
    """Jumps lose 0.01 bps a second 15 bps out, where anyone else comes once in two hours: 80 bps a fill.

    The premium of a quote is bounded by 10 bps, so that it stays finite; a verdict by that premium would go on quoting.
    """
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    st["intensity"]["market_a_per_s"], st["intensity"]["k_per_bps"], st["depth"]["exposure_s"] = A_PER_S, 0.6, 1e5
    st["depth"]["reached"] = 1e5 * A_PER_S * np.exp(-0.6 * GRID)
    st["signals"]["applied"], st["jumps"]["ready"], st["jumps"]["skill"]["weight"] = 1.0, 1, 1.0
    st["jumps"]["jump_count"], st["jumps"]["exposure_s"] = 10.0, 3_600.0
    st["vol"]["sigma_bps"] = 1.0
    viability._tabulate(st, p)
    st["viability"]["ready"], st["viability"]["near_bps"] = 1, 15.0
    st["viability"]["rate_per_s"], st["viability"]["k_per_bps"] = A_PER_S * np.exp(-9.0), 0.6
    quiet = viability._weigh(st, p, 0, 15.0, 0.0, viability.START, -np.inf)
    st["jumps"]["excess_bps"] = 72.0
    assert quiet > 0.0
    assert jump.premium_bps(st, p, 0, 15.0) == p["jumps"]["max_premium_bps"]
    assert viability._weigh(st, p, 0, 15.0, 0.0, viability.START, -np.inf) < 0.0
    assert viability._weigh(st, p, 0, 4.0, 0.0, viability.START, -np.inf) > 0.0


@pytest.mark.parametrize(("loss_bps", "pays"), [(0.5, 1), (40.0, 0)])
def test_a_verdict_knows_what_own_fills_have_lost(loss_bps: float, pays: int) -> None:
    """Sweeps on others lose nothing; twenty own fills lost 40 bps each, so that one would stand where nobody comes.

    Judged by sweeps alone the side would pay at 4 bps, while its quote is charged 16 bps more and stands far beyond.
    """
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    p["viability_ns"] = 10**9
    st["intensity"]["market_a_per_s"], st["intensity"]["k_per_bps"], st["depth"]["exposure_s"] = A_PER_S, 1.0, 1e5
    st["depth"]["reached"] = 1e5 * A_PER_S * np.exp(-GRID)
    st["vol"]["sigma_bps"] = 1.0
    own = st["markouts"]["own"]
    own["n"], own["s1"], own["s2"] = 20.0, 20.0 * loss_bps, 20.0 * loss_bps * loss_bps
    own["at_depth"][4] = 20.0
    for _ in range(3):
        viability.assess(st, p)
    assert st["viability"]["pays"].tolist() == [pays, pays]
