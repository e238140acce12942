"""One position, in exact integers: its cost is kept whole, so realised and unrealised parts add up."""

from portfolio_mm.venue.protocol.amounts import rounded

TICK_LOT_1E8 = 100
"""A tick times a lot is 1e-6 USD (px_decimals + sz_decimals = 6): a hundred units of 1e-8."""


class Position:
    """Signed lots and their signed cost; funding since three moments, positive when paid (as `cumFunding` shows it).

    `raw_1e8` is the ledger of an isolated position (`leverage.rawUsd`): margin put in less signed notional, fees and
    funding. A cross position has none of its own: its money is the user's.
    """

    __slots__ = ("cost_1e8", "funding_all_1e8", "funding_change_1e8", "funding_open_1e8", "isolated", "raw_1e8", "szi")

    def __init__(self) -> None:
        self.szi = 0
        self.isolated = False
        self.cost_1e8 = self.raw_1e8 = 0
        self.funding_all_1e8 = self.funding_open_1e8 = self.funding_change_1e8 = 0

    def trade(self, lots: int, px_ticks: int) -> int:
        """Add signed lots at a price; returns the realised PnL, gross of fee.

        >>> position = Position()
        >>> position.trade(4, 100), position.trade(-6, 110), position.szi, position.cost_1e8
        (0, 4000, -2, -22000)
        """
        before, sign = self.szi, 1 if lots > 0 else -1
        self.szi += lots
        self.funding_change_1e8 = 0
        if before == 0:
            self.funding_open_1e8 = 0
        if before * sign >= 0:
            self.cost_1e8 += lots * px_ticks * TICK_LOT_1E8
            return 0
        closing = min(abs(lots), abs(before))
        closed_cost = rounded(self.cost_1e8 * closing, abs(before))
        pnl = -sign * closing * px_ticks * TICK_LOT_1E8 - closed_cost
        self.cost_1e8 -= closed_cost
        opening = abs(lots) - closing
        if opening:
            self.cost_1e8 += sign * opening * px_ticks * TICK_LOT_1E8
            self.funding_open_1e8 = 0
        return pnl

    def fund(self, paid_1e8: int) -> None:
        """Record a funding payment, positive when paid."""
        self.funding_all_1e8 += paid_1e8
        self.funding_open_1e8 += paid_1e8
        self.funding_change_1e8 += paid_1e8

    def value_1e8(self, mark_ticks: int) -> int:
        """Signed notional at mark."""
        return self.szi * mark_ticks * TICK_LOT_1E8

    def worth_1e8(self, mark_ticks: int) -> int:
        """Margin of an isolated position at mark: its ledger and its notional (`marginUsed`)."""
        return self.raw_1e8 + self.value_1e8(mark_ticks)

    def unrealized_1e8(self, mark_ticks: int) -> int:
        """Unrealised PnL at mark."""
        return self.value_1e8(mark_ticks) - self.cost_1e8


def direction(before: int, lots: int) -> str:
    """What a fill did, in the venue's words (HL §1.12).

    >>> direction(0, 3), direction(5, -2), direction(2, -5), direction(-2, -1)
    ('Open Long', 'Close Long', 'Long > Short', 'Open Short')
    """
    name = {True: "Long", False: "Short"}
    if before * lots >= 0:
        return f"Open {name[lots > 0]}"
    if abs(lots) <= abs(before):
        return f"Close {name[before > 0]}"
    return f"{name[before > 0]} > {name[lots > 0]}"
