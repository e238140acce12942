"""Requests left: by address over its life, by UTC day in unified modes, by IP minute; and the price of one action."""

from typing import Final

from portfolio_mm.actors.messages import BudgetView
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.hyperliquid.limits import AddressBudget, DayBudget, IpBudget

UNPRICED: Final = 0.0


class Budgets:
    """What may be spent. Cancels may always use the reserve."""

    def __init__(self, day_cap: int = 50_000) -> None:
        self.address: Final = AddressBudget()
        self.day: Final = DayBudget(day_cap)
        self.ip: Final = IpBudget()
        self.price_usd = UNPRICED
        """Published by the portfolio: what one action must earn."""
        self.counts_days = False

    def set_mode(self, mode: AccountMode) -> None:
        """Only unified modes count actions per day (HL §5.4)."""
        self.counts_days = mode is not AccountMode.STANDARD

    def may_spend(self, legs: int, now_ms: int, *, cancel: bool = False) -> bool:
        """Whether this many requests fit; unknown address budgets (cap 0) allow only cancels."""
        day = not self.counts_days or self.day.may_spend(legs, now_ms, cancel=cancel)
        return day and self.address.may_spend(legs, cancel=cancel)

    def spend(self, legs: int, now_ms: int) -> None:
        """Book requests the venue took."""
        self.address.spend(legs)
        self.day.spend(legs, now_ms)

    def view(self, now_ms: int, now_s: float) -> BudgetView:
        """For people and monitors; a cap of 0 means that there is none."""
        return BudgetView(
            address_used=self.address.used,
            address_cap=self.address.cap + self.address.surplus,
            day_used=self.day.used(now_ms),
            day_cap=self.day.cap if self.counts_days else 0,
            ip_weight_used=self.ip.used(now_s),
            ip_weight_cap=self.ip.cap,
            action_price_usd=self.price_usd,
        )
