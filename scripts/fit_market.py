"""Fit the laws of the synthetic market to recordings beside the project; prints the table of docs/market_fits.md.

`python -m scripts.fit_market FOLDER` reads `FOLDER/<set>/...` in the layout of its README. Parameters and their
standard errors only leave it: the recordings themselves are not ours to pass on. Needs the `parquet` extra.
"""

import argparse
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import minimize

Array = np.ndarray[Any, Any]
MAIN: Final = "hl4_20250904"
COINS: Final = ("BTC", "ETH", "SOL", "WLFI")
STEP_S: Final = 5.0
BLOCKS: Final = 30
"""Independent stretches of time a standard error is taken from."""


class Fit(NamedTuple):
    """One fitted number with its standard error and the sample it is from."""

    what: str
    unit: str
    value: float
    error: float
    n: int
    source: str


class Orders(NamedTuple):
    """Market orders of a recording: trades of one stamp and side taken together."""

    s: Array
    side: Array
    usd: Array
    reach_bps: Array


def read(folder: Path, *columns: str) -> dict[str, Array]:
    """Columns of one Parquet file."""
    table = pq.read_table(folder, columns=list(columns))
    return {name: table.column(name).to_numpy() for name in columns}


def mids(folder: Path) -> tuple[Array, Array]:
    """Seconds of block time and mids, later values of one stamp winning."""
    rows = read(folder / "bbo.parquet", "exch_ms", "bid_px", "ask_px")
    s = rows["exch_ms"].astype(float) / 1e3
    keep = np.append(np.diff(s) > 0, True)
    return s[keep], ((rows["bid_px"] + rows["ask_px"]) / 2.0)[keep]


def market_orders(folder: Path) -> Orders:
    """Trades of one stamp and side as one order; its reach is measured from the mid before its stamp."""
    rows = read(folder / "trades.parquet", "exch_ms", "px", "sz", "side", "backfill")
    live = ~rows["backfill"].astype(bool)
    s, px = rows["exch_ms"][live].astype(float) / 1e3, rows["px"][live]
    buy = rows["side"][live] == "B"
    order = np.lexsort((buy, s))
    s, px, buy, usd = s[order], px[order], buy[order], (px * rows["sz"][live])[order]
    first = np.append(True, (np.diff(s) > 0) | (np.diff(buy.astype(int)) != 0))
    which = np.cumsum(first) - 1
    total = np.bincount(which, usd)
    far = np.where(
        buy[first], np.maximum.reduceat(px, np.flatnonzero(first)), np.minimum.reduceat(px, np.flatnonzero(first))
    )
    times, mid = mids(folder)
    before = mid[np.maximum(np.searchsorted(times, s[first], side="left") - 1, 0)]
    reach = np.where(buy[first], 1.0, -1.0) * (far / before - 1.0) * 1e4
    return Orders(s[first], np.where(buy[first], 0, 1), total, reach)


def blocked(values: Array) -> float:
    """Standard error of a mean from BLOCKS stretches, which lets neighbours depend on each other."""
    parts = np.array([part.mean() for part in np.array_split(values, BLOCKS)])
    return float(parts.std(ddof=1) / np.sqrt(BLOCKS))


def sigma(folder: Path, source: str) -> Fit:
    """Volatility from moves over STEP_S, bps per sqrt(second)."""
    s, mid = mids(folder)
    grid = np.arange(s[0], s[-1], STEP_S)
    moves = np.diff(np.log(mid[np.searchsorted(s, grid, side="right") - 1])) * 1e4
    value = float(np.sqrt(np.mean(moves**2) / STEP_S))
    return Fit("sigma_bps", "bps/sqrt(s)", value, blocked(moves**2) / STEP_S / (2.0 * value), len(moves), source)


def sizes(orders: Orders, source: str) -> list[Fit]:
    """Lognormal law of the USD of a market order."""
    logs, n = np.log(orders.usd), len(orders.usd)
    shape = float(logs.std())
    mean = float(np.exp(logs.mean() + shape**2 / 2.0))
    error = mean * float(np.sqrt(blocked(logs) ** 2 + shape**4 / (2.0 * n)))
    return [
        Fit("size_shape", "log sd", shape, shape / np.sqrt(2.0 * n), n, source),
        Fit("market_usd", "USD (lognormal)", mean, error, n, source),
        Fit("mean order", "USD (sample)", float(orders.usd.mean()), blocked(orders.usd), n, source),
    ]


def arrivals(orders: Orders, source: str) -> list[Fit]:
    """Rate per side, and the symmetric two-sided Hawkes process of largest likelihood (theory: exponential kernels)."""
    seconds, n = orders.s[-1] - orders.s[0], len(orders.s)
    counts = np.bincount(((orders.s - orders.s[0]) // (seconds / BLOCKS)).astype(int), minlength=BLOCKS)[:BLOCKS]
    rate_error = float(counts.std(ddof=1) / np.sqrt(BLOCKS) * BLOCKS / seconds / 2.0)
    found = [Fit("market_rate", "1/s and side", n / seconds / 2.0, rate_error, n, source)]
    theta, errors = hawkes(orders.s - orders.s[0], orders.side)
    for what, unit, value, error in zip(
        ("self_excitation", "cross_excitation", "excitation_s"),
        ("orders", "orders", "s"),
        (theta[1], theta[2], 1.0 / theta[3]),
        (errors[1], errors[2], errors[3] / theta[3] ** 2),
        strict=True,
    ):
        found.append(Fit(what, unit, float(value), float(error), n, source))
    return found


def hawkes(s: Array, side: Array) -> tuple[Array, Array]:
    """Base, self, cross, beta by maximum likelihood in logs, and standard errors from the Hessian."""
    start = np.log([len(s) / s[-1] / 4.0, 0.3, 0.1, 3.0])
    options = {"maxiter": 600, "xatol": 1e-3, "fatol": 1e-2}
    answer = minimize(_minus_log_likelihood, start, (s, side), method="Nelder-Mead", options=options)
    theta, step = answer.x, 0.02
    hessian = np.zeros((4, 4))
    shifts = np.eye(4) * step
    for i in range(4):
        for j in range(4):
            signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
            at = [_minus_log_likelihood(theta + a * shifts[i] + b * shifts[j], s, side) for a, b in signs]
            hessian[i, j] = (at[0] - at[1] - at[2] + at[3]) / (4.0 * step**2)
    spread = np.sqrt(np.abs(np.diag(np.linalg.pinv(hessian))))
    return np.exp(theta), np.exp(theta) * spread


def _minus_log_likelihood(logs: Array, s: Array, side: Array) -> float:
    base, own, cross, beta = np.exp(logs)
    if own + cross >= 1.0:
        return 1e12
    now, last, total = [0.0, 0.0], 0.0, 0.0
    for time, mine in zip(s.tolist(), side.tolist(), strict=True):
        decay = float(np.exp(-beta * (time - last)))
        now = [now[0] * decay, now[1] * decay]
        total += float(np.log(base + own * beta * now[mine] + cross * beta * now[1 - mine]))
        now[mine] += 1.0
        last = time
    compensator = 2.0 * base * s[-1] + (own + cross) * float(np.sum(-np.expm1(-beta * (s[-1] - s))))
    return float(compensator - total)


def depth(folder: Path, source: str) -> list[Fit]:
    """Half spread, and an exponential law of the USD behind it: mean distance weighted by size, on complete levels."""
    rows = read(folder / "l2Book.parquet", "bid_px", "bid_sz", "ask_px", "ask_sz")
    halves, away, total, level = [], [], [], []
    for bid_px, bid_sz, ask_px, ask_sz in zip(*rows.values(), strict=True):
        mid = (bid_px[0] + ask_px[0]) / 2.0
        half = (ask_px[0] - bid_px[0]) / 2.0 / mid * 1e4
        usd = np.concatenate([bid_px * bid_sz, ask_px * ask_sz])
        far = np.concatenate([(bid_px[0] - bid_px), (ask_px - ask_px[0])]) / mid * 1e4
        halves.append(half)
        away.append(float(np.sum(usd * far) / usd.sum()))
        total.append(float(usd.sum()) / 2.0)
        level.append(float(usd.mean()))
    n = len(halves)
    return [
        Fit("half_spread_bps", "bps (mean)", float(np.mean(halves)), blocked(np.array(halves)), n, source),
        Fit("depth_bps", "bps (within 20 levels)", float(np.mean(away)), blocked(np.array(away)), n, source),
        Fit("side depth", "USD (20 levels)", float(np.mean(total)), blocked(np.array(total)), n, source),
        Fit("level", "USD", float(np.mean(level)), blocked(np.array(level)), n, source),
    ]


def reach(orders: Orders, source: str) -> Fit:
    """kappa: inverse mean distance from the mid before to the last price of a market order."""
    reached = np.maximum(orders.reach_bps, 0.0)
    mean = float(reached.mean())
    return Fit("kappa_per_bps", "1/bps", 1.0 / mean, blocked(reached) / mean**2, len(reached), source)


def lead(folder: Path, leader: str, follower: str, source: str) -> list[Fit]:
    """Lag in whole seconds at which the follower's moves resemble the leader's most, and the correlation there."""
    sides = [read(folder / name / "bbo.parquet", "recv_ms", "bid_px", "ask_px") for name in (leader, follower)]
    moves = [np.diff(np.log((rows["bid_px"] + rows["ask_px"]) / 2.0)) for rows in sides]
    n = min(len(row) for row in moves) - 20
    cross = np.array(
        [np.corrcoef(moves[0][10 : n + 10], moves[1][10 + lag : n + 10 + lag])[0, 1] for lag in range(-10, 11)]
    )
    best = int(np.argmax(cross)) - 10
    return [
        Fit("lead", "s (grid of 1 s)", float(best), 0.5, n, source),
        Fit("correlation at the lead", "", float(cross.max()), float((1 - cross.max() ** 2) / np.sqrt(n)), n, source),
        Fit("correlation at once", "", float(cross[10]), float((1 - cross[10] ** 2) / np.sqrt(n)), n, source),
    ]


def table(rows: list[tuple[str, Fit]]) -> str:
    """Markdown."""
    lines = ["| coin | parameter | unit | fitted | standard error | n | set |", "|---|---|---|---:|---:|---:|---|"]
    for coin, fit in rows:
        lines.append(
            f"| {coin} | {fit.what} | {fit.unit} | {fit.value:.4g} | {fit.error:.2g} | {fit.n} | {fit.source} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Entry of `python -m scripts.fit_market`."""
    parser = argparse.ArgumentParser(prog="scripts.fit_market", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the recorded sets")
    folder = parser.parse_args().folder
    rows: list[tuple[str, Fit]] = []
    for coin in COINS:
        place = folder / MAIN / "hyperliquid" / coin
        orders = market_orders(place)
        fits = [
            sigma(place, MAIN),
            *arrivals(orders, MAIN),
            *sizes(orders, MAIN),
            reach(orders, MAIN),
            *depth(place, MAIN),
        ]
        rows += [(coin, fit) for fit in fits]
        print(table([(coin, fit) for fit in fits]), flush=True)
    for name in ("cl_20260414a", "cl_20260414b"):
        rows += [("xyz:CL", fit) for fit in lead(folder / name, "binance/CLUSDT", "hyperliquid/xyz_CL", name)]
    print(table(rows))


if __name__ == "__main__":
    main()
