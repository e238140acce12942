"""The bytes of one EVENT record, written in a single call.

Setting 40 fields of a NumPy record one by one costs 5-10 us; one `struct` call costs under 1 us.
The format is derived from the dtype, so a field added to EVENT is noticed here.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.events import BOOK_LEVELS, EVENT

_CODES: Final = {"i4": "i", "i8": "q", "u8": "Q", "f8": "d"}
_HEAD: Final = ("kind", "coin", "side", "level", "status", "bits", "seq", "venue_ms", "recv_ns", "oid", "tid")
_MIDDLE: Final = ("cloid_hi", "cloid_lo", "px_ticks", "sz_lots", "fee_1e8", "bid_ticks", "ask_ticks")
_TAIL: Final = ("px", "sz", "px2", "sz2", "bid_px", "bid_sz", "ask_px", "ask_sz")
ORDER: Final = _HEAD + _MIDDLE + _TAIL
"""Fields in the order of the arguments of `pack_event` (each book side is BOOK_LEVELS numbers)."""


def _format(dtype: np.dtype[Any]) -> str:
    """Describe the dtype to `struct`, padding included."""
    fields = dtype.fields
    if fields is None or tuple(dtype.names or ()) != ORDER:
        msg = f"EVENT has fields {dtype.names}, the writer knows {ORDER}: teach it the new order"
        raise ValueError(msg)
    text, at = "<", 0
    for name in ORDER:
        kind, offset = fields[name][0], fields[name][1]
        base, shape = kind.subdtype if kind.subdtype is not None else (kind, ())
        count = int(np.prod(shape, dtype=np.int64))
        text += "x" * (offset - at) + f"{count}{_CODES[base.str[1:]]}"
        at = offset + kind.itemsize
    return text + "x" * (dtype.itemsize - at)


pack_event: Final[Callable[..., None]] = struct.Struct(_format(EVENT)).pack_into
"""`pack_event(array, byte offset, *fields in ORDER)`; raises struct.error when a number does not fit its field."""
SIZE: Final = EVENT.itemsize
NO_LEVELS: Final = (0.0,) * (4 * BOOK_LEVELS)
"""The four empty book columns of an event without a book."""
EventArray = npt.NDArray[Any]
"""A C-contiguous array of EVENT."""
