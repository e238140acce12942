"""Laws fitted to a recording of the venue, by class of coin; docs/market_fits.md has the standard errors.

From half an hour of BTC, ETH, SOL and WLFI (`scripts/fit_market.py`). Volatility is not among them: it is a choice of
the market, not a law of the venue. Long memories and strong self-excitation are partly a rate that changed meanwhile
(theory §4), which a stationary fit cannot tell apart.
"""

from typing import Final

import msgspec

from portfolio_mm.venue.flows.synthetic.coin import SyntheticCoin
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams


class Fitted(msgspec.Struct, frozen=True):
    """Fields of a `SyntheticCoin`; sizes of market orders are lognormal, `order_usd` is the mean size of a level."""

    market_rate: float
    self_excitation: float
    cross_excitation: float
    excitation_s: float
    size_shape: float
    market_usd: float
    kappa_per_bps: float
    half_spread_bps: float
    depth_bps: float
    order_usd: float


BTC: Final = Fitted(0.565, 0.417, 0.059, 6.57, 2.96, 25_600.0, 6.34, 0.059, 0.80, 267_000.0)
ETH: Final = Fitted(0.686, 0.541, 0.084, 3.22, 2.93, 26_700.0, 3.53, 0.141, 2.64, 634_000.0)
SOL: Final = Fitted(0.460, 0.676, 0.063, 17.1, 2.90, 18_900.0, 2.43, 0.274, 5.13, 352_000.0)
WLFI: Final = Fitted(0.257, 0.446, 0.0, 2.42, 1.91, 2_690.0, 0.408, 1.52, 8.27, 7_750.0)
CLASSES: Final = {"BTC": BTC, "ETH": ETH, "SOL": SOL, "XRP": SOL, "HYPE": SOL, "DOGE": SOL, "BNB": SOL}
"""Large coins go by SOL, everything else by WLFI: a choice, only four coins are recorded."""


def fit(params: SyntheticParams) -> SyntheticParams:
    """The market with fitted laws where they are asked for."""
    if params.laws == "plain":
        return params
    return msgspec.structs.replace(params, coins=tuple(_fit(coin) for coin in params.coins))


def _fit(coin: SyntheticCoin) -> SyntheticCoin:
    laws = msgspec.structs.asdict(CLASSES.get(coin.coin, WLFI))
    return msgspec.structs.replace(coin, size_law="lognormal", **laws)
