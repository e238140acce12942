"""What one allocation is made of: the gateway's view, the mids of all coins, and what earlier rounds have taught.

No clock, no socket, no solver: the portfolio actor brings them, and a simulation can bring its own.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from portfolio_mm.actors.allocation_inputs import account_input, action_budgets, coin_inputs
from portfolio_mm.actors.messages import View
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.portfolio.action_use import ActionUse, scaled
from portfolio_mm.portfolio.actions import ActionPlan, demands, plan_actions
from portfolio_mm.portfolio.covariance import Covariance
from portfolio_mm.portfolio.inputs import AccountInput, AllocationRules, CoinInput
from portfolio_mm.settings.plan import Plan

REFILL_S = 10.0
"""Volume of a shorter time says nothing about its rate."""


class Round(msgspec.Struct, frozen=True):
    """Arguments of the allocator, and the price of actions they already contain."""

    coins: tuple[CoinInput, ...]
    account: AccountInput
    covariance_bps2_per_s: NDArray[np.float64]
    actions: ActionPlan


class Planner:
    """Learns covariance, action use and refill over the rounds of one portfolio actor's life."""

    def __init__(self, plan: Plan, instruments: tuple[Instrument, ...]) -> None:
        self._plan, self._instruments = plan, instruments
        chosen = plan.portfolio
        self.mids: NDArray[np.float64] = np.full(len(instruments), np.nan)
        self.covariance = Covariance(
            len(instruments),
            chosen.half_life_s,
            prior_sigma_bps=plan.quoting.prior_sigma_bps,
            idiosyncratic_fraction=chosen.idiosyncratic_fraction,
        )
        self.use = ActionUse()
        self._first: View | None = None

    def rules(self) -> AllocationRules:
        """Choices of the allocator."""
        chosen = self._plan.portfolio
        return AllocationRules(
            deadline_s=chosen.deadline_s,
            std_fraction=chosen.std_fraction,
            kelly_fraction=chosen.kelly_fraction,
            turnover_cost_bps=chosen.turnover_cost_bps,
            stress_fraction=chosen.stress_fraction,
            maintenance_headroom=chosen.maintenance_headroom,
        )

    def sample(self, now_ns: int) -> None:
        """Synchronous returns: all mids at one moment."""
        self.covariance.observe(now_ns, self.mids)

    def round(self, view: View) -> Round:
        """Price the actions, then say what the programme is told at that price."""
        coins = coin_inputs(view, self._plan, self._instruments, self.mids)
        self.use.observe(view.mono_ns, view.placed + view.modified + view.cancelled)
        actions = plan_actions(
            scaled(demands(coins), self.use.ratio),
            action_budgets(view, self._refill_per_s(view)),
            self._plan.portfolio.cancel_reserve_fraction,
        )
        self.use.predicted(sum(share for _, share in actions.shares_per_s))
        coins = tuple(msgspec.structs.replace(c, action_bps=actions.price_usd / c.clip_usd * 1e4) for c in coins)
        matrix = self.covariance.matrix_bps2_per_s(np.array([coin.sigma_bps for coin in coins]))
        return Round(coins, account_input(view, self._plan), matrix, actions)

    def _refill_per_s(self, view: View) -> float:
        """Requests a second earned by our own volume since the first view."""
        if self._first is None or self._first.run != view.run or not self._first.reconciled:
            self._first = view  # before a gateway that came back has reconciled, its volume lacks what went before
        elapsed_s = (view.mono_ns - self._first.mono_ns) / 1e9
        return max(0.0, view.volume_usd - self._first.volume_usd) / elapsed_s if elapsed_s > REFILL_S else 0.0
