"""The estimators of a coin by the names of their records in COIN and PARAMS."""

from types import ModuleType
from typing import Final

from portfolio_mm.estimators import (
    depth_profile,
    evidence,
    fair_value,
    impact,
    informed,
    intensity,
    markouts,
    toxicity,
    volatility,
)

ESTIMATORS: Final[dict[str, ModuleType]] = {
    "fair": fair_value,
    "vol": volatility,
    "intensity": intensity,
    "depth": depth_profile,
    "markouts": markouts,
    "toxicity": toxicity,
    "informed": informed,
    "impact": impact,
    "evidence": evidence,
}
