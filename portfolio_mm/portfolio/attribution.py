"""Where money came from, in integers of 1e-8 USD, without a residual component, closing against the venue's equity."""

from collections.abc import Iterable
from typing import Final

import msgspec

PRINTED_1E8: Final = 100
"""One unit of the last decimal the venue prints: amounts of USD have six decimals."""


class PnlParts(msgspec.Struct, frozen=True):
    """Parts of a profit, integer 1e-8 USD; fees and adverse selection that cost are negative.

    spread: fill price against fair; adverse: move of fair against the fill within the markout horizon; inventory: moves
    of fair on what was held beyond it; basis: mark minus mid; the six sum to the profit.
    """

    spread_1e8: int = 0
    adverse_1e8: int = 0
    inventory_1e8: int = 0
    fees_1e8: int = 0
    funding_1e8: int = 0
    basis_1e8: int = 0

    @property
    def total_1e8(self) -> int:
        """The profit."""
        return sum(msgspec.structs.astuple(self))


def added(parts: Iterable[PnlParts]) -> PnlParts:
    """Sum of several coins, part by part: the portfolio."""
    rows = [msgspec.structs.astuple(part) for part in parts]
    return PnlParts(*(sum(column) for column in zip(*rows, strict=True))) if rows else PnlParts()


class Closing(msgspec.Struct, frozen=True):
    """Whether the parts explain the venue's own equity, integer 1e-8 USD.

    `gap` is what the parts leave unexplained; it must not exceed `tolerance`, the rounding of the numbers printed.
    """

    change_1e8: int
    explained_1e8: int
    gap_1e8: int
    tolerance_1e8: int

    @property
    def closes(self) -> bool:
        """Whether the books are closed."""
        return abs(self.gap_1e8) <= self.tolerance_1e8


def close_books(
    parts: PnlParts, *, start_equity_1e8: int, end_equity_1e8: int, transfers_1e8: int, numbers: int
) -> Closing:
    """Compare the parts with what the venue says.

    Args:
        parts: of all coins.
        start_equity_1e8: equity the venue printed at the start.
        end_equity_1e8: equity the venue printed at the end.
        transfers_1e8: money moved in (positive) or out between them.
        numbers: how many printed numbers entered the comparison (equities, fees, funding): each is off by half a unit.
    """
    change = end_equity_1e8 - start_equity_1e8 - transfers_1e8
    tolerance = (numbers * PRINTED_1E8 + 1) // 2
    return Closing(change, parts.total_1e8, change - parts.total_1e8, tolerance)
