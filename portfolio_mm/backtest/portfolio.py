"""In the portfolio's place: the plan's limits and an action price, no targets, no skews; leads are estimated.

Coins that may hold more together than the account's gross limit get the same share of theirs, as an allocation's sum
of limits stays within it (portfolio/allocation.py). No gamma is told, so that each coin finds its own
(models/risk_aversion.py).

Who leads whom is what the run's own estimator proves of this session's mids (portfolio/lead_lag.py), and it arrives as
in a run: with the allocation.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.actors.coin_leaders import leaders_of
from portfolio_mm.actors.gateway.allotment import Allotment
from portfolio_mm.actors.messages import Allocation, CoinAllocation, Lead
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import NS_PER_S
from portfolio_mm.engine.tuning import REQUEST_PRICE_USD
from portfolio_mm.portfolio.lead_lag import LeadLag
from portfolio_mm.settings.plan import Plan

Array = np.ndarray[Any, Any]
EPOCH: Final = 1
OWN_GAMMA: Final = 0.0
"""None is told."""


class PlainPortfolio:
    """One account's allocations. `leaders` are the indices of the coins that others may follow."""

    def __init__(self, plan: Plan, instruments: tuple[Instrument, ...]) -> None:
        self._plan, self._instruments = plan, instruments
        wished_usd = sum(plan.coin(one.coin).max_position_usd for one in instruments)
        self._share = min(1.0, plan.limits(1).max_gross_usd / wished_usd)
        index = {one.coin: one.index for one in instruments}
        self.leaders = frozenset(index[coin] for coin in leaders_of(plan, instruments))
        self._leads = LeadLag(tuple(sorted(self.leaders)), len(instruments))
        self._allotment = Allotment(instruments)

    def observe(self, event: Any) -> None:
        """One BBO event of any coin."""
        bid, ask = float(event["bid_px"][0]), float(event["ask_px"][0])
        if bid > 0.0 and ask > 0.0:
            self._leads.observe(int(event["coin"]), int(event["venue_ms"]), 0.5 * (bid + ask))

    def forget(self) -> None:
        """The feed was lost."""
        self._leads.forget()

    def allocate(self, now_ns: int) -> None:
        """The next version, with the leads known now."""
        self._leads.close()
        coins = tuple(
            CoinAllocation(
                one.coin,
                0.0,
                self._share * self._plan.coin(one.coin).max_position_usd,
                OWN_GAMMA,
                (),
                tuple(
                    Lead(self._instruments[j].coin, found.beta, found.horizon_s)
                    for j, found in self._leads.of(one.index)
                ),
            )
            for one in self._instruments
        )
        valid_ns, version = round(self._plan.portfolio.valid_s * NS_PER_S), self._allotment.version + 1
        said = Allocation(EPOCH, version, valid_ns, REQUEST_PRICE_USD, coins, "plain", (), 0.0)
        self._allotment.take(said, now_ns)

    def rows(self, coin: Instrument, now_ns: int) -> Array:
        """The events by which one coin hears of its allocation."""
        limit_usd = self._share * self._plan.coin(coin.coin).max_position_usd
        found: Array = self._allotment.rows(coin.index, now_ns, limit_usd, REQUEST_PRICE_USD)
        return found
