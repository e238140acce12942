"""A plain allocation in the portfolio's place: the plan's limits, action price and gamma; no targets, no skews."""

from typing import Any, Final

import numpy as np

from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import NS_PER_S
from portfolio_mm.engine.tuning import REQUEST_PRICE_USD
from portfolio_mm.settings.plan import Plan

Array = np.ndarray[Any, Any]
VALID_NS: Final = 30 * NS_PER_S


def allocation_rows(plan: Plan, instrument: Instrument, gamma_per_bps_usd: float, version: int) -> list[Array]:
    """The events by which one coin hears of its allocation."""
    row = np.zeros(1, EVENT)
    row["kind"], row["coin"], row["seq"], row["oid"] = EventKind.ALLOCATION, instrument.index, version, VALID_NS
    row["px2"] = plan.coin(instrument.coin).max_position_usd
    row["sz"], row["sz2"] = REQUEST_PRICE_USD, gamma_per_bps_usd
    return [row]
