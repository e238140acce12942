"""Market orders of a synthetic market, block by block, and what can be counted of them."""

from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.units import BPS
from portfolio_mm.venue.flows.synthetic import implied
from portfolio_mm.venue.flows.synthetic.kernels import arrivals
from portfolio_mm.venue.flows.synthetic.kernels.arrivals import ARRIVAL, LIQUIDATION, PENDING, SOURCE
from portfolio_mm.venue.flows.synthetic.measures import Measures
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths

Array = np.ndarray[Any, Any]
DRAWN: Final = 64
N_ARRIVALS: Final = 1 << 16
LAWS: Final = {"exponential": arrivals.EXPONENTIAL, "lognormal": arrivals.LOGNORMAL, "pareto": arrivals.PARETO}
BURN_IN: Final = 30.0
"""Mean excitation times a family of the largest size lives, drawn and thrown away before the start."""


class Due(NamedTuple):
    """Market orders of one block: rows [start, stop) of `rows`, in time order, all coins."""

    rows: Array
    start: int
    stop: int

    def closing(self) -> list[int]:
        """Coin of every liquidation among them."""
        here = self.rows[self.start : self.stop]
        coins: list[int] = here["coin"][here["kind"] == LIQUIDATION].tolist()
        return coins


class MarketOrders:
    """Draws `DRAWN` blocks at a time."""

    def __init__(self, params: SyntheticParams, paths: EfficientPaths) -> None:
        self._params = params
        self._paths = paths
        self._rng = np.random.default_rng([params.seed, 6])
        self._block_s = params.block_ms / 1e3
        self._ahead = max(params.informed_ms // params.block_ms, 1)
        self._sources = _sources(params)
        self._children = implied.branching(params)
        self._pending: Array = np.zeros(1, PENDING)
        self._accuracy = implied.informed_accuracy(params)
        self._factors = np.array([row.arrival_factor for row in implied.regimes(params)])
        self._out: Array = np.zeros(N_ARRIVALS, ARRIVAL)
        self._rows: Array = self._out[:0]
        self._starts: Array = np.zeros(1, np.int64)
        self._first = 1
        self.measures = Measures(params)
        self._burn_in()

    def due(self, block: int) -> Due:
        """Market orders of a block; call it with 1, 2, 3, ..."""
        at = block - self._first
        if at >= len(self._starts) - 1:
            self._draw(block)
            at = 0
        return Due(self._rows, int(self._starts[at]), int(self._starts[at + 1]))

    def _burn_in(self) -> None:
        """Families older than the start have members in it."""
        if not self._children.any():
            return
        size = 1.0 / (1.0 - implied.radius(self._children))
        longest_s = max(row.excitation_s for row in self._params.coins)
        blocks = -(-int(BURN_IN * size * longest_s / self._block_s) // DRAWN) * DRAWN
        shape = (DRAWN, len(self._params.coins))
        for first in range(1 - blocks, 1, DRAWN):
            self._run(first, np.zeros(shape), np.zeros(shape), np.ones(DRAWN), 0.0)

    def _run(self, first: int, directions: Array, accuracies: Array, factors: Array, hold: float) -> int:
        n = arrivals.draw_arrivals(
            self._rng,
            self._sources,
            self._children,
            self._pending,
            first,
            self._block_s,
            directions,
            accuracies,
            factors,
            hold,
            self._out,
        )
        if n == arrivals.FULL:
            msg = f"synthetic market: more than {N_ARRIVALS} market orders within {DRAWN} blocks; lower the excitation"
            raise ConfigurationError(msg)
        return int(n)

    def _draw(self, first: int) -> None:
        prices = self._paths.between(first, first + DRAWN + self._ahead)
        gains = prices[self._ahead :] - prices[: -self._ahead]
        states = self._paths.regimes(first, first + DRAWN)
        n = self._run(first, np.sign(gains), self._accuracy[states], self._factors[states], self._params.stamp_hold)
        rows = self._out[:n]
        self.measures.hear(rows, gains[rows["block"] - first, rows["coin"]] * BPS, DRAWN)
        self._rows = self._with_liquidations(rows, first + DRAWN)
        self._first = first
        self._starts = np.searchsorted(self._rows["block"], np.arange(first, first + DRAWN + 1))

    def _with_liquidations(self, rows: Array, stop: int) -> Array:
        """Add the forced orders of blocks before `stop`, after the others of their block."""
        waiting = self._paths.liquidations
        n = next((i for i, row in enumerate(waiting) if row.block >= stop), len(waiting))
        if not n:
            return rows
        forced = np.zeros(n, ARRIVAL)
        for to, row in zip(forced, waiting[:n], strict=True):
            to["block"], to["coin"], to["side"], to["kind"] = row.block, row.coin, row.side, LIQUIDATION
            to["s"], to["usd"] = row.block * self._block_s, row.usd
            to["reach_bps"] = arrivals.REACH / self._params.coins[row.coin].kappa_per_bps
        del waiting[:n]
        both = np.concatenate([rows, forced])
        ordered: Array = both[np.argsort(both["block"], kind="stable")]
        return ordered


def _sources(params: SyntheticParams) -> Array:
    sources = np.zeros(len(params.coins), SOURCE)
    base = implied.base_rates(params).reshape(-1, 2)
    births = implied.informed_births(params)
    for i, row in enumerate(params.coins):
        source = sources[i]
        source["base_rate"] = np.maximum(base[i], 0.0)
        source["informed_birth"] = births[i]
        source["excitation_s"] = row.excitation_s
        source["kernel_power"] = params.kernel_law == "power"
        source["reach_power"] = params.reach_law == "power"
        source["kappa_per_bps"] = row.kappa_per_bps
        source["market_usd"] = row.market_usd
        source["size_law"] = LAWS[row.size_law]
        source["size_shape"] = row.size_shape
    return sources
