"""The venue's request budgets: per IP, per address, per day (HL §5)."""

from collections import deque
from typing import Final

IP_WEIGHT_PER_MINUTE: Final = 1200
MINUTE_MS: Final = 60_000
OVER_BUDGET_INTERVAL_MS: Final = 10_000
CANCEL_EXTRA: Final = 100_000
DAY_MS: Final = 86_400_000
USD_1E8: Final = 100_000_000
MAX_ACTION_WEIGHT: Final = 200


class IpBudget:
    """Weight one address has used in the last minute."""

    def __init__(self, limit: int = IP_WEIGHT_PER_MINUTE) -> None:
        self._limit = limit
        self._used: deque[tuple[int, int]] = deque()
        self._total = 0

    def take(self, weight: int, now_ms: int) -> bool:
        """Use weight; False when the minute has not enough left (nothing is used then)."""
        while self._used and self._used[0][0] <= now_ms - MINUTE_MS:
            self._total -= self._used.popleft()[1]
        if self._total + weight > self._limit:
            return False
        self.charge(weight, now_ms)
        return True

    def charge(self, weight: int, now_ms: int) -> None:
        """Use weight whatever is left: rows are only known after the answer."""
        if weight:
            self._used.append((now_ms, weight))
            self._total += weight


class AddressBudget:
    """Requests of one user since the beginning: a base and one per USD traded (HL §5.2).

    Beyond it one action every ten seconds, whatever its size; cancels have a ceiling of their own.
    A refused action costs nothing.
    """

    def __init__(self, base: int) -> None:
        self._base = base
        self.used = 0
        self.reserved = 0
        self._last_extra_ms = -OVER_BUDGET_INTERVAL_MS

    def cap(self, volume_1e8: int) -> int:
        """Requests allowed so far."""
        return self._base + volume_1e8 // USD_1E8

    def refusal(self, volume_1e8: int, now_ms: int, *, cancels: bool) -> str | None:
        """The refusal text when the budget is gone and the slot of these ten seconds is taken; nothing is used."""
        ceiling = self._ceiling(volume_1e8, cancels=cancels)
        if self.used < ceiling or now_ms - self._last_extra_ms >= OVER_BUDGET_INTERVAL_MS:
            return None
        # Three recorded refusals print the cap less one: (37332 > 37315) at $27316.78.
        return (
            f"Too many cumulative requests sent ({self.used} > {ceiling - 1}) for cumulative volume traded "
            f"${volume_1e8 / USD_1E8:.2f}. Place taker orders to free up 1 request per USDC traded."
        )

    def take(self, legs: int, volume_1e8: int, now_ms: int, *, cancels: bool) -> None:
        """Use one request per leg, beyond the budget with the slot of these ten seconds."""
        if self.used >= self._ceiling(volume_1e8, cancels=cancels):
            self._last_extra_ms = now_ms
        self.used += legs

    def _ceiling(self, volume_1e8: int, *, cancels: bool) -> int:
        cap = self.cap(volume_1e8) + self.reserved
        return min(cap + CANCEL_EXTRA, 2 * cap) if cancels else cap

    def charge(self, requests: int) -> None:
        """Use requests without asking (a stale `expiresAfter` costs five)."""
        self.used += requests


class DayBudget:
    """User actions of one UTC day, unified accounts only (HL §5.4). A batch counts one.

    Neither the counting nor the wording of the refusal is documented; both are our choice.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._day = -1
        self.used = 0

    def _today(self, now_ms: int) -> int:
        return self.used if now_ms // DAY_MS == self._day else 0

    def refusal(self, now_ms: int) -> str | None:
        """The refusal text when the day has no action left."""
        used = self._today(now_ms)
        if used < self._limit:
            return None
        return f"Too many user actions today ({used} >= {self._limit}) while unified account is active."

    def take(self, now_ms: int) -> None:
        """Use one action."""
        self.used = self._today(now_ms) + 1
        self._day = now_ms // DAY_MS
