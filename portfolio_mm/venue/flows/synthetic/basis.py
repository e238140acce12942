"""Premium of the perp over the oracle and open interest of one coin, moved on when somebody asks."""

from typing import NamedTuple

import numpy as np

from portfolio_mm.venue.flows.synthetic.coin import SyntheticCoin
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams


class BasisNow(NamedTuple):
    """Premium a fraction of the oracle, open interest in coins."""

    premium: float
    open_interest: float


class Basis:
    """An Ornstein-Uhlenbeck premium, exact in steps of one second, and an interest that comes back exponentially."""

    def __init__(self, coin: SyntheticCoin, index: int, params: SyntheticParams, open_interest: float) -> None:
        self._rng = np.random.default_rng([params.seed, 5, index])
        self._coin = coin
        self._blocks_per_step = max(round(1_000 / params.block_ms), 1)
        step_s = self._blocks_per_step * params.block_ms / 1e3
        self._stays = float(np.exp(-step_s / coin.premium_s))
        interest_s = params.cascades.interest_s if params.cascades is not None else 1.0
        self._closed_stays = float(np.exp(-step_s / interest_s))
        self._away_bps = coin.premium_sd_bps * float(self._rng.standard_normal())
        self._interest = open_interest
        self._closed = 0.0
        self._block = 0

    def close(self, share: float) -> None:
        """A liquidation closes a share of what is open."""
        self._closed += (1.0 - self._closed) * share

    def at(self, block: int) -> BasisNow:
        """Premium and interest at a block, not before the last one asked for."""
        while self._block + self._blocks_per_step <= block:
            self._block += self._blocks_per_step
            kick_bps = self._coin.premium_sd_bps * np.sqrt(1.0 - self._stays**2) * self._rng.standard_normal()
            self._away_bps = self._stays * self._away_bps + float(kick_bps)
            self._closed *= self._closed_stays
        return BasisNow((self._coin.premium_bps + self._away_bps) * 1e-4, self._interest * (1.0 - self._closed))
