"""The estimators of a coin by the names of their records in COIN and PARAMS."""

from types import ModuleType
from typing import Final

from portfolio_mm.estimators import (
    depth_profile,
    fair_value,
    intensity,
    jumps,
    markouts,
    particles,
    regimes,
    vol_of_vol,
    volatility,
)

ESTIMATORS: Final[dict[str, ModuleType]] = {
    "fair": fair_value,
    "vol": volatility,
    "jumps": jumps,
    "vov": vol_of_vol,
    "particles": particles,
    "regimes": regimes,
    "intensity": intensity,
    "depth": depth_profile,
    "markouts": markouts,
}
