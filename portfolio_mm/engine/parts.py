"""The estimators of a coin by the names of their records in COIN and PARAMS."""

from types import ModuleType
from typing import Final

from portfolio_mm.estimators import (
    cascade,
    depth_profile,
    edge,
    fair_value,
    funding,
    intensity,
    markouts,
    volatility,
    walls,
)

ESTIMATORS: Final[dict[str, ModuleType]] = {
    "fair": fair_value,
    "vol": volatility,
    "intensity": intensity,
    "depth": depth_profile,
    "markouts": markouts,
    "funding": funding,
    "cascade": cascade,
    "walls": walls,
    "edge": edge,
}
