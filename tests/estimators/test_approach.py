"""How far fair comes to an order before it fills: the law of the band, own fills, and the forecast made of both."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import quoting
from portfolio_mm.engine.snapshot import SNAPSHOT
from portfolio_mm.engine.state import new_coin
from portfolio_mm.estimators import markouts
from portfolio_mm.models import upkeep
from tests.engine.tape import COIN, S, event

K, SIGMA, RATE, DT = 0.4, 1.2, 0.005, 0.02
"""1/bps, bps per sqrt(s), fills a second at the best place, s."""
AFTER_BPS, AFTER_SD = 0.7, 3.0
"""What the mid does against a fill in the five seconds after it."""


def approaches(band: float, *, twin: bool, seed: int = 3, orders: int = 4_000, steps: int = 4_000) -> Any:
    """Approach (bps) of the fills of many orders, each put back to its best place when fair leaves its band.

    The twin: fair moves by Student's t with 3 degrees, flow comes at one rate beyond half a band and not at all nearer,
    and orders are put back a third of a second late.
    """
    rng = np.random.default_rng(seed)
    y, late, found = np.zeros(orders), np.zeros(orders, int), []
    for _ in range(steps):
        move = rng.standard_t(3, orders) / np.sqrt(3.0) if twin else rng.normal(0.0, 1.0, orders)
        y += K * SIGMA * np.sqrt(DT) * move
        chance = RATE * DT * (4.0 * (y > 0.5 * band) if twin else np.exp(y))
        filled = rng.random(orders) < chance
        found.append(y[filled] / K)
        late = np.where(np.abs(y) > band, late + 1, 0)
        y[filled | (late > (17 if twin else 0))] = 0.0
    return np.concatenate(found)


@pytest.mark.parametrize("band", [1.0, 2.0])
def test_the_law_of_the_band_is_what_orders_kept_in_it_see(band: float) -> None:
    """Reset at a grid of 20 ms, an order sees a band 0.58 steps wider (Siegmund's correction)."""
    found = approaches(band, twin=False, orders=3_000)
    wider = band + 0.583 * K * SIGMA * np.sqrt(DT)
    assert found.mean() == pytest.approx(upkeep.approach(wider) / K, rel=0.1)


def expected(found: Any, band: float, count: int, seed: int) -> tuple[float, float]:
    """Expected adverse selection of a bid after `count` own fills that came as `found` says; and without the approach.

    The profile knows what the mid does after a fill, as it does after an hour; the band is what the state says.
    """
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    view, rng = st["viability"], np.random.default_rng(seed)
    view["adverse_bps"], view["adverse_se_bps"] = AFTER_BPS, 0.2
    fill, placed = event(EventKind.FILL, 0, sz_lots=1), np.zeros(1, SNAPSHOT)
    now_ns = 1_700_000_000 * S
    for n in range(count):
        before = 100.0 * (1.0 - 1e-4 * rng.choice(found))
        mid = before * (1.0 - 1e-4 * rng.normal(AFTER_BPS, AFTER_SD))
        fill["tid"] = n + 1
        markouts.on_fill(st["markouts"], p["markouts"], now_ns, fill[0], 99.95, 100.0, 20_000, placed[0])
        markouts.on_approach(st["markouts"], p["markouts"], now_ns, 0, 100.0, before)
        now_ns += 6 * S
        markouts.update(st["markouts"], p["markouts"], now_ns, now_ns, mid, 20_000)
    without, _ = quoting.expected_adverse(st, p, 0)
    mean, se = markouts.approach_of(st["markouts"], p["markouts"], upkeep.approach(band) / K, 1.0 / K)
    view["approach_bps"], view["approach_se_bps"] = mean, se
    return quoting.expected_adverse(st, p, 0)[0], without


@pytest.mark.parametrize(("twin", "count", "within"), [(False, 0, 0.15), (False, 20, 0.2), (True, 40, 0.2)])
def test_expected_adverse_selection_is_unbiased(twin: bool, count: int, within: float) -> None:  # noqa: FBT001 - by pytest
    """Mean error over forty coins; shrunk to the profile's alone it is too low by the approach or half of it."""
    band = 1.75
    found = approaches(band, twin=twin, orders=3_000)
    truth = AFTER_BPS + found.mean()
    said = np.array([expected(found, band, count, seed) for seed in range(40 if count else 1)])
    bias, old = said.mean(axis=0) - truth
    assert abs(bias) < within
    assert old < -0.35


def test_what_is_not_a_price_teaches_nothing() -> None:
    state, params = new_coin(COIN, 1)
    st, p = state[0]["markouts"], params[0]["markouts"]
    for placed, before in ((0.0, 100.0), (100.0, np.nan), (np.nan, 100.0), (100.0, np.inf)):
        markouts.on_approach(st, p, S, 0, placed, before)
    assert float(st["approach_n"]) == 0.0
    markouts.on_approach(st, p, S, 0, 100.0, 99.98)
    markouts.on_approach(st, p, S + round(float(p["half_life_s"]) * S), 1, 100.0, 100.01)
    assert float(st["approach_n"]) == pytest.approx(1.5)
    assert float(st["approach_s1"]) == pytest.approx(0.5 * 2.0 + 1.0)
