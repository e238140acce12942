"""What was predicted at placement against what came: reliability by bins, and the slope between them.

Three predictions are kept with every order (engine/snapshot.py): the probability that it fills, and the adverse
selection of its fill. The probability that a fill is adverse is a part's own; where none is kept, the curve is empty.
"""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import Estimate, mean, slope
from portfolio_mm.backtest.markouts import BLOCK_S, LEARNED_S, adverse_after, maker_fills
from portfolio_mm.backtest.result import CoinResult

Array = np.ndarray[Any, Any]
BINS: Final = 8
NS_PER_MS: Final = 1_000_000
PROBABILITY_FIELDS: Final = ("adverse_probability", "p_adverse", "toxic_probability")
"""Names under which a placement may hold P(adverse)."""


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


def curve(name: str, unit: str, predicted: Array, realised: Array, times_ns: Array) -> Curve:
    """Bins of equal count, slope and bias."""
    good = np.isfinite(predicted) & np.isfinite(realised)
    p, r, t = predicted[good].astype(np.float64), realised[good].astype(np.float64), times_ns[good]
    order = np.argsort(p, kind="stable")
    bins = [
        Bin(float(p[part].mean()), mean(r[part], t[part], BLOCK_S))
        for part in np.array_split(order, min(BINS, max(1, len(order) // 5)))
        if len(part)
    ]
    return Curve(name, unit, slope(p, r, t, BLOCK_S), mean(r - p, t, BLOCK_S), tuple(bins))


def curves_of(coin: CoinResult) -> tuple[Curve, ...]:
    """Every curve of one coin."""
    fills = maker_fills(coin)
    adverse = adverse_after(coin, fills, LEARNED_S)
    return (
        _fill_curve(coin),
        curve("E[adverse selection]", "bps", fills["snap"]["adverse_bps"], adverse, fills["ns"]),
        curve(
            "P(adverse)",
            "probability",
            _probability(fills),
            np.where(np.isfinite(adverse), adverse > 0.0, np.nan),
            fills["ns"],
        ),
    )


def _probability(fills: Array) -> Array:
    known = set(fills["snap"].dtype.names or ())
    for name in PROBABILITY_FIELDS:
        if name in known:
            return np.asarray(fills["snap"][name], np.float64)
    return np.full(len(fills), np.nan)


def filled_at_all(coin: CoinResult) -> Array:
    """Whether each order noted was filled, in part or whole."""
    filled = {(int(row["cloid_hi"]), int(row["cloid_lo"])) for row in coin.fills}
    pairs = zip(coin.orders["cloid_hi"].tolist(), coin.orders["cloid_lo"].tolist(), strict=True)
    return np.array([pair in filled for pair in pairs], np.float64)


def _fill_curve(coin: CoinResult) -> Curve:
    orders = coin.orders
    return curve(
        "P(fill)", "probability", orders["snap"]["fill_probability"], filled_at_all(coin), orders["snap"]["placed_ns"]
    )
