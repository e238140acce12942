"""The makers and arbitrageurs of a market as flat state: rates become chances per block."""

from typing import Any

import numpy as np

from portfolio_mm.domain.instrument import PERP_MAX_DECIMALS
from portfolio_mm.venue.flows.synthetic.kernels.background import N_DEEP, N_PAST, N_SLOTS, new_backgrounds
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams


def backgrounds(params: SyntheticParams) -> np.ndarray[Any, Any]:
    """BACKGROUND records, one per coin.

    How late a maker sees the price is drawn once (exponential, at most N_PAST - 1 blocks) and stays with its slot; the
    deep slots are never late.
    """
    states = new_backgrounds(len(params.coins))
    block_s = params.block_ms / 1e3
    rng = np.random.default_rng([params.seed, 7])
    for state, row in zip(states, params.coins, strict=True):
        state.px_decimals = PERP_MAX_DECIMALS - row.sz_decimals
        state.half_spread_bps = row.half_spread_bps
        state.depth_bps = row.depth_bps
        state.order_usd = row.order_usd
        state.quote_shape = row.quote_shape
        state.kappa_per_bps = row.kappa_per_bps
        state.market_usd = row.market_usd
        state.arbitrage_bps = params.arbitrage_bps
        state.arbitrage_chance = -np.expm1(-params.arbitrage_rate * block_s)
        state.cancels_per_block = params.cancel_rate * block_s
        state.ageing = params.cancel_law == "ageing"
        state.quote_chance = -np.expm1(-params.quote_rate * block_s)
        late = rng.exponential(row.stale_ms / params.block_ms, (2, N_SLOTS)).astype(np.int64)
        late[:, N_SLOTS - N_DEEP :] = 0
        state.late[:] = np.minimum(late, N_PAST - 1)
    return states
