"""Which coin leads which, by how long, and how much of a move the follower still has to make.

Hayashi-Yoshida covariance at shifted clocks (Hoffmann, Rosenbaum and Yoshida 2013): U(lag) is the covariance of X with
Y seen `lag` later, from the times at which each really moved, so slow quoting alone makes no lead of a common move.
Positive lag: X leads. Where nobody leads U is symmetric in the lag, so D(lag) = U(lag) - U(-lag) has mean zero, and so
has its integral up to a lag, which gathers a lead that is spread over several. Both are measured block by block as
correlations, so that calm blocks count like wild ones, and the largest of all studentised means is held against its own
distribution when the signs of whole blocks are drawn at random: one test for all lags, and none is counted for free.

Horizon and coefficient come from regressions: the follower's move within a horizon on the leader's within the same time
before. The horizon is that whose prediction is worth most (for a plain delay it is the delay: shorter ones see less of
it, longer ones add noise), also where only a part of the move is late, as |U| alone would not see. The coefficient
contains what noise and coarse ticks take from it, so it is a prediction as it stands.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LAGS_S: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0)
BLOCK_S: Final = 15.0
"""Seven times the longest lag: blocks are nearly independent."""
KEPT: Final = 120
"""Blocks that count, half an hour."""
LEAST_BLOCKS: Final = 30
"""Fewer are insufficient."""
LEVEL: Final = 0.01
"""How often two coins of which none leads may be taken for a leader and its follower."""
DRAWS: Final = 999
BPS: Final = 1e4
TIE_S: Final = 1e-6
"""Added to both ways of a lag: mids come on the grid of blocks, and rounding must not say which of two came first."""


class Path(NamedTuple):
    """Times (s, increasing) and log prices (bps) of one coin, at each of its changes."""

    time_s: Vector
    value_bps: Vector


class LeadEstimate(NamedTuple):
    """What is known of one pair. `beta` is 0 while nothing is proven; `p_value` is 1 while blocks are too few.

    `lag_s` is the positive lag at which |U| is largest, `horizon_s` the one over which the prediction is worth most.
    """

    beta: float
    horizon_s: float
    p_value: float
    blocks: int
    lag_s: float


def contrast(x: Path, y: Path, lag_s: float) -> Vector:
    """Terms of U(lag), one for each move of x: that move times the moves of y that overlap it on y's shifted clock.

    Intervals that only touch do not overlap.
    The sum telescopes: y at the first change not before the end of x's interval, less y at the last not after its
    beginning (theory 7).
    """
    shifted = y.time_s - lag_s
    last = len(shifted) - 1
    until = np.minimum(np.searchsorted(shifted, x.time_s[1:], side="left"), last)
    since = np.maximum(np.searchsorted(shifted, x.time_s[:-1], side="right") - 1, 0)
    moved: Vector = np.diff(x.value_bps) * (y.value_bps[until] - y.value_bps[since])
    return moved


def realised(x: Path) -> float:
    """Realised variance, bps^2."""
    return float(np.sum(np.diff(x.value_bps) ** 2))


def max_statistic(differences: Vector, rng: np.random.Generator, draws: int = DRAWS) -> float:
    """P-value of the largest studentised mean over the columns, one-sided, by random signs of whole rows.

    Args:
        differences: one row a block, one column a lag.
        rng: source of the signs.
        draws: how many.
    """
    blocks = len(differences)
    scale = np.sqrt(np.sum(differences**2, axis=0))  # the same under every choice of signs
    if not np.any(scale > 0.0):
        return 1.0
    rows = differences[:, scale > 0.0] / scale[scale > 0.0]
    signs = rng.integers(0, 2, (draws, blocks)) * 2.0 - 1.0
    drawn = np.max(signs @ rows, axis=1)
    return float((1 + np.sum(drawn >= np.max(np.sum(rows, axis=0)))) / (1 + draws))


class _Block(NamedTuple):
    """Sums of one block of one pair."""

    correlation: Vector
    """U at -longest..-shortest, 0, shortest..longest, over the root of both realised variances."""
    cross: Vector
    """Mean product of the regression, by horizon, bps^2."""
    square: Vector
    """Mean square of the leader's move, by horizon, bps^2."""


def measure(x: Path, y: Path, begin_s: float, end_s: float) -> _Block:
    """Sums over the moves of x that end within [begin, end); both paths should reach a longest lag beyond."""
    grid = np.array(LAGS_S) + TIE_S
    inside = _inside(x, begin_s, end_s)
    lags = np.concatenate([-grid[::-1], [0.0], grid])
    covariance = np.array([np.sum(contrast(x, y, lag)[inside]) for lag in lags])
    moved = [np.sum(np.diff(one.value_bps)[_inside(one, begin_s, end_s)] ** 2) for one in (x, y)]
    scale = np.sqrt(moved[0] * moved[1]) or np.inf
    cross, square = np.zeros(len(grid)), np.zeros(len(grid))
    for at, lag_s in enumerate(grid):
        now_s = np.arange(begin_s, end_s, lag_s / 2.0)
        last = _at(x, now_s) - _at(x, now_s - lag_s)
        cross[at], square[at] = np.mean(last * (_at(y, now_s + lag_s) - _at(y, now_s))), np.mean(last**2)
    return _Block(covariance / scale, cross, square)


def _inside(path: Path, begin_s: float, end_s: float) -> NDArray[np.bool_]:
    """Which moves end within [begin, end)."""
    ends = path.time_s[1:]
    return (ends >= begin_s) & (ends < end_s)


def _at(path: Path, time_s: Vector) -> Vector:
    """The last value at each time."""
    found: Vector = path.value_bps[np.maximum(np.searchsorted(path.time_s, time_s, side="right") - 1, 0)]
    return found


class Pair:
    """One leader and one follower: the newest blocks, and what they say together."""

    def __init__(self, seed: int) -> None:
        self._blocks: deque[_Block] = deque(maxlen=KEPT)
        self._rng = np.random.default_rng([seed, 31])

    def add(self, block: _Block) -> None:
        """Count a block."""
        self._blocks.append(block)

    def estimate(self) -> LeadEstimate:
        """Whether x leads y, with coefficient and horizon."""
        blocks = len(self._blocks)
        if blocks < LEAST_BLOCKS:
            return LeadEstimate(0.0, LAGS_S[0], 1.0, blocks, 0.0)
        correlation, cross, square = (np.array(part) for part in zip(*self._blocks, strict=True))
        n = len(LAGS_S)
        sign = 1.0 if correlation.sum() >= 0.0 else -1.0
        ahead = correlation[:, n + 1 :]
        lagged = ahead - correlation[:, :n][:, ::-1]
        gathered = np.cumsum(lagged * np.diff(LAGS_S, prepend=0.0), axis=1)
        p_value = max_statistic(sign * np.hstack([lagged, gathered]), self._rng)
        product, power = sign * cross.sum(axis=0), square.sum(axis=0)
        known = (power > 0.0) & (product > 0.0)
        worth = np.divide(product**2, power, out=np.zeros(n), where=known)
        best = int(np.argmax(worth))
        beta = sign * float(product[best] / power[best]) if known[best] and p_value <= LEVEL else 0.0
        lag_s = LAGS_S[int(np.argmax(sign * ahead.sum(axis=0)))]
        return LeadEstimate(beta, LAGS_S[best], p_value, blocks, lag_s)


class LeadLag:
    """Leads of a few coins over all coins of a run, from their mids as they change.

    `observe` takes every mid, in block time; `close` measures the blocks that are over. Memory is bounded: a few blocks
    of mids, and KEPT blocks of sums a pair.

    Args:
        leaders: indices of the coins that may lead.
        n_coins: coins of the run.
    """

    def __init__(self, leaders: tuple[int, ...], n_coins: int) -> None:
        self._time_s: list[list[float]] = [[] for _ in range(n_coins)]
        self._value_bps: list[list[float]] = [[] for _ in range(n_coins)]
        self.pairs: dict[tuple[int, int], Pair] = {
            (j, i): Pair(j * n_coins + i) for j in leaders for i in range(n_coins) if i != j
        }
        self.known: dict[tuple[int, int], LeadEstimate] = {}
        """By leader and follower, as of the last block."""
        self._begin_s = 0.0
        self._now_s = 0.0

    def observe(self, coin: int, venue_ms: int, mid_px: float) -> None:
        """One mid of one coin; what does not change it, or comes late, is nothing new."""
        time_s = venue_ms / 1e3
        times, values = self._time_s[coin], self._value_bps[coin]
        if not 0.0 < mid_px < float("inf") or (times and time_s < times[-1]):
            return
        value_bps = float(np.log(mid_px)) * BPS
        self._now_s = max(self._now_s, time_s)
        self._begin_s = self._begin_s or time_s + LAGS_S[-1]
        if times and time_s == times[-1]:
            values[-1] = value_bps
        elif not values or value_bps != values[-1]:
            times.append(time_s)
            values.append(value_bps)

    def forget(self) -> None:
        """The feed was lost: a block with a hole in it is none."""
        for rows in (*self._time_s, *self._value_bps):
            rows.clear()
        self._begin_s = 0.0

    def due(self) -> Callable[[], None] | None:
        """The work on the block that is over, if one is; it may be done beside the loop that observes, one by one."""
        begin_s, end_s = self._begin_s, self._begin_s + BLOCK_S
        if begin_s == 0.0 or self._now_s < end_s + LAGS_S[-1]:
            return None
        paths = [
            Path(np.array(times), np.array(values)) for times, values in zip(self._time_s, self._value_bps, strict=True)
        ]
        self._begin_s = end_s
        self._drop(end_s - LAGS_S[-1])
        return partial(self._work, paths, begin_s, end_s)

    def close(self) -> bool:
        """Do that work at once; whether there was any."""
        work = self.due()
        if work is not None:
            work()
        return work is not None

    def _work(self, paths: Sequence[Path], begin_s: float, end_s: float) -> None:
        for (leader, follower), pair in self.pairs.items():
            x, y = paths[leader], paths[follower]
            if min(len(x.time_s), len(y.time_s)) > 1:
                pair.add(measure(x, y, begin_s, end_s))
        self.known = {key: pair.estimate() for key, pair in self.pairs.items()}

    def _drop(self, before_s: float) -> None:
        """Keep one mid before what the next block needs."""
        for times, values in zip(self._time_s, self._value_bps, strict=True):
            gone = max(0, int(np.searchsorted(times, before_s, side="right")) - 1)
            del times[:gone], values[:gone]

    def of(self, follower: int) -> tuple[tuple[int, LeadEstimate], ...]:
        """Those proven to lead a coin."""
        return tuple((j, one) for (j, i), one in self.known.items() if i == follower and one.beta != 0.0)
