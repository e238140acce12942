"""Mark, impact and premium of one coin (HL §8.5, §9).

Prices are no money: the averages are floating point, in ticks; impact prices and premiums are exact integers.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from portfolio_mm.domain.units import SIDES
from portfolio_mm.matching.market import Level, Market
from portfolio_mm.venue.protocol.amounts import rounded

BASIS_TAU_S: Final = 150.0
LOCAL_TAU_S: Final = 30.0
USD_TICK_LOTS: Final = 1_000_000
"""A tick times a lot is 1e-6 USD."""
IMPACT_USD: Final = {"BTC": 20_000, "ETH": 20_000}
IMPACT_USD_OTHERS: Final = 6_000
LEVELS: Final = 20
PREMIUM_UNIT: Final = 10**10
MS_PER_S: Final = 1_000.0


class Inputs(NamedTuple):
    """What a mark is made of, in ticks; None where there is none. `perp` is the median of other venues' perps."""

    oracle: int
    bid: int | None
    ask: int | None
    last: int
    perp: int | None


class Average:
    """Exponential average over irregular times: a sample weighs as long as it held."""

    def __init__(self, tau_s: float) -> None:
        self._tau_s = tau_s
        self._sum = self._weight = 0.0

    def take(self, sample: float, held_s: float) -> None:
        """Add a sample that held for so long."""
        decay = math.exp(-held_s / self._tau_s)
        self._sum = self._sum * decay + sample * held_s
        self._weight = self._weight * decay + held_s

    @property
    def value(self) -> float | None:
        """The average; None before the first sample."""
        return self._sum / self._weight if self._weight else None


class MarkModel:
    """The documented mark: a median.

    1. the oracle and the 150 s average of (mid - oracle);
    2. the median of best bid, best ask and last trade;
    3. the median of other venues' perp mids;
    4. when just two of these exist, the 30 s average of (2).
    """

    def __init__(self, now_ms: int) -> None:
        self._basis, self._local = Average(BASIS_TAU_S), Average(LOCAL_TAU_S)
        self._then_ms = now_ms

    def update(self, now_ms: int, given: Inputs) -> int:
        """The mark in ticks; an empty side of the book leaves the averages as they are."""
        held_s, self._then_ms = max(1, now_ms - self._then_ms) / MS_PER_S, now_ms
        local = None
        if given.bid is not None and given.ask is not None:
            local = sorted((given.bid, given.ask, given.last))[1]
            self._basis.take((given.bid + given.ask) / 2.0 - given.oracle, held_s)
            self._local.take(local, held_s)
        known = [given.oracle + (self._basis.value or 0.0)]
        known += [float(price) for price in (local, given.perp) if price is not None]
        if len(known) == 2 and self._local.value is not None:
            known.append(self._local.value)
        return max(1, round(median(known)))


def median(values: Sequence[float]) -> float:
    """Median; the mean of the middle two of an even number.

    >>> median([3.0, 1.0, 2.0]), median([1.0, 2.0])
    (2.0, 1.5)
    """
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0


def impact_ticks(market: Market, coin: str) -> tuple[int, int] | None:
    """Average prices of selling and of buying the impact notional; None when the book is too thin."""
    wanted = IMPACT_USD.get(coin, IMPACT_USD_OTHERS) * USD_TICK_LOTS
    found = [_average(market.levels(LEVELS)[side], wanted) for side in SIDES]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _average(levels: Sequence[Level], wanted: int) -> int | None:
    """Average price of trading a notional (ticks times lots) into some levels, the last one in part.

    >>> _average([Level(100, 10, 1), Level(110, 10, 1)], 1_550)
    103
    """
    spent = lots = 0
    for level in levels:
        notional = level.px_ticks * level.sz_lots
        if spent + notional >= wanted:
            return rounded(wanted * level.px_ticks, lots * level.px_ticks + wanted - spent)
        spent += notional
        lots += level.sz_lots
    return None


def premium_1e10(impact: tuple[int, int], oracle: int) -> int:
    """Premium of the impact prices over the oracle, 1e-10: the recorded `premium` of 361 of 361 contexts.

    >>> premium_1e10((113_079_0, 113_080_0), 113_106_0), premium_1e10((4_306_00, 4_306_10), 4_302_90)
    (-2298729, 7204444)
    """
    bid, ask = impact
    return rounded((max(bid - oracle, 0) - max(oracle - ask, 0)) * PREMIUM_UNIT, oracle)


def midpoint_premium_1e10(impact: tuple[int, int], oracle: int) -> int:
    """Premium of a builder-deployed dex: that of the middle of the impact prices (HL §9), 1e-10, as recorded.

    >>> midpoint_premium_1e10((24_655_00, 24_657_00), 24_657_00), midpoint_premium_1e10((399_288, 399_542), 399_600)
    (-405564, -4629630)
    """
    return rounded((sum(impact) - 2 * oracle) * PREMIUM_UNIT, 2 * oracle)
