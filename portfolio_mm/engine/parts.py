"""The estimators of a coin by the names of their records in COIN and PARAMS."""

from types import ModuleType
from typing import Final

from portfolio_mm.estimators import (
    cascade,
    depth_profile,
    edge,
    evidence,
    fair_value,
    funding,
    impact,
    informed,
    intensity,
    leaders,
    markouts,
    order_flow,
    reference,
    toxicity,
    volatility,
    walls,
)

ESTIMATORS: Final[dict[str, ModuleType]] = {
    "order_flow": order_flow,
    "reference": reference,
    "leaders": leaders,
    "fair": fair_value,
    "vol": volatility,
    "intensity": intensity,
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
