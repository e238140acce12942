"""The action budget: one price per action that makes all coins together want what the venue will still take (F4).

Demand of one order at a price p. A fill is followed by a new order, so p is a cost of every fill: the quote stands
p / clip further out, and what it earns, V = Lambda clip / k, falls by e^(-k p / clip). It is moved when fair value
leaves its band (models/upkeep.py), every b^2 T seconds with G(b) = p / (T V). So it wants V k / clip + 1 / (b^2 T)
actions a second: as the price rises quotes move outwards and then rarely, and none falls silent.
"""

from math import exp, inf, sqrt
from typing import Final

import msgspec

from portfolio_mm.models import upkeep
from portfolio_mm.portfolio.capacity import worth_usd_per_h
from portfolio_mm.portfolio.inputs import CoinInput

LEAST_USD: Final = 0.00002
"""Price while no budget binds. Not the 0.0005 USD the venue takes for a request (HL §5.2): requests come free with
volume, one a dollar, and those left over are worth nothing; but never 0, or orders would move for nothing."""
MOST_PER_S: Final = 2.0
"""Requotes a second of one order that still make sense: the five-level book comes twice a second."""
HIGHEST_USD: Final = 1e6
"""The price of an action when there are none to spend."""


class Budget(msgspec.Struct, frozen=True):
    """Actions left at the venue for `seconds` to come; `refill_per_s` is what trading adds meanwhile."""

    name: str
    left: float
    seconds: float
    refill_per_s: float = 0.0


class Demand(msgspec.Struct, frozen=True):
    """What one coin's orders want. `worth_usd_per_s` is V of each order when actions are free, k in 1/bps.

    `scale` corrects the level (action_use.py).
    """

    coin: str
    worth_usd_per_s: tuple[float, ...]
    kappa_per_bps: float
    clip_usd: float
    sigma_bps: float
    scale: float = 1.0

    def at(self, price_usd: float) -> float:
        """Actions a second wanted at this price."""
        left = exp(-min(700.0, self.kappa_per_bps * price_usd / self.clip_usd * 1e4))
        return self.scale * sum(self._order(worth * left, price_usd) for worth in self.worth_usd_per_s)

    def _order(self, worth_usd_per_s: float, price_usd: float) -> float:
        """New orders after fills, and moves."""
        if worth_usd_per_s < 1e-12:
            return 0.0
        fills_per_s = worth_usd_per_s * self.kappa_per_bps / (self.clip_usd * 1e-4)
        life_s = float(upkeep.life_s(worth_usd_per_s, self.kappa_per_bps, self.sigma_bps, price_usd))
        return fills_per_s + min(MOST_PER_S, 1.0 / life_s)


class ActionPlan(msgspec.Struct, frozen=True):
    """Price per action (USD), each coin's share (actions a second), and the budget that sets the price (or none)."""

    price_usd: float
    shares_per_s: tuple[tuple[str, float], ...]
    supply_per_s: float
    binding: str


def demands(coins: tuple[CoinInput, ...]) -> tuple[Demand, ...]:
    """Useful actions of each coin: two sides, all levels, each further out by a step."""
    side_usd_per_s = worth_usd_per_h(coins) / 3600.0 / 2.0
    rows = []
    for coin, worth in zip(coins, side_usd_per_s, strict=True):
        each = [float(worth) * exp(-coin.kappa_per_bps * level * coin.level_step_bps) for level in range(coin.levels)]
        rows.append(Demand(coin.coin, (*each, *each), coin.kappa_per_bps, coin.clip_usd, coin.sigma_bps))
    return tuple(rows)


def supply(budgets: tuple[Budget, ...], cancel_reserve_fraction: float) -> tuple[float, str]:
    """Actions a second that may be spent, and the name of the budget that says so.

    The reserve is kept for cancels, which must always be possible.
    """
    least, name = inf, ""
    for budget in budgets:
        spendable = max(0.0, budget.left) * (1.0 - cancel_reserve_fraction)
        rate = spendable / max(budget.seconds, 1.0) + budget.refill_per_s
        if rate < least:
            least, name = rate, budget.name
    return least, name


def plan_actions(wants: tuple[Demand, ...], budgets: tuple[Budget, ...], cancel_reserve_fraction: float) -> ActionPlan:
    """The lowest price, not under LEAST_USD, at which expected demand fits the supply; bisection on its logarithm."""
    rate, name = supply(budgets, cancel_reserve_fraction)
    price = LEAST_USD
    if _total(wants, price) > rate:
        price = _bisect(wants, rate) if rate > 0.0 else HIGHEST_USD
    else:
        name = ""
    return ActionPlan(price, tuple((want.coin, want.at(price)) for want in wants), rate, name)


def _bisect(wants: tuple[Demand, ...], rate: float) -> float:
    """Price at which demand equals the rate; demand falls with the price."""
    low, high = LEAST_USD, HIGHEST_USD
    for _ in range(60):
        middle = sqrt(low * high)
        if _total(wants, middle) > rate:
            low = middle
        else:
            high = middle
    return high


def _total(wants: tuple[Demand, ...], price_usd: float) -> float:
    return sum(want.at(price_usd) for want in wants)
