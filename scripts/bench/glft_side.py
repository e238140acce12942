"""Plays one tape through a GLFT grid maker in hftbacktest; run by `glft.py` in that package's own environment.

    python glft_side.py given.npz told.json

In: `feed` (its event dtype), `tick`, `lot`. Out: `seconds` of processor time (the best of three), `turns`, `orders`.
The maker is that of the package's tutorial on Guéant's approximation (arXiv 1605.01862, equations 4.6 and 4.7).
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from hftbacktest import BUY_EVENT, GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest

TURN_NS = 100_000_000
WINDOW = 6_000
EVERY = 50
DEPTHS = 70
GAMMA = 0.05
GRID = 10
SKEW_SHARE = 0.05
MOST_LOTS = 50.0
TURNS = 1 << 21
NO_WAIT = False


@nb.njit
def _fit(reached: Any, moves: Any, counts: Any) -> tuple[float, float, float]:
    """A (1/s), k (1/tick) and sigma (ticks a root second) of a window; NaN where nothing came."""
    counts[:] = 0.0
    deepest = 0
    for depth in reached:
        if np.isfinite(depth):
            at = round(depth / 0.5) - 1
            if 0 <= at < len(counts):
                counts[:at] += 1.0
                deepest = max(deepest, at)
    n = min(DEPTHS, deepest)
    sx = sy = sxx = sxy = used = 0.0
    for at in range(n):
        rate = counts[at] / (len(reached) * 0.1)
        if rate > 0.0:
            x, y = at + 0.5, np.log(rate)
            sx, sy, sxx, sxy, used = sx + x, sy + y, sxx + x * x, sxy + x * y, used + 1.0
    spread = used * sxx - sx * sx
    if used < 2.0 or spread <= 0.0:
        return np.nan, np.nan, np.nan
    slope = (used * sxy - sx * sy) / spread
    return np.exp((sy - slope * sx) / used), -slope, np.nanstd(moves) * np.sqrt(10.0)


@nb.njit
def _grid(  # noqa: PLR0917 - flat arguments
    hbt: Any, bid_tick: float, ask_tick: float, step: float, pos: float, lot: float, tick: float
) -> int:
    """Keep a grid of GRID orders a side: cancel what is off it, place what lacks; how many were placed."""
    placed = 0
    orders = hbt.orders(0)
    for side in range(2):
        sign = 1.0 - 2.0 * side
        best = bid_tick if side == 0 else ask_tick
        full = sign * pos >= MOST_LOTS * lot
        wanted = np.zeros(GRID, np.int64)
        for level in range(GRID):
            wanted[level] = 0 if full else round(best - sign * step * level)
        values = orders.values()
        while values.has_next():
            order = values.get()
            mine = (order.side == 1) == (side == 0)
            if mine and order.cancellable and not np.any(wanted == round(order.price / tick)):
                hbt.cancel(0, order.order_id, NO_WAIT)
        for each in wanted:
            number = np.uint64(each * 2 + side)
            if each > 0 and number not in orders:
                if side == 0:
                    hbt.submit_buy_order(0, number, each * tick, lot, GTX, LIMIT, NO_WAIT)
                else:
                    hbt.submit_sell_order(0, number, each * tick, lot, GTX, LIMIT, NO_WAIT)
                placed += 1
    return placed


@nb.njit
def _make(  # noqa: PLR0917 - flat arguments
    hbt: Any, reached: Any, moves: Any, counts: Any, lot: float, tick: float
) -> tuple[int, int]:
    """The loop; turns and orders."""
    mid, half, skew, placed, t = np.nan, np.nan, np.nan, 0, 0
    while hbt.elapse(TURN_NS) == 0 and t < len(reached):
        depth = -np.inf
        if not np.isnan(mid):
            for trade in hbt.last_trades(0):
                at = trade.px / tick
                depth = max(depth, at - mid if trade.ev & BUY_EVENT == BUY_EVENT else mid - at)
        reached[t] = depth
        hbt.clear_last_trades(0)
        hbt.clear_inactive_orders(0)
        book = hbt.depth(0)
        now = (book.best_bid_tick + book.best_ask_tick) / 2.0
        moves[t] = now - mid
        mid = now
        if t >= WINDOW - 1 and t % EVERY == 0:
            a, k, sigma = _fit(reached[t + 1 - WINDOW : t + 1], moves[t + 1 - WINDOW : t + 1], counts)
            if k > 0.0 and a > 0.0:
                ratio = 1.0 + GAMMA / k
                c1 = np.log(ratio) / GAMMA
                c2 = np.sqrt(GAMMA / (2.0 * a * k) * ratio ** (k / GAMMA + 1.0))
                half, skew = c1 + 0.5 * c2 * sigma, c2 * sigma * SKEW_SHARE
        if not np.isnan(half):
            pos = hbt.position(0)
            lean = skew * pos / lot
            step = max(round(half), 1.0)
            bid = min(np.floor((mid - half - lean) / step) * step, float(book.best_bid_tick))
            ask = max(np.ceil((mid + half - lean) / step) * step, float(book.best_ask_tick))
            placed += _grid(hbt, bid, ask, step, pos, lot, tick)
        t += 1
    return t, placed


def main(given: str, told: str) -> None:
    """Entry of the program."""
    data = np.load(given)
    feed, tick, lot = data["feed"], float(data["tick"]), float(data["lot"])
    prices = feed["px"][feed["px"] > 0.0]
    best_s, turns, orders = float("inf"), 0, 0
    for turn in range(4):
        asset = (
            BacktestAsset()
            .data([feed])
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .power_prob_queue_model(2.0)
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.00015, 0.00045)
            .tick_size(tick)
            .lot_size(lot)
            .roi_lb(float(prices.min()) * 0.99)
            .roi_ub(float(prices.max()) * 1.01)
            .last_trades_capacity(10_000)
        )
        hbt = ROIVectorMarketDepthBacktest([asset])
        reached, moves, counts = np.full(TURNS, np.nan), np.full(TURNS, np.nan), np.zeros(500)
        began = time.process_time()
        turns, orders = _make(hbt, reached, moves, counts, lot, tick)
        if turn:  # the first one compiles
            best_s = min(best_s, time.process_time() - began)
        hbt.close()
    Path(told).write_text(json.dumps({"seconds": best_s, "turns": int(turns), "orders": int(orders)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
