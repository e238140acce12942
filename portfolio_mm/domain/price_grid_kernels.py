"""The functions of `price_grid`, compiled: for kernels, and only for them."""

import numba as nb
from numba.extending import register_jitable

from portfolio_mm.domain import price_grid

register_jitable(price_grid.tick_step)  # `round_px` calls it by its plain name
tick_step = nb.njit(cache=True)(price_grid.tick_step)
round_px = nb.njit(cache=True)(price_grid.round_px)
