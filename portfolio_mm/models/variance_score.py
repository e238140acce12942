"""Is a forecast of variance better than the variance of the interval before? What to fall back on where it is not.

An interval of equal returns is told as they come, each square held at clip_ratio^2 times what either forecast finds
possible (jumps are not volatility). At its end the mean square is compared with both by QLIKE. A forecast that looks at
longer moves too differs from such squares by what is autocorrelated, which is no error: its level, sum of came / sum of
said, is taken off, so that it is judged by its timing. Variances are of one return, bps^2, noise in them.
Source: Patton 2011 (QLIKE is robust to noise of the realised variance).
"""

import math
from typing import Any

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import half_life_factor
from portfolio_mm.models.realized import qlike
from portfolio_mm.models.skill import rival_weight, score

LEVEL_COUNT = 4.0
"""Intervals that a level of 1 is worth."""
INTERVAL = record(
    [
        *(("steps", "i8"), ("sum_bps2", "f8"), ("said_bps2", "f8"), ("last_bps2", "f8")),
        *(("all_came_bps2", "f8"), ("all_said_bps2", "f8"), ("level_count", "f8")),
    ]
)
"""`sum_bps2` of the running interval's squares; what they were said to be on average is `said_bps2`, by the forecast,
and `last_bps2`, by the interval before; 0 none. `level_count` intervals, forgotten, are in the sums of the level."""


@nb.njit(cache=True)
def clear_interval(interval: Any) -> None:
    """Nothing was said, nothing came, the level is 1."""
    interval.all_came_bps2 = 0.0
    interval.all_said_bps2 = 0.0
    interval.level_count = 0.0
    drop(interval)


@nb.njit(cache=True)
def drop(interval: Any) -> None:
    """After a hole: what was said and what came is void, the level stays."""
    interval.steps = 0
    interval.sum_bps2 = 0.0
    interval.said_bps2 = 0.0
    interval.last_bps2 = 0.0


@nb.njit(cache=True)
def note(interval: Any, square_bps2: float, clip_ratio: float) -> None:
    """One squared return."""
    widest_bps2 = max(interval.said_bps2, interval.last_bps2)
    interval.sum_bps2 += min(square_bps2, clip_ratio * clip_ratio * widest_bps2) if widest_bps2 > 0.0 else square_bps2
    interval.steps += 1


@nb.njit(cache=True)
def level_of(interval: Any) -> float:
    """Variance of one return over what is said of it, on average; 1 while little is known."""
    if interval.all_said_bps2 <= 0.0:
        return 1.0
    ratio = interval.all_came_bps2 / interval.all_said_bps2
    return max(0.1, (interval.level_count * ratio + LEVEL_COUNT) / (interval.level_count + LEVEL_COUNT))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def judge(interval: Any, sk: Any, now_ns: int, block_s: float, half_life_s: float) -> None:
    """The interval is over: score the forecast against its rival, where both were made."""
    if interval.said_bps2 > 0.0 and interval.last_bps2 > 0.0:
        came_bps2 = interval.sum_bps2 / interval.steps
        own = qlike(came_bps2 / (interval.said_bps2 * level_of(interval)))
        score(sk, now_ns, own, qlike(came_bps2 / interval.last_bps2), block_s, half_life_s)
        keep = half_life_factor(block_s, half_life_s)
        interval.all_came_bps2 = keep * interval.all_came_bps2 + came_bps2
        interval.all_said_bps2 = keep * interval.all_said_bps2 + interval.said_bps2
        interval.level_count = keep * interval.level_count + 1.0


@nb.njit(cache=True)
def turn_over(interval: Any, said_bps2: float, least_bps2: float) -> None:
    """The next interval begins: the forecast says `said_bps2` of it, its rival what came, at least the least."""
    interval.last_bps2 = max(interval.sum_bps2 / interval.steps, least_bps2)
    interval.said_bps2 = said_bps2
    interval.steps = 0
    interval.sum_bps2 = 0.0


@nb.njit(cache=True)
def fall_back(interval: Any, sk: Any, said_bps: float, noise_bps2: float, grid_s: float) -> float:
    """Sigma `said_bps` (bps per sqrt(s)), moved in logarithms to the rival's, on its level, by the rival's weight."""
    share = rival_weight(sk)
    if not (share > 0.0 and interval.last_bps2 > 0.0 and said_bps > 0.0):
        return said_bps
    last_bps2 = interval.last_bps2 / level_of(interval)
    clean_bps2 = max(last_bps2 - noise_bps2, 0.1 * last_bps2)
    return said_bps * math.exp(share * math.log(math.sqrt(clean_bps2 / grid_s) / said_bps))
