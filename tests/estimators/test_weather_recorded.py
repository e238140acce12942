"""Scores of the volatility forecasts on recordings: how many independent blocks, and whether they are enough."""

from typing import Any

import numba as nb
import numpy as np
import pyarrow.parquet as pq
import pytest

from portfolio_mm.estimators import particles, regimes, volatility
from portfolio_mm.models.skill import MIN_BLOCKS
from tests.estimators.feeds import fresh
from tests.flows.recordings import SETS, needed


@nb.njit
def feed(t_ns: Any, mid_px: Any, spread_bps: Any, vol: Any, vol_p: Any, st: Any, p: Any, reg: Any, reg_p: Any) -> None:  # noqa: PLR0917 - flat arguments
    for i in range(len(t_ns)):
        if volatility.update(vol[0], vol_p[0], t_ns[i], mid_px[i]):
            v = vol[0]
            particles.update(st[0], p[0], t_ns[i], mid_px[i], v.sigma_bps, v.median_bps, v.noise_bps)
            regimes.update(reg[0], reg_p[0], t_ns[i], mid_px[i], spread_bps[i])


def scored(part: str) -> tuple[Any, Any]:
    """Skills of the filter and of regimes after one recorded series of best prices."""
    table = pq.read_table(SETS / part / "bbo.parquet")
    bid, ask = (table[name].to_numpy().astype(float) for name in ("bid_px", "ask_px"))
    t_ns, good = table["recv_us"].to_numpy().astype(np.int64) * 1000, ask > bid
    mid_px = 0.5 * (bid + ask)
    vol, vol_p = fresh(volatility)
    st, p = fresh(particles)
    reg, reg_p = fresh(regimes)
    spread_bps = 1e4 * (ask - bid) / mid_px
    feed(t_ns[good], mid_px[good], spread_bps[good], vol, vol_p, st, p, reg, reg_p)
    assert st["refused"][0] == reg["refused"][0] == 0
    return st[0].skill, reg[0].skill


@needed
@pytest.mark.recorded
def test_ten_minutes_are_insufficient() -> None:
    """Bitcoin, 10 min: fewer than 30 blocks of two minutes, so no weight whatever the score."""
    for skill in scored("hlbtc_20250901/hyperliquid/BTC"):
        assert 0 < skill.blocks < MIN_BLOCKS
        assert skill.weight == 0.0


@needed
@pytest.mark.recorded
def test_five_hours_are_enough_to_say_that_the_filter_does_not_earn_its_share() -> None:
    """Crude oil, 4.9 h, 146 blocks: skill -0.02 +- 0.015 of the filter, 0.07 +- 0.06 of regimes: neither is used."""
    particle, regime = scored("cl_20260414b/hyperliquid/xyz_CL")
    assert min(particle.blocks, regime.blocks) > 4 * MIN_BLOCKS
    assert particle.skill < 2.0 * particle.skill_se
    assert particle.weight == regime.weight == 0.0
