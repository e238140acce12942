"""Plays one tape with one list of orders through hftbacktest; run by `hft.py` in that package's own environment.

    python hftbacktest_side.py tape.npz result.npz

In: `feed` (its event dtype), `actions` (ts ns, 0 place or 1 cancel, id, side 0 buy or 1 sell, price, size) in order of
time, `tick`, `lot`, `exponent`. Out: `left` (size of each order not filled), `when` (ns of its last fill, 0 without)
`done` actions and `seconds` of processor time, the best of three.
"""

import sys
import time
from typing import Any

import numba as nb
import numpy as np
from hftbacktest import GTX, LIMIT, BacktestAsset, HashMapMarketDepthBacktest

NO_WAIT = False
END_OF_DATA = 1
RETRIES = 8
RECENT = 64
"""Orders whose fills are looked for; more than ever rest at once."""


@nb.njit
def _look(hbt: Any, upto: int, left: Any, when: Any) -> None:
    orders = hbt.orders(0)
    for order_id in range(max(1, upto - RECENT), upto + 1):
        if order_id in orders:
            order = orders.get(order_id)
            if order.leaves_qty < left[order_id] - 1e-12:
                left[order_id] = order.leaves_qty
                when[order_id] = order.exch_timestamp


@nb.njit
def _run(hbt: Any, actions: Any, left: Any, when: Any) -> int:
    """Actions done before the end of the data, or before an error that stays."""
    newest = np.int64(0)
    hbt.elapse(0)  # before that its clock stands at the end of time
    for i in range(len(actions)):
        ts, kind, number, side, px, qty = actions[i]
        order_id = np.int64(number)
        code = hbt.elapse(np.int64(ts) - hbt.current_timestamp)
        for _ in range(RETRIES):  # a cancel that met its order's fill comes back as an error and stops the clock
            if code > END_OF_DATA:
                code = hbt.elapse(np.int64(ts) - hbt.current_timestamp)
        if code != 0:
            return i
        _look(hbt, newest, left, when)
        if kind == 1:
            if hbt.orders(0).get(order_id).cancellable:
                hbt.cancel(0, order_id, NO_WAIT)
            continue
        newest = order_id
        if side == 0:
            hbt.submit_buy_order(0, order_id, px, qty, GTX, LIMIT, NO_WAIT)
        else:
            hbt.submit_sell_order(0, order_id, px, qty, GTX, LIMIT, NO_WAIT)
    return len(actions)


def main(tape: str, result: str) -> None:
    """Entry of the program."""
    given = np.load(tape)
    feed = given["feed"]  # the package keeps its address only
    best_s = float("inf")
    left = when = np.zeros(0)
    done = 0
    for turn in range(4):
        asset = (
            BacktestAsset()
            .data([feed])
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .power_prob_queue_model(float(given["exponent"]))
            .partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(float(given["tick"]))
            .lot_size(float(given["lot"]))
        )
        hbt = HashMapMarketDepthBacktest([asset])
        n = int(given["actions"][:, 2].max()) + 1
        left, when = np.zeros(n), np.zeros(n, np.int64)
        left[given["actions"][:, 2].astype(np.int64)] = given["actions"][:, 5]
        start = time.process_time()
        done = _run(hbt, given["actions"], left, when)
        if turn:  # the first one compiles
            best_s = min(best_s, time.process_time() - start)
        hbt.close()
    np.savez(result, left=left, when=when, seconds=best_s, done=done)


if __name__ == "__main__":
    main(*sys.argv[1:])
