"""The estimators of a coin by the names of their records in COIN and PARAMS."""

from types import ModuleType
from typing import Final

    cascade,
    depth_profile,
    edge,
    evidence,
    fair_value,
    funding,
    impact,
    informed,
    intensity,
    jumps,
    leaders,
    markouts,
    order_flow,
    particles,
    reference,
    regimes,
    toxicity,
    vol_of_vol,
    volatility,
    walls,
)
from portfolio_mm.estimators import (
from portfolio_mm.estimators import arrivals, depth_profile, fair_value, hawkes, intensity, markouts, queue, volatility

ESTIMATORS: Final[dict[str, ModuleType]] = {
    "order_flow": order_flow,
    "reference": reference,
    "leaders": leaders,
    "fair": fair_value,
    "vol": volatility,
    "jumps": jumps,
    "vov": vol_of_vol,
    "particles": particles,
    "regimes": regimes,
    "intensity": intensity,
    "arrivals": arrivals,
    "hawkes": hawkes,
    "queue": queue,
    "depth": depth_profile,
    "markouts": markouts,
    "funding": funding,
    "cascade": cascade,
    "walls": walls,
    "edge": edge,
    "toxicity": toxicity,
    "informed": informed,
    "impact": impact,
    "evidence": evidence,
}
