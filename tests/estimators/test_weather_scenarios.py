"""The venue's volatile scenario and its misspecified twin: storms and jumps against what was planted.

A run of twenty minutes; an hour under PORTFOLIO_MM_PROOF=full. Prices come from the books, trades are prints.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from portfolio_mm.estimators import jumps, particles, regimes, volatility
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from portfolio_mm.venue.scenario.file import load_scenario
from tests.estimators.feeds import fresh
from tests.estimators.test_regimes import area

SCENARIO = Path(__file__).parents[2] / "examples" / "scenarios" / "volatile.yaml"
BLOCKS = 36_000 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 12_000
WARM_S = 300


class Run:
    """Estimators on one coin of the scenario; a row a second: storm, P(storm), sigma, EWMA, quote sigma."""

    def __init__(self, *, twin: bool) -> None:
        planted = load_scenario(SCENARIO).synthetic
        assert planted is not None
        coins = synthetic_params(("ETH",)).coins
        self.params = msgspec.structs.replace(planted, coins=coins, twin=twin, leads=(), seed=5)
        self.flow = SyntheticFlow(self.params)
        self.vol, self.vol_p = fresh(volatility)
        self.jumps, self.jumps_p = fresh(jumps)
        self.filter, self.filter_p = fresh(particles)
        self.regimes, self.regimes_p = fresh(regimes)
        rows = [self._block() for _ in range(BLOCKS)]
        self.rows = np.array(rows[9::10], dtype=np.float64)

    def _block(self) -> tuple[float, ...]:
        flow = self.flow
        row = flow.instruments()[0]
        at_ns = flow.next_ms() * 1_000_000
        best = flow.markets()["ETH"].bbo()
        before = 0.5 * (best.bid.px_ticks + best.ask.px_ticks) if best.bid and best.ask else 0.0
        for part in flow.advance(flow.next_ms()).coins:
            for deal in part.prints:
                given = at_ns, int(deal.aggressor_side), float(deal.px_ticks), before
                jumps.observe_sweep(self.jumps[0], self.jumps_p[0], *given)
                regimes.observe_sweep(self.regimes[0], *given)
        best = flow.markets()["ETH"].bbo()
        if best.bid and best.ask:
            mid = 0.5 * (best.bid.px_ticks + best.ask.px_ticks) / 10.0**row.px_decimals
            spread = (best.ask.px_ticks / best.bid.px_ticks - 1.0) * 1e4
            vol = self.vol[0]
            volatility.update(vol, self.vol_p[0], at_ns, mid)
            jumps.update(self.jumps[0], self.jumps_p[0], at_ns, mid, vol.sigma_bps, vol.noise_bps)
            known = vol.sigma_bps, vol.median_bps, vol.noise_bps
            particles.update(self.filter[0], self.filter_p[0], at_ns, mid, *known)
            regimes.update(self.regimes[0], self.regimes_p[0], at_ns, mid, spread)
        st = self.filter[0]
        return (0.0, self.regimes[0].state_probability[2], st.sigma_bps, self.vol[0].sigma_bps, st.quote_bps)

    @property
    def storm(self) -> Any:
        """Whether each second was planted as a storm."""
        truth, at = self.flow.truth(), np.zeros(len(self.rows), dtype=bool)
        for event in truth["events"]:
            if event["event"] == "regime":
                second = (event["ms"] - self.flow.start_ms) // 1000
                at[second:] = self.params.regimes[event["regime"]].sigma_factor > 2.0
        return at


@cache
def run(*, twin: bool) -> Run:
    return Run(twin=twin)


@pytest.mark.parametrize("twin", [False, True], ids=["true", "twin"])
def test_planted_storms_are_seen(twin: bool) -> None:  # noqa: FBT001 - a parameter of the test
    played = run(twin=twin)
    storm, seen = played.storm[WARM_S:], played.rows[WARM_S:, 1]
    assert 0.03 < storm.mean() < 0.6
    assert area(seen, storm) > 0.8
    assert seen[storm].mean() > 2.0 * seen[~storm].mean()


@pytest.mark.parametrize("twin", [False, True], ids=["true", "twin"])
def test_sigma_moves_with_the_planted_one(twin: bool) -> None:  # noqa: FBT001
    """Planted: 1.05 times 1.5 and 4. Levels differ by less than 35 %; the filter is nearer to it than the EWMA, on the
    twin at least nearly as near."""
    played = run(twin=twin)
    truth = played.flow.truth()["regimes"]
    calm, wild = (row["sigma_bps_per_sqrt_s"][0] for row in truth)
    planted = np.where(played.storm, wild, calm)[WARM_S:]
    errors = np.log(played.rows[WARM_S:, 2:5] / planted[:, None])
    assert np.all(np.abs(np.mean(errors, axis=0)) < 0.35)
    assert np.std(errors[:, 0]) < (1.1 if twin else 1.0) * np.std(errors[:, 1])


@pytest.mark.parametrize("twin", [False, True], ids=["true", "twin"])
def test_planted_jumps_are_counted(twin: bool) -> None:  # noqa: FBT001
    """Of the jumps beyond three times the limit at least half; not more than one and a half as many as there were.

    Seconds of a storm pass for jumps now and then: ten planted jumps make no interval, and none is claimed.
    """
    played = run(twin=twin)
    sizes = np.array([abs(e["bps"]) for e in played.flow.truth()["events"] if e["event"] == "jump"])
    counted = float(played.jumps[0].jump_count.sum())
    assert np.sum(sizes > 15.0) * 0.5 <= counted <= 1.5 * len(sizes) + 12
