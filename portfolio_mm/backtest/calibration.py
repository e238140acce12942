"""What was predicted of own orders against what came: reliability by bins, and the slope between them.

With every order its snapshot says how likely it fills and how adverse its fill will be (engine/snapshot.py); what a
part says of resting orders and of P(adverse) is noted beside it, and the curve is empty where no part says it. A
forecast of a fill is that of an order left alone; outcomes.py says what becomes of it where we took the order away.
"""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import Estimate, mean, slope
from portfolio_mm.backtest.markouts import BLOCK_S, LEARNED_S, adverse_after, maker_fills
from portfolio_mm.backtest.outcomes import fill_outcomes, keys_of
from portfolio_mm.backtest.result import CoinResult
from portfolio_mm.engine.parts import ESTIMATORS

Array = np.ndarray[Any, Any]
BINS: Final = 8


class Bin(msgspec.Struct, frozen=True):
    """Predictions that lie together: their mean, and the mean of what came."""

    predicted: float
    realised: Estimate


class Curve(msgspec.Struct, frozen=True):
    """A reliability curve; `slope` 1 is calibrated. `bias` is the mean of what came minus what was predicted."""

    name: str
    unit: str
    slope: Estimate
    bias: Estimate
    bins: tuple[Bin, ...]


def curve(  # noqa: PLR0917 - what was said, what came, when, how much it counts
    name: str, unit: str, predicted: Array, realised: Array, times_ns: Array, weights: Array | None = None
) -> Curve:
    """Bins of equal count, slope and bias; every observation counts 1 where no weights are given."""
    good = np.isfinite(predicted) & np.isfinite(realised)
    p, r, t = predicted[good].astype(np.float64), realised[good].astype(np.float64), times_ns[good]
    w = np.ones(len(p)) if weights is None else weights[good].astype(np.float64)
    order = np.argsort(p, kind="stable")
    bins = [
        Bin(float(np.average(p[part], weights=w[part])), mean(r[part], t[part], BLOCK_S, w[part]))
        for part in np.array_split(order, _bin_count(p))
        if len(part)
    ]
    return Curve(name, unit, slope(p, r, t, BLOCK_S, w), mean(r - p, t, BLOCK_S, w), tuple(bins))


def _bin_count(predicted: Array) -> int:
    """Bins of at least five; one where the same was said of all."""
    return min(BINS, max(1, len(predicted) // 5)) if len(predicted) and np.ptp(predicted) > 1e-9 else 1


def curves_of(coin: CoinResult) -> tuple[Curve, ...]:
    """Every curve of one coin."""
    fills, orders = maker_fills(coin), coin.orders
    adverse = adverse_after(coin, fills, LEARNED_S)
    resting, placed = coin.forecasts, orders["snap"]
    said = _by_order(orders, fills, "adverse_probability")
    was_adverse = np.where(np.isfinite(adverse), adverse > noise_bps(coin), np.nan)
    filled, weights = fill_outcomes(coin, resting, resting["ns"])
    placed_filled, placed_weights = fill_outcomes(coin, orders, placed["placed_ns"])
    return (
        curve(
            "P(fill within 5 s) of a resting order",
            "probability",
            resting["probability"],
            filled,
            resting["ns"],
            weights,
        ),
        curve(
            "P(fill within 5 s) at placement",
            "probability",
            placed["fill_probability"],
            placed_filled,
            placed["placed_ns"],
            placed_weights,
        ),
        curve("E[adverse selection]", "bps", fills["snap"]["adverse_bps"], adverse, fills["ns"]),
        curve("P(adverse)", "probability", said, was_adverse, fills["ns"]),
    )


def noise_bps(coin: CoinResult) -> float:
    """What a move against a fill must exceed to be called adverse: the part's own word, else 0."""
    for part in ESTIMATORS:
        if "noise_bps" in (coin.params[part].dtype.names or ()) and "adverse_probability" in (
            coin.state[part].dtype.names or ()
        ):
            return float(coin.params[part]["noise_bps"][0])
    return 0.0


def _by_order(orders: Array, fills: Array, field: str) -> Array:
    """A number of the order each fill belongs to; NaN where that is not known."""
    known = dict(zip(keys_of(orders), orders[field].tolist(), strict=True))
    return np.array([known.get(key, np.nan) for key in keys_of(fills)], np.float64)
