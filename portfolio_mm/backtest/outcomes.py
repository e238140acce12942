"""Did an order fill within the horizon? Forecasts of an order left alone, judged on orders that are often taken away.

Asked to leave at c before the horizon, an order has no outcome, whatever it did on its way out. Fills before c are
kept, so what is left has too many fills; each outcome at time T is therefore weighed with 1 / G(T), G the share of
orders not yet taken away at T (Kaplan-Meier of the taking away). Source: inverse probability of censoring weights
(Robins and Rotnitzky 1992). Not guaranteed: that orders taken away would have fared like those left alone.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.backtest.coin_run import HORIZON_S
from portfolio_mm.backtest.result import CoinResult

Array = np.ndarray[Any, Any]
MOST_WEIGHT: Final = 20.0


def keys_of(rows: Array) -> list[tuple[int, int]]:
    """The order of each row."""
    return list(zip(rows["cloid_hi"].tolist(), rows["cloid_lo"].tolist(), strict=True))


def fill_outcomes(coin: CoinResult, rows: Array, times_ns: Array) -> tuple[Array, Array]:
    """Outcome of each row (1 filled within HORIZON_S, 0 not, NaN none) and its weight, 0 without an outcome.

    An order that was gone, or filled, before its time has none; nor has one whose horizon the session did not see.
    """
    first_fill, first_end = _times(coin.fills), _times(coin.ended)
    end_ns = int(coin.samples["ms"][-1]) * 1_000_000 if len(coin.samples) else 0
    horizon_ns = round(HORIZON_S * 1e9)
    came, waited_ns = np.full(len(rows), np.nan), np.zeros(len(rows))
    for at, (key, now_ns) in enumerate(zip(keys_of(rows), times_ns.tolist(), strict=True)):
        fills, ends = first_fill.get(key, [now_ns + 2 * horizon_ns]), first_end.get(key, [end_ns])
        filled_ns, taken_ns = fills[0] - now_ns, min(ends[0], end_ns) - now_ns
        if filled_ns <= 0 or taken_ns <= 0:
            continue
        waited_ns[at] = min(filled_ns, taken_ns, horizon_ns)
        if waited_ns[at] == horizon_ns:
            came[at] = float(filled_ns == horizon_ns)
        elif filled_ns <= taken_ns:
            came[at] = 1.0
    return came, _weights(waited_ns, came)


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
