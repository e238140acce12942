"""Signed flow of takers with a memory of MEMORY_S, measured by its own usual size."""

import math
from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S

MEMORY_S: Final = 10.0
TAKER_FLOW = record([("flow_usd", "f8"), ("flow_ns", "i8"), ("flow_square", "f8")])
"""Bought less sold, forgotten since `flow_ns`; mean square of it."""


@nb.njit(cache=True)
def clear_flow(flow: Any) -> None:
    """Nobody has traded."""
    flow.flow_usd = 0.0
    flow.flow_ns = 0
    flow.flow_square = 0.0


@nb.njit(cache=True)
def take_print(flow: Any, now_ns: int, aggressor: int, worth_usd: float) -> None:
    """A trade of `worth_usd` (`aggressor` 0 buy, 1 sell); one that is late is taken at the newest time."""
    later_ns = max(flow.flow_ns, now_ns)
    flow.flow_usd *= math.exp(-(later_ns - flow.flow_ns) / NS_PER_S / MEMORY_S) if flow.flow_ns > 0 else 0.0
    flow.flow_ns = later_ns
    flow.flow_usd += worth_usd * (1.0 - 2.0 * aggressor)


@nb.njit(cache=True)
def flow_z(flow: Any, now_ns: int, gain_ratio: float, is_known: bool) -> float:  # noqa: FBT001 - compiled
    """The flow at `now_ns` over its own sd, which learns by `gain_ratio`; 0 until that `is_known`.

    What is known is moved by three sd at most.
    """
    usd = flow.flow_usd * math.exp(-max(0, now_ns - flow.flow_ns) / NS_PER_S / MEMORY_S)
    z = usd / math.sqrt(flow.flow_square) if flow.flow_square > 0.0 and is_known else 0.0
    square = min(usd * usd, 9.0 * flow.flow_square) if is_known else usd * usd
    flow.flow_square += gain_ratio * (square - flow.flow_square)
    return z
