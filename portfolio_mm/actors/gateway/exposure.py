"""What one coin's position could become."""

from typing import NamedTuple

from portfolio_mm.domain.units import BUY, SELL, SIGN


class Exposure(NamedTuple):
    """One coin's position, and what could still be bought and sold on top; lots, the last two not negative."""

    szi_lots: int
    buy_lots: int
    sell_lots: int

    def worst(self, side: int) -> int:
        """Signed position towards `side` (positive: long for BUY, short for SELL) if all of that side filled."""
        return SIGN[side] * self.szi_lots + (self.buy_lots, self.sell_lots)[side]

    @property
    def worst_gross(self) -> int:
        """Largest absolute position that can come out."""
        return max(self.worst(BUY), self.worst(SELL), abs(self.szi_lots))
