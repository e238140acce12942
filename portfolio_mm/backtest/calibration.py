"""What was predicted of own orders against what came: reliability by bins, and the slope between them.

With every order its snapshot says how likely it fills and how adverse its fill will be (engine/snapshot.py); what a
part says of resting orders and of P(adverse) is noted beside it, and the curve is empty where no part says it. A
forecast of a fill is that of an order left alone: where we took it away in time, there is no outcome.
"""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import Estimate, mean, slope
from portfolio_mm.backtest.coin_run import HORIZON_S
from portfolio_mm.backtest.markouts import BLOCK_S, LEARNED_S, adverse_after, maker_fills
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
    fills, orders = maker_fills(coin), coin.orders
    adverse = adverse_after(coin, fills, LEARNED_S)
    resting, placed = coin.forecasts, orders["snap"]
    said = _by_order(orders, fills, "adverse_probability")
    was_adverse = np.where(np.isfinite(adverse), adverse > noise_bps(coin), np.nan)
    return (
        curve(
            "P(fill within 5 s) of a resting order",
            "probability",
            resting["probability"],
            filled_within(coin, resting, resting["ns"]),
            resting["ns"],
        ),
        curve(
            "P(fill within 5 s) at placement",
            "probability",
            placed["fill_probability"],
            filled_within(coin, orders, placed["placed_ns"]),
            placed["placed_ns"],
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


def _keys(rows: Array) -> list[tuple[int, int]]:
    return list(zip(rows["cloid_hi"].tolist(), rows["cloid_lo"].tolist(), strict=True))


def _by_order(orders: Array, fills: Array, field: str) -> Array:
    """A number of the order each fill belongs to; NaN where that is not known."""
    known = dict(zip(_keys(orders), orders[field].tolist(), strict=True))
    return np.array([known.get(key, np.nan) for key in _keys(fills)], np.float64)


def filled_within(coin: CoinResult, rows: Array, times_ns: Array) -> Array:
    """1 where an order filled within HORIZON_S of a time, 0 where it did not, NaN where we took it away before."""
    first_fill, first_end = _first(coin.fills), _first(coin.ended)
    end_ns = int(coin.samples["ms"][-1]) * 1_000_000 if len(coin.samples) else 0
    found = np.full(len(rows), np.nan)
    for at, (key, now_ns) in enumerate(zip(_keys(rows), times_ns.tolist(), strict=True)):
        due_ns = now_ns + round(HORIZON_S * 1e9)
        fills = [ns for ns in first_fill.get(key, ()) if ns > now_ns]
        ends = [ns for ns in first_end.get(key, ()) if ns >= now_ns]
        if fills and fills[0] <= due_ns:
            found[at] = 1.0
        elif due_ns <= end_ns and not (ends and ends[0] <= due_ns):
            found[at] = 0.0
    return found


def _first(rows: Array) -> dict[tuple[int, int], list[int]]:
    """Times by order, in order."""
    times: dict[tuple[int, int], list[int]] = {}
    for key, ns in zip(_keys(rows), rows["ns"].tolist(), strict=True):
        times.setdefault(key, []).append(ns)
    return {key: sorted(found) for key, found in times.items()}
