"""Fills that come faster than a maker's should: somebody knows something (architecture section 2, worst case).

When the fills of one side of one coin within a second reach a share of the coin's limit, that side is taken off the
book and refused for two seconds. One-second reports would be too slow for this. The gate opens by itself.
"""

from collections import deque
from typing import Final

from portfolio_mm.domain.units import NS_PER_S

WINDOW_NS: Final = NS_PER_S
PAUSE_NS: Final = 2 * NS_PER_S
SHARE_OF_LIMIT: Final = 0.5


class FillRun:
    """Same-side fills of the last second, and which sides pause."""

    def __init__(self, coins: int) -> None:
        self._fills: list[tuple[deque[tuple[int, float]], ...]] = [(deque(), deque()) for _ in range(coins)]
        self._until_ns = [[0, 0] for _ in range(coins)]
        self.tripped = 0

    def fill(self, coin: int, side: int, usd: float, limit_usd: float, now_ns: int) -> bool:
        """Count one fill; True when it makes its side pause."""
        recent = self._fills[coin][side]
        recent.append((now_ns, usd))
        while recent[0][0] <= now_ns - WINDOW_NS:
            recent.popleft()
        if limit_usd <= 0.0 or sum(each for _, each in recent) < SHARE_OF_LIMIT * limit_usd:
            return False
        recent.clear()
        self._until_ns[coin][side] = now_ns + PAUSE_NS
        self.tripped += 1
        return True

    def pauses(self, coin: int, side: int, now_ns: int) -> bool:
        """Whether nothing may be added on this side now."""
        return now_ns < self._until_ns[coin][side]
