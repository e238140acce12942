"""Bursts of liquidations: drawn ahead of time like everything exogenous, so that informed flow may know them."""

from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.venue.flows.synthetic.params import Cascades, SyntheticParams

Array = np.ndarray[Any, Any]
LONGEST: Final = 6.0
"""Bursts and passing impacts are cut off after so many time constants."""


class Liquidation(NamedTuple):
    """One order of a burst."""

    block: int
    coin: int
    side: int
    usd: float


class Burst(NamedTuple):
    """What is true of one cascade."""

    block: int
    coin: int
    side: int
    orders: int
    impact_bps: float


class CascadeSchedule:
    """Impacts on efficient prices, chunk by chunk, and the liquidations that go with them, in time order."""

    def __init__(self, params: SyntheticParams, cascades: Cascades) -> None:
        self._rng = np.random.default_rng([params.seed, 3])
        self._cascades = cascades
        self._block_s = params.block_ms / 1e3
        self._n_coins = len(params.coins)
        tail_s = LONGEST * (cascades.burst_s + cascades.passing_s)
        self._ahead: Array = np.zeros((int(tail_s / self._block_s) + 2, self._n_coins))
        self.liquidations: list[Liquidation] = []
        self.bursts: list[Burst] = []

    def draw(self, first: int, n: int) -> Array:
        """Moves in log price of blocks [first, first + n), shape (n, coins); new bursts are appended to the lists."""
        reach = len(self._ahead)
        moves = np.concatenate([self._ahead, np.zeros((n, self._n_coins))])
        begins = self._rng.random((n, self._n_coins)) < self._cascades.rate_per_h / 3_600.0 * self._block_s
        for at, coin in np.argwhere(begins).tolist():
            self._burst(first, at, coin, moves[at : at + reach])
        self._ahead = moves[n:]
        self.liquidations.sort()
        return moves[:n]

    def _burst(self, first: int, at: int, coin: int, moves: Array) -> None:
        row, rng = self._cascades, self._rng
        side = int(rng.integers(2))
        orders = 1 + int(rng.poisson(row.orders - 1.0))
        waits_s = np.minimum(rng.exponential(row.burst_s, orders), LONGEST * row.burst_s)
        each = (1 - 2 * side) * row.impact_bps * 1e-4 / orders
        passing_blocks = int(LONGEST * row.passing_s / self._block_s)
        # The share undone by the end of the n-th block after an order, the cut-off tail given back in proportion.
        undone = -np.expm1(-np.arange(passing_blocks + 1) * self._block_s / row.passing_s)
        steps = np.diff(undone) / max(undone[-1], 1e-12)
        for later in np.floor(np.sort(waits_s) / self._block_s).astype(int).tolist():
            moves[later, coin] += each
            moves[later + 1 : later + 1 + passing_blocks, coin] -= each * row.passing_share * steps
            self.liquidations.append(Liquidation(first + at + later, coin, side, row.order_usd))
        self.bursts.append(Burst(first + at, coin, side, orders, row.impact_bps))
