"""How far fair comes to an order before it fills: the law of the band, own fills, and the forecast made of both."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import quoting, viability
from portfolio_mm.engine.snapshot import SNAPSHOT
from portfolio_mm.engine.state import new_coin
from portfolio_mm.estimators import markouts
from portfolio_mm.models import upkeep
from portfolio_mm.models.approach import rest
from tests.engine.tape import COIN, S, event
from tests.estimators.feeds import fresh, own_fill

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


def waiting(band: float, *, twin: bool, seed: int = 3, orders: int = 500, seconds: float = 200.0) -> Any:
    """A state that watched such orders wait, whether or not they would have been filled."""
    st, p = fresh(markouts)
    rng, y = np.random.default_rng(seed), np.zeros(orders)
    for _ in range(round(seconds / DT / orders * 50)):
        move = rng.standard_t(3, orders) / np.sqrt(3.0) if twin else rng.normal(0.0, 1.0, orders)
        y += K * SIGMA * np.sqrt(DT) * move
        y[np.abs(y) > band] = 0.0
        if rng.random() < 0.1:
            for each in y:
                rest(st[0].approach, 0, 100.0, 100.0 * (1.0 - 1e-4 * each / K), K, DT)
    return st, p


@pytest.mark.parametrize("twin", [False, True])
def test_orders_that_wait_say_what_their_fills_will(twin: bool) -> None:  # noqa: FBT001 - by pytest
    """Without a fill, and unlike fills, by no distance of ours: what a placement is charged is the law's."""
    band = 1.75
    st, p = waiting(band, twin=twin)
    assert float(st["approach"]["waited_s"][0]) > 10.0
    p["approach_s"] = 0.0
    assert markouts.waited_of(st[0], p[0], 0.0) == pytest.approx(upkeep.approach(band) / K, rel=0.12)


def expected(found: Any, band: float, count: int, seed: int) -> tuple[float, float, float]:
    """A bid after `count` own fills that came as `found` says: its forecast, what it is charged, and the old forecast.

    The profile knows what the mid does after a fill, as it does after an hour; the band is what the state says.
    """
    state, params = new_coin(COIN, 1)
    st, p = state[0], params[0]
    view, quote, rng = st["viability"], st["quote"], np.random.default_rng(seed)
    view["adverse_bps"], view["adverse_se_bps"], view["k_per_bps"] = AFTER_BPS, 0.2, K
    view["table_adverse_bps"] = AFTER_BPS
    fill, placed = event(EventKind.FILL, 0, sz_lots=1), np.zeros(1, SNAPSHOT)
    now_ns, total = 1_700_000_000 * S, []
    for n in range(count):
        before = 100.0 * (1.0 - 1e-4 * rng.choice(found))
        mid = before * (1.0 - 1e-4 * rng.normal(AFTER_BPS, AFTER_SD))
        fill["tid"] = n + 1
        slot = markouts.on_fill(st["markouts"], p["markouts"], now_ns, fill[0], 99.95, 100.0, 20_000, placed[0])
        markouts.on_approach(st["markouts"], p["markouts"], slot, before)
        now_ns += 6 * S
        markouts.update(st["markouts"], p["markouts"], now_ns, now_ns, mid, 20_000)
        total.append((100.0 - mid) * 100.0)
    view["approach_bps"] = upkeep.approach(band) / K
    viability.hear_own(st, p)
    quote["adverse_bps"] = quoting.expected_adverse(st, p, 0)[0]
    prior_count = float(p["own_prior_count"])
    old = (prior_count * AFTER_BPS + sum(total)) / (prior_count + count)
    return viability.placed_adverse_bps(st, p, 0, 0), float(quote["adverse_bps"][0]), old


@pytest.mark.parametrize(("twin", "count"), [(False, 0), (False, 20), (True, 40)])
def test_expected_adverse_selection_is_unbiased(twin: bool, count: int) -> None:  # noqa: FBT001 - by pytest
    """Mean error over forty coins; shrunk to the profile's alone it is too low by the approach or half of it."""
    band = 1.75
    found = approaches(band, twin=twin, orders=3_000)
    truth = AFTER_BPS + found.mean()
    said = np.array([expected(found, band, count, seed) for seed in range(40 if count else 1)])
    bias, _, old = said.mean(axis=0) - truth
    assert abs(bias) < 0.2
    assert old < -0.35


def test_fills_that_came_from_far_do_not_widen_the_quote() -> None:
    """The ratchet: orders twice as far out fill when fair has come twice as near. The forecast knows, no depth pays."""
    near, far = (expected(np.array([bps]), 1.75, 60, seed=1) for bps in (1.0, 4.0))
    assert far[0] > near[0] + 2.0
    assert far[1] == pytest.approx(near[1], abs=0.01)


def test_what_is_not_a_price_teaches_nothing() -> None:
    st, p = fresh(markouts)
    half_life_s = float(p["half_life_s"][0])
    slot = own_fill(st[0], p[0], S, 0, 1, 99.95, 100.0, 20_000)
    for before in (0.0, np.nan, np.inf):
        markouts.on_approach(st[0], p[0], slot, before)
        rest(st[0].approach, 0, 100.0, before, K, 1.0)
    assert float(st["approach"]["n"][0]) == float(st["approach"]["waited_s"][0]) == 0.0
    markouts.on_approach(st[0], p[0], slot, 99.98)
    slot = own_fill(st[0], p[0], S + round(half_life_s * S), 1, 1, 100.05, 100.0, 20_000)
    markouts.on_approach(st[0], p[0], slot, 100.01)
    assert float(st["approach"]["n"][0]) == pytest.approx(1.5)
    assert float(st["approach"]["s1"][0]) == pytest.approx(0.5 * 2.0 + 1.0)
    rest(st[0].approach, 1, 100.0, 100.0, K, 4.0)
    markouts.wait(st[0], p[0], half_life_s)
    assert float(st["approach"]["waited_s"][0]) == pytest.approx(2.0)
