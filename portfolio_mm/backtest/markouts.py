"""Markouts of own fills from the noted mids: by horizon, with intervals by blocks (theory §8).

    markout = sign (mid_h - px) / px 1e4          what the fill earned before fees, bps
    adverse = sign (fair - mid_h) / fair 1e4      what the market moved against it since placement, bps

The mid at a horizon is the one that stood then. A horizon that ends after the session has no label.
"""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import Estimate, mean
from portfolio_mm.backtest.result import CoinResult

Array = np.ndarray[Any, Any]
HORIZONS_S: Final = (0.5, 1.0, 5.0, 30.0, 60.0)
LEARNED_S: Final = 5.0
"""The horizon that adverse selection means."""
BLOCK_S: Final = 30.0
"""Shortest block; a longer horizon is its own block."""
NS: Final = 1e9


class HorizonMarkout(msgspec.Struct, frozen=True):
    """Maker fills at one horizon, bps: before fees, after fees, and adverse selection since placement."""

    horizon_s: float
    markout_bps: Estimate
    net_bps: Estimate
    adverse_bps: Estimate


def mid_after(coin: CoinResult, times_ns: Array, seconds: float) -> Array:
    """The mid that stood `seconds` after each time; NaN beyond the notes."""
    mids = coin.mids
    out: Array = np.full(len(times_ns), np.nan)
    if not len(mids) or not len(coin.samples):
        return out
    due_ns = times_ns + round(seconds * NS)
    end_ns = max(int(mids["ns"][-1]), int(coin.samples["ms"][-1]) * 1_000_000)
    place = np.searchsorted(mids["ns"], due_ns, side="right") - 1
    known = (place >= 0) & (due_ns <= end_ns)
    out[known] = mids["px"][place[known]]
    return out


def maker_fills(coin: CoinResult) -> Array:
    """Own fills that made."""
    made: Array = coin.fills[coin.fills["taker"] == 0]
    return made


def sign_of(side: Array) -> Array:
    """+1 for a buy, -1 for a sell."""
    return 1.0 - 2.0 * side


def adverse_after(coin: CoinResult, fills: Array, seconds: float) -> Array:
    """Adverse selection of each fill since its placement, bps; NaN where the placement is not known."""
    fair = fills["snap"]["fair_px"]
    with np.errstate(invalid="ignore"):
        found: Array = sign_of(fills["side"]) * (fair - mid_after(coin, fills["ns"], seconds)) / fair * 1e4
    return found


def markouts_of(coin: CoinResult) -> tuple[HorizonMarkout, ...]:
    """All horizons."""
    fills = maker_fills(coin)
    found = []
    for horizon_s in HORIZONS_S:
        block_s = max(BLOCK_S, horizon_s)
        mid = mid_after(coin, fills["ns"], horizon_s)
        gross = sign_of(fills["side"]) * (mid - fills["px"]) / fills["px"] * 1e4
        found.append(
            HorizonMarkout(
                horizon_s,
                mean(gross, fills["ns"], block_s),
                mean(gross - fills["fee_bps"], fills["ns"], block_s),
                mean(adverse_after(coin, fills, horizon_s), fills["ns"], block_s),
            )
        )
    return tuple(found)
