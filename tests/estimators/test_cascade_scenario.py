"""The hazard on the cascades of examples/scenarios/cascade.yaml, whose bursts are known."""

from pathlib import Path

import msgspec
import numpy as np
import yaml

from portfolio_mm.venue.flows.synthetic.params import Cascades
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from tests.estimators.test_cascade import Made, played, ranks_above

SCENARIO = Path(__file__).parents[2] / "examples" / "scenarios" / "cascade.yaml"
HOURS = 8
BLOCKS_A_S = 10


def made() -> Made:
    """Efficient mids of one coin each second, its liquidations as taker flow, and the interest they close."""
    chosen = yaml.safe_load(SCENARIO.read_text())["market"]
    cascades = msgspec.convert(chosen["synthetic"]["cascades"], Cascades)
    params = msgspec.structs.replace(synthetic_params(("BTC",), seed=chosen["seed"]), cascades=cascades)
    paths = EfficientPaths(params)
    seconds = HOURS * 3_600
    rows = [paths.between(at, at + 500)[:, 0].copy() for at in range(1, seconds * BLOCKS_A_S, 500)]
    log_px = np.concatenate(rows)[: seconds * BLOCKS_A_S : BLOCKS_A_S]
    flow = np.random.default_rng(1).normal(0.0, 10_000.0, seconds)
    interest = np.full(seconds, 1e6)
    for one in paths.liquidations:
        at = one.block // BLOCKS_A_S
        if at < seconds:
            flow[at] += (1 - 2 * one.side) * one.usd
            interest[at:] *= 1.0 - cascades.interest_share / cascades.orders
    starts = np.array([burst.block // BLOCKS_A_S for burst in paths.bursts])
    return Made(100.0 * np.exp(log_px - log_px[0]), flow, interest, np.full(seconds, 1e5), starts)


def test_the_bursts_of_the_scenario_are_told_from_quiet_stretches() -> None:
    """Truth: when a burst begins. Highest hazard of its first 4 s (mean order after 2 s) against quiet 4 s: > 0.8."""
    market = made()
    st, hazard = played(market)
    starts = market.starts[(market.starts > 600) & (market.starts < len(hazard) - 10)]
    quiet = [at for at in range(600, len(hazard) - 10, 4) if np.min(np.abs(market.starts - at)) > 120]
    inside = np.array([hazard[at : at + 4].max() for at in starts])
    outside = np.array([hazard[at : at + 4].max() for at in quiet])
    assert len(starts) >= 60, "blocks for an interval"
    assert ranks_above(inside, outside) > 0.8
    assert st["skill"]["blocks"][0] >= 200
