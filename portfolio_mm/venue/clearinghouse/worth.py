"""What an account was worth over time, and the rows of `portfolio` made of it (HL §1.1). All money 1e-8 USD.

The steps between points are those of a recorded account: 140 minutes over a day, 260 over a week, 1420 over a month;
over the whole life of an account one a day, which is our choice.
"""

from collections import deque
from typing import Any, Final, NamedTuple

from portfolio_mm.venue.protocol.amounts import micro_text

MINUTE_MS: Final = 60_000
DAY_MS: Final = 1440 * MINUTE_MS
SAMPLE_MS: Final = 20 * MINUTE_MS
"""The longest time that divides every step: how often an account is looked at."""
KEPT: Final = 1000
PERIODS: Final = {
    "day": (DAY_MS, 140 * MINUTE_MS),
    "week": (7 * DAY_MS, 260 * MINUTE_MS),
    "month": (30 * DAY_MS, 1420 * MINUTE_MS),
    "allTime": (KEPT * DAY_MS, DAY_MS),
}


class Point(NamedTuple):
    """One look: the account, its perps part, its profit since it began, and all it ever traded."""

    time_ms: int
    total: int
    perps: int
    profit: int
    volume: int


class WorthHistory:
    """Points of one account, by period."""

    def __init__(self) -> None:
        self._points: dict[str, deque[Point]] = {period: deque() for period in PERIODS}

    def take(self, point: Point) -> None:
        """Keep a look in every period whose next point is due; what is too old is forgotten."""
        for period, (window_ms, step_ms) in PERIODS.items():
            kept = self._points[period]
            if not kept or point.time_ms - kept[-1].time_ms >= step_ms:
                kept.append(point)
            while kept[0].time_ms < point.time_ms - window_ms:
                kept.popleft()

    def rows(self, now: Point) -> list[list[Any]]:
        """Reply to `portfolio`: each period for the account, then each for its perps; the last point is now."""
        rows = []
        for prefix, field in (("", "total"), ("perp", "perps")):
            for period in PERIODS:
                points = [*(p for p in self._points[period] if p.time_ms < now.time_ms), now]
                name = prefix + period[0].upper() + period[1:] if prefix else period
                rows.append([name, _shown(points, field)])
        return rows


def _shown(points: list[Point], field: str) -> dict[str, Any]:
    """One period; profit counts from its beginning. USDC in spot earns nothing, so both sides have the same profit."""
    first, last = points[0], points[-1]
    return {
        "accountValueHistory": [[p.time_ms, micro_text(getattr(p, field))] for p in points],
        "pnlHistory": [[p.time_ms, micro_text(p.profit - first.profit)] for p in points],
        "vlm": micro_text(last.volume - (first.volume if len(points) > 1 else 0)),
    }
