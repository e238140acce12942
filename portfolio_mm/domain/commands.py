"""The command record: what a coin asks of the gateway. A command is a wish; only the gateway makes an order of it."""

from enum import IntEnum
from typing import Final

from portfolio_mm.domain.records import record


class CommandKind(IntEnum):
    """PLACE a new order, MODIFY a live one (cancel-and-place at the venue), CANCEL one."""

    PLACE = 1
    MODIFY = 2
    CANCEL = 3


REDUCE_ONLY: Final = 1
"""Bit: the order may only shrink the position."""
SAFETY: Final = 2
"""Bit on CANCEL: not subject to the action price (stale data, no permit, breach)."""

COMMAND = record(
    [
        ("kind", "i4"),
        ("coin", "i4"),
        ("side", "i4"),
        ("level", "i4"),
        ("bits", "i4"),
        ("cause", "i4"),
        ("px_ticks", "i8"),
        ("sz_lots", "i8"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("target_hi", "u8"),
        ("target_lo", "u8"),
        ("decision", "i8"),
        ("cause_ns", "i8"),
        ("cause_ms", "i8"),
        ("gain_usd", "f8"),
        ("fair_px", "f8"),
    ]
)
"""`cloid_*` names the order this command creates (PLACE, MODIFY); `target_*` the order it ends (MODIFY, CANCEL).
`cause` is the `EventKind`, `cause_ns` the receive time (monotonic), `cause_ms` the block time of the event behind it;
`gain_usd` the expected gain the action price was compared with; `fair_px` the fair value at the decision."""
