"""Worst case of one coin: position + resting + in flight + unknown, per side (architecture §2).

An order leaves the worst case only on a terminal event. Cancel-and-place counts both orders, a modify the larger, a
modify of unknown outcome the sum. The functions on plain numbers serve the gateway's ledger too.
"""

from typing import Any

import numba as nb

from portfolio_mm.engine.orders import DONE, LEVELS, MODIFYING, NONE, PENDING

USD_PER_TICK_LOT = 1e-6
"""A tick is 10^-(6 - d) USD and a lot 10^-d coins, so ticks * lots is in 1e-6 USD on every coin (HL §6)."""


@nb.njit(cache=True)
def pair_lots(old_state: int, old_lots: int, new_state: int, new_lots: int) -> int:
    """Lots that an order and its replacement can still fill together.

    >>> pair_lots(4, 10, 1, 30), pair_lots(5, 10, 5, 30), pair_lots(3, 10, 1, 30), pair_lots(2, 10, 0, 0)
    (30, 40, 40, 10)
    """
    old = 0 if old_state in (NONE, DONE) else old_lots
    new = 0 if new_state in (NONE, DONE) else new_lots
    if old_state == MODIFYING and new_state == PENDING:
        return max(old, new)
    return old + new


@nb.njit(cache=True)
def side_lots(orders: Any, side: int) -> int:
    """Lots that own orders of one side can still fill."""
    total = 0
    for level in range(LEVELS):
        legs = orders.slots[side, level].leg
        total += pair_lots(legs[0].state, legs[0].lots, legs[1].state, legs[1].lots)
    return total


@nb.njit(cache=True)
def worst_case_lots(position_lots: int, buy_lots: int, sell_lots: int) -> tuple[int, int]:
    """Largest long and largest short position that can come about, lots, both as positive numbers (0 if neither).

    >>> worst_case_lots(5, 10, 20)
    (15, 15)
    """
    return max(0, position_lots + buy_lots), max(0, sell_lots - position_lots)


@nb.njit(cache=True)
def notional_usd(lots: int, px_ticks: float) -> float:
    """USD value of lots at a price in ticks."""
    return lots * px_ticks * USD_PER_TICK_LOT
