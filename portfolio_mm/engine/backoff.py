"""How long a side waits after a refusal, by its class (E2)."""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.order import OrderEvent, Refusal

ACCEPTED, REFUSED, REPLACED = int(OrderEvent.ACCEPTED), int(OrderEvent.REFUSED), int(OrderEvent.REPLACED)
MODIFY_FAILED: Final = int(OrderEvent.MODIFY_FAILED)
BACKOFF_S: Final[dict[Refusal, float]] = {
    Refusal.NONE: 1.0,
    Refusal.NO_PERMIT: 0.5,
    Refusal.LIMIT: 2.0,
    Refusal.MARGIN: 5.0,
    Refusal.WOULD_CROSS: 0.25,
    Refusal.TICK_OR_LOT: 30.0,
    Refusal.MIN_NOTIONAL: 10.0,
    Refusal.REDUCE_ONLY: 2.0,
    Refusal.BUDGET: 10.0,
    Refusal.PRICED_OUT: 5.0,
    Refusal.RECONCILING: 1.0,
    Refusal.STALE: 0.5,
    Refusal.VENUE_WINDOW: 10.0,
    Refusal.RATE_LIMIT: 10.0,
    Refusal.VENUE_OTHER: 5.0,
    Refusal.DUPLICATE: 1.0,
    Refusal.GONE: 0.1,
}
"""First wait after a refusal, by class; doubles with each refusal in a row, at most 32 times."""
BACKOFF_NS: Final = np.array([int(BACKOFF_S[r] * 1e9) for r in Refusal], dtype=np.int64)


@nb.njit(cache=True)
def on_answer(orders: Any, side: int, status: int, refusal: int, wait_ns: int, now_ns: int) -> None:  # noqa: PLR0917 - kernels take flat arguments
    """Learn from an answer: a refusal backs the side off, an acceptance ends the series.

    Where the gateway knows when the next order will be possible (`wait_ns`), nothing is guessed.
    """
    if status in (ACCEPTED, REPLACED):
        orders.backoff_count[side] = 0
    elif status in (REFUSED, MODIFY_FAILED):
        kind = refusal if 0 <= refusal < len(BACKOFF_NS) else 0
        if wait_ns > 0:
            orders.backoff_until_ns[side] = now_ns + wait_ns
        else:
            orders.backoff_until_ns[side] = now_ns + BACKOFF_NS[kind] * 2 ** min(orders.backoff_count[side], 5)
            orders.backoff_count[side] += 1
        orders.backoff_class[side] = kind
