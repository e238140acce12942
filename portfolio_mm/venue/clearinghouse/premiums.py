"""The premium samples of one hour and the rate they make (HL §9). Rates and premiums are integers of 1e-10."""

from typing import Final

from portfolio_mm.venue.protocol.amounts import rounded

INTEREST: Final = 1_000_000
"""0.01 % of eight hours."""
CLAMP: Final = 5_000_000
PAYMENTS: Final = 8
CAP: Final = 400_000_000
"""4 % an hour."""


MULTIPLIER_UNIT: Final = 10**8


class PremiumSamples:
    """Sum and count of an hour. A builder-deployed dex may have an interest and a multiplier of its own (HL §9)."""

    def __init__(self, interest_1e10: int = INTEREST, multiplier_1e8: int = MULTIPLIER_UNIT) -> None:
        self._sum = self._count = 0
        self._interest, self._multiplier = interest_1e10, multiplier_1e8

    def take(self, premium_1e10: int) -> None:
        """Add one sample."""
        self._sum += premium_1e10
        self._count += 1

    def clear(self) -> None:
        """Begin another hour."""
        self._sum = self._count = 0

    @property
    def mean_1e10(self) -> int:
        """Mean premium so far; 0 before the first sample."""
        return rounded(self._sum, self._count) if self._count else 0

    @property
    def hourly_1e10(self) -> int:
        """Rate of the hour as it stands: the published estimate, and at its end what is paid."""
        return hourly_1e10(self.mean_1e10, self._interest, self._multiplier)


def hourly_1e10(premium_1e10: int, interest_1e10: int = INTEREST, multiplier_1e8: int = MULTIPLIER_UNIT) -> int:
    """Hourly rate of a mean premium. A multiplier of a half makes the neutral rate the recorded 0.00000625.

    >>> [hourly_1e10(p) / 1e10 for p in (0, 100_000_000, -20_000_000, 10**11)]
    [1.25e-05, 0.0011875, -0.0001875, 0.04]
    >>> hourly_1e10(-405_564, multiplier_1e8=5 * 10**7) / 1e10
    6.25e-06
    """
    eight_hours = premium_1e10 + max(-CLAMP, min(CLAMP, interest_1e10 - premium_1e10))
    return max(-CAP, min(CAP, rounded(eight_hours * multiplier_1e8, PAYMENTS * MULTIPLIER_UNIT)))
