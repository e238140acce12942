"""Did an order fill within the horizon? Forecasts of an order left alone, judged on orders that are often taken away.

An order that we asked to leave at c before the horizon is judged by the market after c: a print beyond its price on its
side would have filled it, since nobody trades beyond an order that stands; with no print at its price or beyond, it
would have stood on. We take away orders that the price has left, or comes for: to judge only those left alone would be
to judge other orders. Only prints at its very price leave it open. Such an order has no outcome, and each outcome at
time T is weighed with 1 / G(T), G the share of orders not left open by T (Kaplan-Meier). Source: inverse probability of
censoring weights (Robins and Rotnitzky 1992). Not guaranteed: that the market would have printed the same with our
order in it.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.backtest.coin_run import HORIZON_S
from portfolio_mm.backtest.result import CoinResult

Array = np.ndarray[Any, Any]
MOST_WEIGHT: Final = 20.0
SAME_PX: Final = 1e-9
"""Prices that differ by less than this share are one."""


def keys_of(rows: Array) -> list[tuple[int, int]]:
    """The order of each row."""
    return list(zip(rows["cloid_hi"].tolist(), rows["cloid_lo"].tolist(), strict=True))


def fill_outcomes(coin: CoinResult, rows: Array, times_ns: Array) -> tuple[Array, Array]:
    """Outcome of each row (1 filled within HORIZON_S, 0 not, NaN none) and its weight, 0 without an outcome.

    An order that was gone, or filled, before its time has none; nor has one that never came to rest, or whose horizon
    the session did not see.
    """
    first_fill, first_end = _times(coin.fills), _times(coin.ended)
    placed = zip(coin.orders["side"].tolist(), coin.orders["px"].tolist(), strict=True)
    sides = dict(zip(keys_of(coin.orders), placed, strict=True))
    never = set(keys_of(coin.ended[coin.ended["refused"] == 1]))
    prints = [_of_side(coin.prints, side) for side in range(2)]
    end_ns = int(coin.samples["ms"][-1]) * 1_000_000 if len(coin.samples) else 0
    horizon_ns = round(HORIZON_S * 1e9)
    came, waited_ns = np.full(len(rows), np.nan), np.zeros(len(rows))
    for at, (key, now_ns) in enumerate(zip(keys_of(rows), times_ns.tolist(), strict=True)):
        due_ns = now_ns + horizon_ns
        fills, ends = first_fill.get(key, [due_ns + 1]), first_end.get(key, [due_ns])
        filled_ns, taken_ns = fills[0], min(ends[0], due_ns)
        if filled_ns <= now_ns or taken_ns <= now_ns or key in never:
            continue
        if filled_ns <= due_ns:
            came[at], waited_ns[at] = 1.0, filled_ns - now_ns
        elif due_ns <= end_ns:
            side, px = sides.get(key, (0, np.nan))
            came[at], last_ns = _alone(prints[side], side, px, taken_ns, due_ns)
            waited_ns[at] = last_ns - now_ns
    return came, _weights(waited_ns, came)


def _of_side(prints: Array, side: int) -> tuple[Array, Array]:
    """Times and prices of the prints that hit a side, in time order."""
    rows = prints[prints["side"] == side]
    rows = rows[np.argsort(rows["ns"], kind="stable")]
    return rows["ns"], rows["px"]


def _alone(tape: tuple[Array, Array], side: int, px: float, taken_ns: int, due_ns: int) -> tuple[float, int]:
    """What the market did after `taken_ns` to an order that is no longer there, and when that was known."""
    times_ns, pxs = tape
    here = slice(*np.searchsorted(times_ns, [taken_ns, due_ns], side="right"))
    beyond = (1 - 2 * side) * (px - pxs[here]) / px
    through, touched = np.flatnonzero(beyond > SAME_PX), np.flatnonzero(np.abs(beyond) <= SAME_PX)
    if len(through):
        return 1.0, int(times_ns[here][through[0]])
    if len(touched) or (taken_ns < due_ns and not np.isfinite(px)):
        return np.nan, int(times_ns[here][touched[0]]) if len(touched) else taken_ns
    return 0.0, due_ns


def _weights(waited_ns: Array, came: Array) -> Array:
    """1 / G just before each outcome."""
    at_risk = waited_ns > 0.0
    taken = np.sort(waited_ns[at_risk & np.isnan(came)])
    times, counts = np.unique(taken, return_counts=True)
    order = np.sort(waited_ns[at_risk])
    there = len(order) - np.searchsorted(order, times, side="left")
    share = np.cumprod(1.0 - counts / np.maximum(there, 1)) if len(times) else np.ones(0)
    before = np.searchsorted(times, waited_ns, side="left")
    left = np.concatenate([[1.0], share])[before]
    return np.where(np.isnan(came), 0.0, np.minimum(MOST_WEIGHT, 1.0 / np.maximum(left, 1e-9)))


def _times(rows: Array) -> dict[tuple[int, int], list[int]]:
    """Times by order, in order."""
    times: dict[tuple[int, int], list[int]] = {}
    for key, ns in zip(keys_of(rows), rows["ns"].tolist(), strict=True):
        times.setdefault(key, []).append(ns)
    return {key: sorted(found) for key, found in times.items()}
