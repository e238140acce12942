"""Candles of one coin, made of its trades (HL §1.6): the newest 5000 of each interval, and the one that forms.

A minute without a trade has a candle too, flat at the last close: so have 119,008 of 645,820 recorded ones. Only the
running minute hears a trade; longer intervals are put together when a minute ends, and when somebody asks.
Weeks are counted from the epoch and months by the calendar: neither is documented, both are our choice.
"""

from collections import deque
from datetime import UTC, datetime
from typing import Any, Final

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.protocol.amounts import wire_text

MINUTE_MS: Final = 60_000
KEPT: Final = 5000
MONTHS: Final = 12
MINUTES: Final = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
    "3d": 4320,
    "1w": 10_080,
}
INTERVALS: Final = (*MINUTES, "1M")


def bounds(interval: str, now_ms: int) -> tuple[int, int]:
    """First and last millisecond of the interval that holds a time.

    >>> bounds("1h", 3_600_000 * 5 + 7), bounds("1M", 0)
    ((18000000, 21599999), (0, 2678399999))
    """
    if interval != "1M":
        length = MINUTES[interval] * MINUTE_MS
        first = now_ms // length * length
        return first, first + length - 1
    day = datetime.fromtimestamp(now_ms // 1000, UTC)
    after = datetime(day.year + day.month // MONTHS, day.month % MONTHS + 1, 1, tzinfo=UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000, int(after.timestamp()) * 1000 - 1


class Candle:
    """Prices in ticks, volume in lots; flat at a price until something trades."""

    __slots__ = ("close", "first_ms", "high", "last_ms", "lots", "low", "number", "open")

    def __init__(self, interval: str, now_ms: int, px_ticks: int) -> None:
        self.first_ms, self.last_ms = bounds(interval, now_ms)
        self.open = self.close = self.high = self.low = px_ticks
        self.lots = self.number = 0

    def trade(self, px_ticks: int, lots: int) -> None:
        """Take one trade in."""
        if self.number == 0:
            self.open = self.high = self.low = px_ticks
        self.high, self.low, self.close = max(self.high, px_ticks), min(self.low, px_ticks), px_ticks
        self.lots += lots
        self.number += 1

    def join(self, later: "Candle") -> None:
        """Take a later part of the same interval in."""
        if later.number:
            if self.number == 0:
                self.open, self.high, self.low = later.open, later.high, later.low
            self.high, self.low = max(self.high, later.high), min(self.low, later.low)
            self.close = later.close
            self.lots += later.lots
            self.number += later.number

    def row(self, coin: Instrument, interval: str) -> dict[str, Any]:
        """Its wire form."""
        prices = (self.open, self.close, self.high, self.low)
        texts = [wire_text(px, coin.px_decimals) for px in prices]
        return {
            "t": self.first_ms,
            "T": self.last_ms,
            "s": coin.coin,
            "i": interval,
            **dict(zip("ochl", texts, strict=True)),
            "v": wire_text(self.lots, coin.sz_decimals),
            "n": self.number,
        }


class Candles:
    """All candles of one coin, from a price at which it starts."""

    def __init__(self, coin: Instrument, px_ticks: int, now_ms: int) -> None:
        self._coin = coin
        self._minute = Candle("1m", now_ms, px_ticks)
        self._forming = {interval: Candle(interval, now_ms, px_ticks) for interval in INTERVALS}
        self._done: dict[str, deque[Candle]] = {interval: deque(maxlen=KEPT) for interval in INTERVALS}

    def trade(self, px_ticks: int, lots: int, now_ms: int) -> None:
        """Take one trade in."""
        self._end_minutes(now_ms)
        self._minute.trade(px_ticks, lots)

    def _end_minutes(self, now_ms: int) -> None:
        while now_ms > self._minute.last_ms:
            ended, after_ms = self._minute, self._minute.last_ms + 1
            self._minute = Candle("1m", after_ms, ended.close)
            for interval, forming in self._forming.items():
                forming.join(ended)
                if forming.last_ms < after_ms:
                    self._done[interval].append(forming)
                    self._forming[interval] = Candle(interval, after_ms, ended.close)

    def forming(self, interval: str, now_ms: int) -> dict[str, Any]:
        """The candle that holds a time not before the last trade."""
        self._end_minutes(now_ms)
        begun = self._forming[interval]
        shown = Candle(interval, begun.first_ms, begun.open)
        shown.join(begun)
        shown.join(self._minute)
        return shown.row(self._coin, interval)

    def rows(self, interval: str, first_ms: int, last_ms: int, now_ms: int) -> list[dict[str, Any]]:
        """Candles that hold a moment from `first_ms` to `last_ms`, oldest first, 5000 at most."""
        forming = self.forming(interval, now_ms)
        done = (c for c in self._done[interval] if first_ms <= c.last_ms and c.first_ms <= last_ms)
        shown = [candle.row(self._coin, interval) for candle in done]
        if first_ms <= forming["T"] and forming["t"] <= last_ms:
            shown.append(forming)
        return shown[-KEPT:]
