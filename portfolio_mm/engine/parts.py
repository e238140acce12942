"""The estimators of a coin by the names of their records in COIN and PARAMS."""

from types import ModuleType
from typing import Final

from portfolio_mm.estimators import arrivals, depth_profile, fair_value, hawkes, intensity, markouts, queue, volatility

ESTIMATORS: Final[dict[str, ModuleType]] = {
    "fair": fair_value,
    "vol": volatility,
    "intensity": intensity,
    "arrivals": arrivals,
    "hawkes": hawkes,
    "queue": queue,
    "depth": depth_profile,
    "markouts": markouts,
}
