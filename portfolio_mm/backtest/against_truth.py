"""Estimates of a synthetic market beside its truth: level, error, and whether the stated interval held.

Truth of a coin whose regime changes is that of the regime in force, by the times it changed. A and k are true of market
orders counted from the efficient price; what is compared is the engine's A of market orders, before efficiency. Who
sees blocks counts those with market orders of a side, not the orders: A is brought to that by what the market measured
of itself in the session.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import Z95, Estimate, mean
from portfolio_mm.backtest.markouts import BLOCK_S
from portfolio_mm.backtest.result import CoinResult

Array = np.ndarray[Any, Any]
Truth = dict[str, Any]


class Against(msgspec.Struct, frozen=True):
    """One estimate of one coin: its mean over the session and at the end, the truth's, the mean ratio, coverage.

    `covered` is the share of time in which the stated 95 % interval held the truth; None where none is stated.
    """

    name: str
    unit: str
    truth: float
    final: float
    ratio: Estimate
    covered: Estimate | None


def against_truth(coin: CoinResult, truth: Truth) -> tuple[Against, ...]:
    """Everything that can be compared; nothing for a coin the truth does not know."""
    if coin.coin not in truth["coins"]:
        return ()
    number = truth["coins"].index(coin.coin)
    rows = coin.samples
    found = []
    for name, unit, ready, read, error, true in TABLE:
        chosen = rows[rows[ready] == 1]
        if len(chosen):
            values, exact = read(chosen), true(truth, number, chosen["ms"])
            found.append(_row(name, unit, chosen["ms"] * 1_000_000, values, exact, error and error(chosen)))
    return tuple(found)


def _row(  # noqa: PLR0917 - one line of the table
    name: str, unit: str, times_ns: Array, values: Array, exact: Array, errors: Array | None
) -> Against:
    good = exact > 0.0
    ratio = np.divide(values, exact, out=np.full(len(values), np.nan), where=good)
    covered = None
    if errors is not None:
        held = np.where(good, np.abs(values - exact) <= Z95 * errors, np.nan)
        covered = mean(held, times_ns, BLOCK_S)
    return Against(name, unit, float(exact[-1]), float(values[-1]), mean(ratio, times_ns, BLOCK_S), covered)


def factors(truth: Truth, ms: Array, name: str, first: float) -> Array:
    """A regime's number at each time, from the events that changed it."""
    regimes = truth["regimes"]
    out = np.full(len(ms), first)
    for event in truth.get("events", ()):
        if event.get("event") == "regime" and 0 <= int(event["regime"]) < len(regimes):
            out[ms >= event["ms"]] = _number(regimes[int(event["regime"])], name, truth)
    return out


def _number(regime: Truth, name: str, truth: Truth) -> float:
    if name == "arrival_factor":
        return float(regime["arrival_factor"])
    return float(regime["sigma_bps_per_sqrt_s"][0]) / float(truth["sigma_bps_per_sqrt_s"][0])


def _sigma(truth: Truth, number: int, ms: Array) -> Array:
    return np.asarray(truth["sigma_bps_per_sqrt_s"][number] * factors(truth, ms, "sigma", _first(truth, "sigma")))


def _arrivals(truth: Truth, number: int, ms: Array) -> Array:
    first = _first(truth, "arrival_factor")
    blocks_per_s = float(np.mean(truth["A_per_s"][number])) * _blocks_per_order(truth, number)
    return np.asarray(blocks_per_s * factors(truth, ms, "arrival_factor", first))


def _blocks_per_order(truth: Truth, number: int) -> float:
    """Blocks with market orders of a side, per order: 1 where nothing was measured."""
    if "measured" not in truth:
        return 1.0
    measured = truth["measured"]["coins"][number]
    orders_per_s = float(np.sum(measured["A_per_s"]))
    return float(np.sum(measured["blocks_per_s"])) / orders_per_s if orders_per_s > 0.0 else 1.0


def _first(truth: Truth, name: str) -> float:
    """The market begins in its first regime."""
    return _number(truth["regimes"][0], name, truth) if truth["regimes"] else 1.0


def _kappa(truth: Truth, number: int, ms: Array) -> Array:
    return np.full(len(ms), float(np.mean(truth["kappa_per_bps"][number])))


def _a_error(rows: Array) -> Array:
    """Both sides pooled as independent; it holds what k does not know of A at fair."""
    return np.asarray(np.sqrt((rows["market_a_se"] ** 2).sum(1)) / 2.0)


def _k_error(rows: Array) -> Array:
    """Both sides pooled as independent."""
    return np.asarray(np.sqrt((rows["k_se"] ** 2).sum(1)) / 2.0)


Row = tuple[
    str, str, str, Callable[[Array], Array], Callable[[Array], Array] | None, Callable[[Truth, int, Array], Array]
]
TABLE: Final[tuple[Row, ...]] = (
    ("sigma", "bps per root second", "sigma_ready", lambda rows: rows["sigma_bps"], None, _sigma),
    (
        "A, blocks with orders",
        "1/s and side",
        "k_ready",
        lambda rows: rows["market_a_per_s"].mean(1),
        _a_error,
        _arrivals,
    ),
    ("k", "1/bps", "k_ready", lambda rows: rows["k_per_bps"].mean(1), _k_error, _kappa),
)
