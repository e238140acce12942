"""Efficient prices: correlated diffusion with leads and regimes, jumps, impacts of cascades.

Nothing here depends on what anyone does, and all of it is drawn ahead of time so that informed flow and a reference
venue can know it.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.venue.flows.synthetic import implied
from portfolio_mm.venue.flows.synthetic.cascades import Burst, CascadeSchedule, Liquidation
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams

CHUNK: Final = 512
HOUR_S: Final = 3_600.0
Array = np.ndarray[Any, Any]


class Jump(NamedTuple):
    """One jump of one coin, in the log of the price; `common` ones strike all coins at once."""

    block: int
    coin: int
    bps: float
    common: bool


class Switch(NamedTuple):
    """The market enters a regime."""

    block: int
    regime: int


class EfficientPaths:
    """Log returns since the start, block by block; row 0 is the start.

    Coin j moves by sigma_j (e_j(t) + sum_i w_ij (e_i(t - d_ij) - e_i(t))) with correlated innovations e and w = share
    of the lead x correlation: at horizons much longer than every delay volatility and correlation are the planted ones.
    """

    def __init__(self, params: SyntheticParams) -> None:
        n = len(params.coins)
        self._rng = np.random.default_rng([params.seed, 0])
        self._jump_rng = np.random.default_rng([params.seed, 2])
        self._params = params
        self._block_s = params.block_ms / 1e3
        self._loading = np.array([row.loading for row in params.coins])
        self._scale = np.array([row.sigma_bps for row in params.coins]) * 1e-4 * np.sqrt(self._block_s)
        self._root = None if params.correlation is None else np.linalg.cholesky(implied.correlation(params))
        self._late = implied.late_shares(params)
        longest = max((row.lag for row in self._late), default=0)
        self._past = self._innovations(longest)
        self._regimes = _RegimePath(params)
        self._cascades = CascadeSchedule(params, params.cascades) if params.cascades is not None else None
        self._keep = CHUNK + (params.informed_ms + params.reference_lead_ms) // params.block_ms + CHUNK
        self._first = 0
        self._rows: Array = np.zeros((1, n))
        self._states: Array = np.zeros(1, np.int64)
        self.jumps: list[Jump] = []
        """Not yet taken by who writes the truth, like `switches` and `bursts`; they may lie ahead."""

    @property
    def switches(self) -> list[Switch]:
        """Changes of regime."""
        return self._regimes.switches

    @property
    def bursts(self) -> list[Burst]:
        """Cascades."""
        return self._cascades.bursts if self._cascades is not None else []

    @property
    def liquidations(self) -> list[Liquidation]:
        """Orders of the cascades in time order; whoever places them takes them off."""
        return self._cascades.liquidations if self._cascades is not None else []

    def at(self, block: int) -> Array:
        """Log returns of all coins at a block (one of the last few minutes before the latest asked for)."""
        row: Array = self.between(block, block + 1)[0]
        return row

    def between(self, start: int, stop: int) -> Array:
        """Log returns of blocks [start, stop), shape (blocks, coins)."""
        while stop - self._first > len(self._rows):
            self._extend()
        rows: Array = self._rows[start - self._first : stop - self._first]
        return rows

    def regimes(self, start: int, stop: int) -> Array:
        """Index of the regime of blocks [start, stop)."""
        self.between(start, stop)
        states: Array = self._states[start - self._first : stop - self._first]
        return states

    def _innovations(self, n: int) -> Array:
        """Correlated standard normal rows: a common factor and noise, or the planted matrix's root."""
        if self._root is not None:
            tied: Array = self._rng.standard_normal((n, len(self._loading))) @ self._root.T
            return tied
        common = self._rng.standard_normal((n, 1))
        noise = self._rng.standard_normal((n, len(self._loading)))
        return np.asarray(self._loading * common + np.sqrt(1.0 - self._loading**2) * noise)

    def _extend(self) -> None:
        """Draw one more chunk and forget what nobody can ask for."""
        first = self._first + len(self._rows)
        states = self._regimes.draw(first, CHUNK)
        factors = np.array([row.sigma_factor for row in implied.regimes(self._params)])[states]
        rows = np.concatenate([self._past, self._innovations(CHUNK) * factors[:, None]])
        n_past = len(self._past)
        moves = rows[n_past:].copy()
        for row in self._late:
            early = rows[n_past:, row.leader]
            moves[:, row.follower] += row.weight * (rows[n_past - row.lag : len(rows) - row.lag, row.leader] - early)
        moves *= self._scale
        self._past = rows[len(rows) - n_past :]
        self._add_jumps(first, moves)
        if self._cascades is not None:
            moves += self._cascades.draw(first, CHUNK)
        kept = self._rows[-self._keep :]
        self._first += len(self._rows) - len(kept)
        self._rows = np.concatenate([kept, kept[-1] + np.cumsum(moves, axis=0)])
        self._states = np.concatenate([self._states[-len(kept) :], states])

    def _add_jumps(self, first: int, moves: Array) -> None:
        params, rng = self._params, self._jump_rng
        per_block = self._block_s / HOUR_S
        for coin, row in enumerate(params.coins):
            if row.jump_rate_per_h:
                for at in np.flatnonzero(rng.random(CHUNK) < row.jump_rate_per_h * per_block).tolist():
                    self._jump(moves, first, at, coin, self._size_bps(row.jump_bps), common=False)
        if params.common_jump_rate_per_h:
            for at in np.flatnonzero(rng.random(CHUNK) < params.common_jump_rate_per_h * per_block).tolist():
                bps = self._size_bps(params.common_jump_bps)
                for coin, share in enumerate(self._loading.tolist()):
                    self._jump(moves, first, at, coin, share * bps, common=True)
        self.jumps.sort()

    def _jump(self, moves: Array, first: int, at: int, coin: int, bps: float, *, common: bool) -> None:
        moves[at, coin] += bps * 1e-4
        self.jumps.append(Jump(first + at, coin, bps, common))

    def _size_bps(self, scale_bps: float) -> float:
        rng = self._jump_rng
        if self._params.jump_law == "normal":
            return float(scale_bps * rng.standard_normal())
        return float(rng.laplace(0.0, scale_bps)) if scale_bps else 0.0


class _RegimePath:
    """Which regime holds in which block: exponential stays, then any other regime with the same chance."""

    def __init__(self, params: SyntheticParams) -> None:
        self._rng = np.random.default_rng([params.seed, 4])
        self._regimes = implied.regimes(params)
        self._block_s = params.block_ms / 1e3
        self._now = 0
        self._until = self._stay(0.0)
        self.switches = [Switch(0, 0)]

    def _stay(self, block: float) -> float:
        return block + self._rng.exponential(self._regimes[self._now].dwell_s) / self._block_s

    def draw(self, first: int, n: int) -> Array:
        states = np.empty(n, np.int64)
        at = first
        while at < first + n:
            if len(self._regimes) > 1 and self._until <= at:
                other = int(self._rng.integers(len(self._regimes) - 1))
                self._now = other + (other >= self._now)
                self._until = self._stay(self._until)
                self.switches.append(Switch(at, self._now))
                continue
            stop = first + n if len(self._regimes) == 1 else min(first + n, int(np.ceil(self._until)))
            states[at - first : stop - first] = self._now
            at = stop
        return states
