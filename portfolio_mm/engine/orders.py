"""Life cycle of own orders as one table, and the slots in which a coin keeps them (kernels on them: slots.py).

`TRANSITIONS[state][event]` is the whole truth about one order: the page uses it compiled, others through `next_state`,
the tests and docs/wiring.md read it. A slot (side, level) holds up to two orders ("legs"): leg 0 rests, leg 1 is on its
way (a new order, or the replacement of leg 0), or `apart`.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.order import OrderEvent, OrderState
from portfolio_mm.domain.records import record
from portfolio_mm.engine.snapshot import SNAPSHOT, clear_snapshot

LEVELS: Final = 3
NONE, PENDING, LIVE, CANCELLING, MODIFYING, UNKNOWN, DONE = (int(state) for state in OrderState)
_E, _S = OrderEvent, OrderState
ACCEPTED, REFUSED, CANCELLED, FILLED, UNCERTAIN, CANCEL_FAILED, REPLACED, MODIFY_FAILED, SHRUNK = (int(e) for e in _E)

_PLAIN: Final = {
    _E.ACCEPTED: _S.LIVE,
    _E.REFUSED: _S.DONE,
    _E.CANCELLED: _S.DONE,
    _E.FILLED: _S.DONE,
    _E.UNCERTAIN: _S.UNKNOWN,
    _E.CANCEL_FAILED: _S.LIVE,
    _E.REPLACED: _S.LIVE,
    _E.MODIFY_FAILED: _S.LIVE,
    _E.SHRUNK: _S.LIVE,
}
TRANSITIONS: Final[dict[OrderState, dict[OrderEvent, OrderState]]] = {
    _S.NONE: {**dict.fromkeys(_E, _S.NONE), **dict.fromkeys((_E.ACCEPTED, _E.REPLACED, _E.SHRUNK), _S.LIVE)}
    | {_E.UNCERTAIN: _S.UNKNOWN},
    _S.PENDING: {**_PLAIN, _E.CANCEL_FAILED: _S.PENDING, _E.MODIFY_FAILED: _S.DONE},
    _S.LIVE: {**_PLAIN, _E.REFUSED: _S.LIVE},
    _S.CANCELLING: {
        **_PLAIN,
        **dict.fromkeys((_E.ACCEPTED, _E.REPLACED, _E.MODIFY_FAILED, _E.SHRUNK), _S.CANCELLING),
    },
    _S.MODIFYING: {
        **_PLAIN,
        **dict.fromkeys((_E.ACCEPTED, _E.CANCEL_FAILED, _E.SHRUNK), _S.MODIFYING),
        _E.REFUSED: _S.LIVE,
        _E.REPLACED: _S.DONE,
    },
    _S.UNKNOWN: {**_PLAIN, _E.CANCEL_FAILED: _S.UNKNOWN},
    _S.DONE: dict.fromkeys(_E, _S.DONE),
}
"""Next state of one order, by what the gateway says about it. DONE is final; NONE is an order not known before."""
TABLE: Final = np.array(
    [[TRANSITIONS[s].get(OrderEvent(e), s) if e else s for e in range(len(_E) + 1)] for s in _S], dtype=np.int32
)
COMMANDED: Final = np.array([0, CANCELLING, CANCELLING, CANCELLING, CANCELLING, UNKNOWN, DONE], dtype=np.int32)
"""Next state of an order when we ask to cancel it (UNKNOWN stays: hands off until the gateway knows)."""

LEG = record(
    [
        ("state", "i4"),
        ("reduce_only", "i2"),
        ("apart", "i2"),
        ("px_ticks", "i8"),
        ("lots", "i8"),
        ("placed_lots", "i8"),
        ("filled_lots", "i8"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("oid", "i8"),
        ("fair_px", "f8"),
        ("sent_ns", "i8"),
        ("live_ns", "i8"),
        ("cancel_ns", "i8"),
        ("snap", SNAPSHOT),
    ]
)
"""`apart` is 1 of a leg 1 that replaces nothing: it rests, was told by a snapshot, and found no room."""
GHOST = record(
    [
        ("px_ticks", "i8"),
        ("lots", "i8"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("fair_px", "f8"),
        ("until_ns", "i8"),
        ("snap", SNAPSHOT),
    ]
)
SLOT = record([("leg", LEG, (2,)), ("ghost", GHOST)])
ORDERS = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("syncing", "i4"),
        ("slots", SLOT, (2, LEVELS)),
        ("run", "i8"),
        ("epoch", "i8"),
        ("serial", "i8"),
        ("decision", "i8"),
        ("strangers", "i8"),
        ("overflow", "i8"),
        ("backoff_until_ns", "i8", (2,)),
        ("backoff_count", "i8", (2,)),
        ("backoff_class", "i4", (2,)),
        ("priced_ns", "i8", (2, LEVELS)),
        ("priced_gain_usd", "f8", (2, LEVELS)),
        ("filled", SNAPSHOT),
    ]
)
"""`ready` is 1 once a SYNC told run and epoch; `syncing` 1 until the last event of its snapshot; `priced_*` when
a place was last judged not worth an action, and what it would have gained; `filled` the snapshot of the order the
newest own fill belongs to; `overflow` how many orders the last snapshot told for which there was no place at all."""


def next_state(state: OrderState, event: OrderEvent) -> OrderState:
    """Next state of one order by the table, for users outside compiled code.

    >>> next_state(OrderState.MODIFYING, OrderEvent.MODIFY_FAILED).name
    'LIVE'
    """
    return TRANSITIONS[state][event]


@nb.njit(cache=True)
def clear_leg(leg: Any) -> None:
    """No order in this leg."""
    leg.state = NONE
    leg.reduce_only = 0
    leg.apart = 0
    leg.px_ticks = 0
    leg.lots = 0
    leg.placed_lots = 0
    leg.filled_lots = 0
    leg.cloid_hi = 0
    leg.cloid_lo = 0
    leg.oid = 0
    leg.fair_px = 0.0
    leg.sent_ns = 0
    leg.live_ns = 0
    leg.cancel_ns = 0
    clear_snapshot(leg.snap)
